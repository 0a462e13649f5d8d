//! The call to a provider, at its pace, and the last look before it.

use std::sync::Arc;
use std::time::Duration;

use tiffin_shared::directory::Service;
use tiffin_shared::gateway::SLOW_MS;
use tiffin_shared::order::Ask;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Decision;
use tiffin_shared::order::Found;
use tiffin_shared::order::Reason;
use tiffin_shared::route::Way;
use tiffin_shared::text;
use tiffin_shared::text::Locale;
use tiffin_shared::text::Words;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::job::Header;
use tiffin_shared::wire::job::Private;
use tokio::time::sleep;
use tokio::time::timeout;

use super::work::Opened;
use super::work::WORTH_MS;
use super::work::insist;
use crate::app::App;
use crate::gateways::Gateway;
use crate::gateways::Message;
use crate::host;

/// The longest wait for a gateway's pace within a claim, with the call and some room.
const TURN_MS_MAX: u64 = 5 * SECOND_MS;
/// After waiting longer than this for a gateway's pace, the record is asked once more.
const ASK_AGAIN_MS: u64 = 20;

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
}

impl Sent {
    fn not(outcome: CallOutcome) -> Self {
        Self { outcome, is_well: None }
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
    let wait_ms = app.routes.take_turn(gateway, app.fleet.workers(), TURN_MS_MAX, host::now());
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
                tracing::warn!(%error, order.id = %header.order, "not sent: whether it still may is not known");
                return Ok(Sent::not(CallOutcome::Throttled { retry_after_ms: None }));
            }
        }
    }
    if host::now().plus(WORTH_MS) >= header.expires_at {
        return Ok(Sent::not(CallOutcome::Failed(Reason::TtlExpired)));
    }
    let calling = with_message(app, sending, gateway, async |message| {
        let call = gateway.send(&app.provider_client, message);
        app.routes.counted(gateway.name(), sending.has_others, call).await
    });
    let Some((outcome, is_well)) = calling.await else {
        return Ok(Sent::not(CallOutcome::Failed(Reason::InvalidNumber)));
    };
    tracing::info!(order.id = %header.order, attempt.n = n, gateway = %gateway.name(), ?outcome, "attempt");
    Ok(Sent { outcome, is_well: Some(is_well) })
}

/// Asks the provider whether it has the message.
pub(super) async fn look_up(app: &Arc<App>, sending: &Sending<'_>, called_at: UnixMs) -> Found {
    let Some(gateway) = app.gateways.named(sending.way.gateway.as_str()) else { return Found::Unclear };
    let looking = with_message(app, sending, gateway, async |message| {
        gateway.look_up(&app.provider_client, message, called_at).await
    });
    // A provider whose calls hang may hang here too.
    let found = timeout(Duration::from_millis(SLOW_MS), looking).await;
    found.ok().flatten().unwrap_or(Found::Unclear)
}

/// Nothing where there is no number to send to.
async fn with_message<T>(
    app: &App,
    sending: &Sending<'_>,
    gateway: &Gateway,
    act: impl AsyncFnOnce(&Message<'_>) -> T,
) -> Option<T> {
    let Sending { header, service, private, n, way, .. } = sending;
    let phone = private.phone.as_ref()?;
    let callback_url = format!(
        "{}/callbacks/{}?order={}&n={n}",
        app.config.file.server.public_url,
        gateway.name(),
        header.order
    );
    let words = Words {
        brand: &service.brand,
        ttl_ms: header.expires_at.since(header.created_at),
        approves: private.approves.as_deref(),
        autofill: service.autofill_by(way.channel),
    };
    let locale = Locale::read(&private.locale);
    let content = text::render(&private.code, way.channel, &locale, &words, &service.templates);
    let valid_s = header.expires_at.since(host::now()) / SECOND_MS;
    Some(act(&Message { phone, text: &content.text, valid_s, callback_url: &callback_url }).await)
}
