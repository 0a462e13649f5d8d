//! Admitting an order: idempotency, limits, supersede, code, digest, sealed job.

use super::Command;
use super::Create;
use super::Outcome;
use super::Reply;
use super::kept::Kept;
use super::limits;
use super::limits::Standing;
use super::outbox::Part;
use super::outbox::Pending;
use super::payment::Payment;
use super::state::Order;
use super::state::Section;
use super::state::Seen;
use super::state::State;
use crate::binding::Binding;
use crate::bytes::Bytes;
use crate::challenge::Proof;
use crate::challenge::altcha::Cost;
use crate::code::Bound;
use crate::code::Code;
use crate::code::Digest;
use crate::country::Country;
use crate::directory::Risk;
use crate::entropy::Entropy;
use crate::http::reply;
use crate::id::OrderId;
use crate::id::ServiceId;
use crate::machine::Step;
use crate::risk::Factors;
use crate::risk::Origin;
use crate::risk::Places;
use crate::risk::Sighting;
use crate::risk::Tier;
use crate::risk::geo;
use crate::seal::PLAINTEXT_BYTES_MAX;
use crate::time::UnixMs;
use crate::wire::api::Channel;
use crate::wire::api::OrderState;
use crate::wire::job;
use crate::wire::job::Header;
use crate::wire::job::Job;
use crate::wire::job::Private;

pub(super) fn step(mut state: State, create: &Create, command: &Command, now: UnixMs) -> Step<State, Reply> {
    let suspicion = match refuse(&state, create, now) {
        Ok(suspicion) => suspicion,
        Err(outcome) => return Step::keep(Reply::of(outcome)),
    };
    let section = state.sections.entry(create.tenant.clone()).or_default();
    let superseded = superseded(section, create, now);
    let mut stale = section.stale(&create.service, now);
    stale.extend(superseded.iter().cloned());
    stale.drain(..stale.len().saturating_sub(SUPERSEDES_MAX));
    let Some(order) = make(create, &suspicion, command, &stale, now) else {
        return Step::keep(Reply::of(Outcome::Unavailable));
    };
    for older in section.orders.iter_mut().filter(|older| superseded.contains(&older.id)) {
        (older.superseded, older.job) = (true, None);
    }
    let pending = Pending::begin(&order, Part::Job, &command.entropy, now);
    let due = pending.parcel(&create.tenant, &order).into_iter().collect();
    let id = order.id.clone();
    section.orders.push(order);
    for older in &superseded {
        state.withdraw(older);
    }
    state.outbox.push(pending);
    limits::spend(&mut state, &create.tenant, &create.limits, now);
    state.use_up(create.solved, now);
    let section = state.sections.get(&create.tenant);
    let outcome = match section.and_then(|section| Some((section, section.order(&id)?))) {
        Some((section, order)) => {
            Outcome::Created { order: section.view(order, create.seen(), now), replayed: false }
        }
        None => Outcome::Unavailable,
    };
    state.put(Reply { outcome, due }, now)
}

/// What the same order would come to, without ordering.
pub(super) fn preflight(state: State, create: &Create, now: UnixMs) -> Step<State, Reply> {
    Step::keep(Reply::of(match refuse(&state, create, now) {
        Ok(_) => Outcome::Clear,
        Err(outcome) => outcome,
    }))
}

/// An earlier order with this key, a limit, or a challenge that is due; none of them spends anything.
#[expect(clippy::result_large_err, reason = "once a request, and never passed far")]
fn refuse(state: &State, create: &Create, now: UnixMs) -> Result<Suspicion, Outcome> {
    let section = state.sections.get(&create.tenant);
    let earlier = section.and_then(|section| {
        let mut orders = section.orders.iter();
        Some((section, orders.find(|order| order.idempotency_key == create.idempotency_key)?))
    });
    if let Some((section, earlier)) = earlier {
        return Err(if earlier.fingerprint == create.fingerprint {
            Outcome::Created { order: section.view(earlier, create.seen(), now), replayed: true }
        } else {
            Outcome::IdempotencyMismatch
        });
    }
    let standing = create.standing();
    let cost = section.map_or(Cost::Light, |section| section.cost(now));
    let too_light = |proof: Proof| standing == Standing::Solved && proof.cost < cost;
    if create.solved.is_some_and(|proof| state.is_used_up(proof) || too_light(proof)) {
        return Err(Outcome::ChallengeRequired { cost });
    }
    let wait_ms = |standing| limits::wait_ms(state, section, &create.limits, &create.ceilings, standing, now);
    match (wait_ms(standing), wait_ms(standing.max(Standing::Solved))) {
        (0, _) => {}
        // What is left is kept for who solves.
        (_, 0) => return Err(Outcome::ChallengeRequired { cost }),
        (_, retry_after_ms) => return Err(Outcome::RateLimited { retry_after_ms }),
    }
    let suspicion = Suspicion::of(create, section, now);
    // A code that nobody could verify is not sent for nothing: the solution gives it guesses.
    let is_guessed = || section.is_some_and(|section| section.is_guessed_at(&create.limits, now));
    let is_due = create.is_suspect
        || standing == Standing::Stranger && (suspicion.tier > Tier::Normal || is_guessed());
    if is_due && create.solved.is_none() {
        return Err(Outcome::ChallengeRequired { cost });
    }
    Ok(suspicion)
}

/// What the ledger makes of an order.
struct Suspicion {
    factors: Factors,
    tier: Tier,
    channel: Channel,
    risk: Risk,
}

impl Suspicion {
    /// Never a refusal: where nothing safer leads to the user, a challenge has to do.
    fn of(create: &Create, section: Option<&Section>, now: UnixMs) -> Self {
        let (number, origin) = (create.country, create.origin);
        let nowhere = Places::default();
        let places = section.map_or(&nowhere, |section| &section.places);
        let found = geo(&Sighting { number, origin, places }, &create.geo, now);
        let factors = create.factors.union(found);
        let tier = create.geo.tier(factors, create.risk);
        let (channel, risk) = match (create.risk, tier, create.safer_channel) {
            (Risk::Normal, Tier::High, Some(safer)) => (safer, Risk::High),
            _ => (create.channel, create.risk),
        };
        Self { factors, tier, channel, risk }
    }

    /// Where delivery may fail over to: a risky order never by SMS, whatever else fails.
    fn then(&self, create: &Create) -> Vec<Channel> {
        let (by_phone, by_email) = (create.phone.is_some(), create.email.is_some());
        let may =
            |channel: &Channel| *channel != self.channel && self.risk.permits(*channel, by_phone, by_email);
        create.channels.iter().copied().filter(may).collect()
    }
}

impl Create {
    fn seen(&self) -> Seen<'_> {
        (&self.limits, &self.services)
    }

    /// By what the order is counted as verified or not. A caller who brings the code checks it too, so that such an
    /// order would look like one that nobody verified.
    fn counted(&self) -> (Option<Country>, Option<Bytes<8>>) {
        if self.code.is_some() { (None, None) } else { (self.country, self.prefix) }
    }

    /// The caller's own code, or a new one.
    fn code(&self, entropy: &Entropy) -> Option<Code> {
        match &self.code {
            Some(code) => Some(code.clone()),
            None => Code::sample(self.digits, entropy.draws("code")).ok(),
        }
    }

    fn standing(&self) -> Standing {
        if self.solved.is_some() { self.standing.max(Standing::Solved) } else { self.standing }
    }
}

/// Orders that one job says are superseded, at most: the newest. More of one phone's live within a code's life only where its
/// tenant has no limits worth the name, and an envelope has room for 16 KiB.
const SUPERSEDES_MAX: usize = 32;

/// **never-stale**: live orders of the same service, whose place a new one takes: none of a higher standing, else who knows
/// a number could end its owner's code at will. The guess counters are the phone's, so a second live code gives nobody more
/// guesses.
fn superseded(section: &Section, create: &Create, now: UnixMs) -> Vec<OrderId> {
    let is_live = |order: &&Order| order.service == create.service && !order.state_at(now).is_final();
    let yields = |order: &&Order| order.standing <= create.standing();
    section.orders.iter().filter(is_live).filter(yields).map(|order| order.id.clone()).collect()
}

impl Section {
    /// Superseded orders of a service whose codes core might send yet, had it not heard so; oldest first.
    pub(super) fn stale(&self, service: &ServiceId, now: UnixMs) -> Vec<OrderId> {
        let is_stale =
            |order: &&Order| order.superseded && order.service == *service && now < order.expires_at;
        self.orders.iter().filter(is_stale).map(|order| order.id.clone()).collect()
    }
}

/// The order with its sealed job; nothing when randomness or sealing failed.
fn make(
    create: &Create,
    suspicion: &Suspicion,
    command: &Command,
    supersedes: &[OrderId],
    now: UnixMs,
) -> Option<Order> {
    let Command { keys, entropy, ask: _ } = command;
    let id = OrderId::new(entropy.derive("order-id"), create.ledger);
    let code = create.code(entropy)?;
    let expires_at = now.plus(create.ttl_ms);
    let binding = create.binding.as_ref().map(Binding::hash);
    let bound = Bound {
        tenant: &create.tenant,
        order: &id,
        service: &create.service,
        binding: binding.as_ref(),
        issued_at: now,
        expires_at,
    };
    let digest = Digest::new(keys.peppers.current(), &bound, entropy.derive("salt"), &code);
    let (country, prefix) = create.counted();
    let header = header(create, suspicion, &id, supersedes, (entropy, now));
    let job = Some(Kept::new(&seal(create, command, &header, code)?)?);
    Some(Order {
        id,
        service: create.service.clone(),
        channel: suspicion.channel,
        to: create.to.clone(),
        created_at: now,
        expires_at,
        idempotency_key: create.idempotency_key,
        fingerprint: create.fingerprint,
        digest: Some(digest),
        binding: create.binding.clone().map(Payment::Known),
        state: OrderState::Accepted,
        superseded: false,
        job,
        risk: suspicion.risk,
        origin: create.origin.and_then(Origin::country),
        factors: suspicion.factors,
        tier: (!suspicion.factors.is_empty()).then_some(suspicion.tier),
        standing: create.standing(),
        by_phone: create.phone.is_some(),
        by_email: create.email.is_some(),
        waiting_ms: create.waiting_ms,
        country,
        prefix,
        resends: Vec::new(),
        guesses: 0,
        forgiven: 0,
        seq: 0,
        reason: None,
        verified_channel: None,
        attempts: Vec::new(),
        next: None,
        cost: None,
        client_ref: create.client_ref.clone(),
        metadata: create.metadata.clone(),
    })
}

fn header(
    create: &Create,
    suspicion: &Suspicion,
    id: &OrderId,
    supersedes: &[OrderId],
    (entropy, now): (&Entropy, UnixMs),
) -> Header {
    let (_, prefix) = create.counted();
    Header {
        v: job::VERSION,
        order: id.clone(),
        tenant: create.tenant.clone(),
        service: create.service.clone(),
        channel: suspicion.channel,
        then: suspicion.then(create),
        created_at: now,
        expires_at: now.plus(create.ttl_ms),
        country: create.country,
        prefix,
        supersedes: supersedes.to_vec(),
        request: Some(reply::request_id(entropy)),
        factors: suspicion.factors,
        tier: (!suspicion.factors.is_empty()).then_some(suspicion.tier),
        is_deliver_only: create.code.is_some(),
        max_price_micros: create.max_price_micros,
        sms_segments: create.sms_segments,
        to_masked: Some(create.to.clone()),
        client_ref: create.client_ref.clone(),
        trace: create.trace,
    }
}

fn seal(create: &Create, command: &Command, header: &Header, code: Code) -> Option<Job> {
    let private = Private {
        phone: create.phone.clone(),
        email: create.email.clone(),
        code,
        locale: create.locale.clone(),
        approves: create.binding.as_ref().map(Binding::phrase),
    };
    let header = serde_json::to_string(header).ok()?;
    let plaintext = zeroize::Zeroizing::new(serde_json::to_vec(&private).ok()?);
    if plaintext.len() > PLAINTEXT_BYTES_MAX {
        return None;
    }
    let nonce = command.entropy.derive("seal-nonce");
    let sealed = command.keys.sealer.seal(nonce, header.as_bytes(), &plaintext).ok()?;
    Some(Job { header, sealed })
}
