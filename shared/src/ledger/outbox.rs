//! **accepted-is-durable**: a job stays here until core confirmed it or its code is over.
//!
//! Each hand-over is a lease: the next one is set when this one begins, so a host that dies in between, or
//! never hears back, needs to report nothing.

use super::Outcome;
use super::Reply;
use super::state::State;
use crate::backoff::Backoff;
use crate::entropy::Entropy;
use crate::id::OrderId;
use crate::machine::Step;
use crate::time::SECOND_MS;
use crate::time::UnixMs;
use crate::wire::api::OrderState;
use crate::wire::job::Job;

/// How long a host may wait for core's answer: less than the first lease, so hand-overs do not overlap.
pub const HANDOVER_TIMEOUT_MS: u64 = 4 * SECOND_MS;

/// A code lives minutes, so an outage of core must not put the next try off for long.
const BACKOFF: Backoff = Backoff { base_ms: 5 * SECOND_MS, max_ms: 10 * SECOND_MS };
/// Jobs handed over at one alarm. More than one phone can have live at a time.
const DUE_MAX: usize = 16;

/// When the hand-over after number `tries` begins.
pub(super) fn next_at(tries: u32, entropy: &Entropy, order: &OrderId, now: UnixMs) -> UnixMs {
    let random = u64::from_be_bytes(entropy.derive(&format!("outbox/{order}")));
    now.plus(BACKOFF.delay_ms(tries, random))
}

pub(super) fn tick(mut state: State, entropy: &Entropy, now: UnixMs) -> Step<State, Reply> {
    let mut due: Vec<Job> = Vec::new();
    let before = state.outbox.len();
    state.outbox.retain(|pending| now < pending.until);
    let dropped = state.outbox.len() < before;
    for pending in state.outbox.iter_mut().filter(|pending| pending.next_at <= now).take(DUE_MAX) {
        pending.next_at = next_at(pending.tries, entropy, &pending.order, now);
        pending.tries = pending.tries.saturating_add(1);
        due.push(pending.job.clone());
    }
    if due.is_empty() && !dropped {
        let noted = Reply::of(Outcome::Noted);
        // Writing sets the wake-up again: one that rang too early is spent.
        return if state.outbox.is_empty() { Step::keep(noted) } else { state.put(noted, now) };
    }
    state.put(Reply { outcome: Outcome::Noted, due }, now)
}

pub(super) fn done(mut state: State, order: &OrderId, now: UnixMs) -> Step<State, Reply> {
    let before = state.outbox.len();
    state.outbox.retain(|pending| pending.order != *order);
    if state.outbox.len() == before {
        return Step::keep(Reply::of(Outcome::Noted));
    }
    // Core's first event may have come before its confirmation.
    if let Some(order) = state.order_mut(order).filter(|order| order.state == OrderState::Accepted) {
        order.state = OrderState::Queued;
    }
    state.put(Reply::of(Outcome::Noted), now)
}
