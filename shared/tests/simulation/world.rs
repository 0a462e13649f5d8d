//! The clock, and what takes part.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::BinaryHeap;

use tiffin_shared::bytes::Bytes;
use tiffin_shared::order::Ask;
use tiffin_shared::order::Command;
use tiffin_shared::order::Reply;
use tiffin_shared::time::UnixMs;

use crate::broker::Broker;
use crate::checker::Checker;
use crate::checker::Seen;
use crate::edge::Edge;
use crate::event::Due;
use crate::event::Event;
use crate::plan::Plan;
use crate::plan::START;
use crate::provider::Providers;
use crate::random::Random;
use crate::store::Fault;
use crate::store::Store;
use crate::summary::History;
use crate::summary::Trace;
use crate::summary::shown;
use crate::task::Task;
use crate::worker::Worker;

pub struct World {
    pub now: UnixMs,
    pub random: Random,
    pub plan: Plan,
    pub edge: Edge,
    pub store: Store,
    pub broker: Broker,
    pub workers: Vec<Worker>,
    pub tasks: BTreeMap<u64, Task>,
    pub tasks_begun: u64,
    pub providers: Providers,
    pub checker: Checker,
    pub trace: Trace,
    heap: BinaryHeap<Reverse<Due>>,
    scheduled: u64,
}

/// Plays a plan to its end, or until an invariant breaks.
pub fn play(plan: Plan, is_traced: bool) -> History {
    let mut world = World::new(plan, is_traced);
    while let Some(Reverse(due)) = world.heap.pop() {
        world.now = due.at;
        world.trace.now = due.at;
        world.trace.events += 1;
        world.happen(due.event);
        if world.checker.violation.is_some() {
            break;
        }
    }
    if world.checker.violation.is_none() {
        world.at_the_end();
    }
    world.trace.into_history(world.checker.violation)
}

impl World {
    fn new(plan: Plan, is_traced: bool) -> Self {
        let mut random = Random::new(plan.seed ^ 1);
        let edge = Edge::new(&plan, &mut random);
        let workers = plan.skews_ms.iter().map(|skew_ms| Worker::new(*skew_ms, &plan, &mut random)).collect();
        let mut world = Self {
            now: START,
            edge,
            workers,
            broker: Broker::new(plan.partitions),
            checker: Checker::new(&plan),
            trace: Trace::new(is_traced),
            store: Store::default(),
            tasks: BTreeMap::new(),
            tasks_begun: 0,
            providers: Providers::default(),
            heap: BinaryHeap::new(),
            scheduled: 0,
            random,
            plan,
        };
        for order in 0..world.plan.all_orders() {
            let wait_ms = world.edge.orders[order].header.created_at.since(START);
            world.after(wait_ms, Event::Create { order });
        }
        world.open_account();
        world.after(world.plan.calm_from.since(START), Event::TopUp);
        for partition in 0..usize::from(world.plan.partitions) {
            world.after(0, Event::Own { partition });
        }
        for first in [Event::Crash, Event::Move { is_abrupt: false }, Event::Move { is_abrupt: true }] {
            world.again(first);
        }
        if world.plan.forgets {
            world.again(Event::Forget);
        }
        world
    }

    pub fn after(&mut self, wait_ms: u64, event: Event) {
        self.scheduled += 1;
        self.heap.push(Reverse(Due { at: self.now.plus(wait_ms), nth: self.scheduled, event }));
    }

    /// Schedules the next one of a recurring fault; none once it is calm.
    fn again(&mut self, event: Event) {
        let every_ms = match event {
            Event::Crash => self.plan.crash_every_ms,
            Event::Forget => 2_000,
            _ => self.plan.move_every_ms,
        };
        let wait_ms = 1 + self.random.below(2 * every_ms);
        if self.now.plus(wait_ms) < self.plan.calm_from {
            self.after(wait_ms, event);
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Append { entries } => self.append(&entries),
            Event::Arrive { order } => self.arrive(order),
            Event::Callback { order, account, record, n, provider_id, receipt, tries } => {
                self.callback(order, record, n, (account, provider_id, receipt), tries);
            }
            Event::Cancel { order } => self.cancel(order),
            Event::Crash => {
                let worker = self.random.index(self.workers.len());
                self.crash(worker);
                self.again(Event::Crash);
            }
            Event::Create { order } => self.create(order),
            Event::EdgeHears { order, event } => self.edge_hears(order, &event),
            Event::Flush { worker, epoch, gateway, due } => self.flush(worker, epoch, gateway, due),
            Event::FlushFigures { worker, epoch } => self.flush_figures(worker, epoch),
            Event::Forget => {
                self.forget();
                self.again(Event::Forget);
            }
            Event::GiveBack { worker, gateway, token, is_well } => {
                self.give_back(worker, gateway, token, is_well);
            }
            Event::HandOver { job, tries } => self.hand_over(job, tries),
            Event::LaneWakes { worker, epoch, phone } => {
                if self.workers[worker].epoch == epoch {
                    self.run_lane(worker, phone);
                }
            }
            Event::LadderEnds { job } => self.enqueue(job, true),
            Event::Move { is_abrupt } => {
                self.move_partition(is_abrupt);
                self.again(Event::Move { is_abrupt });
            }
            Event::Notice { order, cause, tries } => self.notice(order, cause, tries),
            Event::Own { partition } => self.own(partition),
            Event::Post { order, posting } => self.post_later(order, *posting),
            Event::Ran { order, token } => self.ran(order, token),
            Event::Reported { order, seq } => self.reported(order, seq),
            Event::Resend { order } => self.resend(order),
            Event::Restart { worker } => self.restart(worker),
            Event::Task(id) => self.step_task(id),
            Event::TopUp => self.top_up(),
            Event::Verify { order } => self.verify(order),
            Event::Wake { order, wake_at } => self.wake(order, wake_at),
        }
    }

    pub fn is_calm(&self) -> bool {
        self.now >= self.plan.calm_from
    }

    /// Something on the network is lost.
    pub fn loses(&mut self) -> bool {
        !self.is_calm() && self.random.chance(self.plan.net_permille)
    }

    pub fn fault(&mut self) -> Fault {
        if self.is_calm() {
            return Fault::Heard;
        }
        let is_away = self.plan.store_away.iter().any(|away| away.from <= self.now && self.now < away.to);
        match self.random.below(1_000) {
            _ if is_away => Fault::Unapplied,
            roll if roll < self.plan.lost_permille => Fault::Unapplied,
            roll if roll < self.plan.lost_permille + self.plan.unheard_permille => Fault::Unheard,
            _ => Fault::Heard,
        }
    }

    /// A process's clock.
    pub fn clock(&self, process: usize) -> UnixMs {
        let skew_ms = self.workers[process].skew_ms;
        if skew_ms < 0 {
            self.now.minus(skew_ms.unsigned_abs())
        } else {
            self.now.plus(skew_ms.unsigned_abs())
        }
    }

    /// Sends a command to an order's record; nothing when no answer comes, whether it was applied or not.
    pub fn ask_order(&mut self, process: usize, order: usize, ask: &Ask) -> Option<Reply> {
        let fault = self.fault();
        if fault == Fault::Unapplied {
            self.trace.tell(order, "the store does not answer", 0, || shown(ask));
            return None;
        }
        let command = Command { entropy: self.random.entropy(), ask: ask.clone() };
        let clock = self.clock(process);
        let applied = self.store.order(order, &command, clock);
        let is_heard = u64::from(fault == Fault::Heard);
        self.trace.tell(order, "the record", is_heard, || {
            let unheard = if fault == Fault::Heard { "" } else { " (answer lost)" };
            let event = applied.reply.event.as_ref().map(|event| (event.seq, event.state));
            let Reply { decision, lesson, .. } = &applied.reply;
            let lesson = lesson.as_ref().map(|lesson| lesson.what);
            format!(
                "by {process} at {}: {} → {decision:?}{unheard}, told {event:?}, {lesson:?}",
                clock.0,
                shown(ask)
            )
        });
        let has_record = self.store.orders.contains_key(&order);
        let seen = Seen { order, ask, applied: &applied, asked_at: clock, edge: &self.edge, has_record };
        self.checker.applied(&seen, &mut self.trace);
        if self.checker.looks_inside && applied.is_put {
            let state = self.store.state_json(order);
            self.checker.looked_inside(order, ask, state.as_deref());
        }
        self.set_wake(order, applied.is_put);
        (fault == Fault::Heard).then(|| {
            self.hear(process, order, &applied.reply);
            applied.reply
        })
    }

    /// What a host does with a reply besides its decision.
    fn hear(&mut self, process: usize, order: usize, reply: &Reply) {
        if let Some(event) = &reply.event
            && !self.loses()
        {
            let wait_ms = self.random.between(5, 400);
            self.after(wait_ms, Event::EdgeHears { order, event: Box::new(event.clone()) });
        }
        if let Some(errand) = &reply.errand
            && !self.loses()
        {
            self.checker.heard(order, errand);
            let wait_ms = self.random.between(5, 400);
            self.after(wait_ms, Event::Ran { order, token: errand.token });
        }
        if let Some(posting) = &reply.posting
            && !self.loses()
        {
            let wait_ms = self.random.between(5, 400);
            self.after(wait_ms, Event::Post { order, posting: Box::new(posting.clone()) });
        }
        if let Some(lesson) = &reply.lesson {
            self.learn(process, lesson);
        }
    }

    fn set_wake(&mut self, order: usize, is_put: bool) {
        let wake_at = self.store.orders.get(&order).and_then(|kept| kept.wake_at);
        if let Some(wake_at) = wake_at.filter(|_| is_put) {
            let wait_ms = wake_at.since(self.now) + self.random.between(1, 500);
            self.after(wait_ms, Event::Wake { order, wake_at });
        }
    }

    /// The sweep of some process.
    fn wake(&mut self, order: usize, wake_at: UnixMs) {
        let kept_for = self.store.orders.get(&order).and_then(|kept| kept.wake_at);
        if kept_for != Some(wake_at) {
            return;
        }
        let process = self.random.index(self.workers.len());
        if self.ask_order(process, order, &Ask::Tick).is_none() {
            self.after(500, Event::Wake { order, wake_at });
        }
    }

    fn ran(&mut self, order: usize, token: Bytes<8>) {
        let process = self.random.index(self.workers.len());
        self.ask_order(process, order, &Ask::Ran { token });
    }

    fn reported(&mut self, order: usize, seq: u64) {
        let process = self.random.index(self.workers.len());
        self.ask_order(process, order, &Ask::Reported(seq));
    }

    fn forget(&mut self) {
        let order = self.random.index(self.plan.orders);
        if self.store.forget(order) {
            self.trace.tell(order, "the store forgets the record", 0, String::new);
            self.trace.count("records forgotten");
            self.checker.forgot(order);
        }
    }
}
