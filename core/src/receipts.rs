//! Takes what providers tell of messages: finds whose each is, and notes it in the order's record.

use std::sync::Arc;
use std::time::Duration;

use tiffin_shared::order::Ask;
use tiffin_shared::reference;
use tiffin_shared::reference::Index;
use tiffin_shared::reference::Reference;
use tokio::time::Instant;
use tokio::time::sleep;

use crate::app::App;
use crate::evidence::receipt;
use crate::evidence::receipt::Source;
use crate::gateways::Gateway;
use crate::gateways::callback::Fate;
use crate::gateways::callback::Told;
use crate::host;
use crate::metrics::Trust;
use crate::orders;
use crate::store;
use crate::store::Key;

/// How long a receipt waits for the store, and for the answer to its message: it may overtake that. The providers wait for
/// our answer for 5 s and more.
const PATIENCE: Duration = Duration::from_millis(3_500);
const PAUSE: Duration = Duration::from_millis(200);

/// A receipt was not taken. Not every provider tells again, none for long.
#[derive(Debug, thiserror::Error)]
#[error("a receipt was not taken: {0}")]
pub struct Error(#[from] orders::Error);

/// Notes one receipt. What is about nobody's message is let go: others may send through the same account.
///
/// It waits no longer than so long after `begun`, when what it came with arrived: others of that may have waited already.
pub async fn take(
    app: &Arc<App>,
    gateway: &Gateway,
    told: &Told,
    source: Source<'_>,
    begun: Instant,
) -> Result<(), Error> {
    if told.fate == Fate::Underway {
        return Ok(());
    }
    let whose = match &told.attempt {
        Some(attempt) => Some(attempt.clone()),
        None => insist(begun, || look_up(app, gateway, &told.provider_id)).await?,
    };
    let Some(Reference { order, n }) = whose else {
        app.metrics.receipt(gateway.name(), Trust::Unknown);
        tracing::warn!(gateway = %gateway.name(), "a receipt is about no message of ours");
        return Ok(());
    };
    app.metrics.receipt(gateway.name(), if gateway.only_hints() { Trust::Hint } else { Trust::Proven });
    let (name, provider_id) = (gateway.name().clone(), told.provider_id.clone());
    let ask = if gateway.only_hints() {
        told.fate.hint().map(|hint| Ask::Hint { gateway: name, n, provider_id, hint })
    } else {
        let receipt = app.gateways.receipt(gateway, &told.fate);
        receipt.map(|receipt| Ask::Receipt { gateway: name, n, provider_id, receipt, cost: told.cost })
    };
    let Some(ask) = ask else { return Ok(()) };
    if let Fate::Failed { code: Some(code), .. } = &told.fate {
        let gateway = gateway.name();
        tracing::info!(%order, attempt = n, %gateway, provider_code = %code, "a message failed");
    }
    insist(begun, || async { orders::apply(app, &order, ask.clone()).await.map(Some) }).await?;
    receipt::note(app, gateway, told, &Reference { order, n }, source).await;
    Ok(())
}

async fn look_up(
    app: &App,
    gateway: &Gateway,
    provider_id: &str,
) -> Result<Option<Reference>, orders::Error> {
    let key = Key::reference(gateway.name(), provider_id);
    Ok(app.store.apply::<Index>(&key, &reference::Command::Look, host::now()).await?)
}

/// Asks until there is something, or patience ends.
async fn insist<T, F: Future<Output = Result<Option<T>, orders::Error>>>(
    begun: Instant,
    ask: impl Fn() -> F,
) -> Result<Option<T>, orders::Error> {
    loop {
        let answer = ask().await;
        let may_change = match &answer {
            Ok(found) => found.is_none(),
            Err(orders::Error::Store(error)) => !matches!(error, store::Error::State { .. }),
            Err(orders::Error::Randomness(_)) => true,
        };
        if !may_change || begun.elapsed() >= PATIENCE {
            return answer;
        }
        sleep(PAUSE).await;
    }
}
