//! Checking a guess. **one-success** and **five-guesses** hold here, in one step, whatever the concurrency.

use serde::Deserialize;
use serde::Serialize;

use super::Command;
use super::Outcome;
use super::Reply;
use super::Whose;
use super::state::Order;
use super::state::State;
use crate::bytes::Bytes;
use crate::challenge::Proof;
use crate::challenge::altcha::Cost;
use crate::code::Code;
use crate::code::Digest;
use crate::machine::Step;
use crate::order::AttemptState;
use crate::time::DAY_MS;
use crate::time::UnixMs;
use crate::wire::api::Channel;
use crate::wire::api::OrderState;
use crate::wire::api::VerifyResult;
use crate::wire::notice::What;

/// A guess.
#[derive(Clone, Serialize, Deserialize)]
pub struct Verify {
    /// What it is a guess at.
    pub whose: Whose,
    /// The digits.
    pub guess: Code,
    /// Hash of the transaction that whoever checks is about to carry out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<Bytes<32>>,
    /// A solved challenge, to be used once.
    pub solved: Option<Proof>,
    /// Who guesses may be anyone.
    #[serde(default)]
    pub is_stranger: bool,
}

pub(super) fn step(mut state: State, verify: &Verify, command: &Command, now: UnixMs) -> Step<State, Reply> {
    let Verify { whose, guess, binding, solved, is_stranger } = verify;
    let keys = &command.keys;
    let section = state.sections.get(&whose.tenant);
    let is_due = *is_stranger && section.is_some_and(|section| section.is_guessed_at(&whose.limits, now));
    // Before the order is looked for: a challenge tells of the address, and of no order.
    if is_due && solved.is_none() || solved.is_some_and(|proof| state.is_used_up(proof)) {
        return Step::keep(Reply::of(Outcome::ChallengeRequired { cost: Cost::Light }));
    }
    // Before it as well: a solution that counted only where a guess is evaluated would tell live orders from others.
    state.use_up(*solved, now);
    let Some((section, order)) = state.find(whose) else {
        // As much work as for an order that is there: time must not tell the two apart.
        Digest::waste(keys.peppers.current(), &whose.tenant, &whose.order, guess);
        return refused(state, *solved, Outcome::NotFound, now);
    };
    let over = match order.state_at(now) {
        OrderState::Verified => Some(VerifyResult::AlreadyVerified),
        OrderState::Cancelled => Some(VerifyResult::Cancelled),
        OrderState::Expired | OrderState::Failed => Some(VerifyResult::Expired),
        OrderState::Accepted
        | OrderState::Delivered
        | OrderState::Queued
        | OrderState::Sending
        | OrderState::Sent => {
            (section.guesses_left(order, &whose.limits, now) == 0).then_some(VerifyResult::Locked)
        }
    };
    // Without its pepper a code cannot be checked: fail closed, and spend no guess.
    let known = order.digest.as_ref().and_then(|digest| Some((keys.peppers.get(&digest.pepper)?, digest)));
    let right = match known {
        Some((pepper, digest)) => {
            digest.matches(pepper, &order.bound(&whose.tenant, binding.as_ref()), guess)
        }
        // Of an order that is over no digest is left.
        None => {
            Digest::waste(keys.peppers.current(), &whose.tenant, &order.id, guess);
            false
        }
    };
    if let Some(result) = over.or_else(|| known.is_none().then_some(VerifyResult::Expired)) {
        let order = section.view(order, whose.seen(), now);
        return refused(state, *solved, Outcome::Verified { result, order }, now);
    }
    // **what you see is what you sign**: who checks must say what it is about to carry out. Another amount or payee is in
    // the digest, and so a wrong guess.
    if order.binding.is_some() && binding.is_none() {
        return refused(state, *solved, Outcome::BindingRequired, now);
    }
    evaluate(state, verify, right, command, now)
}

/// Nothing is evaluated, and only a solution is used up.
fn refused(state: State, solved: Option<Proof>, outcome: Outcome, now: UnixMs) -> Step<State, Reply> {
    let reply = Reply::of(outcome);
    if solved.is_none() { Step::keep(reply) } else { state.put(reply, now) }
}

fn evaluate(
    mut state: State,
    Verify { whose, .. }: &Verify,
    right: bool,
    command: &Command,
    now: UnixMs,
) -> Step<State, Reply> {
    let Some(section) = state.sections.get_mut(&whose.tenant) else {
        return Step::keep(Reply::of(Outcome::NotFound));
    };
    section.guesses_at.push(now, DAY_MS);
    section.wrong_in_a_row = if right { 0 } else { section.wrong_in_a_row.saturating_add(1) };
    let Some(order) = section.orders.iter_mut().find(|order| order.id == whose.order) else {
        return Step::keep(Reply::of(Outcome::NotFound));
    };
    order.guesses = order.guesses.saturating_add(1);
    let is_first = order.guesses == 1;
    if right {
        order.job = None;
        order.state = OrderState::Verified;
        order.verified_channel = Some(proven_channel(order));
        // Of a right code only: an attacker must not train the history.
        if let Some(country) = order.origin {
            section.places.note(country, now);
        }
    }
    let order = order.clone();
    let result = if right { VerifyResult::Verified } else { VerifyResult::WrongCode };
    let outcome = Outcome::Verified { result, order: section.view(&order, whose.seen(), now) };
    let mut due = Vec::new();
    if right {
        // It arrived, so core has it, whether or not its confirmation reached us.
        state.withdraw(&whose.order);
        due = state.notify(&whose.tenant, &whose.order, What::Verified, &command.entropy, now);
    } else if is_first {
        // One per order: enough to see guesses sprayed over many.
        due = state.notify(&whose.tenant, &whose.order, What::WrongCode, &command.entropy, now);
    }
    state.put(Reply { outcome, due }, now)
}

/// The channel of the latest attempt that a gateway took.
fn proven_channel(order: &Order) -> Channel {
    let taken = order.attempts.iter().rev().find(|attempt| match attempt.state {
        AttemptState::Delivered | AttemptState::Sent | AttemptState::Unknown => true,
        AttemptState::Failed | AttemptState::Sending => false,
    });
    taken.map_or(order.channel, |attempt| attempt.channel)
}
