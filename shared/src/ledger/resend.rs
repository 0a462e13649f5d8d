//! Sending the same code once more: another way, or the same way after a failure that passes.
//!
//! **something-changes** and **five-guesses**: what would repeat a message is refused, and no counter starts anew.

use serde::Deserialize;
use serde::Serialize;

use super::Command;
use super::Outcome;
use super::Reply;
use super::Whose;
use super::limits;
use super::limits::Standing;
use super::outbox::Part;
use super::outbox::Pending;
use super::state::Order;
use super::state::Section;
use super::state::Seen;
use super::state::State;
use crate::bytes::Bytes;
use crate::challenge::Proof;
use crate::challenge::altcha::Cost;
use crate::directory::Countries;
use crate::directory::Limits;
use crate::guard::Level;
use crate::guard::Mode;
use crate::guard::blocklist::Listed;
use crate::id::GatewayId;
use crate::machine::Step;
use crate::order::Attempt;
use crate::order::AttemptState;
use crate::time::UnixMs;
use crate::wire::api::Channel;
use crate::wire::api::ChannelChoice;

/// The same way is tried again this long after a failure that passes; sooner, core does it by itself.
const SAME_WAY_AFTER_MS: u64 = 30_000;

/// A wish to have the code sent once more.
#[derive(Clone, Serialize, Deserialize)]
pub struct Resend {
    /// Of which order.
    pub whose: Whose,
    /// Keyed hash of the idempotency key.
    pub idempotency_key: Bytes<16>,
    /// Keyed hash of the request.
    pub fingerprint: Bytes<16>,
    /// How.
    pub channel: ChannelChoice,
    /// Ways with a live route, by service, best first. The order's own risk and addresses narrow them.
    pub services: Vec<ServiceRoutes>,
    /// The limits over all tenants.
    pub ceilings: limits::Ceilings,
    /// Where the tenant's codes may go by now.
    pub countries: Countries,
    /// What looks pumped by now.
    #[serde(default, skip_serializing_if = "Listed::is_empty")]
    pub listed: Listed,
    /// A solved challenge, to be used once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solved: Option<Proof>,
    /// Support asks: nobody is there to solve a challenge. The limits are the tenant's as ever.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_operator: bool,
}

/// The ways a service's messages may go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceRoutes {
    /// Which service.
    pub service: crate::id::ServiceId,
    /// Best first.
    pub routes: Vec<Way>,
}

/// A channel through a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// How.
    pub channel: Channel,
    /// Through whom.
    pub gateway: GatewayId,
    /// Whether the payer could not read in it what a code approves; see [`crate::directory::Route::takes_payments`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hides_payments: bool,
}

/// A resend that was admitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resent {
    pub(super) idempotency_key: Bytes<16>,
    pub(super) fingerprint: Bytes<16>,
    pub(super) channel: Channel,
    pub(super) at: UnixMs,
}

pub(super) fn step(mut state: State, resend: &Resend, command: &Command, now: UnixMs) -> Step<State, Reply> {
    let Resend { whose, .. } = resend;
    let Some((section, order)) = state.find(whose) else {
        return Step::keep(Reply::of(Outcome::NotFound));
    };
    let view = |section: &Section, order: &Order| section.view(order, resend.seen(), now);
    if let Some(earlier) =
        order.resends.iter().find(|earlier| earlier.idempotency_key == resend.idempotency_key)
    {
        return Step::keep(Reply::of(if earlier.fingerprint == resend.fingerprint {
            Outcome::Resent {
                order: view(section, order),
                replayed: true,
                channel: Some(earlier.channel),
                may_change: Vec::new(),
            }
        } else {
            Outcome::IdempotencyMismatch
        }));
    }
    let (channel, may_change) = match choose(order, resend, now) {
        Ok(chosen) => chosen,
        Err(outcome) => return Step::keep(Reply::of(outcome)),
    };
    if order.sends_left(&whose.limits) == 0 {
        return Step::keep(Reply::of(Outcome::NothingChanged { may_change: Vec::new() }));
    }
    if let Err(outcome) = admit(&state, (section, order), resend, now) {
        return Step::keep(Reply::of(outcome));
    }
    limits::spend(&mut state, &whose.tenant, &whose.limits, now);
    state.use_up(resend.solved, now);
    let Some(order) = state.order_mut(&whose.order) else {
        return Step::keep(Reply::of(Outcome::NotFound));
    };
    let Resend { idempotency_key, fingerprint, .. } = *resend;
    order.resends.push(Resent { idempotency_key, fingerprint, channel, at: now });
    let n = u8::try_from(order.resends.len()).unwrap_or(u8::MAX);
    let pending = Pending::begin(order, Part::Dispatch(n), &command.entropy, now);
    let due = pending.parcel(&whose.tenant, order).into_iter().collect();
    // The newest sending is the one that counts; core would refuse an older one after it.
    state.outbox.retain(|older| older.id.order != whose.order || !matches!(older.id.part, Part::Dispatch(_)));
    state.outbox.push(pending);
    let outcome = match state.find(whose) {
        Some((section, order)) => Outcome::Resent {
            order: view(section, order),
            replayed: false,
            channel: Some(channel),
            may_change,
        },
        None => Outcome::NotFound,
    };
    state.put(Reply { outcome, due }, now)
}

/// What a new order would be refused for: a resend is a message like any other.
#[expect(clippy::result_large_err, reason = "once a request, and never passed far")]
fn admit(
    state: &State,
    (section, order): (&Section, &Order),
    resend: &Resend,
    now: UnixMs,
) -> Result<(), Outcome> {
    let Resend { whose, solved, .. } = resend;
    let standing = match (resend.by_operator, solved) {
        (true, _) => Standing::Server,
        (false, Some(_)) => order.standing.max(Standing::Solved),
        (false, None) => order.standing,
    };
    let is_suspect = order.is_listed(resend, now)? && !resend.by_operator;
    let cost = match (is_suspect, standing) {
        (true, _) => Cost::Heavy.max(section.cost(now)),
        (false, Standing::Server) => Cost::Light,
        (false, Standing::Stranger | Standing::Solved) => section.cost(now),
    };
    if solved.is_some_and(|proof| state.is_used_up(proof) || proof.cost < cost) {
        return Err(Outcome::ChallengeRequired { cost });
    }
    let from = order.resend_at(&whose.limits);
    let wait_ms =
        |standing| limits::wait_ms(state, Some(section), &whose.limits, &resend.ceilings, standing, now);
    let (own_ms, solved_ms) = (wait_ms(standing), wait_ms(standing.max(Standing::Solved)));
    if from.since(now) >= solved_ms.max(1) {
        return Err(Outcome::ResendTooEarly { from, retry_after_ms: from.since(now) });
    }
    if solved_ms > 0 {
        return Err(Outcome::RateLimited { retry_after_ms: solved_ms });
    }
    if own_ms > 0 || is_suspect && solved.is_none() {
        return Err(Outcome::ChallengeRequired { cost });
    }
    Ok(())
}

/// The best way that differs from all that was tried, and what else would have.
#[expect(clippy::result_large_err, reason = "once a request, and never passed far")]
fn choose(order: &Order, resend: &Resend, now: UnixMs) -> Result<(Channel, Vec<Channel>), Outcome> {
    if order.state_at(now).is_final() || order.job.is_none() {
        return Err(Outcome::NothingChanged { may_change: Vec::new() });
    }
    let ways = order.ways(&resend.services);
    if !ways.iter().any(|way| resend.channel.allows(way.channel)) {
        return Err(Outcome::NoRoute);
    }
    let may_change = order.may_change(&ways, now);
    match may_change.iter().find(|channel| resend.channel.allows(**channel)) {
        Some(channel) => Ok((*channel, may_change)),
        None => Err(Outcome::NothingChanged { may_change }),
    }
}

/// **something-changes**: the channels by which a message would go another way than before, best first: by a way that is
/// untried, or that failed in a way that passes, long enough ago. `asked` are those that were asked for so far.
pub fn may_change(attempts: &[Attempt], asked: &[Channel], ways: &[&Way], now: UnixMs) -> Vec<Channel> {
    let is_new = |way: &&&Way| is_new_way(attempts, asked, way, ways, now);
    let mut channels: Vec<Channel> = Vec::new();
    for way in ways.iter().filter(is_new) {
        if !channels.contains(&way.channel) {
            channels.push(way.channel);
        }
    }
    channels
}

fn is_new_way(attempts: &[Attempt], asked: &[Channel], way: &Way, ways: &[&Way], now: UnixMs) -> bool {
    let mut tried = attempts.iter().filter(|attempt| attempt.channel == way.channel).peekable();
    if tried.peek().is_none() {
        // Asked for and not begun: whichever gateway comes first will carry it.
        let first = ways.iter().find(|other| other.channel == way.channel);
        return !asked.contains(&way.channel) || first.is_none_or(|first| first.gateway != way.gateway);
    }
    match tried.rfind(|attempt| attempt.gateway == way.gateway) {
        None => true,
        Some(last) => {
            last.state == AttemptState::Failed
                && last.reason.is_some_and(crate::order::Reason::passes)
                && now >= last.at.plus(SAME_WAY_AFTER_MS)
        }
    }
}

impl Resend {
    fn seen(&self) -> Seen<'_> {
        (&self.whose.limits, &self.services)
    }
}

impl Order {
    /// Whether numbers like this one look pumped, and a challenge is due.
    #[expect(clippy::result_large_err, reason = "once a request, and never passed far")]
    fn is_listed(&self, Resend { countries, listed, .. }: &Resend, now: UnixMs) -> Result<bool, Outcome> {
        // Of a mailbox, and of an order that is not counted, nothing is known.
        let Some((country, prefix)) = self.country.zip(self.prefix) else { return Ok(false) };
        if !countries.allow(Some(country)) {
            return Err(Outcome::NoRoute);
        }
        let found = listed.lookup(prefix, country, now);
        match (found.mode, found.level) {
            (Mode::RecordOnly, _) | (_, Level::Open) => Ok(false),
            (Mode::Enforce, Level::Challenge) => Ok(true),
            (Mode::Enforce, Level::Block) => Err(Outcome::Blocked),
        }
    }

    /// The service's ways that lead to the user, and show what the code approves where it approves something.
    pub(super) fn ways<'a>(&self, services: &'a [ServiceRoutes]) -> Vec<&'a Way> {
        let leads = |way: &&Way| {
            let hides = way.hides_payments && self.binding.is_some();
            !hides && self.risk.permits(way.channel, self.by_phone, self.by_email)
        };
        let routes = services.iter().find(|known| known.service == self.service);
        routes.iter().flat_map(|known| &known.routes).filter(leads).collect()
    }

    pub(super) fn may_change(&self, ways: &[&Way], now: UnixMs) -> Vec<Channel> {
        let asked: Vec<Channel> = self.channels_asked().collect();
        may_change(&self.attempts, &asked, ways, now)
    }

    fn channels_asked(&self) -> impl Iterator<Item = Channel> {
        std::iter::once(self.channel).chain(self.resends.iter().map(|resend| resend.channel))
    }

    /// Messages that may still be asked for.
    pub(super) fn sends_left(&self, limits: &Limits) -> u8 {
        let sent = u8::try_from(self.resends.len()).unwrap_or(u8::MAX).saturating_add(1);
        limits.sends_per_order.saturating_sub(sent)
    }

    /// When the next resend may come: the gap doubles with each.
    pub(super) fn resend_at(&self, limits: &Limits) -> UnixMs {
        let last = self.resends.last().map_or(self.created_at, |resend| resend.at);
        let doublings = u32::try_from(self.resends.len()).unwrap_or(u32::MAX).min(8);
        last.plus(limits.resend_after_ms.saturating_mul(1 << doublings))
    }
}
