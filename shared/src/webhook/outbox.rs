//! What one endpoint is still to be told: a cursor into its tenant's log of events, and the window of those that were
//! taken from it and are under way or wait for another try.
//!
//! The log holds the events; the window holds numbers, so that an endpoint that is down for days costs no more than
//! [`WINDOW_MAX`] of them. Events of one subject leave in order: a later one waits for the earlier, others do not. A
//! missing state means an endpoint that was told nothing: it begins with the next event.

mod done;
mod schedule;

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

pub use self::done::Done;
pub use self::done::Outcome;
pub use self::schedule::RETRY_AFTER_MAX_MS;
pub use self::schedule::TRIES_MAX;

use crate::bytes::Bytes;
use crate::entropy::Entropy;
use crate::machine::Machine;
use crate::machine::Step;
use crate::machine::Write;
use crate::time::DAY_MS;
use crate::time::SECOND_MS;
use crate::time::UnixMs;

/// How long events are kept for those who do not take them.
pub const LOG_KEEP_MS: u64 = 30 * DAY_MS;
/// Longer than its log, so that nothing is sent again because the cursor was forgotten.
const KEEP_MS: u64 = LOG_KEEP_MS + DAY_MS;
/// Events taken from the log and not delivered yet: a state of about forty kilobytes.
pub const WINDOW_MAX: usize = 512;
/// Deliveries under way at once to one endpoint: what a small server takes.
pub const AT_ONCE_MAX: usize = 8;
/// How long a receiver may take: the specification's 15 to 30 seconds.
pub const TIMEOUT_MS: u64 = 15 * SECOND_MS;
/// From here on whoever sends is taken for dead, and the event is sent again.
pub const LEASE_MS: u64 = 2 * TIMEOUT_MS;
/// Failures in a row after which the endpoint counts as down.
const DOWN_AFTER: u32 = 5;
/// An endpoint that is down is tried with one event, this often at most.
const PROBE_MS: u64 = 30 * SECOND_MS;
/// Whoever wrote last goes on at once; for this long nobody else looks.
const GRACE_MS: u64 = SECOND_MS;

/// The machine.
pub enum Outbox {}

/// An event in the window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pending {
    /// Its row in the log.
    n: u64,
    /// Its subject's digest.
    group: Bytes<8>,
    /// Tries begun.
    #[serde(default, skip_serializing_if = "is_zero")]
    tries: u32,
    /// When the first of them was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_at: Option<UnixMs>,
    /// When the next one is.
    next_at: UnixMs,
    /// Until when a try is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    leased_until: Option<UnixMs>,
}

/// Why nothing is delivered any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// All tries of an event failed, and nothing else was delivered meanwhile.
    Exhausted,
    /// The receiver said so: status 410.
    Gone,
}

/// Since when and why nothing is delivered any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disabled {
    /// Since when.
    pub at: UnixMs,
    /// Why.
    pub why: Why,
    /// Whether the operators have been told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub told: bool,
}

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    clock: UnixMs,
    /// The next row to take from the log.
    cursor: u64,
    /// A row that was appended since the log was last read to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    news: Option<u64>,
    /// Ordered by row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pending: Vec<Pending>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disabled: Option<Disabled>,
    /// Failures in a row.
    #[serde(default, skip_serializing_if = "is_zero")]
    failures: u32,
    /// Of them, those in which the receiver asked for less.
    #[serde(default, skip_serializing_if = "is_zero")]
    throttles: u32,
    /// Before this nothing is sent.
    #[serde(default)]
    paused_until: UnixMs,
    /// Events delivered.
    #[serde(default)]
    delivered: u64,
    /// When the last of them was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delivered_at: Option<UnixMs>,
    /// Events given up.
    #[serde(default)]
    given_up: u64,
}

/// What is asked.
#[derive(Clone)]
pub enum Command {
    /// What came of tries, and room for more.
    Turn {
        /// Tries that ended.
        done: Vec<Done>,
        /// Tries that the host would begin now.
        room: usize,
        /// Drawn for this turn.
        entropy: Entropy,
    },
    /// The row of this number was appended to the log.
    Notify(u64),
    /// Rows that were read from the log.
    Fill {
        /// The cursor they were read from.
        from: u64,
        /// [`Reply::news`], as it was before they were read.
        saw: Option<u64>,
        /// Those that this endpoint is to be told.
        rows: Vec<(u64, Bytes<8>)>,
        /// The first row that was not read.
        to: u64,
        /// Nothing follows.
        is_end: bool,
    },
    /// The log ended before the cursor: it has begun anew.
    Restart {
        /// The cursor at which that was found.
        from: u64,
    },
    /// Rows to be delivered once more.
    Replay(Vec<(u64, Bytes<8>)>),
    /// An operator lets it be delivered to again.
    Enable,
    /// The operators have been told that it was disabled.
    Told,
    /// Only look.
    Read,
}

/// A try to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begin {
    /// The event's row.
    pub n: u64,
    /// Which try it is, from 1.
    pub attempt: u32,
}

/// What is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// Tries to begin.
    pub begin: Vec<Begin>,
    /// Rows whose last try failed.
    pub given_up: Vec<u64>,
    /// Tell the operators, then [`Command::Told`].
    pub tell: Option<Disabled>,
    /// Read the log from here, at most so many rows, where `news` or `room` ask for it.
    pub cursor: u64,
    /// Places left in the window.
    pub room: usize,
    /// The log may have more.
    pub news: Option<u64>,
    /// How it stands.
    pub view: View,
}

/// How an endpoint stands. Times are milliseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct View {
    /// Events taken from the log that wait for a try, or are under way.
    pub waiting: usize,
    /// Of them, under way.
    pub under_way: usize,
    /// The log has more.
    pub more: bool,
    /// Events delivered.
    pub delivered: u64,
    /// When the last of them was.
    pub delivered_at: Option<UnixMs>,
    /// Events whose last try failed.
    pub given_up: u64,
    /// Failures in a row.
    pub failures: u32,
    /// When the next try is.
    pub next_at: Option<UnixMs>,
    /// Since when and why nothing is delivered any more.
    pub disabled: Option<Disabled>,
}

impl Machine for Outbox {
    type State = State;
    type Command = Command;
    type Reply = Reply;

    fn step(state: Option<State>, command: &Command, now: UnixMs) -> Step<State, Reply> {
        let before = state.filter(|state| now < state.clock.plus(KEEP_MS));
        let now = before.as_ref().map_or(now, |state| state.clock.max(now));
        let mut state = before.clone().unwrap_or_default();
        let mut reply = Reply::default();
        match command {
            Command::Turn { done, room, entropy } => {
                for done in done {
                    state.done(done, entropy, &mut reply, now);
                }
                reply.begin = state.begin(*room, now);
            }
            Command::Notify(n) => {
                if before.is_none() {
                    state.cursor = *n;
                }
                state.news = Some(*n);
            }
            Command::Fill { from, saw, rows, to, is_end } if *from == state.cursor => {
                state.fill(rows, *to, now);
                if *is_end && state.cursor == *to && state.news == *saw {
                    state.news = None;
                }
            }
            Command::Restart { from } if *from == state.cursor => {
                (state.cursor, state.pending) = (0, Vec::new());
            }
            Command::Replay(rows) => state.replay(rows, now),
            Command::Enable => state.enable(now),
            Command::Told => {
                if let Some(disabled) = &mut state.disabled {
                    disabled.told = true;
                }
            }
            Command::Fill { .. } | Command::Restart { .. } | Command::Read => {}
        }
        reply.tell = state.disabled.filter(|disabled| !disabled.told);
        (reply.cursor, reply.news) = (state.cursor, state.news);
        reply.room = WINDOW_MAX.saturating_sub(state.pending.len());
        reply.view = state.view(now);
        if before.unwrap_or_default() == state {
            return Step::keep(reply);
        }
        state.clock = now;
        let (wake_at, expires_at) = (state.wake_at(), now.plus(KEEP_MS));
        Step { reply, write: Write::Put { state, expires_at, wake_at } }
    }
}

impl State {
    fn is_down(&self) -> bool {
        self.failures >= DOWN_AFTER
    }

    /// Tries to begin now. Each is leased: one of which nothing is heard is begun again.
    fn begin(&mut self, room: usize, now: UnixMs) -> Vec<Begin> {
        if self.disabled.is_some() || now < self.paused_until {
            return Vec::new();
        }
        let under_way = self.under_way(now);
        let at_once = if self.is_down() || self.throttles > 0 { 1 } else { AT_ONCE_MAX };
        let room = room.min(at_once.saturating_sub(under_way));
        let mut groups = BTreeSet::new();
        let mut begun = Vec::new();
        for event in &mut self.pending {
            if begun.len() >= room {
                break;
            }
            // In order per subject: whatever stands before it, under way or waiting, goes first.
            let is_first = groups.insert(event.group);
            if is_first && event.is_due(now) {
                event.tries = event.tries.saturating_add(1);
                event.first_at = event.first_at.or(Some(now));
                event.leased_until = Some(now.plus(LEASE_MS));
                begun.push(Begin { n: event.n, attempt: event.tries });
            }
        }
        if self.is_down() && !begun.is_empty() {
            self.paused_until = now.plus(PROBE_MS);
        }
        begun
    }

    fn under_way(&self, now: UnixMs) -> usize {
        self.pending.iter().filter(|event| event.leased_until.is_some_and(|until| now < until)).count()
    }

    fn fill(&mut self, rows: &[(u64, Bytes<8>)], to: u64, now: UnixMs) {
        for (n, group) in rows {
            if self.pending.len() >= WINDOW_MAX {
                self.cursor = *n;
                return;
            }
            self.insert(*n, *group, now);
        }
        self.cursor = to.max(self.cursor);
    }

    /// In the order of the log, also for what is delivered once more.
    fn insert(&mut self, n: u64, group: Bytes<8>, now: UnixMs) {
        let at = self.pending.partition_point(|event| event.n < n);
        if self.pending.get(at).is_none_or(|event| event.n != n) {
            let new = Pending { n, group, tries: 0, first_at: None, next_at: now, leased_until: None };
            self.pending.insert(at, new);
        }
    }

    fn replay(&mut self, rows: &[(u64, Bytes<8>)], now: UnixMs) {
        // What the cursor has not reached comes anyway.
        let rows = rows.iter().filter(|(n, _)| *n < self.cursor).copied().collect::<Vec<_>>();
        for (n, group) in rows {
            if self.pending.len() < WINDOW_MAX {
                self.insert(n, group, now);
            }
        }
    }

    fn enable(&mut self, now: UnixMs) {
        if self.disabled.take().is_some() {
            self.recover(now);
            self.pending.iter_mut().for_each(|event| (event.tries, event.first_at) = (0, None));
        }
    }

    /// The endpoint is up: what waits is due.
    fn recover(&mut self, now: UnixMs) {
        (self.failures, self.throttles, self.paused_until) = (0, 0, UnixMs(0));
        let waits = self.pending.iter_mut().filter(|event| event.leased_until.is_none());
        waits.for_each(|event| event.next_at = event.next_at.min(now));
    }

    fn next_at(&self) -> Option<UnixMs> {
        let times = self
            .pending
            .iter()
            .map(|event| event.leased_until.unwrap_or_else(|| event.next_at.max(self.paused_until)));
        times.min()
    }

    fn wake_at(&self) -> Option<UnixMs> {
        let soon = self.clock.plus(GRACE_MS);
        match self.disabled {
            Some(disabled) => (!disabled.told).then_some(soon),
            None => {
                let has_room = self.pending.len() < WINDOW_MAX;
                let fill_at = self.news.filter(|_| has_room).map(|_| soon);
                [fill_at, self.next_at().map(|at| at.max(soon))].into_iter().flatten().min()
            }
        }
    }

    fn view(&self, now: UnixMs) -> View {
        View {
            waiting: self.pending.len(),
            under_way: self.under_way(now),
            more: self.news.is_some(),
            delivered: self.delivered,
            delivered_at: self.delivered_at,
            given_up: self.given_up,
            failures: self.failures,
            next_at: self.next_at().filter(|_| self.disabled.is_none()),
            disabled: self.disabled,
        }
    }
}

impl Pending {
    fn is_due(&self, now: UnixMs) -> bool {
        match self.leased_until {
            Some(until) => until <= now,
            None => self.next_at <= now,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}
