//! Money: an account per tenant, what orders hold and are charged, and a log in double entry.
//!
//! Key: the tenant. Amounts are millionths of the account's currency, whole ones only. An order's record sends
//! [`Posting`]s, sums since it began, so that one that is lost, late or doubled moves nothing wrong. What moved is in the
//! account's own state until the log has it. A missing state means an account on which nothing ever happened.

mod account;
mod entry;
mod open;
mod posting;

use std::collections::BTreeMap;

use serde::Serialize;

pub use self::account::State;
pub use self::entry::Entry;
pub use self::entry::Kind;
pub use self::entry::Line;
pub use self::entry::Side;
pub use self::posting::Answer;
pub use self::posting::POSTING_MS;
pub use self::posting::Posting;
pub use self::posting::Refused;
pub use self::posting::Standing;
use crate::country::Country;
use crate::directory::Billing;
use crate::machine::Machine;
use crate::machine::Step;
use crate::machine::Write;
pub use crate::price::AMOUNT_MICROS_MAX;
pub use crate::price::Currency;
pub use crate::price::InvalidCurrency;
use crate::time::DAY_MS;
use crate::time::SECOND_MS;
use crate::time::UnixMs;

/// Orders that hold something at once: about a hundred bytes each, in a state that is written whole.
pub const OPEN_MAX: usize = 100_000;
/// Entries that wait for the log; with more the account takes no postings until the log has some.
pub const ENTRIES_MAX: usize = 8_192;
/// Operators' references that are remembered: with one a day, three years of them.
pub const REFERENCES_MAX: usize = 1_000;
/// Characters of a reference, and of a note.
pub const REFERENCE_CHARS_MAX: usize = 64;
/// Characters of a note.
pub const NOTE_CHARS_MAX: usize = 200;
/// How long an account is kept that nobody touches.
const KEEP_MS: u64 = 3_660 * DAY_MS;
/// After a step, how long entries may wait for the log before the sweep sees to them; and news for the tenant.
const LOG_AFTER_MS: u64 = 5 * SECOND_MS;

/// The machine.
pub enum Account {}

/// One event.
#[derive(Clone, Debug)]
pub struct Command {
    /// What is agreed with the tenant now.
    pub billing: Billing,
    /// The log has the entries up to this one.
    pub logged: u64,
    /// What is asked.
    pub ask: Ask,
}

/// What is asked of an account.
#[derive(Clone, Debug)]
pub enum Ask {
    /// An operator puts money in; or takes it out, where the amount is negative.
    Credit {
        /// At most [`AMOUNT_MICROS_MAX`] either way.
        amount_micros: i64,
        /// Names it: the same again moves nothing.
        reference: String,
        /// Why.
        note: Option<String>,
    },
    /// The account's first money, where it has had none.
    Open,
    /// Orders' records tell what they have come to.
    Post(Vec<Posting>),
    /// Show how it stands.
    Read,
    /// The alarm rang, or the log has more.
    Tick,
    /// The tenant was told of this entry, or of a later one.
    Told(u64),
}

/// What an account answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// To each posting, in their order.
    pub answers: Vec<Answer>,
    /// To [`Ask::Credit`].
    pub credited: Option<Credited>,
    /// How it stands.
    pub summary: Summary,
    /// Entries that the log may not have, oldest first: append them, then tell so with the next command.
    pub entries: Vec<Entry>,
    /// Less than the tenant's mark is left, and nobody has told the tenant so: tell, then ask [`Ask::Told`].
    pub tell: Option<Entry>,
}

/// What became of an operator's credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Credited {
    /// It is done.
    Done,
    /// It was done before.
    Before,
    /// Another amount went by this reference.
    Mismatch,
    /// It would leave less than nothing, or than the credit limit.
    TooLow,
    /// The account is in another currency.
    Currency,
    /// The account waits for its log.
    Busy,
}

/// How an account stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// In this currency.
    pub currency: Currency,
    /// Below zero where the tenant owes.
    pub available_micros: i64,
    /// What orders hold.
    pub held_micros: u64,
    /// What was charged, less what was refunded.
    pub charged_micros: u64,
    /// What operators put in, less what they took out.
    pub funded_micros: i64,
    /// What could be held now.
    #[serde(flatten)]
    pub reach: Reach,
    /// What is counted against the day's cap.
    pub spent_today_micros: u64,
    /// Orders that may hold something.
    pub open_orders: u64,
    /// Less is left than the tenant's mark.
    pub is_low: bool,
    /// Entries so far.
    pub seq: u64,
}

impl Summary {
    /// Nothing is there, nothing is on hold and nothing may follow: the tenant can go, or take another currency.
    pub fn is_settled(&self) -> bool {
        self.available_micros == 0 && self.held_micros == 0 && self.open_orders == 0
    }
}

/// What could be held now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reach {
    /// By balance, credit and the day's cap.
    #[serde(rename = "reach_micros")]
    pub micros: u64,
    /// The same for messages to each country that has a cap of its own.
    #[serde(rename = "reach_by_country_micros", skip_serializing_if = "BTreeMap::is_empty")]
    pub countries: BTreeMap<Country, u64>,
}

impl Machine for Account {
    type State = State;
    type Command = Command;
    type Reply = Reply;

    fn step(state: Option<State>, command: &Command, now: UnixMs) -> Step<State, Reply> {
        let state = state.filter(|state| now < state.expires_at());
        let now = state.as_ref().map_or(now, |state| state.clock().max(now));
        let mut state = state.unwrap_or_else(|| State::new(command.billing.currency, now));
        let mut is_changed = false;
        let (before, is_read) = (state.seq(), matches!(command.ask, Ask::Read));
        state.adopt(command.billing.currency, now);
        if !is_read {
            is_changed |= state.was_logged(command.logged);
            is_changed |= state.tidy(now);
        }
        let (mut answers, mut credited) = (Vec::new(), None);
        // Whatever comes first: an order may be there before the account was looked at.
        if matches!(command.ask, Ask::Credit { .. } | Ask::Open | Ask::Post(_)) {
            state.open_account(&command.billing, now);
        }
        match &command.ask {
            Ask::Credit { amount_micros, reference, note } => {
                let named = (reference.as_str(), note.as_deref());
                credited = Some(state.credit(*amount_micros, named, &command.billing, now));
            }
            Ask::Post(postings) => {
                for posting in postings {
                    let (answer, has_changed) = state.post(posting, &command.billing, now);
                    is_changed |= has_changed;
                    answers.push(answer);
                }
            }
            Ask::Open | Ask::Read | Ask::Tick => {}
            Ask::Told(seq) => is_changed |= state.told(*seq),
        }
        if !is_read {
            is_changed |= state.watch(&command.billing, now);
        }
        is_changed |= state.seq() != before && !is_read;
        let reply = Reply {
            answers,
            credited,
            summary: state.summary(&command.billing, now),
            // What only looking found is not kept.
            entries: state
                .entries()
                .iter()
                .filter(|entry| !is_read || entry.seq <= before)
                .cloned()
                .collect(),
            tell: state.untold().cloned(),
        };
        if is_changed { state.put(reply, now) } else { Step::keep(reply) }
    }
}

impl State {
    fn put(mut self, reply: Reply, now: UnixMs) -> Step<Self, Reply> {
        self.set_clock(now);
        let logs_at = (!self.entries().is_empty()).then(|| now.plus(LOG_AFTER_MS));
        // Not from the last write on: an account that is always written to would never be told of.
        let tells_at = self.untold().map(|entry| entry.at.plus(LOG_AFTER_MS));
        let wake_at = [logs_at, tells_at, self.next_let_go()].into_iter().flatten().min();
        let expires_at = self.expires_at();
        Step { reply, write: Write::Put { state: self, expires_at, wake_at } }
    }
}
