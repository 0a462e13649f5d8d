//! The store: hosts the machines as Redis does, and is away, or loses an answer, now and then.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use tiffin_shared::gateway;
use tiffin_shared::gateway::Gateway;
use tiffin_shared::machine::Machine;
use tiffin_shared::machine::Step;
use tiffin_shared::machine::Write;
use tiffin_shared::order;
use tiffin_shared::order::Order;
use tiffin_shared::route::stats;
use tiffin_shared::route::stats::RouteStats;
use tiffin_shared::time::UnixMs;

use crate::money::Books;

/// Workers see a gateway as it was at most this long ago.
pub const VIEW_MS: u64 = 900;
/// One step in so many goes through bytes, as every step of a real host does.
const BYTES_EVERY: u64 = 16;

/// What became of a command that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Heard,
    /// Applied, and the answer is lost.
    Unheard,
    Unapplied,
}

pub struct Kept {
    pub state: order::State,
    /// The latest time that the record has seen.
    pub clock: UnixMs,
    pub wake_at: Option<UnixMs>,
}

#[derive(Default)]
pub struct Store {
    pub orders: BTreeMap<usize, Kept>,
    /// Each with what it was within the last seconds, newest last.
    gateways: BTreeMap<usize, VecDeque<(UnixMs, gateway::State)>>,
    routes: BTreeMap<usize, stats::State>,
    pub books: Books,
    steps: u64,
}

/// What a step of an order's record did.
pub struct Applied {
    pub reply: order::Reply,
    /// The time that the step went by.
    pub clock: UnixMs,
    pub is_put: bool,
}

impl Store {
    pub fn order(&mut self, order: usize, command: &order::Command, now: UnixMs) -> Applied {
        let old = self.orders.get(&order);
        let clock = old.map_or(now, |old| old.clock.max(now));
        let state = old.map(|old| old.state.clone());
        self.steps += 1;
        let state =
            if self.steps.is_multiple_of(BYTES_EVERY) { state.map(|state| copied(&state)) } else { state };
        let Step { reply, write } = Order::step(state, command, now);
        let is_put = match write {
            Write::Keep => false,
            Write::Put { state, wake_at, .. } => {
                self.orders.insert(order, Kept { state, clock, wake_at });
                true
            }
        };
        Applied { reply, clock, is_put }
    }

    /// `now` is the asker's; `at` is when it happens.
    pub fn gateway(&mut self, gateway: usize, ask: &gateway::Ask, now: UnixMs, at: UnixMs) -> gateway::Reply {
        let past = self.gateways.entry(gateway).or_default();
        let Step { reply, write } = Gateway::step(past.back().map(|last| last.1.clone()), ask, now);
        if let Write::Put { state, .. } = write {
            past.push_back((at, state));
            while past.get(1).is_some_and(|next| next.0.plus(2 * VIEW_MS) < at) {
                past.pop_front();
            }
        }
        reply
    }

    /// As a process saw it that looked at `at`, by its own clock.
    pub fn gateway_view(&self, gateway: usize, at: UnixMs, now: UnixMs) -> gateway::View {
        let seen = self.gateways.get(&gateway).and_then(|past| past.iter().rev().find(|then| then.0 <= at));
        match seen {
            None => gateway::View::unknown(),
            Some((_, state)) => Gateway::step(Some(state.clone()), &gateway::Ask::Look, now).reply.view,
        }
    }

    pub fn route(&mut self, gateway: usize, command: &stats::Command, now: UnixMs) -> stats::View {
        let Step { reply, write } = RouteStats::step(self.routes.get(&gateway).cloned(), command, now);
        if let Write::Put { state, .. } = write {
            self.routes.insert(gateway, state);
        }
        reply
    }

    pub fn forget(&mut self, order: usize) -> bool {
        self.orders.remove(&order).is_some()
    }

    pub fn state_json(&self, order: usize) -> Option<String> {
        self.orders.get(&order).map(|kept| serde_json::to_string(&kept.state).unwrap())
    }
}

fn copied(state: &order::State) -> order::State {
    let bytes = serde_json::to_string(state).unwrap();
    let copy = serde_json::from_str(&bytes).unwrap();
    assert_eq!(*state, copy, "what is stored is what is read");
    copy
}
