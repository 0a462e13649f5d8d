//! Runs the errands of orders: tells whoever listens what happened to an order, in order and at least once.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::TenantId;
use tiffin_shared::order::Ask;
use tiffin_shared::order::ERRAND_TIMEOUT_MS;
use tiffin_shared::order::Errand;
use tiffin_shared::order::Terms;
use tokio::time::timeout;
use tracing::Instrument;

use crate::app::App;
use crate::escalations;
use crate::export;
use crate::orders;
use crate::webhooks;

/// What is agreed with a tenant about its orders, as the directory has it now.
pub fn terms(app: &App, tenant: &TenantId) -> Terms {
    Terms { announces: app.hooks.listens(tenant), traces: app.telemetry.is_on(), ..Terms::default() }
}

/// Begins an errand, without keeping the caller waiting. Without a permit it is run when its lease is over.
pub fn begin(app: &Arc<App>, order: &OrderId, errand: Errand) {
    if let Ok(permit) = app.background.clone().try_acquire_owned() {
        let (app, order) = (app.clone(), order.clone());
        let header = errand.timeline.job.as_ref();
        let span = tracing::info_span!(
            "order", %order, tenant = errand.tenant.as_ref().map(tracing::field::display),
            request_id = header.and_then(|header| header.request.clone()),
            trace_id = header.and_then(|header| header.trace).map(|trace| tracing::field::display(trace.id))
        );
        let running = async move {
            run(app, order, errand).await;
            drop(permit);
        };
        tokio::spawn(running.instrument(span));
    }
}

/// Boxed: what comes of a confirmed errand may be the next one.
fn run(app: Arc<App>, order: OrderId, errand: Errand) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        match timeout(Duration::from_millis(ERRAND_TIMEOUT_MS), tell(&app, &order, &errand)).await {
            Ok(Ok(())) => {
                let ran = Ask::Ran { token: errand.token };
                match orders::apply(&app, &order, ran).await {
                    Ok(_) if errand.closes => app.metrics.closed(&errand.timeline),
                    Ok(_) => {}
                    Err(error) => {
                        tracing::warn!(%error, %order, "an errand is not marked; it will be run again");
                    }
                }
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, %order, "an errand was not run; it will be");
            }
            Err(_) => tracing::warn!(%order, "an errand took too long; it will be run again"),
        }
    })
}

/// Each listener in turn. One that fails fails the errand, and all of them hear it again.
async fn tell(app: &Arc<App>, order: &OrderId, errand: &Errand) -> anyhow::Result<()> {
    export::keep(app, order, errand).await?;
    escalations::look(app, order, errand).await?;
    webhooks::tell(app, order, errand).await?;
    // Last: an errand that failed comes again, and would be exported twice.
    app.telemetry.tell(order, errand);
    Ok(())
}
