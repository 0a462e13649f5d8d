//! Wakes states whose time has come: repairs what a crash, or a silent peer, left undone.

use std::sync::Arc;
use std::time::Duration;

use std::future::ready;

use futures::StreamExt;
use futures::stream;
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
use crate::money;
use crate::orders;
use crate::store;
use crate::store::Due;
use crate::store::Space;
use crate::webhooks;

/// How often to look. Leases are seconds, so this adds little.
const PERIOD: Duration = Duration::from_millis(500);
/// States woken at one look; the others are next.
const BATCH_MAX: usize = 256;
/// Of them so many side by side: every order wakes once when its code's life is over.
const AT_ONCE: usize = 32;

/// Sweeps until `stop` changes.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut spaces = vec![Space::Order, Space::Guard, Space::Hook, Space::Account];
    if app.ledgers.is_some() {
        spaces.push(Space::Ledger);
    }
    loop {
        for space in &spaces {
            while sweep(&app, *space).await && !*stop.borrow() {}
        }
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

/// True where there may be more.
async fn sweep(app: &Arc<App>, space: Space) -> bool {
    let due = match app.store.due(space, host::now(), BATCH_MAX).await {
        Ok(due) => due,
        Err(error) => {
            tracing::warn!(%error, "cannot look for what is due");
            return false;
        }
    };
    let woken = stream::iter(due).map(|due| wake(app, space, due)).buffer_unordered(AT_ONCE);
    woken.filter(|woken| ready(*woken)).count().await >= BATCH_MAX
}

/// True where it need not be woken again.
async fn wake(app: &Arc<App>, space: Space, due: Due) -> bool {
    let woken = match space {
        Space::Account => money::wake(app, due.key.id()).await,
        Space::Guard => guard::wake(app, &due).await,
        Space::Hook => webhooks::wake(app, due.key.id()),
        Space::Ledger => wake_ledger(app, &due).await,
        Space::Order => wake_order(app, &due).await,
        // These set no wake-ups.
        Space::Admin
        | Space::Exchanges
        | Space::Escalations
        | Space::Factor
        | Space::Fleet
        | Space::Gateway
        | Space::HookBook
        | Space::Log
        | Space::LogPage
        | Space::Nonce
        | Space::Reference
        | Space::Route
        | Space::Series
        | Space::Session
        | Space::SignIns
        | Space::Tallied
        | Space::Tally
        | Space::Verdicts
        | Space::Visitor => true,
    };
    if woken && let Err(error) = app.store.rest(&due).await {
        tracing::warn!(%error, "a wake-up stays set; it will ring again");
        return false;
    }
    woken
}

async fn wake_order(app: &Arc<App>, due: &Due) -> bool {
    // What is no id was not written by us, and is only forgotten.
    let Ok(order) = OrderId::parse(due.key.id()) else { return true };
    let woken = orders::apply(app, &order, order::Ask::Tick).await;
    let woken = woken.inspect_err(|error| tracing::warn!(%error, %order, "cannot wake an order"));
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
