//! Scripts for a tenant's account.

use std::ops::Range;

use proptest::option;
use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prop_oneof;
use proptest::sample::select;
use tiffin_shared::country::Country;
use tiffin_shared::directory::Billing;
use tiffin_shared::id::OrderId;
use tiffin_shared::money::Account;
use tiffin_shared::money::Ask;
use tiffin_shared::money::Command;
use tiffin_shared::money::Entry;
use tiffin_shared::money::POSTING_MS;
use tiffin_shared::money::Posting;
use tiffin_shared::money::Reply;
use tiffin_shared::time::HOUR_MS;
use tiffin_shared::time::UnixMs;

use super::fixtures::START;
use super::fixtures::ledger_id;
use super::fixtures::tenant;
use super::host::Host;
use super::pause;
use super::pause::Pause;

pub type Move = pause::Move<Action>;

/// Orders and numbers are few, so that some come again, late, or in the wrong order.
#[derive(Clone, Debug)]
pub enum Action {
    Credit {
        amount_micros: i64,
        reference: u8,
    },
    /// The log has so many of the waiting entries.
    Log(usize),
    Open,
    Post(Vec<Sent>),
    Read,
    Tick,
}

/// Sums in thousands.
#[derive(Clone, Debug)]
pub struct Sent {
    pub order: u8,
    pub n: u32,
    pub sums: [u64; 4],
    pub closes: bool,
    pub country: Option<&'static str>,
    /// How old it is.
    pub age_ms: u64,
}

pub fn script(pauses: impl Strategy<Value = Pause>, moves: Range<usize>) -> impl Strategy<Value = Vec<Move>> {
    let sums = (0..9_u64, 0..9_u64, 0..9_u64, 0..9_u64).prop_map(|(a, b, c, d)| [a, b, c, d]);
    let age_ms = prop_oneof![6 => Just(0), 1 => 0..2 * POSTING_MS];
    let country = option::of(select(vec!["IN", "DE"]));
    let sent = (0..5_u8, 1..6_u32, sums, proptest::bool::weighted(0.2), country, age_ms);
    let sent = sent.prop_map(|(order, n, sums, closes, country, age_ms)| Sent {
        order,
        n,
        sums,
        closes,
        country,
        age_ms,
    });
    let action = prop_oneof![
        // The next one is made when this one is answered: no write has two of one order.
        8 => proptest::collection::vec(sent, 1..4).prop_map(|mut sent| {
            sent.sort_by_key(|sent| sent.order);
            sent.dedup_by_key(|sent| sent.order);
            Action::Post(sent)
        }),
        2 => (-20_000..40_000_i64, 0..6_u8)
            .prop_map(|(amount_micros, reference)| Action::Credit { amount_micros, reference }),
        2 => (0..9_usize).prop_map(Action::Log),
        1 => Just(Action::Open),
        1 => Just(Action::Read),
        1 => Just(Action::Tick),
    ];
    pause::script(pauses, action, moves)
}

pub fn billings() -> impl Strategy<Value = Billing> {
    select(vec![
        r#"{"currency": "USD"}"#,
        r#"{"currency": "USD", "opening_micros": 30000, "low_balance_micros": 10000}"#,
        r#"{"mode": "postpaid", "currency": "USD", "credit_limit_micros": 20000, "low_balance_micros": 5000}"#,
        r#"{"currency": "USD", "opening_micros": 90000,
            "caps": {"day_micros": 20000, "country_day_micros": {"IN": 9000}}}"#,
    ])
    .prop_map(|text| serde_json::from_str(text).unwrap())
}

pub fn order(which: u8) -> OrderId {
    OrderId::new([which; 16], ledger_id())
}

impl Sent {
    fn posting(&self, now: UnixMs) -> Posting {
        let [held, captured, released, refunded] = self.sums.map(|sum| 1_000 * sum);
        Posting {
            tenant: tenant(0),
            order: order(self.order),
            n: self.n,
            country: self.country.map(|country| Country::parse(country).unwrap()),
            held_micros: held,
            captured_micros: captured,
            released_micros: released,
            refunded_micros: refunded,
            closes: self.closes,
            until: now.plus(26 * HOUR_MS),
            deadline: now.minus(self.age_ms).plus(POSTING_MS),
        }
    }
}

/// An account with its clock, and the log beside it.
pub struct World {
    pub host: Host,
    pub now: UnixMs,
    pub billing: Billing,
    /// What the log has taken.
    pub log: Vec<Entry>,
    /// What it has not.
    pub waiting: Vec<Entry>,
}

impl World {
    pub fn new(billing: Billing) -> Self {
        Self { host: Host::default(), now: START, billing, log: Vec::new(), waiting: Vec::new() }
    }

    pub fn next(&mut self, step: &Move) -> Command {
        self.now = pause::after(self.now, step.pause);
        let clock = self.host.seen(self.now);
        let ask = match &step.action {
            Action::Credit { amount_micros, reference } => Ask::Credit {
                amount_micros: *amount_micros,
                reference: format!("invoice {reference}"),
                note: Some("by bank".into()),
            },
            Action::Log(count) => {
                let count = (*count).min(self.waiting.len());
                self.log.extend(self.waiting.drain(..count));
                Ask::Tick
            }
            Action::Open => Ask::Open,
            Action::Post(sent) => Ask::Post(sent.iter().map(|sent| sent.posting(clock)).collect()),
            Action::Read => Ask::Read,
            Action::Tick => Ask::Tick,
        };
        let logged = self.log.last().map_or(0, |entry| entry.seq);
        Command { billing: self.billing.clone(), logged, ask }
    }

    pub fn play(&mut self, command: &Command) -> Reply {
        let reply = self.host.ask::<Account>(command, self.now);
        self.waiting.clone_from(&reply.entries);
        if matches!(command.ask, Ask::Read) {
            let logged = self.log.last().map_or(0, |entry| entry.seq);
            self.waiting.retain(|entry| entry.seq > logged);
        }
        reply
    }
}
