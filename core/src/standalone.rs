//! The public API on core: the loop around the shared HTTP layer that the worker also is.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::extract::State;
use axum::response::Response;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::http;
use tiffin_shared::http::Turn;
use tiffin_shared::http::internal;
use tiffin_shared::http::internal::EVENTS_PATH;
use tiffin_shared::ledger::Ask;
use tiffin_shared::time::UnixMs;

use crate::app::App;
use crate::host;
use crate::http::health;
use crate::http::read;
use crate::http::respond;
use crate::ledgers;

/// Every path of the public API.
pub fn router(app: Arc<App>) -> Router {
    Router::new().fallback(serve).with_state(app)
}

/// A process that delivers, and serves no public API itself, tells how an order fares.
async fn event(app: &Arc<App>, request: &http::Request, entropy: Entropy, now: UnixMs) -> Response {
    let Some(cores) = app.ledgers.as_ref().map(|ledgers| &ledgers.cores) else {
        return respond(http::Response::unavailable("This process hosts no ledgers.", &entropy));
    };
    let event = match internal::read_event(request, cores, now) {
        Ok(event) => event,
        Err(problem) => return respond(http::Response::refused(&problem, &entropy)),
    };
    let ledger = event.order.ledger();
    respond(match ledgers::ask(app, ledger, Ask::Event(event), entropy.clone(), now).await {
        Ok(_) => http::Response::ready(r#"{"status":"noted"}"#, &entropy),
        Err(error) => {
            tracing::error!(%error, "ledger did not answer");
            http::Response::unavailable("The ledger did not answer.", &entropy)
        }
    })
}

async fn serve(State(app): State<Arc<App>>, request: Request) -> Response {
    let now = host::now();
    let Ok(entropy) = host::entropy() else {
        tracing::error!("the operating system's random generator failed");
        return health::no_randomness();
    };
    let Some(ledgers) = &app.ledgers else {
        return respond(http::Response::unavailable("This process does not serve the public API.", &entropy));
    };
    let request = match read(request, http::BODY_BYTES_MAX).await {
        Ok(request) => request,
        Err(problem) => return respond(http::Response::refused(&problem, &entropy)),
    };
    if request.is_read() && request.path == "/readyz" {
        return health::readyz(State(app)).await;
    }
    if request.method == "POST" && request.path == EVENTS_PATH {
        return event(&app, &request, entropy, now).await;
    }
    let reply = match ledgers.edge.front.begin(&request, &entropy) {
        Turn::Reply(reply) => reply,
        Turn::Ask(pending) => {
            let asked = ledgers::ask(&app, pending.ledger, pending.ask.clone(), entropy, now).await;
            pending.finish(asked.inspect_err(|error| tracing::error!(%error, "ledger did not answer")).ok())
        }
    };
    respond(reply)
}
