//! The guard against SMS pumping: watches how much of what is sent gets verified, per prefix and per country, and how
//! many guesses fail per tenant.
//!
//! Whoever earns from messages orders many and verifies few. The guard speaks in two voices. A **budget** of
//! unverified orders is judged at once, fresh orders too, and earns a short challenge. A **conversion** is judged only
//! over orders whose users had time to verify, and earns a longer challenge or a block. A block needs more than a low
//! conversion: the traffic around the prefix must convert, or it may be the delivery that fails; and the volume must be out
//! of the ordinary. Countries and tenants are never blocked, only challenged.
//!
//! One state per subject, kept under (tenant, prefix tag), (tenant, country) or (tenant). A missing state means a subject
//! without a past: nothing is blocked, and the floors of the budgets apply. A state is at most [`STATE_BYTES_MAX`] long.

use serde::Deserialize;
use serde::Serialize;

use crate::bytes::Bytes;
use crate::machine::Machine;
use crate::machine::Step;
use crate::time::DAY_MS;
use crate::time::HOUR_MS;
use crate::time::SECOND_MS;
use crate::time::UnixMs;

pub use self::counts::Count;
use self::counts::Counts;
pub use self::counts::Rates;
pub use self::grounds::Grounds;
pub use self::policy::Mode;
pub use self::policy::Policy;

pub mod blocklist;
pub mod counts;
mod grounds;
mod judge;
pub mod policy;
mod rules;
pub mod verdicts;

/// The longest state as JSON: 31 half minutes, 25 hours, 8 days and 32 batch ids at their widest.
pub const STATE_BYTES_MAX: usize = 5_120;
/// Batches remembered so that one that comes again counts once. With a flush a second and four core processes that
/// is eight seconds, twice the deadline of a store's call.
pub const BATCHES_MAX: usize = 32;
/// Entries of one batch that count. A flush covers a second of sends, and verifications of at most an hour.
pub const BATCH_COUNTS_MAX: usize = 128;
/// How long a subject with a past is remembered after its last event: its baseline is a week.
pub const KEEP_MS: u64 = 8 * DAY_MS;
/// How long a subject is remembered whose past changes nothing: the long span and an hour.
pub const KEEP_SHORT_MS: u64 = DAY_MS + HOUR_MS;
/// When a change that nobody confirmed is told again.
const TELL_AGAIN_MS: u64 = 10 * SECOND_MS;
/// After this long without a new offence the durations start anew.
const STRIKES_FORGET_MS: u64 = 7 * DAY_MS;

/// The machine.
pub enum Guard {}

/// What is watched. It does not change for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A tenant's orders to one country.
    Country,
    /// A tenant's orders to the 10,000 numbers that differ in the last four digits.
    Prefix,
    /// A tenant's guesses at codes.
    Guesses,
}

/// One event with what its step may use.
#[derive(Clone, Debug)]
pub struct Command {
    /// What is watched.
    pub kind: Kind,
    /// The thresholds.
    pub policy: Policy,
    /// What core knows of the world around the subject.
    pub around: Around,
    /// What is asked.
    pub ask: Ask,
}

/// What core knows that one subject's counts cannot tell: whether orders arrive and reports come in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Around {
    /// The [`Figures::settled`] of the prefix's country (or of the gateway, where the country is small), this prefix included.
    /// `None` where core does not know.
    pub country: Option<Rates>,
    /// Since when, as far as core knows, messages to this subject were delivered and the edge's reports came in without a
    /// gap: the later of core's start, the end of its last outage, and the end of the last outage of a gateway on the
    /// route. While one lasts: now.
    pub sound_since: UnixMs,
}

/// What is asked of a guard.
#[derive(Clone, Debug)]
pub enum Ask {
    /// Something happened.
    Note {
        /// Names the batch: one that comes again counts once.
        batch: Bytes<16>,
        /// By the time of sending. [`BATCH_COUNTS_MAX`] entries count.
        counts: Vec<Count>,
    },
    /// An operator asks how things stand. Nothing changes.
    Look,
    /// The operator lifts the verdict and forgives the evidence.
    Release,
    /// The alarm rang.
    Tick,
    /// The change with this number stands in the list of verdicts.
    Told(u64),
}

/// How an order to the subject is treated. Later is stricter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Like any other.
    #[default]
    Open,
    /// Only after a challenge.
    Challenge,
    /// Not at all.
    Block,
}

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The country converts far below its own past.
    CountryDrop,
    /// Too many of the tenant's guesses are wrong.
    FailedGuesses,
    /// Few of the orders were verified.
    LowConversion,
    /// Next to none of the orders were verified.
    NoConversion,
    /// More orders are unverified than the subject's past allows for.
    UnverifiedBudget,
}

/// A level above open, while it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// How orders are treated.
    pub level: Level,
    /// From then on they are not.
    pub until: UnixMs,
    /// Why.
    pub because: Cause,
    /// Whether the edge acts on it.
    pub mode: Mode,
}

/// What a verdict was judged by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// The last ten minutes, fresh orders included.
    pub recent: Rates,
    /// Ten minutes of orders whose users had time to verify.
    pub settled: Rates,
    /// The running hour and the one before of such orders.
    pub hour: Rates,
    /// A day of such orders.
    pub day: Rates,
    /// Orders that ten minutes usually bring at this time.
    pub usual_sends: u32,
    /// Most verified in ten minutes of the last week.
    pub best: u32,
    /// The seven days before today.
    pub past: Rates,
    /// Guesses in the last ten minutes that were right.
    pub right_guesses: u32,
    /// And wrong.
    pub wrong_guesses: u32,
}

/// How things stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The verdict; `None` means open.
    pub verdict: Option<Standing>,
    /// What it was judged by.
    pub figures: Figures,
    /// What led to the verdict; none where it is not known.
    pub grounds: Option<Grounds>,
    /// The verdict is new or differs from the last: put it into the list, then ask [`Ask::Told`] with this number. One that
    /// fails comes again with a later event or `Tick`. A verdict that lapses is not told: the list knows its end.
    pub change: Option<u64>,
}

/// What is kept of a subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    clock: UnixMs,
    counts: Counts,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    standing: Option<Standing>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grounds: Option<Grounds>,
    /// Offences, for the length of the next verdict.
    strikes: u8,
    struck_at: UnixMs,
    /// Counts changes of the verdict.
    seq: u64,
    /// The latest that stands in the list.
    told: u64,
    /// The latest batches.
    batches: Vec<Bytes<16>>,
}

impl Machine for Guard {
    type State = State;
    type Command = Command;
    type Reply = Reply;

    fn step(state: Option<State>, command: &Command, now: UnixMs) -> Step<State, Reply> {
        let state = state.filter(|state| now < state.keep_until());
        let now = state.as_ref().map_or(now, |state| state.clock.max(now));
        match (&command.ask, state) {
            (Ask::Note { batch, counts }, state) => {
                let state = state.unwrap_or_else(|| State::new(now));
                if state.batches.contains(batch) {
                    return Step::keep(state.reply(state.figures(command, now), now));
                }
                state.note(*batch, counts, command, now)
            }
            (Ask::Look, Some(state)) => Step::keep(state.reply(state.figures(command, now), now)),
            (Ask::Release, Some(state)) => state.release(command, now),
            (Ask::Tick, Some(state)) => state.tick(command, now),
            (Ask::Told(seq), Some(mut state)) => {
                let figures = state.figures(command, now);
                if *seq <= state.told || *seq > state.seq {
                    return Step::keep(state.reply(figures, now));
                }
                state.told = *seq;
                state.put(figures, command, now)
            }
            (Ask::Look | Ask::Release | Ask::Tick | Ask::Told(_), None) => {
                Step::keep(Reply { verdict: None, figures: Figures::default(), grounds: None, change: None })
            }
        }
    }
}

impl State {
    fn new(now: UnixMs) -> Self {
        Self {
            clock: now,
            counts: Counts::default(),
            standing: None,
            grounds: None,
            strikes: 0,
            struck_at: UnixMs(0),
            // From the time, so that a state made anew after a loss goes on above the numbers the list has seen.
            seq: now.0,
            told: now.0,
            batches: Vec::new(),
        }
    }
}
