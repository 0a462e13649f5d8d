//! Asks providers about messages that they took, as orders' records have it: how they fare, and to stop them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use futures::future::BoxFuture;
use tiffin_shared::bucket::Bucket;
use tiffin_shared::bucket::Rate;
use tiffin_shared::id::GatewayId;
use tiffin_shared::id::OrderId;
use tiffin_shared::order::About;
use tiffin_shared::order::Ask;
use tiffin_shared::order::INQUIRY_TIMEOUT_MS;
use tiffin_shared::order::Inquiry;
use tiffin_shared::order::Recall;
use tiffin_shared::reference::Reference;
use tiffin_shared::text::dlt;
use tiffin_shared::time::UnixMs;
use tokio::time::timeout;

use crate::app::App;
use crate::evidence::record;
use crate::gateways::Gateway;
use crate::gateways::adapter::Taken;
use crate::gateways::wire::Talk;
use crate::host;
use crate::orders;

/// How often one process asks one gateway how messages fare: ten times a second, and twenty at once. Beyond it a message
/// is not asked about until its next turn, for messages that are sent go first.
const POLLS: Rate = Rate { capacity: 20, refill_ms: 100 };

/// How often each gateway was asked of late.
#[derive(Default)]
pub struct Inquiries(Mutex<HashMap<GatewayId, Bucket>>);

impl Inquiries {
    fn take_turn(&self, gateway: &GatewayId, now: UnixMs) -> bool {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.entry(gateway.clone()).or_default().take(POLLS, now).is_ok()
    }
}

/// Begins an inquiry, without keeping the caller waiting. Without a permit the next one comes by its record's alarm.
pub fn begin(app: &Arc<App>, order: &OrderId, inquiry: Inquiry) {
    if let Ok(permit) = app.background.clone().try_acquire_owned() {
        let (app, order) = (app.clone(), order.clone());
        tokio::spawn(async move {
            run(app, order, inquiry).await;
            drop(permit);
        });
    }
}

/// Boxed: what comes of an answer may be the next inquiry.
fn run(app: Arc<App>, order: OrderId, inquiry: Inquiry) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let limit = Duration::from_millis(INQUIRY_TIMEOUT_MS);
        let Ok(Some(answer)) = timeout(limit, ask(&app, &order, &inquiry)).await else {
            return tracing::debug!(%order, attempt = inquiry.n, "a provider did not answer an inquiry");
        };
        if let Err(error) = orders::apply(&app, &order, answer).await {
            tracing::warn!(%error, %order, "what a provider answered is not noted; it is asked again");
        }
    })
}

/// What to tell the record; nothing where the provider gave no answer.
async fn ask(app: &Arc<App>, order: &OrderId, inquiry: &Inquiry) -> Option<Ask> {
    let n = inquiry.n;
    let gateway = app.gateways.named(inquiry.way.gateway.as_str());
    let header = header(app, inquiry);
    let taken = Taken {
        reference: &Reference { order: order.clone(), n },
        provider_id: &inquiry.provider_id,
        from: header.as_deref().or(inquiry.way.sender.as_ref().map(|sender| sender.as_str())),
    };
    let mut talks = Vec::new();
    let answer = told(app, order, inquiry, &taken, &mut talks).await;
    if let Some(gateway) = gateway {
        record::talks(app, gateway, &taken, talks).await;
    }
    answer
}

async fn told(
    app: &App,
    order: &OrderId,
    inquiry: &Inquiry,
    taken: &Taken<'_>,
    talks: &mut Vec<Talk>,
) -> Option<Ask> {
    let n = inquiry.n;
    let gateway = app.gateways.named(inquiry.way.gateway.as_str());
    match inquiry.about {
        About::Status => {
            let gateway = gateway.filter(|gateway| app.inquiries.take_turn(gateway.name(), host::now()))?;
            let (status, fate) = gateway.fares(&app.provider_client, taken, talks).await?;
            let receipt = app.gateways.receipt(gateway, &fate);
            Some(Ask::Polled { n, status, receipt })
        }
        About::Recall => {
            let outcome = recall(app, gateway, taken, talks).await?;
            tracing::info!(%order, attempt = n, gateway = %inquiry.way.gateway, ?outcome, "called back");
            Some(Ask::Recalled { n, outcome: Some(outcome) })
        }
    }
}

async fn recall(
    app: &App,
    gateway: Option<&Gateway>,
    taken: &Taken<'_>,
    talks: &mut Vec<Talk>,
) -> Option<Recall> {
    match gateway {
        Some(gateway) => gateway.recall(&app.provider_client, taken, talks).await,
        // Its account is gone from the configuration.
        None => Some(Recall::Unsupported),
    }
}

/// As whom text messages go out in India: the registered header, whatever senders the account has.
fn header(app: &App, inquiry: &Inquiry) -> Option<String> {
    if !dlt::is_needed(inquiry.way.channel, inquiry.country) {
        return None;
    }
    let (tenant, service) = &inquiry.of;
    let directory = app.directory.current();
    let service = directory.tenants.get(tenant).and_then(|tenant| tenant.services.get(service));
    service.and_then(|service| service.dlt.as_ref()).map(|dlt| dlt.header.clone())
}
