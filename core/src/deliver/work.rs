//! One turn of a job: asks its order's record what to do, and does it, until the record says to wait or to stop.

use std::time::Duration;

use tiffin_shared::bytes::Bytes;
use tiffin_shared::envelope;
use tiffin_shared::envelope::Envelope;
use tiffin_shared::id::LedgerId;
use tiffin_shared::order::Ask;
use tiffin_shared::order::CLAIM_MS;
use tiffin_shared::order::Decision;
use tiffin_shared::order::Terms;
use tiffin_shared::route::Health;
use tiffin_shared::route::Offer;
use tiffin_shared::route::Way;
use tiffin_shared::time::HOUR_MS;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::job::Dispatch;
use tiffin_shared::wire::job::Header;
use tokio::time::sleep;
use tracing::Instrument;

use std::sync::Arc;

use super::call;
use super::lanes::Job;
use super::record;
use super::record::Purpose;
use super::sim;
use crate::app::App;
use crate::errands;
use crate::gateways::call::CALL_TIMEOUT;
use crate::host;
use crate::money;
use crate::orders;
use crate::routes;
use crate::routes::Probe;
use crate::routes::Probes;
use crate::routes::Routes;
use crate::sim_swap;
use crate::store;

/// How often a command is sent to the store again when its answer does not come: six seconds in all.
const STORE_TRIES_MAX: u32 = 6;
/// How long a lane waits when the store is away.
const STORE_RETRY_MS: u64 = SECOND_MS;
/// A code that lives no longer than this is not worth a message: it would be over on its way to the provider.
pub(super) const WORTH_MS: u64 = SECOND_MS;
/// How long a job that this process cannot read stays away, before a process looks at it again.
pub(super) const ELSEWHERE: Duration = Duration::from_secs(3);
/// What no process could read by then, before its end, is dead: an operator may still see why.
const GIVE_UP_MS: u64 = 30 * SECOND_MS;
/// What claims to live longer than this is dead at once, else it would go round for as long: codes live ten minutes at most,
/// and a newer version's perhaps somewhat longer.
const LIFE_MS_MAX: u64 = HOUR_MS;
/// Steps of one turn: an attempt by each of its ways, and the looks. A record that asks for more is mended by waiting.
const STEPS_MAX: usize = 32;
const _: () =
    assert!(CLAIM_MS as u128 > CALL_TIMEOUT.as_millis(), "a claim outlasts the call to the provider");

/// What becomes of a job.
pub(super) enum Next {
    /// It is done with.
    Ack,
    /// The store is away: nobody's job could go on.
    Away(UnixMs),
    /// It waits, and with it all that came after it: nothing of it was sent yet.
    Block(UnixMs),
    /// It cannot be worked on, now or later.
    Dead(&'static str),
    /// Another process may be able to work on it: it is of a newer version.
    Elsewhere,
    /// It waits.
    Wait(UnixMs),
}

/// What a job that waits waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaits {
    /// Nothing: it is new.
    Nothing,
    /// Word of a message: it would not make a probe.
    Receipt,
    /// A way: it would take any.
    Way,
}

impl Awaits {
    fn of(decision: &Decision) -> Self {
        match decision {
            Decision::AwaitWay(_) | Decision::Hold(_) => Self::Way,
            Decision::RetryAt(_) => Self::Receipt,
            Decision::CheckSim { .. }
            | Decision::Look { .. }
            | Decision::Noted
            | Decision::Post(_)
            | Decision::Send { .. }
            | Decision::Stop => Self::Nothing,
        }
    }

    fn probes(self) -> Probes {
        match self {
            Self::Nothing => Probes::OfFirstChoice,
            Self::Receipt => Probes::None,
            Self::Way => Probes::All,
        }
    }
}

/// What an envelope says in clear, checked.
pub(super) struct Opened {
    pub(super) envelope: Envelope,
    pub(super) header: Header,
    pub(super) dispatch: Option<Dispatch>,
}

/// Why a job is dead.
const SEALED_TO_OTHERS: &str = "the sealed part cannot be opened";

/// The lane of a phone. What does not parse may go anywhere.
pub(super) fn lane_of(body: &[u8]) -> LedgerId {
    let header = Envelope::parse(body).ok().and_then(|it| serde_json::from_str::<Header>(&it.header).ok());
    header.map_or(LedgerId::new([0; 16]), |header| header.order.ledger())
}

pub(super) async fn work(app: &Arc<App>, job: &mut Job) -> Next {
    let opened = match &job.opened {
        Some(opened) => opened.clone(),
        None => match open(app, &job.delivery.body) {
            Ok(opened) => {
                if !job.delivery.is_retry && opened.dispatch.is_none() {
                    app.metrics.begun(opened.header.created_at);
                }
                job.opened.insert(Arc::new(opened)).clone()
            }
            Err(envelope::Error::Newer { expires_at }) => {
                return elsewhere(expires_at, "the job is of a newer version");
            }
            Err(error) => {
                tracing::error!(%error, "a job was refused");
                return Next::Dead("envelope refused");
            }
        },
    };
    let header = &opened.header;
    let span = tracing::info_span!(
        "order", order = %header.order, tenant = %header.tenant, request_id = header.request.as_deref(),
        trace_id = header.trace.map(|trace| tracing::field::display(trace.id))
    );
    match turn(app, &opened, &mut job.awaits).instrument(span).await {
        Ok(next) => next,
        Err(orders::Error::Store(error @ store::Error::State { .. })) => {
            tracing::error!(%error, "an order's record cannot be read");
            elsewhere(opened.header.expires_at, "the order's record cannot be read")
        }
        Err(error) => {
            tracing::warn!(%error, order = %opened.header.order, "the store is away; the job waits");
            Next::Away(host::now().plus(STORE_RETRY_MS))
        }
    }
}

/// While one version replaces another, a job may come to a process that cannot read it or what a newer one wrote of its
/// order. Nothing is lost by that: it is given back, until a process of the newer version takes it.
fn elsewhere(expires_at: UnixMs, reason: &'static str) -> Next {
    let now = host::now();
    if now >= expires_at {
        Next::Ack
    } else if now.plus(GIVE_UP_MS) >= expires_at || now.plus(LIFE_MS_MAX) < expires_at {
        Next::Dead(reason)
    } else {
        tracing::warn!(reason, "a job is given back: a process of a newer version may take it");
        Next::Elsewhere
    }
}

fn open(app: &App, body: &[u8]) -> Result<Opened, envelope::Error> {
    let envelope = Envelope::parse(body)?;
    let header = envelope.verify(&app.edges)?;
    let dispatch = envelope.dispatch.clone();
    Ok(Opened { envelope, header, dispatch })
}

async fn turn(app: &Arc<App>, opened: &Opened, awaits: &mut Awaits) -> Result<Next, orders::Error> {
    let header = &opened.header;
    let channels = header.channels(opened.dispatch.as_ref());
    let mut is_fresh = true;
    for _ in 0..STEPS_MAX {
        // **never-stale**, before anything is asked of the store.
        if host::now().plus(WORTH_MS) >= header.expires_at {
            return Ok(Next::Ack);
        }
        let directory = app.directory.current();
        let service = directory.tenants.get(&header.tenant).and_then(|it| it.services.get(&header.service));
        let Some(service) = service else { return Ok(Next::Dead("unknown tenant or service")) };
        let probes = if is_fresh { awaits.probes() } else { Probes::None };
        is_fresh = false;
        let (mut offers, probe) = routes::offers(app, header, &channels, service.waiting_ms, probes).await;
        call::show_payment(app, opened, (&directory, service), &mut offers);
        let in_use = |offer: &&Offer| offer.health == Health::Closed;
        let ways_in_use: Vec<Way> = offers.iter().filter(in_use).map(|offer| offer.way.clone()).collect();
        let has_others = |way: &Way| ways_in_use.iter().any(|other| other.gateway != way.gateway);
        let token = Bytes(host::random()?);
        let dispatch = opened.dispatch.clone();
        let billing = money::terms(&directory, header);
        if billing.is_some() {
            call::price(app, opened, service, &mut offers).await;
        }
        let sim_check = sim_swap::terms(app.sim_swap.as_ref(), service);
        let terms = Terms { billing, sim_check, ..errands::terms(app, &header.tenant) };
        let taken_at = opened.envelope.taken_at;
        let claim = Ask::Claim { token, header: Box::new(header.clone()), dispatch, offers, terms, taken_at };
        let decision = insist(app, header, claim.clone()).await;
        let way = if let Ok(Decision::Send { way, .. }) = &decision { Some(way) } else { None };
        let probe = keep_probe(app, probe, way).await;
        let decision = match decision? {
            Decision::Send { n, way } => {
                let Some(private) = call::open(app, opened) else { return Ok(Next::Dead(SEALED_TO_OTHERS)) };
                let has_others = has_others(&way);
                let sending = call::Sending { header, service, private: &private, n, way: &way, has_others };
                match attempt(app, &sending, &claim, probe).await {
                    Ok(decision) => decision,
                    // The claim runs out, and the attempt becomes unknown.
                    Err(_) => return Ok(Next::Wait(host::now().plus(CLAIM_MS))),
                }
            }
            Decision::Look { n, look, way, called_at } => {
                let Some(private) = call::open(app, opened) else { return Ok(Next::Dead(SEALED_TO_OTHERS)) };
                let sending =
                    call::Sending { header, service, private: &private, n, way: &way, has_others: false };
                let (found, seen) = call::look_up(app, &sending, called_at).await;
                tracing::info!(order = %header.order, attempt = n, gateway = %way.gateway, ?found, "looked up");
                let decision = insist(app, header, Ask::Looked { n, look, found }).await;
                record::exchange(app, &sending, Purpose::LookUp, seen).await;
                decision?
            }
            // The probe was given back meanwhile.
            decision @ (Decision::CheckSim { .. } | Decision::Post(_)) => {
                if let Some(next) = prepare(app, opened, &decision).await? {
                    return Ok(next);
                }
                is_fresh = true;
                continue;
            }
            decision => decision,
        };
        *awaits = Awaits::of(&decision);
        if let Some(next) = after(&decision, host::now()) {
            return Ok(next);
        }
    }
    Ok(Next::Wait(host::now().plus(STORE_RETRY_MS)))
}

/// Does what comes before an attempt. What becomes of the job, where that could not be done.
async fn prepare(
    app: &Arc<App>,
    opened: &Opened,
    decision: &Decision,
) -> Result<Option<Next>, orders::Error> {
    match decision {
        Decision::CheckSim { n } => {
            let Some(private) = call::open(app, opened) else {
                return Ok(Some(Next::Dead(SEALED_TO_OTHERS)));
            };
            sim::check(app, opened, &private, *n).await?;
            Ok(None)
        }
        Decision::Post(posting) if !money::funds(app, posting).await => {
            Ok(Some(Next::Away(host::now().plus(STORE_RETRY_MS))))
        }
        _ => Ok(None),
    }
}

/// What becomes of the job; nothing where its order goes on at once.
fn after(decision: &Decision, now: UnixMs) -> Option<Next> {
    match decision {
        Decision::RetryAt(at) | Decision::AwaitWay(at) if *at <= now => None,
        Decision::RetryAt(at) | Decision::AwaitWay(at) => Some(Next::Wait(*at)),
        Decision::Hold(at) => Some(Next::Block(*at)),
        Decision::Noted | Decision::Stop => Some(Next::Ack),
        // Only a claim asks for these.
        Decision::CheckSim { .. } | Decision::Look { .. } | Decision::Post(_) | Decision::Send { .. } => None,
    }
}

/// Calls the provider and records what came of it. Fails when that cannot be recorded.
async fn attempt(
    app: &Arc<App>,
    sending: &call::Sending<'_>,
    claim: &Ask,
    probe: Option<Probe>,
) -> Result<Decision, orders::Error> {
    let sent = call::send(app, sending, claim).await;
    if let Some(probe) = probe {
        Routes::probed(app, probe, sent.as_ref().ok().and_then(|sent| sent.is_well)).await;
    }
    let (outcome, seen) = match sent {
        Ok(sent) => (sent.outcome, sent.seen),
        Err(decision) => return Ok(decision),
    };
    app.metrics.attempted(sending.way, &outcome);
    let decision = insist(app, sending.header, Ask::Result { n: sending.n, outcome }).await;
    record::exchange(app, sending, Purpose::Send, seen).await;
    decision
}

/// A probe that this order does not make is given back for the next one.
async fn keep_probe(app: &App, probe: Option<Probe>, way: Option<&Way>) -> Option<Probe> {
    let probe = probe?;
    if way.is_some_and(|way| probe.is_of(&way.gateway)) {
        return Some(probe);
    }
    Routes::probed(app, probe, None).await;
    None
}

/// Asks until the store answers. A record gives the same answer to the same claim or outcome, however often it comes.
pub(super) async fn insist(app: &Arc<App>, header: &Header, ask: Ask) -> Result<Decision, orders::Error> {
    let mut tries = 1;
    loop {
        match orders::apply(app, &header.order, ask.clone()).await {
            Err(error)
                if tries < STORE_TRIES_MAX
                    && !matches!(error, orders::Error::Store(store::Error::State { .. })) =>
            {
                tracing::warn!(%error, order = %header.order, "no answer from the store; asking again");
            }
            answer => return answer,
        }
        sleep(Duration::from_millis(100 << tries)).await;
        tries += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_newer_version_may_take_goes_round_until_it_is_nearly_over_and_never_for_ever() {
        let at = |left_ms| elsewhere(host::now().plus(left_ms), "newer");
        assert!(matches!(at(0), Next::Ack));
        assert!(matches!(at(GIVE_UP_MS / 2), Next::Dead("newer")));
        assert!(matches!(at(2 * GIVE_UP_MS), Next::Elsewhere));
        assert!(matches!(at(2 * LIFE_MS_MAX), Next::Dead("newer")));
        assert!(matches!(elsewhere(UnixMs(u64::MAX), "newer"), Next::Dead("newer")));
    }
}
