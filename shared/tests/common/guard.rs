//! Scripts for the guard against pumping and for the list of its verdicts.

use std::ops::Range;

use proptest::option;
use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prop_oneof;
use proptest::sample::select;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::country::Country;
use tiffin_shared::guard::Around;
use tiffin_shared::guard::Ask;
use tiffin_shared::guard::Cause;
use tiffin_shared::guard::Command;
use tiffin_shared::guard::Count;
use tiffin_shared::guard::Kind;
use tiffin_shared::guard::Level;
use tiffin_shared::guard::Mode;
use tiffin_shared::guard::Policy;
use tiffin_shared::guard::Rates;
use tiffin_shared::guard::Reply;
use tiffin_shared::guard::Standing;
use tiffin_shared::guard::blocklist::Subject;
use tiffin_shared::guard::verdicts;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::time::UnixMs;

use super::fixtures::START;
use super::host::Host;
use super::pause;
use super::pause::Pause;

pub type Move = pause::Move<Action>;

#[derive(Clone, Debug)]
pub enum Action {
    Note { back: u64, counts: Vec<Count>, around: Around },
    Release,
    Tick { mode: Mode },
    Told { back: u64 },
}

pub fn kind() -> impl Strategy<Value = Kind> {
    select(vec![Kind::Country, Kind::Guesses, Kind::Prefix, Kind::Prefix])
}

pub fn script(pauses: impl Strategy<Value = Pause>, moves: Range<usize>) -> impl Strategy<Value = Vec<Move>> {
    pause::script(pauses, action(), moves)
}

/// Seconds and minutes, so that bursts build up, are judged, and settle.
pub fn pauses() -> impl Strategy<Value = Pause> {
    prop_oneof![6 => 0..2_000_i64, 6 => 10_000..60_000_i64, 2 => 60_000..400_000_i64, 1 => 0..50_000_000_i64]
}

fn action() -> impl Strategy<Value = Action> {
    let count = (0..20 * MINUTE_MS, 0..120_u32, 0..4_u32, 0..80_u32, 0..60_u32);
    let count = (count, select(vec![0_u64, 1])).prop_map(|((age, sends, verified, failed, refused), old)| {
        Count { at: START.plus(age * old), sends, verified, failed_guesses: failed, refused }
    });
    let rates =
        (0..500_u32, 0..500_u32).prop_map(|(sends, verified)| Rates { sends, verified: verified.min(sends) });
    let around = (option::of(rates), select(vec![UnixMs(0), START, START.plus(20 * MINUTE_MS)]))
        .prop_map(|(country, sound_since)| Around { country, sound_since });
    let back = prop_oneof![6 => Just(0_u64), 1 => 1..3_u64];
    prop_oneof![
        14 => (back.clone(), proptest::collection::vec(count, 0..4), around)
            .prop_map(|(back, counts, around)| Action::Note { back, counts, around }),
        1 => Just(Action::Release),
        3 => select(vec![Mode::Enforce, Mode::Enforce, Mode::RecordOnly]).prop_map(|mode| Action::Tick { mode }),
        2 => back.prop_map(|back| Action::Told { back }),
    ]
}

/// A guard with its clock and what an onlooker knows of it.
pub struct World {
    pub host: Host,
    pub now: UnixMs,
    kind: Kind,
    change: u64,
    batches: u64,
}

impl World {
    pub fn new(kind: Kind) -> Self {
        Self { host: Host::default(), now: START, kind, change: 0, batches: 0 }
    }

    pub fn next(&mut self, step: &Move) -> Command {
        self.now = pause::after(self.now, step.pause);
        let (mut around, mut policy) = (Around::default(), Policy::default());
        let ask = match step.action.clone() {
            Action::Note { back, mut counts, around: known } => {
                self.batches += u64::from(back == 0);
                around = known;
                for count in &mut counts {
                    // Half of them happen now.
                    count.at = if count.at == START { self.now } else { count.at };
                }
                Ask::Note { batch: batch(self.batches.saturating_sub(back)), counts }
            }
            Action::Release => Ask::Release,
            Action::Tick { mode } => {
                policy.mode = mode;
                Ask::Tick
            }
            Action::Told { back } => Ask::Told(self.change.saturating_sub(back)),
        };
        Command { kind: self.kind, policy, around, ask }
    }

    pub fn note(&mut self, reply: &Reply) {
        self.change = reply.change.unwrap_or(self.change);
    }
}

pub fn batch(number: u64) -> Bytes<16> {
    Bytes(u128::from(number).to_be_bytes())
}

/// A change of a list, with an end relative to the moment it is told.
#[derive(Clone, Debug)]
pub struct Set(Option<(Subject, Option<Standing>)>);

impl Set {
    pub fn command(&self, now: UnixMs) -> verdicts::Command {
        let Some((subject, standing)) = self.0 else { return verdicts::Command::List };
        let standing = standing.map(|it| Standing { until: now.plus(it.until.0), ..it });
        verdicts::Command::Set { subject, standing }
    }
}

pub fn set() -> impl Strategy<Value = Set> {
    let country = |name: &str| Subject::Country(Country::parse(name).unwrap());
    let subject = prop_oneof![
        4 => (0..4_u8).prop_map(|tag| Subject::Prefix(Bytes([tag; 8]))),
        1 => Just(country("IN")),
        1 => Just(country("DE")),
        1 => Just(Subject::Guesses),
    ];
    let level = select(vec![Level::Open, Level::Challenge, Level::Challenge, Level::Block]);
    let mode = select(vec![Mode::Enforce, Mode::RecordOnly]);
    let standing = (level, 0..20 * MINUTE_MS, mode).prop_map(|(level, until, mode)| Standing {
        level,
        until: UnixMs(until),
        because: Cause::LowConversion,
        mode,
    });
    prop_oneof![
        6 => (subject, option::weighted(0.9, standing)).prop_map(|set| Set(Some(set))),
        1 => Just(Set(None)),
    ]
}
