//! What a seed stands for: who takes part, and what will go wrong when.

use tiffin_shared::directory::Billing;
use tiffin_shared::id::GatewayId;
use tiffin_shared::order::Reason;
use tiffin_shared::route::Sender;
use tiffin_shared::route::Way;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;

use crate::random::Random;

pub const START: UnixMs = UnixMs(1_795_082_400_000);
/// Clocks of processes differ by at most twice this.
pub const SKEW_MS: u64 = 2_000;
/// Orders made after the faults have stopped; each must arrive.
pub const CALM_ORDERS: usize = 16;
/// From the last fault until the first of them: breakers that were opened want probes, providers a pause.
const CALM_AFTER_MS: u64 = 65 * SECOND_MS;

/// A text costs a thousand millionths or two, a call four.
const BILLINGS: [&str; 2] = [
    r#"{"currency": "USD", "opening_micros": 60000, "low_balance_micros": 20000}"#,
    r#"{"mode": "postpaid", "currency": "USD", "credit_limit_micros": 10000000}"#,
];

/// What a provider does with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Delivered first, then failed.
    Denied,
    /// The later receipt comes first.
    Disordered,
    /// An error of its own.
    Down,
    /// Receipts after half a minute and more.
    Late,
    Ok,
    /// The user has the message before we have the answer.
    ReceiptFirst,
    Reject(Reason),
    /// The connection ends without an answer, whether it was taken or not.
    Reset,
    /// Taken, and never heard of again.
    Silent,
    Throttle,
    /// No answer, whether it was taken or not.
    Timeout,
    Twice,
    /// Taken, and then a receipt that says no.
    Undelivered(Reason),
}

/// From then on, so often.
#[derive(Clone, Copy)]
pub struct Spell {
    pub from: UnixMs,
    pub mode: Mode,
    pub permille: u64,
}

pub struct Account {
    pub way: Way,
    pub priority: u16,
    pub looks_max: u8,
    pub spells: Vec<Spell>,
}

#[derive(Clone, Copy)]
pub struct Span {
    pub from: UnixMs,
    pub to: UnixMs,
}

/// A fault of the simulated worker, to see that the simulation finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// The job is off the queue before the record knows of it.
    AcksBeforeItClaims,
    /// An order that was held up by an open breaker never asks to probe it.
    ProbesOnlyAtFirst,
}

pub struct Plan {
    pub seed: u64,
    pub planted: Option<Planted>,
    pub orders: usize,
    pub phones: usize,
    pub partitions: u16,
    /// Of each process.
    pub skews_ms: Vec<i64>,
    pub accounts: Vec<Account>,
    /// How the tenant pays, in two worlds of three: at first it has little.
    pub billing: Option<Billing>,
    /// From here on nothing goes wrong.
    pub calm_from: UnixMs,
    pub store_away: Vec<Span>,
    /// Commands of which the store takes none, and those whose answer is lost.
    pub lost_permille: u64,
    pub unheard_permille: u64,
    /// The store forgets a record now and then; what holds then is less.
    pub forgets: bool,
    pub crash_every_ms: u64,
    /// So many of a job's steps are their worker's last.
    pub fatal_permille: u64,
    pub move_every_ms: u64,
    /// Hand-overs, confirms, events and callbacks that are lost.
    pub net_permille: u64,
    /// A job that waits in memory looks at its record this often, for a receipt may come to another process.
    pub looks_again_ms: u64,
    /// Workers leave jobs alone whose codes are over; if not, the record has to refuse them.
    pub looks_at_clock: bool,
    /// Longer waits go to the ladder.
    pub hold_ms: u64,
}

impl Plan {
    pub fn new(seed: u64, planted: Option<Planted>) -> Self {
        let random = &mut Random::new(seed);
        let calm_from = START.plus(random.between(60, 240) * SECOND_MS);
        // One world in eight is without faults of our own: only providers fail.
        let rough = u64::from(!random.chance(125));
        let skew = |random: &mut Random| i64::try_from(random.below(2 * SKEW_MS)).unwrap() - SKEW_MS as i64;
        let workers = random.between(2, 5);
        let away = random.below(3) * rough;
        Self {
            seed,
            planted,
            orders: 90,
            phones: random.between(4, 40) as usize,
            partitions: random.pick(&[1, 2, 4]),
            skews_ms: (0..workers).map(|_| skew(random)).collect(),
            accounts: accounts(calm_from, random),
            billing: BILLINGS.get(seed as usize % 3).map(|text| serde_json::from_str(text).unwrap()),
            calm_from,
            store_away: (0..away).map(|_| span(calm_from, random)).collect(),
            lost_permille: random.pick(&[0, 5, 50]) * rough,
            unheard_permille: random.pick(&[0, 5, 50]) * rough,
            forgets: seed % 8 == 7,
            crash_every_ms: random.pick(&[u64::MAX / 2, 60 * SECOND_MS, 10 * SECOND_MS, 3 * SECOND_MS]),
            fatal_permille: random.pick(&[0, 2, 20]) * rough,
            move_every_ms: random.pick(&[u64::MAX / 2, 60 * SECOND_MS, 10 * SECOND_MS]),
            net_permille: random.pick(&[0, 20, 200]) * rough,
            looks_again_ms: random.pick(&[2 * SECOND_MS, u64::MAX]),
            looks_at_clock: random.chance(500),
            hold_ms: random.pick(&[2 * SECOND_MS, 30 * SECOND_MS, u64::MAX]),
        }
    }

    pub fn all_orders(&self) -> usize {
        self.orders + CALM_ORDERS
    }

    pub fn is_calm_order(&self, order: usize) -> bool {
        order >= self.orders
    }

    /// When an order is made.
    pub fn made_at(&self, order: usize, random: &mut Random) -> UnixMs {
        if self.is_calm_order(order) {
            let nth = (order - self.orders) as u64;
            return self.calm_from.plus(CALM_AFTER_MS + nth * 4 * SECOND_MS);
        }
        START.plus(random.below(self.calm_from.since(START)))
    }

    /// The whole of it is over.
    pub fn ends_at(&self) -> UnixMs {
        self.calm_from.plus(CALM_AFTER_MS + 900 * SECOND_MS)
    }
}

fn span(calm_from: UnixMs, random: &mut Random) -> Span {
    let from = START.plus(random.below(calm_from.since(START)));
    let lasts_ms = random.pick(&[300, 3_000, 12_000, 40_000]);
    Span { from, to: from.plus(lasts_ms).min(calm_from) }
}

/// Texts by two accounts or one with two senders, WhatsApp, and calls.
fn accounts(calm_from: UnixMs, random: &mut Random) -> Vec<Account> {
    let mut names = vec![("sms-a", Channel::Sms), ("sms-b", Channel::Sms)];
    names.extend([("wa", Channel::Whatsapp), ("voice", Channel::Voice)]);
    if random.chance(300) {
        names.remove(1);
    }
    // A provider in ten stays well, so that in some worlds only one of them fails.
    let make = |(at, (name, channel)): (usize, &(&str, Channel)), random: &mut Random| Account {
        way: Way {
            channel: *channel,
            gateway: GatewayId::parse(name).unwrap(),
            sender: random.chance(500).then(|| Sender::parse("Tiffin").unwrap()),
        },
        priority: at as u16,
        looks_max: if random.chance(500) { 2 } else { 0 },
        spells: if random.chance(100) { Vec::new() } else { spells(calm_from, random) },
    };
    names.iter().enumerate().map(|name| make(name, random)).collect()
}

fn spells(calm_from: UnixMs, random: &mut Random) -> Vec<Spell> {
    let reasons = [
        Reason::AbsentTemporary,
        Reason::AuthFailed,
        Reason::Blocked,
        Reason::ContentFiltered,
        Reason::InsufficientBalance,
        Reason::InvalidNumber,
        Reason::Rejected,
        Reason::TtlExpired,
    ];
    let mut spells = Vec::new();
    let mut from = START;
    while from < calm_from {
        let reason = random.pick(&reasons);
        let mode = random.pick(&[
            Mode::Ok,
            Mode::Ok,
            Mode::Denied,
            Mode::Disordered,
            Mode::Down,
            Mode::Down,
            Mode::Late,
            Mode::ReceiptFirst,
            Mode::Reject(reason),
            Mode::Reset,
            Mode::Silent,
            Mode::Throttle,
            Mode::Timeout,
            Mode::Twice,
            Mode::Undelivered(reason),
        ]);
        spells.push(Spell { from, mode, permille: random.pick(&[200, 700, 1_000]) });
        from = from.plus(random.between(5, 90) * SECOND_MS);
    }
    spells.push(Spell { from: calm_from, mode: Mode::Ok, permille: 1_000 });
    spells
}
