//! Calls to providers and what lets them through: overlaps, breakers, probes, and jobs that leave the queue.

use tiffin_shared::bytes::Bytes;
use tiffin_shared::gateway;
use tiffin_shared::gateway::PROBE_MS;
use tiffin_shared::gateway::Phase;
use tiffin_shared::gateway::Reply;
use tiffin_shared::gateway::WINDOW_MS;
use tiffin_shared::order::Cause;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;

use super::Checker;
use crate::broker::JobName;
use crate::edge::Standing;
use crate::plan::SKEW_MS;
use crate::store::VIEW_MS;
use crate::summary::Trace;
use crate::task::Task;
use crate::world::World;

/// From a claim's grant to the call.
const GAP_MS: u64 = 200;

/// A call that is under way.
pub struct Calling {
    phone: usize,
    order: usize,
    /// Under which lease of its partition.
    lease: u64,
    probe: Option<usize>,
}

impl World {
    pub fn check_call(&mut self, id: u64, task: &Task, n: u32, account: usize) {
        let (order, _) = task.job.message.job;
        let header = &self.edge.orders[order].header;
        let clock = self.clock(task.worker);
        if clock >= header.expires_at.plus(GAP_MS) || self.now >= header.expires_at.plus(SKEW_MS + GAP_MS) {
            self.checker.fail(order, "never-stale", format!("attempt {n} is called after the code's life"));
        }
        if !self.checker.stories[order].calls.insert((task.record, n)) {
            self.checker.fail(order, "one call", format!("attempt {n} is called twice"));
        }
        if self.checker.violation.is_none() && matches!(self.edge.orders[order].standing, Standing::Ended(_))
        {
            // Granted before the record knew, or in the moment between.
            self.trace.count("calls of orders that had ended at the edge");
        }
        let probe = task.probe.map(|(account, _)| account);
        let calling = Calling { phone: task.phone, order, lease: task.job.lease, probe };
        self.check_overlap(&calling, n);
        self.checker.check_breaker(order, account, task, &mut self.trace);
        self.checker.called_at.entry(account).or_default().push(self.now);
        if probe == Some(account) {
            self.trace.count("probes called");
        }
        self.checker.calling.insert(id, calling);
    }

    /// **fifo**: attempts of one phone do not overlap. Two processes that hold one lease each of the phone's partition
    /// may, while the one that lost it finishes what it began.
    fn check_overlap(&mut self, new: &Calling, n: u32) {
        for old in self.checker.calling.values() {
            if let (Some(probe), true) = (new.probe, old.probe == new.probe) {
                let what = format!("attempt {n} and order {} probe account {probe} together", old.order);
                self.checker.violation.get_or_insert(crate::summary::Violation {
                    order: Some(new.order),
                    invariant: "one probe",
                    what,
                });
                return;
            }
            if old.phone != new.phone {
                continue;
            }
            if old.lease == new.lease {
                let what = format!("attempt {n} begins while order {} is called", old.order);
                self.checker.fail(new.order, "fifo", what);
                return;
            }
            self.trace.count("overlaps: after a take-over that did not wait");
        }
    }

    /// **accepted-is-durable**: a job leaves the queue when it is done with, and not before.
    pub fn check_acked(&mut self, worker: usize, job: JobName) {
        let (order, dispatch) = job;
        let it = &self.edge.orders[order];
        let clock = self.clock(worker);
        if !self.broker.is_last(job) || clock >= it.header.expires_at {
            return;
        }
        let story = &self.checker.stories[order];
        let is_ended =
            matches!(it.standing, Standing::Ended(Cause::Cancelled | Cause::Superseded | Cause::Verified));
        let is_done = story.done_with.is_some_and(|done| done >= dispatch);
        // A record that was forgotten may have stood for a message that was sent.
        if is_ended || is_done || story.record > 0 && story.taken > 0 {
            return;
        }
        let what = format!("the last copy of {job:?} is gone, and its record wants it");
        self.checker.fail(order, "accepted-is-durable", what);
    }
}

impl Checker {
    pub fn call_ended(&mut self, id: u64) {
        self.calling.remove(&id);
    }

    /// No call through a gateway that every view has shown open, but for a probe and as a last resort, which the offers
    /// are checked for.
    fn check_breaker(&mut self, order: usize, account: usize, task: &Task, trace: &mut Trace) {
        let Some(since) = self.open.get(&account).copied() else { return };
        let is_probe = task.probe.is_some_and(|(probed, _)| probed == account);
        if is_probe {
            return;
        }
        if task.offered_at > since.plus(VIEW_MS) {
            // It was offered as open: a last resort.
            trace.count("last resorts");
            trace.tell(order, "is a last resort", account as u64, String::new);
        } else {
            trace.count("calls on a view from before the breaker opened");
        }
    }

    pub fn gateway(
        &mut self,
        account: usize,
        ask: &gateway::Ask,
        reply: &Reply,
        now: UnixMs,
        trace: &mut Trace,
    ) {
        if let Some(change) = &reply.change {
            trace.count(&format!("breaker {:?}", change.to));
        }
        if let gateway::Ask::Probe(token) = ask
            && reply.may_probe
        {
            self.check_probe(account, *token, now);
            trace.count("probes granted");
        }
        if let gateway::Ask::Probed { token, is_well } = ask {
            let is_held = self.probes.get(&account).is_some_and(|(held, _)| held == token);
            if is_held {
                self.probes.remove(&account);
            }
            if reply.view.phase == Phase::Closed && self.open.contains_key(&account) && *is_well != Some(true)
            {
                self.fail(None, "one probe", format!("account {account} closes though no probe went well"));
            }
        }
        match reply.view.phase {
            Phase::Closed => drop(self.open.remove(&account)),
            Phase::HalfOpen { .. } | Phase::Open { .. } => drop(self.open.entry(account).or_insert(now)),
        }
        let called = self.called_at.entry(account).or_default();
        let from = now.minus(WINDOW_MS + 2 * SECOND_MS + 2 * SKEW_MS + 60 * SECOND_MS);
        called.retain(|at| *at >= from);
        if reply.view.made as usize > called.len() {
            let what = format!("account {account} counts {} calls of {}", reply.view.made, called.len());
            self.fail(None, "counted once", what);
        }
    }

    fn check_probe(&mut self, account: usize, token: Bytes<16>, now: UnixMs) {
        if let Some((held, since)) = self.probes.insert(account, (token, now))
            && held != token
            && now < since.plus(PROBE_MS - 2 * SKEW_MS)
        {
            let what = format!("account {account} grants a second probe {} ms after one", now.since(since));
            self.fail(None, "one probe", what);
        }
    }
}
