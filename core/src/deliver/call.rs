//! The call to a provider, at its pace, and the last look before it.

use std::sync::Arc;
use std::time::Duration;

use tiffin_shared::code::Code;
use tiffin_shared::directory::Directory;
use tiffin_shared::directory::Service;
use tiffin_shared::gateway::SLOW_MS;
use tiffin_shared::order::Ask;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Decision;
use tiffin_shared::order::Found;
use tiffin_shared::order::Reason;
use tiffin_shared::reference;
use tiffin_shared::reference::Index;
use tiffin_shared::reference::Reference;
use tiffin_shared::route::Offer;
use tiffin_shared::route::Way;
use tiffin_shared::text::segment;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;
use tiffin_shared::wire::job::Header;
use tiffin_shared::wire::job::Private;
use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::timeout;

use super::work::Opened;
use super::work::WORTH_MS;
use super::work::insist;
use crate::app::App;
use crate::gateways::Gateway;
use crate::gateways::adapter::Message;
use crate::gateways::call::Seen;
use crate::gateways::compose::Composition;
use crate::host;
use crate::store::Key;

/// The longest wait for a gateway's pace within a claim, with the call and some room.
const TURN_MS_MAX: u64 = 5 * SECOND_MS;
/// After waiting longer than this for a gateway's pace, the record is asked once more.
const ASK_AGAIN_MS: u64 = 20;

/// How often it is tried to note whose a message is, and the pause between: a receipt waits about as long for the note.
const INDEX_TRIES_MAX: u32 = 4;
const INDEX_PAUSE: Duration = Duration::from_millis(500);

/// One attempt.
pub(super) struct Sending<'a> {
    pub(super) header: &'a Header,
    pub(super) service: &'a Service,
    pub(super) private: &'a Private,
    pub(super) n: u32,
    pub(super) way: &'a Way,
    /// Whether other ways were in use when it took this one.
    pub(super) has_others: bool,
}

/// What a call came to.
pub(super) struct Sent {
    pub(super) outcome: CallOutcome,
    /// Whether it says nothing against its gateway; nothing at all where there was no call.
    pub(super) is_well: Option<bool>,
    /// What was seen of it, for the order's evidence.
    pub(super) seen: Option<Seen>,
}

impl Sent {
    fn not(outcome: CallOutcome) -> Self {
        Self { outcome, is_well: None, seen: None }
    }
}

/// The private part; nothing when it is not sealed to us.
pub(super) fn open(app: &App, opened: &Opened) -> Option<Private> {
    let private = app.seal.as_ref().map(|seal| app.openers.open(&opened.envelope, seal))?;
    private.inspect_err(|error| tracing::error!(%error, "a job's sealed part was refused")).ok()
}

/// Calls; or what the record says instead, where the order ended, or its claim ran out, while its turn was waited for.
pub(super) async fn send(app: &Arc<App>, sending: &Sending<'_>, claim: &Ask) -> Result<Sent, Decision> {
    let Sending { header, n, way, .. } = sending;
    let Some(gateway) = app.gateways.named(way.gateway.as_str()) else {
        return Ok(Sent::not(CallOutcome::Failed(Reason::NoRoute)));
    };
    let wait_ms = app.routes.take_turn(gateway, way, app.fleet.workers(), TURN_MS_MAX, host::now());
    // So many others want a turn that the claim might not last: its offer is taken once it is free.
    if wait_ms > TURN_MS_MAX {
        return Ok(Sent::not(CallOutcome::Throttled { retry_after_ms: Some(wait_ms) }));
    }
    if wait_ms > 0 {
        sleep(Duration::from_millis(wait_ms)).await;
    }
    // **never-stale**, at the last moment.
    if wait_ms > ASK_AGAIN_MS {
        match insist(app, header, claim.clone()).await {
            Ok(Decision::Send { .. }) => {}
            Ok(decision) => return Err(decision),
            Err(error) => {
                tracing::warn!(%error, order = %header.order, "not sent: whether it still may is not known");
                return Ok(Sent::not(CallOutcome::Throttled { retry_after_ms: None }));
            }
        }
    }
    if host::now().plus(WORTH_MS) >= header.expires_at {
        return Ok(Sent::not(CallOutcome::Failed(Reason::TtlExpired)));
    }
    // Blocked since it was accepted, or before a resend, whose ledger knows the number by its name alone.
    let directory = app.directory.current();
    let tenant = directory.tenants.get(&header.tenant);
    if sending.private.phone.as_ref().is_some_and(|phone| tenant.is_some_and(|tenant| tenant.blocks(phone))) {
        return Ok(Sent::not(CallOutcome::Failed(Reason::Blocked)));
    }
    let calling = with_message(app, sending, gateway, async |message| {
        let mut seen = None;
        let call = async {
            let (outcome, sight) = app.gateways.send(gateway, &app.provider_client, message).await;
            seen = sight;
            outcome
        };
        let began_at = Instant::now();
        let (outcome, is_well) = app.routes.counted(gateway.name(), sending.has_others, call).await;
        app.metrics.called(gateway.name(), began_at.elapsed());
        if let CallOutcome::Taken { provider_id } = &outcome {
            index(app, gateway, provider_id, message.reference).await;
        }
        (outcome, is_well, seen)
    });
    let (outcome, is_well, seen) = match calling.await {
        Ok(called) => called,
        Err(reason) => return Ok(Sent::not(CallOutcome::Failed(reason))),
    };
    tracing::info!(order = %header.order, attempt = n, gateway = %gateway.name(), ?outcome, "attempt");
    Ok(Sent { outcome, is_well: Some(is_well), seen })
}

/// Makes the prices of one segment those of the whole message, where its front door has not counted them.
pub(super) async fn price(app: &App, opened: &Opened, service: &Service, offers: &mut [Offer]) {
    let header = &opened.header;
    if header.sms_segments.is_some() {
        return;
    }
    // A job that is sealed to others is refused when it is to be sent.
    let Some(private) = open(app, opened) else { return };
    for offer in offers.iter_mut().filter(|offer| offer.way.channel == Channel::Sms) {
        let Some(gateway) = app.gateways.named(offer.way.gateway.as_str()) else { continue };
        let sending =
            Sending { header, service, private: &private, n: 0, way: &offer.way, has_others: false };
        let counted =
            with_message(app, &sending, gateway, async |message| segment::count(message.text()).count);
        // What cannot be composed is not sent either.
        let segments = u64::try_from(counted.await.unwrap_or(1)).unwrap_or(u64::MAX);
        offer.price_micros = offer.price_micros.map(|micros| micros.saturating_mul(segments));
    }
}

/// Takes ways out in which the payer could not read what the code approves, where it approves anything.
pub(super) fn show_payment(
    app: &App,
    opened: &Opened,
    (directory, service): (&Directory, &Service),
    offers: &mut Vec<Offer>,
) {
    let hides = |offer: &Offer| {
        let mut routes = directory.routes.iter();
        routes.any(|route| route.gateway == offer.way.gateway && !route.takes_payments(service))
    };
    // To open a job costs more than to look for such ways, and few offer any.
    if offers.iter().any(hides) && open(app, opened).is_some_and(|private| private.approves.is_some()) {
        offers.retain(|offer| !hides(offer));
    }
}

/// Asks the provider whether it has the message.
pub(super) async fn look_up(
    app: &Arc<App>,
    sending: &Sending<'_>,
    called_at: UnixMs,
) -> (Found, Option<Seen>) {
    let nothing = (Found::Unclear, None);
    let Some(gateway) = app.gateways.named(sending.way.gateway.as_str()) else { return nothing };
    let looking = with_message(app, sending, gateway, async |message| {
        let (found, seen) = gateway.look_up(&app.provider_client, message, called_at).await;
        if let Found::Taken { provider_id } = &found {
            index(app, gateway, provider_id, message.reference).await;
        }
        (found, seen)
    });
    // A provider whose calls hang may hang here too.
    let found = timeout(Duration::from_millis(SLOW_MS), looking).await;
    found.ok().and_then(Result::ok).unwrap_or(nothing)
}

/// For receipts that name the message by the provider's id alone. Without it they are refused, and the silence leads on.
async fn index(app: &App, gateway: &Gateway, provider_id: &str, reference: &Reference) {
    if !gateway.is_indexed() {
        return;
    }
    let key = Key::reference(gateway.name(), provider_id);
    let keep = reference::Command::Keep(reference.clone());
    for _ in 0..INDEX_TRIES_MAX {
        match app.store.apply::<Index>(&key, &keep, host::now()).await {
            Ok(kept) if kept.as_ref() == Some(reference) => return,
            Ok(_) => {
                let gateway = gateway.name();
                return tracing::error!(%gateway, "the provider gave out one id twice; its receipts go to the first message");
            }
            Err(error) => tracing::warn!(%error, "whose a message is was not noted; trying again"),
        }
        sleep(INDEX_PAUSE).await;
    }
}

/// What stands in the way where there is no such message.
async fn with_message<T>(
    app: &App,
    sending: &Sending<'_>,
    gateway: &Gateway,
    act: impl AsyncFnOnce(&Message<'_>) -> T,
) -> Result<T, Reason> {
    composed(app, sending, &sending.private.code, gateway, host::now(), act).await
}

/// The message with this code, as it goes out at `now`.
pub(super) async fn composed<T>(
    app: &App,
    sending: &Sending<'_>,
    code: &Code,
    gateway: &Gateway,
    now: UnixMs,
    act: impl AsyncFnOnce(&Message<'_>) -> T,
) -> Result<T, Reason> {
    let Sending { header, service, private, n, way, .. } = sending;
    let traceparent = app.telemetry.for_provider(header);
    let order = Composition {
        service,
        code,
        phone: private.phone.as_ref(),
        email: private.email.as_deref(),
        country: header.country,
        locale: &private.locale,
        approves: private.approves.as_deref(),
        ttl_ms: header.expires_at.since(header.created_at),
        expires_at: header.expires_at,
        reference: &Reference { order: header.order.clone(), n: *n },
        public_url: &app.config.file.server.public_url,
        traceparent: traceparent.as_deref(),
    };
    order.compose(gateway, way.sender.as_ref(), now, act).await
}
