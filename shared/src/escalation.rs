//! What people have to look at: refunds to claim, suppliers to leave, abuse to stop. One state holds them all.
//!
//! Opened by a rule, there is one open escalation for each rule and subject, and further orders are added to it: an outage is one
//! matter and not a thousand. A missing state means that there are none.

mod watch;

use serde::Deserialize;
use serde::Serialize;

pub use self::watch::Limits;
pub use self::watch::Matter;
pub use self::watch::Watch;
use crate::bytes::Bytes;
use crate::id::GatewayId;
use crate::id::OrderId;
use crate::id::TenantId;
use crate::machine::Machine;
use crate::machine::Step;
use crate::machine::Write;
use crate::time::DAY_MS;
use crate::time::UnixMs;

/// Open ones at once: more than a team works off in a week. A rule opens no more then, and a person is told so.
pub const OPEN_MAX: usize = 200;
/// Orders named in one; the export has the others.
pub const ORDERS_MAX: usize = 100;
/// Notes of one.
pub const NOTES_MAX: usize = 50;
/// Resolved ones that are still shown, the latest; the audit log has the others.
const RESOLVED_MAX: usize = 50;
/// How long all of them are kept when nobody touches any.
const KEEP_MS: u64 = 366 * DAY_MS;

/// The machine.
pub enum Escalations {}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    clock: UnixMs,
    /// The number of the latest.
    last: u64,
    /// Oldest first.
    all: Vec<Escalation>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    /// Counts from 1.
    pub id: u64,
    /// What it is about.
    pub kind: Kind,
    /// Which rule opened it; none for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
    /// What it is about, in a line; with the rule it names the matter.
    pub subject: String,
    /// How far it is.
    pub state: Standing,
    /// Whose orders, where they are one tenant's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// Which supplier's account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<GatewayId>,
    /// Who sees to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// When it was opened.
    pub opened_at: UnixMs,
    /// When it should be resolved.
    pub due_at: UnixMs,
    /// When it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<UnixMs>,
    /// The first of its orders.
    pub orders: Vec<OrderId>,
    /// There were more than it names.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_more_orders: bool,
    /// Oldest first.
    pub notes: Vec<Note>,
    /// The same again opens no second one.
    request: Bytes<16>,
}

/// What somebody, or a rule, said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// When.
    pub at: UnixMs,
    /// Who.
    pub by: String,
    /// What.
    pub text: String,
}

/// What an escalation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Somebody orders codes for another reason than to sign in.
    Abuse,
    /// Money to claim from a supplier, or to give back.
    Refund,
    /// A supplier to replace for a while.
    SupplierFallback,
}

/// What opens one by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// An order ended, and nothing was heard of a message for too long after its window.
    Overdue,
    /// Too many of a gateway's last attempts failed.
    RouteFailing,
}

/// How far one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Somebody sees to it.
    Acknowledged,
    /// Nobody does yet.
    Open,
    /// It is done.
    Resolved,
}

/// A matter to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// See [`Escalation::kind`].
    pub kind: Kind,
    /// See [`Escalation::rule`].
    pub rule: Option<Rule>,
    /// See [`Escalation::subject`].
    pub subject: String,
    /// See [`Escalation::tenant`].
    pub tenant: Option<TenantId>,
    /// See [`Escalation::gateway`].
    pub gateway: Option<GatewayId>,
    /// Its orders so far.
    pub orders: Vec<OrderId>,
    /// The first note.
    pub text: String,
    /// How long until it is due, in milliseconds.
    pub due_ms: u64,
    /// Names this wish.
    pub request: Bytes<16>,
}

/// What is done about one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// This person sees to it from here on.
    Assign(String),
    /// Somebody says something.
    Note(String),
    /// It is done, and how.
    Resolve(String),
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Do something about one.
    Act {
        /// Which.
        id: u64,
        /// Who.
        by: String,
        /// What.
        act: Act,
    },
    /// Show all.
    List,
    /// Open one, or add the orders to the one that is open.
    Open {
        /// Who: a person, or `rule`.
        by: String,
        /// What.
        opening: Box<Opening>,
    },
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// All, oldest first.
    All(Vec<Escalation>),
    /// It has no room for more notes, or there are too many.
    Full,
    /// There is none of this number.
    NotFound,
    /// This one, as it is now.
    One {
        /// It.
        escalation: Box<Escalation>,
        /// This very wish opened it, now or before.
        is_new: bool,
    },
    /// It is resolved: open another.
    Over,
}

impl Machine for Escalations {
    type State = State;
    type Command = Command;
    type Reply = Reply;

    fn step(state: Option<State>, command: &Command, now: UnixMs) -> Step<State, Reply> {
        let state = state.filter(|state| now < state.clock.plus(KEEP_MS)).unwrap_or_default();
        let now = state.clock.max(now);
        match command {
            Command::Act { id, by, act } => state.act(*id, by, act, now),
            Command::List => Step::keep(Reply::All(state.all)),
            Command::Open { by, opening } => state.open(by, opening, now),
        }
    }
}

impl State {
    fn open(mut self, by: &str, opening: &Opening, now: UnixMs) -> Step<Self, Reply> {
        let is_it = |known: &&mut Escalation| match opening.rule {
            _ if known.request == opening.request => true,
            Some(_) => {
                known.state != Standing::Resolved
                    && known.rule == opening.rule
                    && known.subject == opening.subject
            }
            None => false,
        };
        if let Some(known) = self.all.iter_mut().find(is_it) {
            let changed = known.add(&opening.orders);
            let is_new = known.request == opening.request;
            let reply = Reply::One { escalation: Box::new(known.clone()), is_new };
            return if changed { self.put(reply, now) } else { Step::keep(reply) };
        }
        if self.all.iter().filter(|known| known.state != Standing::Resolved).count() >= OPEN_MAX {
            return Step::keep(Reply::Full);
        }
        self.last = self.last.saturating_add(1);
        let mut escalation = Escalation {
            id: self.last,
            kind: opening.kind,
            rule: opening.rule,
            subject: opening.subject.clone(),
            state: Standing::Open,
            tenant: opening.tenant.clone(),
            gateway: opening.gateway.clone(),
            owner: None,
            opened_at: now,
            due_at: now.plus(opening.due_ms),
            resolved_at: None,
            orders: Vec::new(),
            has_more_orders: false,
            notes: vec![Note { at: now, by: by.to_owned(), text: opening.text.clone() }],
            request: opening.request,
        };
        escalation.add(&opening.orders);
        self.all.push(escalation.clone());
        self.put(Reply::One { escalation: Box::new(escalation), is_new: true }, now)
    }

    fn act(mut self, id: u64, by: &str, act: &Act, now: UnixMs) -> Step<Self, Reply> {
        let Some(known) = self.all.iter_mut().find(|known| known.id == id) else {
            return Step::keep(Reply::NotFound);
        };
        let as_it_is = |known: &Escalation| Reply::One { escalation: Box::new(known.clone()), is_new: false };
        let text = match act {
            Act::Assign(owner) if known.owner.as_ref() == Some(owner) => return Step::keep(as_it_is(known)),
            Act::Resolve(_) if known.state == Standing::Resolved => return Step::keep(as_it_is(known)),
            _ if known.state == Standing::Resolved => return Step::keep(Reply::Over),
            Act::Assign(owner) => format!("{owner} sees to it"),
            Act::Note(text) | Act::Resolve(text) => text.clone(),
        };
        // One place is kept for how it ends.
        let room = NOTES_MAX - usize::from(!matches!(act, Act::Resolve(_)));
        if known.notes.len() >= room {
            return Step::keep(Reply::Full);
        }
        known.notes.push(Note { at: now, by: by.to_owned(), text });
        match act {
            Act::Assign(owner) => (known.owner, known.state) = (Some(owner.clone()), Standing::Acknowledged),
            Act::Note(_) => {}
            Act::Resolve(_) => (known.state, known.resolved_at) = (Standing::Resolved, Some(now)),
        }
        let reply = as_it_is(known);
        self.put(reply, now)
    }

    fn put(mut self, reply: Reply, now: UnixMs) -> Step<Self, Reply> {
        self.clock = now;
        let resolved = self.all.iter().filter(|known| known.state == Standing::Resolved).count();
        let mut surplus = resolved.saturating_sub(RESOLVED_MAX);
        self.all.retain(|known| {
            let is_dropped = surplus > 0 && known.state == Standing::Resolved;
            surplus -= usize::from(is_dropped);
            !is_dropped
        });
        let expires_at = now.plus(KEEP_MS);
        Step { reply, write: Write::Put { state: self, expires_at, wake_at: None } }
    }
}

impl Escalation {
    /// Whether that changed it.
    fn add(&mut self, orders: &[OrderId]) -> bool {
        let (named, had_more) = (self.orders.len(), self.has_more_orders);
        for order in orders {
            if self.orders.contains(order) {
                continue;
            }
            if self.orders.len() < ORDERS_MAX {
                self.orders.push(order.clone());
            } else {
                self.has_more_orders = true;
            }
        }
        self.orders.len() > named || self.has_more_orders != had_more
    }
}

#[cfg(test)]
mod tests;
