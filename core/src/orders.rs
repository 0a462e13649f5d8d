//! Applies commands to order records, and tells the edge what came of them.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tiffin_shared::id::OrderId;
use tiffin_shared::ledger;
use tiffin_shared::order::Ask;
use tiffin_shared::order::Cause;
use tiffin_shared::order::Command;
use tiffin_shared::order::Decision;
use tiffin_shared::order::Order;
use tiffin_shared::order::REPORT_TIMEOUT_MS;
use tiffin_shared::wire::event::OrderEvent;
use tiffin_shared::wire::notice::Notice;
use tiffin_shared::wire::notice::What;

use crate::app::App;
use crate::errands;
use crate::host;
use crate::inquiries;
use crate::ledgers;
use crate::money;
use crate::series;
use crate::store;
use crate::store::Key;

/// A command was not applied, as far as we know. It may be sent again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No randomness.
    #[error(transparent)]
    Randomness(#[from] host::NoRandomness),
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
}

#[derive(Debug, thiserror::Error)]
enum ReportError {
    #[error(transparent)]
    Ledger(#[from] ledgers::Error),
    #[error(transparent)]
    Order(#[from] Error),
}

/// A client for the edge: a deadline, no redirects.
pub fn edge_client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .timeout(Duration::from_millis(REPORT_TIMEOUT_MS))
        .redirect(reqwest::redirect::Policy::none())
        .build()
}

/// Applies one command, and begins the report of what changed without keeping the caller waiting.
pub async fn apply(app: &Arc<App>, order: &OrderId, ask: Ask) -> Result<Decision, Error> {
    apply_with(app, order, ask, None).await
}

async fn apply_with(
    app: &Arc<App>,
    order: &OrderId,
    ask: Ask,
    notice: Option<&Notice>,
) -> Result<Decision, Error> {
    let wakes = matches!(ask, Ask::Polled { .. } | Ask::Receipt { .. } | Ask::Stop { .. });
    let command = Command { entropy: host::entropy()?, ask };
    let reply = app.store.apply::<Order>(&Key::order(order), &command, host::now()).await?;
    if let Some(news) = &reply.news {
        app.guards.note(news, notice);
    }
    if let Some(lesson) = &reply.lesson {
        app.routes.learn(lesson);
        app.metrics.learnt(lesson);
    }
    if let Some(mark) = &reply.mark {
        series::note(app, mark);
    }
    if wakes {
        app.waits.wake(order);
    }
    if let Some(event) = reply.event {
        report(app, event);
    }
    if let Some(posting) = reply.posting {
        money::begin(app, posting);
    }
    if let Some(errand) = reply.errand {
        errands::begin(app, order, errand);
    }
    for inquiry in reply.inquiries {
        inquiries::begin(app, order, inquiry);
    }
    Ok(reply.decision)
}

/// Takes the edge's word on an order.
pub async fn note(app: &Arc<App>, notice: &Notice) -> Result<(), Error> {
    let cause = match notice.what {
        What::Cancelled => Cause::Cancelled,
        What::Superseded => Cause::Superseded,
        What::Verified => Cause::Verified,
        What::WrongCode => {
            app.guards.note_wrong(notice);
            return Ok(());
        }
    };
    let (tenant, terms) = (notice.tenant.clone(), errands::terms(app, &notice.tenant));
    let noted = apply_with(app, &notice.order, Ask::Stop { cause, tenant, terms }, Some(notice)).await;
    // It comes again, but is late, or was applied without our hearing so and is then not counted.
    noted.map(drop).inspect_err(|_| app.guards.missed(host::now()))
}

/// Tells whoever holds the order's ledger.
fn report(app: &Arc<App>, event: OrderEvent) {
    if app.ledgers.is_none() {
        return app.reports.tell(event);
    }
    // Without a permit the report waits for the next sweep: the lease is in the record.
    if let Ok(permit) = app.background.clone().try_acquire_owned() {
        let app = app.clone();
        tokio::spawn(async move {
            if let Err(error) = tell_here(app, event).await {
                tracing::warn!(%error, "the ledger was not told; it will be");
            }
            drop(permit);
        });
    }
}

/// Boxed: a ledger that is told may hand over, and so come back to an order.
fn tell_here(app: Arc<App>, event: OrderEvent) -> BoxFuture<'static, Result<(), ReportError>> {
    Box::pin(async move {
        let (order, seq) = (event.order.clone(), event.seq);
        let entropy = host::entropy().map_err(ledgers::Error::Randomness)?;
        ledgers::ask(&app, order.ledger(), ledger::Ask::Event(event), entropy, host::now()).await?;
        Ok(reported(&app, &order, seq).await?)
    })
}

/// It was told up to here.
pub async fn reported(app: &App, order: &OrderId, seq: u64) -> Result<(), Error> {
    let command = Command { entropy: host::entropy()?, ask: Ask::Reported(seq) };
    let reply = app.store.apply::<Order>(&Key::order(order), &command, host::now()).await?;
    // Its time may be over in passing.
    if let Some(mark) = &reply.mark {
        series::note(app, mark);
    }
    Ok(())
}
