//! How the installation fares, on one page: figures, queues, breakers, balances and what people have to look at.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::TryStreamExt;
use futures::stream;
use serde::Serialize;
use tiffin_shared::country::Country;
use tiffin_shared::escalation::Standing;
use tiffin_shared::gateway::Forced;
use tiffin_shared::gateway::Phase;
use tiffin_shared::id::GatewayId;
use tiffin_shared::id::TenantId;
use tiffin_shared::price::Currency;
use tiffin_shared::route::stats;
use tiffin_shared::series::Span;
use tiffin_shared::series::View;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;
use tokio::time::timeout;

use crate::app::App;
use crate::bus::Depth;
use crate::escalations;
use crate::gateways::Gateway;
use crate::host;
use crate::money;
use crate::series;

/// How long the bus may take to count: the page must not wait for it.
const BUS_TIMEOUT: Duration = Duration::from_millis(800);
/// The kind of queue that holds dead letters.
const DEAD: &str = "dead";
/// Balances shown, the low ones first.
const BALANCES_MAX: usize = 20;
/// Accounts read at once.
const READS: usize = 16;
/// Countries shown of a gateway: those that most was sent to.
const COUNTRIES_MAX: usize = 20;

/// One page.
#[derive(Serialize)]
pub struct Overview {
    at: UnixMs,
    span: Span,
    #[serde(flatten)]
    figures: View,
    /// Null where the bus did not answer in time.
    queue: Option<Queue>,
    /// In the operator's order.
    breakers: Vec<Breaker>,
    /// Low ones first, then those that have least.
    balances: Vec<Balance>,
    escalations: Escalations,
}

#[derive(Serialize)]
struct Queue {
    depth: u64,
    /// How old the oldest message is; null where none waits, and where the bus does not tell.
    oldest_ms: Option<u64>,
    dead: u64,
    partitions: u16,
}

#[derive(Serialize)]
struct Breaker {
    gateway: GatewayId,
    channel: Channel,
    phase: Phase,
    forced: Option<Forced>,
    /// Null where it is not paused.
    paused_until: Option<UnixMs>,
    up: bool,
    countries: Vec<Fared>,
}

/// How messages fared of late.
#[derive(Serialize)]
struct Fared {
    /// Null where it is not known.
    country: Option<Country>,
    sent: u32,
    delivered: u32,
    delivery_permille: Option<u32>,
}

#[derive(Serialize)]
struct Balance {
    tenant: TenantId,
    currency: Currency,
    available_micros: i64,
    low: bool,
}

#[derive(Default, Serialize)]
struct Escalations {
    open: usize,
    overdue: usize,
}

/// The store did not answer.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(#[from] anyhow::Error);

/// Puts it together.
pub async fn overview(app: &Arc<App>, span: Span) -> Result<Overview, Error> {
    let now = host::now();
    let (figures, balances, escalations, queue) =
        tokio::join!(series::read(app, span, now), balances(app), escalations(app, now), queue(app, now));
    Ok(Overview {
        at: now,
        span,
        figures: figures.map_err(anyhow::Error::from)?,
        queue,
        breakers: app.gateways.all().iter().map(|gateway| breaker(app, gateway, now)).collect(),
        balances: balances?,
        escalations: escalations?,
    })
}

async fn queue(app: &App, now: UnixMs) -> Option<Queue> {
    let depths = match timeout(BUS_TIMEOUT, app.bus.depths()).await {
        Ok(Ok(depths)) => depths,
        Ok(Err(error)) => {
            tracing::warn!(%error, "the bus does not say what waits");
            return None;
        }
        Err(_) => return None,
    };
    let (dead, waiting): (Vec<_>, Vec<_>) = depths.iter().partition(|depth| depth.queue == DEAD);
    let messages = |of: &[&Depth]| of.iter().map(|depth| depth.messages as u64).sum();
    Some(Queue {
        depth: messages(&waiting),
        oldest_ms: waiting.iter().filter_map(|depth| depth.oldest_at).min().map(|at| now.since(at)),
        dead: messages(&dead),
        partitions: app.config.file.bus.partitions,
    })
}

fn breaker(app: &App, gateway: &Gateway, now: UnixMs) -> Breaker {
    let view = app.routes.view(gateway.name());
    let mut countries = app.routes.by_country(gateway);
    countries.retain(|(_, fared)| fared.sent > 0);
    countries.sort_by_key(|(_, fared)| std::cmp::Reverse(fared.sent));
    let fared = |(country, fared): (Option<Country>, stats::View)| Fared {
        country,
        sent: fared.sent,
        delivered: fared.delivered,
        delivery_permille: fared.delivery(),
    };
    Breaker {
        gateway: gateway.name().clone(),
        channel: gateway.channel(),
        up: view.is_closed(),
        phase: view.phase,
        forced: view.forced,
        paused_until: Some(view.paused_until).filter(|until| now < *until),
        countries: countries.into_iter().take(COUNTRIES_MAX).map(fared).collect(),
    }
}

async fn balances(app: &Arc<App>) -> anyhow::Result<Vec<Balance>> {
    let directory = app.directory.current();
    let paying = directory.tenants.iter().filter(|(_, tenant)| tenant.billing.is_some());
    let paying: Vec<TenantId> = paying.map(|(id, _)| id.clone()).collect();
    let reads = stream::iter(paying).map(|tenant| async move {
        let summary = money::read(app, &tenant).await?.summary;
        let (currency, available_micros) = (summary.currency, summary.available_micros);
        anyhow::Ok(Balance { tenant, currency, available_micros, low: summary.is_low })
    });
    let mut balances: Vec<Balance> = reads.buffered(READS).try_collect().await?;
    balances.sort_by_key(|balance| (!balance.low, balance.available_micros));
    balances.truncate(BALANCES_MAX);
    Ok(balances)
}

async fn escalations(app: &App, now: UnixMs) -> anyhow::Result<Escalations> {
    let mut counts = Escalations::default();
    for escalation in escalations::all(app).await? {
        let is_open = escalation.state != Standing::Resolved;
        counts.open += usize::from(is_open);
        counts.overdue += usize::from(is_open && escalation.due_at <= now);
    }
    Ok(counts)
}
