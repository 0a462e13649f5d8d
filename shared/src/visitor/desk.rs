//! What an operator sees of a network, and letting it go.

use serde::Deserialize;
use serde::Serialize;

use super::Allowance;
use super::Lane;
use super::Reply;
use super::State;
use super::VisitorLimits;
use crate::machine::Step;
use crate::machine::Write;
use crate::time::UnixMs;

/// How a network stands, by kind of request. Milliseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Orders that pass without a challenge.
    pub orders_left: u32,
    /// Until then an order needs a solved challenge.
    pub challenge_until: Option<UnixMs>,
    /// Until then an order without one is refused.
    pub blocked_until: Option<UnixMs>,
    /// Guesses that pass without a challenge.
    pub guesses_left: u32,
    /// Until then a guess needs a solved challenge.
    pub guesses_challenge_until: Option<UnixMs>,
    /// Until then a guess without one is refused.
    pub guesses_blocked_until: Option<UnixMs>,
}

impl State {
    pub(super) fn view(&self, limits: VisitorLimits, now: UnixMs) -> View {
        let (orders_left, challenge_until, blocked_until) = self.orders.view(limits.order(), now);
        let (guesses_left, guesses_challenge_until, guesses_blocked_until) =
            self.guesses.view(limits.guess(), now);
        View {
            orders_left,
            challenge_until,
            blocked_until,
            guesses_left,
            guesses_challenge_until,
            guesses_blocked_until,
        }
    }

    /// Every bucket is full again. The nonces stay: what opened one request opens no other.
    pub(super) fn release(mut self, limits: VisitorLimits, now: UnixMs) -> Step<Self, Reply> {
        let (before, was) = (self.clone(), self.view(limits, now));
        for lane in [&mut self.orders, &mut self.guesses] {
            let nonces = std::mem::take(&mut lane.nonces);
            *lane = Lane { nonces, ..Lane::default() };
        }
        if self == before {
            return Step::keep(Reply::Seen(was));
        }
        let expires_at = self.orders.full_at().max(self.guesses.full_at()).max(now.plus(1));
        Step { reply: Reply::Seen(was), write: Write::Put { state: self, expires_at, wake_at: None } }
    }
}

impl Lane {
    fn view(&self, allowance: Allowance, now: UnixMs) -> (u32, Option<UnixMs>, Option<UnixMs>) {
        let until = |wait_ms: u64| (wait_ms > 0).then(|| now.plus(wait_ms));
        (
            self.free.remaining(allowance.free, now),
            until(self.free.wait_ms(allowance.free, now)),
            until(self.unsolved.wait_ms(allowance.block, now)),
        )
    }
}
