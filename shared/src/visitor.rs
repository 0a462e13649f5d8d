//! What one client network may ask of the public routes: challenged first, blocked later. Kept under its [`VisitorId`].
//!
//! Each kind of request has three buckets. `free` admits without a challenge. `unsolved` counts the requests that came
//! without a solved challenge, and refuses them when there are ten times as many. `solved` counts those that came with one
//! and has the same size, but is its own: a flood from behind a shared address cannot use up what a neighbour who solves
//! the challenge is entitled to, nor can one solution that comes again and again. So the reply to a request depends only on how many of its own kind came before.
//!
//! A missing state means a visitor who was never here. Losing it grants at most one more burst to one network, and the limits
//! that protect a phone (bucket, caps, guesses) are in the ledger: so a state that is lost locks nobody out. A host that cannot ask for it is another matter: it answers 503.
//!
//! A provider's customer may hold a whole IPv6 /48. Asking about the site with every request would double the hops of every
//! IPv6 user; [`Network::site`] and [`VisitorLimits::site`] are for a host that asks only when a /64 shows up first
//! ([`Reply::New`]): whoever changes networks to get fresh buckets always does, and a usual visitor rarely. So a site's
//! limits count its networks as they show up, and not their requests: one that admits 30 networks at once admits of each what
//! a network may do. Nothing is kept of a network until its site has let it in, for each kind of request apart: what the site
//! refuses stays refused however often it comes, and a guess opens no order.

mod desk;
mod limits;
mod network;

use serde::Deserialize;
use serde::Serialize;

pub use self::desk::View;
pub use self::limits::Allowance;
pub use self::limits::VisitorLimits;
pub use self::network::Network;
pub use self::network::VisitorId;
pub use self::network::network;
use crate::bucket::Bucket;
use crate::bytes::Bytes;
use crate::challenge::NONCE_MEMORY_MS;
use crate::challenge::Nonce;
use crate::challenge::Proof;
use crate::machine::Machine;
use crate::machine::Step;
use crate::machine::Write;
use crate::time::UnixMs;

/// Requests remembered of each kind and verdict: as many as the largest default burst of orders, about 400 bytes.
/// A replay of an older one costs a token, nothing else.
pub const REQUESTS_MAX: usize = 32;
/// Nonces remembered of each kind of request: more than the default buckets of orders, and half a minute's worth above the
/// burst of guesses, let through while a challenge lives. When there are more, a replay of the oldest costs a token.
pub const NONCES_MAX: usize = 128;
/// Bytes kept of a request's hash. Two of 32 collide once in 10¹¹ times, and then one request is free.
const TAG_BYTES: usize = 6;

/// The machine.
pub enum Visitor {}

/// What a network did lately. JSON with short names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The latest time seen: an earlier one is read as this one.
    clock: UnixMs,
    #[serde(default, skip_serializing_if = "Lane::is_empty")]
    orders: Lane,
    #[serde(default, skip_serializing_if = "Lane::is_empty")]
    guesses: Lane,
}

/// One kind of request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Lane {
    /// The site around it was asked, and let it in. Unknown of what an earlier version kept: then it is asked once more.
    #[serde(rename = "k", skip_serializing_if = "std::ops::Not::not")]
    is_known: bool,
    #[serde(rename = "f", skip_serializing_if = "is_new")]
    free: Bucket,
    #[serde(rename = "u", skip_serializing_if = "is_new")]
    unsolved: Bucket,
    #[serde(rename = "s", skip_serializing_if = "is_new")]
    solved: Bucket,
    /// Oldest first.
    #[serde(rename = "a", skip_serializing_if = "Vec::is_empty")]
    admitted: Vec<Bytes<TAG_BYTES>>,
    /// Oldest first.
    #[serde(rename = "c", skip_serializing_if = "Vec::is_empty")]
    challenged: Vec<Bytes<TAG_BYTES>>,
    /// Oldest first.
    #[serde(rename = "n", skip_serializing_if = "Vec::is_empty")]
    nonces: Vec<Known>,
}

/// A nonce, the request that it came with, and until when its challenge lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known(Bytes<TAG_BYTES>, Bytes<TAG_BYTES>, UnixMs);

/// Something a visitor asks.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Command {
    /// The installation's settings.
    pub limits: VisitorLimits,
    /// What.
    pub ask: Ask,
}

/// A request that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// A code is ordered.
    Order(Request),
    /// A code is guessed: one guess on each of many phones hides from every phone's own limit.
    Guess(Request),
    /// An operator asks how things stand. Nothing changes.
    Look,
    /// An operator has it forgotten.
    Release,
}

impl Ask {
    /// The same, with a solved challenge.
    #[must_use]
    pub fn solved(self, nonce: Nonce) -> Self {
        self.with(|request| Request { solved: Some(nonce), ..request })
    }

    /// The same, of a network whose site has let it in, or that has none.
    #[must_use]
    pub fn known_to_site(self) -> Self {
        self.with(|request| Request { known_to_site: true, ..request })
    }

    /// The same, counted under another hash.
    #[must_use]
    pub fn named(self, id: Bytes<16>) -> Self {
        self.with(|request| Request { id, ..request })
    }

    /// The same, with an answer that proves nothing so far.
    #[must_use]
    pub fn unproven(self) -> Self {
        self.with(|request| Request { unproven: true, ..request })
    }

    /// The request that it is about; none of an operator's.
    pub fn request(&self) -> Option<&Request> {
        match self {
            Self::Order(request) | Self::Guess(request) => Some(request),
            Self::Look | Self::Release => None,
        }
    }

    fn with(self, change: impl Fn(Request) -> Request) -> Self {
        match self {
            Self::Order(request) => Self::Order(change(request)),
            Self::Guess(request) => Self::Guess(change(request)),
            Self::Look | Self::Release => self,
        }
    }
}

/// Which request it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Keyed hash of the caller and its idempotency key. The same request again takes no second token.
    pub id: Bytes<16>,
    /// It brought a challenge solved for it, with this nonce. The host has checked the work; whether it was used before
    /// only the ledger knows, so a nonce takes one token here however often it comes. With a guess it opens one request, and
    /// with an order the same one again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solved: Option<Nonce>,
    /// The site around the network has let it in, or it has none. Without this a new network is answered [`Reply::New`].
    #[serde(default)]
    pub known_to_site: bool,
    /// It brings an answer to a challenge that is wrong, or that somebody else must be asked about. It counts as one more
    /// request without a solution each time it comes, and opens nothing: so guessing answers ends in a block.
    #[serde(default)]
    pub unproven: bool,
}

impl Request {
    /// One of a network that may be new, with the challenge that was solved for it.
    pub fn new(id: Bytes<16>, solved: Option<Proof>) -> Self {
        Self { id, solved: solved.map(|proof| proof.nonce), known_to_site: false, unproven: false }
    }
}

/// The verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// Go on.
    Admit {
        /// Requests left without a challenge.
        remaining: u32,
        /// Milliseconds until there is one more; 0 when all are there.
        reset_ms: u64,
    },
    /// Only with a solved challenge.
    Challenge {
        /// Milliseconds until one passes without.
        reset_ms: u64,
    },
    /// Too many: 429.
    Block {
        /// Milliseconds until the same request is looked at again.
        retry_after_ms: u64,
        /// It came without a solved challenge, and with one it would pass now.
        solvable: bool,
    },
    /// The network is new to this kind of request, and nothing was counted: ask its [`Network::site`], then this again with
    /// [`Request::known_to_site`].
    New,
    /// How things stood, for an operator.
    Seen(View),
}

impl Machine for Visitor {
    type State = State;
    type Command = Command;
    type Reply = Reply;

    fn step(state: Option<State>, command: &Command, now: UnixMs) -> Step<State, Reply> {
        let mut state = state.unwrap_or_default();
        let now = state.clock.max(now);
        state.clock = now;
        state.forget(now);
        let (lane, allowance, request) = match &command.ask {
            Ask::Order(request) => (&mut state.orders, command.limits.order(), request),
            Ask::Guess(request) => (&mut state.guesses, command.limits.guess(), request),
            Ask::Look => return Step::keep(Reply::Seen(state.view(command.limits, now))),
            Ask::Release => return state.release(command.limits, now),
        };
        if !lane.is_known && !request.known_to_site {
            return Step::keep(Reply::New);
        }
        let is_guess = matches!(command.ask, Ask::Guess(_));
        match lane.decide((allowance, is_guess), request, now) {
            Err(refusal) => Step::keep(refusal),
            Ok(verdict) => {
                let remaining = lane.free.remaining(allowance.free, now);
                let reset_ms = lane.free.next_ms(allowance.free, now);
                let reply = match verdict.admitted {
                    true => Reply::Admit { remaining, reset_ms },
                    false => Reply::Challenge { reset_ms: lane.free.wait_ms(allowance.free, now) },
                };
                if !verdict.changed {
                    return Step::keep(reply);
                }
                let expires_at = state.orders.full_at().max(state.guesses.full_at());
                Step { reply, write: Write::Put { state, expires_at, wake_at: None } }
            }
        }
    }
}

/// What becomes of a request that is not blocked.
struct Verdict {
    admitted: bool,
    changed: bool,
}

impl Lane {
    fn decide(
        &mut self,
        (allowance, is_guess): (Allowance, bool),
        request: &Request,
        now: UnixMs,
    ) -> Result<Verdict, Reply> {
        if request.unproven {
            let solvable = self.solved.wait_ms(allowance.block, now) == 0;
            let blocked = |retry_after_ms| Reply::Block { retry_after_ms, solvable };
            self.unsolved.take(allowance.block, now).map_err(blocked)?;
            return Ok(Verdict { admitted: true, changed: true });
        }
        // Not by an answer that proves nothing: of those a site admits more.
        self.is_known = true;
        let tag = Bytes(first(request.id));
        // An order that comes again is answered with the earlier one, and a guess is another guess: as at the ledgers, so that
        // an id without one is answered alike.
        let is_used = |nonce: Nonce| self.nonces.iter().any(|known| known.0 == Bytes(first(nonce.0)));
        if is_guess && request.solved.is_some_and(is_used) {
            return Ok(Verdict { admitted: false, changed: false });
        }
        if self.admitted.contains(&tag) {
            return Ok(Verdict { admitted: true, changed: false });
        }
        if let Some(nonce) = request.solved {
            let nonce = Bytes(first(nonce.0));
            // It was let through once: with another request only a new challenge opens anything.
            if let Some(known) = self.nonces.iter().find(|known| known.0 == nonce) {
                return Ok(Verdict { admitted: known.1 == tag, changed: false });
            }
            let blocked = |retry_after_ms| Reply::Block { retry_after_ms, solvable: false };
            self.solved.take(allowance.block, now).map_err(blocked)?;
            push(&mut self.nonces, Known(nonce, tag, now.plus(NONCE_MEMORY_MS)), NONCES_MAX);
            self.admit(tag);
            return Ok(Verdict { admitted: true, changed: true });
        }
        let is_known = self.challenged.contains(&tag);
        if !is_known {
            let solvable = self.solved.wait_ms(allowance.block, now) == 0;
            let blocked = |retry_after_ms| Reply::Block { retry_after_ms, solvable };
            self.unsolved.take(allowance.block, now).map_err(blocked)?;
        }
        if self.free.take(allowance.free, now).is_ok() {
            self.admit(tag);
            return Ok(Verdict { admitted: true, changed: true });
        }
        if !is_known {
            push(&mut self.challenged, tag, REQUESTS_MAX);
        }
        Ok(Verdict { admitted: false, changed: !is_known })
    }

    fn admit(&mut self, tag: Bytes<TAG_BYTES>) {
        self.challenged.retain(|known| *known != tag);
        push(&mut self.admitted, tag, REQUESTS_MAX);
    }

    /// From here on nothing is left to remember.
    fn full_at(&self) -> UnixMs {
        let until = self.nonces.last().map_or(UnixMs(0), |known| known.2);
        self.free.full_at().max(self.unsolved.full_at()).max(self.solved.full_at()).max(until)
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl State {
    /// A kind of request whose buckets are full is as good as new.
    fn forget(&mut self, now: UnixMs) {
        for lane in [&mut self.orders, &mut self.guesses] {
            if lane.full_at() <= now {
                *lane = Lane::default();
            }
            lane.nonces.retain(|known| now < known.2);
        }
    }
}

fn push<T>(list: &mut Vec<T>, new: T, max: usize) {
    if list.len() >= max {
        list.remove(0);
    }
    list.push(new);
}

fn first(id: Bytes<16>) -> [u8; TAG_BYTES] {
    let mut tag = [0; TAG_BYTES];
    for (to, from) in tag.iter_mut().zip(id.0) {
        *to = from;
    }
    tag
}

#[cfg_attr(
    target_pointer_width = "64",
    expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")
)]
fn is_new(bucket: &Bucket) -> bool {
    *bucket == Bucket::default()
}
