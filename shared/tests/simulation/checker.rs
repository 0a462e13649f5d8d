//! What must hold, checked after every event against what truly happened, not against what the records say.

mod calls;
mod changes;
mod end;
mod errands;
mod once;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use tiffin_shared::bytes::Bytes;
use tiffin_shared::order::Ask;
use tiffin_shared::order::Decision;
use tiffin_shared::order::Found;
use tiffin_shared::order::Reason;
use tiffin_shared::route::Way;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::event::OrderEvent;

use self::calls::Calling;
use self::errands::Heard;
use self::once::Counted;
use crate::edge::Edge;
use crate::plan::Plan;
use crate::store::Applied;
use crate::summary::Trace;
use crate::summary::Violation;

/// A command that the store applied.
pub struct Seen<'a> {
    pub order: usize,
    pub ask: &'a Ask,
    pub applied: &'a Applied,
    /// By the asker's clock.
    pub asked_at: UnixMs,
    pub edge: &'a Edge,
    /// There is a record, and not only an answer.
    pub has_record: bool,
}

/// What is known of an attempt.
pub struct Fact {
    pub n: u32,
    /// Which sending it belongs to.
    pub dispatch: u8,
    pub way: Way,
    /// After a failure that passes: when it was told.
    pub passed_at: Option<UnixMs>,
    /// For how long its provider asked to be left alone.
    pub pause_ms: u64,
    /// After one that does not.
    pub refused: Option<Reason>,
    /// When the provider said that it does not have it.
    pub missing_at: Option<UnixMs>,
    /// The provider truly took it.
    pub taken: bool,
    pub is_answered: bool,
}

/// What is known of an order.
#[derive(Default)]
pub struct Story {
    /// Records that were made of it: one more after each that was forgotten.
    pub record: u32,
    pub facts: Vec<Fact>,
    /// The edge's word came to the record.
    pub is_stopped: bool,
    pub told: Option<OrderEvent>,
    pub inside: Option<String>,
    pub counted: Counted,
    /// Lessons that prove that its code arrived.
    pub arrivals: u32,
    pub news_sent: u32,
    pub news_verified: u32,
    /// Messages that providers took of it, over all records.
    pub taken: u32,
    /// The newest sending whose job the record wants no more.
    pub done_with: Option<u8>,
    pub calls: BTreeSet<(u32, u32)>,
    pub started: bool,
    pub heard: Heard,
}

pub struct Checker {
    pub violation: Option<Violation>,
    /// Whether records are read after each change: in some worlds, for it takes time.
    pub looks_inside: bool,
    stories: Vec<Story>,
    calling: BTreeMap<u64, Calling>,
    probes: BTreeMap<usize, (Bytes<16>, UnixMs)>,
    called_at: BTreeMap<usize, Vec<UnixMs>>,
    open: BTreeMap<usize, UnixMs>,
    taken_lessons: BTreeMap<Way, u32>,
    ways: Vec<Way>,
}

impl Checker {
    pub fn new(plan: &Plan) -> Self {
        Self {
            violation: None,
            looks_inside: plan.seed.is_multiple_of(4),
            stories: (0..plan.all_orders()).map(|_| Story::default()).collect(),
            calling: BTreeMap::new(),
            probes: BTreeMap::new(),
            called_at: BTreeMap::new(),
            open: BTreeMap::new(),
            taken_lessons: BTreeMap::new(),
            ways: plan.accounts.iter().map(|account| account.way.clone()).collect(),
        }
    }

    pub fn fail(&mut self, order: impl Into<Option<usize>>, invariant: &'static str, what: String) {
        let order = order.into();
        self.violation.get_or_insert(Violation { order, invariant, what });
    }

    pub fn story(&self, order: usize) -> &Story {
        &self.stories[order]
    }

    /// Which of the order's records is the present one.
    pub fn record(&self, order: usize) -> u32 {
        self.stories[order].record
    }

    pub fn applied(&mut self, seen: &Seen<'_>, trace: &mut Trace) {
        let (order, reply) = (seen.order, &seen.applied.reply);
        self.count_once(order, reply);
        if let Some(event) = &reply.event {
            self.check_told(order, event, seen.ask);
        }
        match (seen.ask, &reply.decision) {
            (Ask::Claim { .. }, Decision::Send { n, way }) => self.check_claimed(seen, *n, way, trace),
            (Ask::Result { .. } | Ask::Receipt { .. } | Ask::Looked { .. }, _) => self.learn(seen),
            (Ask::Stop { .. }, _) => self.stories[order].is_stopped = true,
            _ => {}
        }
        // The answer of no record is not its word.
        if matches!(reply.decision, Decision::Stop) && seen.has_record {
            let story = &mut self.stories[order];
            let dispatch = match seen.ask {
                Ask::Claim { dispatch, .. } => dispatch.as_ref().map_or(0, |dispatch| dispatch.n),
                _ => story.facts.last().map_or(0, |fact| fact.dispatch),
            };
            story.done_with = story.done_with.max(Some(dispatch));
        }
    }

    /// A claim was granted; the same one may be granted again to who did not hear.
    fn check_claimed(&mut self, seen: &Seen<'_>, n: u32, way: &Way, trace: &mut Trace) {
        let Ask::Claim { header, dispatch, offers, .. } = seen.ask else { return };
        let order = seen.order;
        if seen.asked_at >= header.expires_at {
            self.fail(order, "never-stale", format!("attempt {n} is granted after the code's life"));
        }
        if self.stories[order].is_stopped {
            self.fail(order, "never-stale", format!("attempt {n} is granted after the edge ended the order"));
        }
        if self.stories[order].facts.iter().any(|fact| fact.n == n) {
            return;
        }
        let dispatch = dispatch.as_ref().map_or(0, |dispatch| dispatch.n);
        self.check_change(order, (n, way, dispatch), offers, seen.applied.clock);
        if dispatch == 0 {
            self.check_start(seen, trace);
        }
        self.count_duplicate(order, dispatch, trace);
        self.stories[order].facts.push(Fact {
            n,
            dispatch,
            way: way.clone(),
            passed_at: None,
            pause_ms: 0,
            refused: None,
            missing_at: None,
            taken: false,
            is_answered: false,
        });
        let story = &mut self.stories[order];
        // Of the sendings before this one nothing is wanted any more.
        story.done_with = dispatch.checked_sub(1);
        story.started = true;
    }

    /// **fifo**: no order of the phone that came into the queue before it may start after it. A resend of one that never
    /// started is asked for after its turn.
    fn check_start(&mut self, seen: &Seen<'_>, trace: &mut Trace) {
        let order = seen.order;
        let story = &self.stories[order];
        if story.started || story.record > 0 {
            return;
        }
        let it = &seen.edge.orders[order];
        for (other, later) in seen.edge.orders.iter().enumerate() {
            if later.phone != it.phone || later.header.created_at <= it.header.created_at {
                continue;
            }
            let story = &self.stories[other];
            if !story.started || story.record > 0 {
                continue;
            }
            if later.place > it.place {
                self.fail(order, "fifo", format!("it starts after order {other}, which is behind it"));
            } else {
                trace.count("starts out of order: handed over late");
            }
        }
    }

    /// The record of an order is gone, and with it what it promised.
    pub fn forgot(&mut self, order: usize) {
        let story = &mut self.stories[order];
        let (record, taken, started, done_with) =
            (story.record + 1, story.taken, story.started, story.done_with);
        let calls = std::mem::take(&mut story.calls);
        *story = Story { record, taken, started, done_with, calls, ..Story::default() };
    }

    pub fn taken(&mut self, order: usize, (record, n): (u32, u32), trace: &mut Trace) {
        let story = &mut self.stories[order];
        story.taken += 1;
        let is_present = record == story.record;
        if let Some(fact) = story.facts.iter_mut().find(|fact| is_present && fact.n == n) {
            fact.taken = true;
        }
        trace.count("messages taken");
    }

    pub fn found(&mut self, order: usize, n: u32, found: &Found, has: bool, trace: &mut Trace) {
        if *found == Found::Missing && has {
            trace.tell(order, "is not listed yet", u64::from(n), String::new);
            trace.count("looks that came too soon");
        }
    }

    /// A message was taken before, and another attempt begins: why.
    fn count_duplicate(&self, order: usize, dispatch: u8, trace: &mut Trace) {
        let story = &self.stories[order];
        if story.taken == 0 {
            return;
        }
        let why = match story.facts.last() {
            None => "the record was forgotten",
            Some(last) if last.dispatch != dispatch => "asked for once more",
            Some(last) if last.missing_at.is_some() && last.taken => "looked up too soon",
            Some(last) if last.taken && !last.is_answered => "the outcome was unknown",
            Some(last) if last.taken && (last.passed_at.is_some() || last.refused.is_some()) => {
                "a receipt said no"
            }
            Some(last) if last.taken => "silence",
            Some(_) => "an earlier attempt was taken",
        };
        trace.count(&format!("attempts after a message: {why}"));
    }
}
