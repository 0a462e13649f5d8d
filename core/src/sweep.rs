//! Wakes states whose time has come: repairs what a crash, or a silent peer, left undone.

use std::sync::Arc;
use std::time::Duration;

use tiffin_shared::bytes;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::ledger;
use tiffin_shared::order;
use tokio::sync::watch;

use crate::app::App;
use crate::guard;
use crate::host;
use crate::ledgers;
use crate::orders;
use crate::store;
use crate::store::Due;
use crate::store::Space;

/// How often to look. Leases are seconds, so this adds little.
const PERIOD: Duration = Duration::from_millis(500);
/// States woken at one look; the others are next.
const BATCH_MAX: usize = 256;

/// Sweeps until `stop` changes.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut spaces = vec![Space::Order, Space::Guard];
    if app.ledgers.is_some() {
        spaces.push(Space::Ledger);
    }
    loop {
        for space in &spaces {
            sweep(&app, *space).await;
        }
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

async fn sweep(app: &Arc<App>, space: Space) {
    let due = match app.store.due(space, host::now(), BATCH_MAX).await {
        Ok(due) => due,
        Err(error) => {
            tracing::warn!(%error, "cannot look for what is due");
            return;
        }
    };
    for due in due {
        let woken = match space {
            Space::Guard => guard::wake(app, &due).await,
            Space::Ledger => wake_ledger(app, &due).await,
            Space::Order => wake_order(app, &due).await,
            // These set no wake-ups.
            Space::Factor
            | Space::Fleet
            | Space::Gateway
            | Space::Nonce
            | Space::Reference
            | Space::Route
            | Space::Tallied
            | Space::Tally
            | Space::Verdicts
            | Space::Visitor => true,
        };
        if woken && let Err(error) = app.store.rest(&due).await {
            tracing::warn!(%error, "a wake-up stays set; it will ring again");
        }
    }
}

async fn wake_order(app: &Arc<App>, due: &Due) -> bool {
    // What is no id was not written by us, and is only forgotten.
    let Ok(order) = OrderId::parse(due.key.id()) else { return true };
    let woken = orders::apply(app, &order, order::Ask::Tick).await;
    let woken = woken.inspect_err(|error| tracing::warn!(%error, order.id = %order, "cannot wake an order"));
    // A record that cannot be read will not be the next time either.
    matches!(woken, Ok(_) | Err(orders::Error::Store(store::Error::State { .. })))
}

async fn wake_ledger(app: &Arc<App>, due: &Due) -> bool {
    let Some(ledger) = bytes::decode_array(due.key.id()).map(LedgerId::new) else { return true };
    let Ok(entropy) = host::entropy() else { return false };
    let woken = ledgers::ask(app, ledger, ledger::Ask::Tick, entropy, host::now()).await;
    let woken = woken.inspect_err(|error| tracing::warn!(%error, "cannot wake a ledger"));
    matches!(woken, Ok(_) | Err(ledgers::Error::Store(store::Error::State { .. })))
}
