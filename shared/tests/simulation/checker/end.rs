//! What must have come to pass when faults have stopped and every code is over.

use tiffin_shared::time::SECOND_MS;
use tiffin_shared::wire::api::Channel;

use crate::edge::Standing;
use crate::world::World;

/// From the last fault until the code's end: longer than any pause or open breaker of before, and before new orders come.
const PROBED_BY_MS: std::ops::Range<u64> = 50 * SECOND_MS..64 * SECOND_MS;

impl World {
    pub fn at_the_end(&mut self) {
        if let Some(job) = self.broker.copies.keys().next().copied() {
            let what = format!("{job:?} is still about");
            return self.checker.fail(job.0, "nothing in flight forever", what);
        }
        if let Some(task) = self.tasks.values().next() {
            let (order, _) = task.job.message.job;
            return self.checker.fail(order, "nothing in flight forever", task.phase.name().to_owned());
        }
        let late = self.now > self.plan.ends_at();
        if late {
            return self.checker.fail(None, "nothing in flight forever", "events go on without end".into());
        }
        for order in 0..self.edge.orders.len() {
            self.check_order(order);
        }
        self.check_money();
        for account in 0..self.plan.accounts.len() {
            let is_used = self.plan.accounts[account].way.channel == Channel::Sms;
            if is_used && !self.store.gateway_view(account, self.now, self.now).is_closed() {
                let what = format!("the breaker of account {account} stays open");
                self.checker.fail(None, "liveness", what);
            }
        }
    }

    fn check_order(&mut self, order: usize) {
        let it = &self.edge.orders[order];
        self.trace.count(match it.standing {
            Standing::Ended(_) => "ends: by the edge",
            Standing::Live if it.arrived > 0 => "ends: arrived, not verified",
            Standing::Live => "ends: did not arrive",
            Standing::None => "ends: never made",
        });
        if self.plan.is_calm_order(order) && it.arrived == 0 {
            self.checker.fail(order, "liveness", "all is well, and it does not arrive".into());
        }
        // Held up by open breakers, it must go on when one of them may be probed, without another order's help.
        let waited_ms = it.header.expires_at.since(self.plan.calm_from);
        let is_due = PROBED_BY_MS.contains(&waited_ms) && it.header.created_at < self.plan.calm_from;
        let story = self.checker.story(order);
        if is_due && it.standing == Standing::Live && !story.started && story.done_with.is_none() {
            self.checker.fail(order, "liveness", "all is well for long, and it is never sent".into());
        }
        let Some(kept) = self.store.orders.get(&order) else { return };
        if kept.wake_at.is_some() {
            return self.checker.fail(order, "liveness", "the edge is not told of it".into());
        }
        let state: serde_json::Value = self
            .store
            .state_json(order)
            .and_then(|json| serde_json::from_str(&json).ok())
            .unwrap_or_default();
        let entries = state["story"]["entries"].as_array().map_or(0, Vec::len);
        self.checker.check_heard(order, entries);
    }
}
