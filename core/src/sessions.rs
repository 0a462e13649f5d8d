//! Gateways that are sessions: begun with the process, ended in order after its last message, and what comes by them.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::join_all;
use tokio::time::Instant;

use crate::app::App;
use crate::evidence::receipt::Source;
use crate::gateways::Gateway;
use crate::gateways::callback::Told;
use crate::gateways::smpp::Handler;
use crate::gateways::smpp::NotTaken;
use crate::gateways::smpp::Smpp;
use crate::receipts;

/// Connects all of them.
pub fn start(app: &Arc<App>) {
    for gateway in app.gateways.all() {
        if let Some(sessions) = gateway.sessions() {
            sessions.start(handler(app, gateway));
        }
    }
}

/// Ends all of them: what is out is waited for, for some seconds.
pub async fn close(app: &App) {
    join_all(app.gateways.all().iter().filter_map(Gateway::sessions).map(Smpp::close)).await;
}

fn handler(app: &Arc<App>, gateway: &Gateway) -> Handler {
    let (app, name) = (Arc::clone(app), gateway.name().clone());
    Arc::new(move |told| take(Arc::clone(&app), name.to_string(), told).boxed())
}

async fn take(app: Arc<App>, gateway: String, told: Told) -> Result<(), NotTaken> {
    let gateway = app.gateways.named(&gateway).ok_or(NotTaken)?;
    receipts::take(&app, gateway, &told, Source::Session, Instant::now()).await.map_err(|error| {
        tracing::warn!(gateway = %gateway.name(), %error, "a receipt is left with the SMSC");
        NotTaken
    })
}
