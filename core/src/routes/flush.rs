//! Hands counts to the fleet and reads how it finds each gateway.

use std::sync::Arc;
use std::time::Duration;

use tiffin_shared::bytes::Bytes;
use tiffin_shared::gateway;
use tiffin_shared::id::GatewayId;
use tiffin_shared::route::stats;
use tiffin_shared::route::stats::Figures;
use tiffin_shared::route::stats::RouteStats;
use tokio::sync::watch;
use tokio::time::Instant;

use super::RouteKey;
use super::ask_gateway;
use crate::app::App;
use crate::host;
use crate::store::Error;
use crate::store::Key;

/// How often counts are handed over, and every gateway looked at: all workers see a change within a second.
const PERIOD: Duration = Duration::from_millis(400);
/// After a failed call, how soon they are. Failures come in swarms; each need not be a write of its own.
const HURRY: Duration = Duration::from_millis(50);
/// How often the figures of routes are handed over.
const FIGURES_PERIOD: Duration = Duration::from_secs(1);

/// What waits for the store under its id, so that it counts once. What is counted meanwhile waits in its turn: calls of the
/// last minute, and sums.
#[derive(Default)]
pub(super) struct Unsent {
    gateways: Vec<(GatewayId, gateway::Ask)>,
    routes: Vec<(RouteKey, stats::Command)>,
}

/// Works until `stop` changes.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut figures_at = Instant::now();
    loop {
        let with_figures = figures_at.elapsed() >= FIGURES_PERIOD;
        if with_figures {
            figures_at = Instant::now();
        }
        round(&app, with_figures).await;
        let hurry = async {
            app.routes.failed.notified().await;
            tokio::time::sleep(HURRY).await;
        };
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(PERIOD) => {}
            () = hurry => {}
        }
    }
}

/// Hands over what is left, at the end.
pub async fn flush(app: &Arc<App>) {
    // What waited since before, and then what was counted meanwhile.
    round(app, true).await;
    round(app, true).await;
}

async fn round(app: &Arc<App>, with_figures: bool) {
    let mut unsent = app.routes.unsent.lock().await;
    if unsent.gateways.is_empty() && unsent.routes.is_empty() {
        *unsent = collect(app, with_figures);
    }
    if let Err(error) = hand_over(app, &mut unsent).await {
        tracing::warn!(%error, "the store is away; what calls came to waits, and breakers stay as they were");
    }
}

fn collect(app: &Arc<App>, with_figures: bool) -> Unsent {
    let mut unsent = Unsent::default();
    for gateway in app.gateways.all() {
        let (name, Ok(batch)) = (gateway.name(), host::random()) else { continue };
        if let Some(waiting) = app.routes.known.take_calls(name) {
            let (calls, pause_ms) = (waiting.calls, waiting.pause_ms);
            unsent.gateways.push((name.clone(), gateway::Ask::Note { batch: Bytes(batch), calls, pause_ms }));
        } else {
            unsent.gateways.push((name.clone(), gateway::Ask::Look));
        }
    }
    if with_figures {
        let named = |(key, figures): (RouteKey, Figures)| {
            let batch = Bytes(host::random().ok()?);
            Some((key, stats::Command { batch, figures }))
        };
        unsent.routes = app.routes.known.take_figures().into_iter().filter_map(named).collect();
    }
    unsent
}

/// Takes out what the store has taken.
async fn hand_over(app: &Arc<App>, unsent: &mut Unsent) -> Result<(), Error> {
    while let Some((gateway, ask)) = unsent.gateways.last() {
        settle(ask_gateway(app, gateway, ask).await.map(drop))?;
        unsent.gateways.pop();
    }
    while let Some((route, command)) = unsent.routes.last() {
        let key = Key::route(&route.to_string());
        let applied = app.store.apply::<RouteStats>(&key, command, host::now()).await;
        if let Ok(view) = &applied {
            app.routes.known.knows(route, view.clone());
        }
        settle(applied.map(drop))?;
        unsent.routes.pop();
    }
    Ok(())
}

/// A state that cannot be read will not be the next time either.
fn settle(applied: Result<(), Error>) -> Result<(), Error> {
    match applied {
        Err(error @ Error::State { .. }) => {
            tracing::error!(%error, "what is known of a way cannot be read; counts are dropped");
            Ok(())
        }
        other => other,
    }
}
