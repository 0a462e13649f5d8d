//! Admitting an order: idempotency, caps, bucket, supersede, code, digest, sealed job.

use super::Command;
use super::Create;
use super::Outcome;
use super::Reply;
use super::outbox;
use super::state::Order;
use super::state::Pending;
use super::state::Section;
use super::state::State;
use super::state::is_final;
use crate::code::Bound;
use crate::code::Code;
use crate::code::Digest;
use crate::id::OrderId;
use crate::machine::Step;
use crate::seal::PLAINTEXT_BYTES_MAX;
use crate::time::DAY_MS;
use crate::time::UnixMs;
use crate::wire::api::OrderState;
use crate::wire::job;
use crate::wire::job::Header;
use crate::wire::job::Job;
use crate::wire::job::Private;

pub(super) fn step(mut state: State, create: &Create, command: &Command, now: UnixMs) -> Step<State, Reply> {
    let section = state.sections.entry(create.tenant.clone()).or_default();
    if let Some(earlier) = section.orders.iter().find(|order| order.idempotency_key == create.idempotency_key)
    {
        // A replay spends nothing.
        return Step::keep(Reply::of(if earlier.fingerprint == create.fingerprint {
            Outcome::Created { order: section.view(earlier, &create.limits, now), replayed: true }
        } else {
            Outcome::IdempotencyMismatch
        }));
    }
    if let Err(retry_after_ms) = admit(section, create, now) {
        return Step::keep(Reply::of(Outcome::RateLimited { retry_after_ms }));
    }
    let Some((order, job)) = make(create, command, now) else {
        return Step::keep(Reply::of(Outcome::Unavailable));
    };

    let superseded = supersede(section, &order);
    let outcome = Outcome::Created { order: section.view(&order, &create.limits, now), replayed: false };
    let pending = Pending {
        order: order.id.clone(),
        job: job.clone(),
        tries: 1,
        next_at: outbox::next_at(0, &command.entropy, &order.id, now),
        until: order.expires_at,
    };
    section.orders.push(order);
    state.outbox.retain(|pending| !superseded.contains(&pending.order));
    state.outbox.push(pending);
    state.put(Reply { outcome, due: vec![job] }, now)
}

/// **bucket**: takes a token, or tells how long to wait for whichever limit opens last.
fn admit(section: &mut Section, create: &Create, now: UnixMs) -> Result<(), u64> {
    let limits = &create.limits;
    let caps = [limits.hourly, limits.daily].map(|cap| section.orders_at.wait_ms(cap, now));
    let wait_ms = caps.into_iter().chain([section.bucket.wait_ms(limits.bucket, now)]).max().unwrap_or(0);
    if wait_ms > 0 {
        return Err(wait_ms);
    }
    section.bucket.take(limits.bucket, now)?;
    section.orders_at.push(now, DAY_MS);
    Ok(())
}

/// **never-stale**: an older live order of the same service ends here. Returns those whose jobs are void.
fn supersede(section: &mut Section, newer: &Order) -> Vec<OrderId> {
    let older = section.orders.iter_mut().filter(|order| {
        order.service == newer.service && !order.superseded && !is_final(order.state_at(newer.created_at))
    });
    older
        .map(|order| {
            order.superseded = true;
            order.id.clone()
        })
        .collect()
}

/// The order and its sealed job; nothing when randomness or sealing failed.
fn make(create: &Create, command: &Command, now: UnixMs) -> Option<(Order, Job)> {
    let Command { keys, entropy, ask: _ } = command;
    let id = OrderId::new(entropy.derive("order-id"), create.ledger);
    let code = Code::sample(create.digits, entropy.draws("code")).ok()?;
    let expires_at = now.plus(create.ttl_ms);
    let bound = Bound {
        tenant: &create.tenant,
        order: &id,
        service: &create.service,
        binding: create.binding.as_ref().map(|payment| &payment.hash),
        issued_at: now,
        expires_at,
    };
    let digest = Digest::new(keys.peppers.current(), &bound, entropy.derive("salt"), &code);
    let job = seal(create, command, &id, code, now, expires_at)?;
    let order = Order {
        id,
        service: create.service.clone(),
        channel: create.channel,
        to: create.to.clone(),
        created_at: now,
        expires_at,
        idempotency_key: create.idempotency_key,
        fingerprint: create.fingerprint,
        digest,
        binding: create.binding.as_ref().map(|payment| payment.hash),
        state: OrderState::Accepted,
        superseded: false,
        guesses: 0,
        seq: 0,
        reason: None,
        verified_channel: None,
        attempts: Vec::new(),
        client_ref: create.client_ref.clone(),
        metadata: create.metadata.clone(),
    };
    Some((order, job))
}

fn seal(
    create: &Create,
    command: &Command,
    id: &OrderId,
    code: Code,
    now: UnixMs,
    expires_at: UnixMs,
) -> Option<Job> {
    let header = Header {
        v: job::VERSION,
        order: id.clone(),
        tenant: create.tenant.clone(),
        service: create.service.clone(),
        channel: create.channel,
        created_at: now,
        expires_at,
    };
    let private = Private {
        phone: create.phone.clone(),
        email: create.email.clone(),
        code,
        locale: create.locale.clone(),
        approves: create.binding.as_ref().map(|payment| payment.phrase.clone()),
    };
    let header = serde_json::to_string(&header).ok()?;
    let plaintext = zeroize::Zeroizing::new(serde_json::to_vec(&private).ok()?);
    if plaintext.len() > PLAINTEXT_BYTES_MAX {
        return None;
    }
    let nonce = command.entropy.derive("seal-nonce");
    let sealed = command.keys.sealer.seal(nonce, header.as_bytes(), &plaintext).ok()?;
    Some(Job { header, sealed })
}
