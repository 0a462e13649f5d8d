//! The public API on core: the loop around the shared HTTP layer that the worker also is.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::extract::State;
use axum::response::Response;
use tiffin_shared::http;
use tiffin_shared::http::Turn;

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
    let reply = match ledgers.edge.front.begin(&request, &entropy) {
        Turn::Reply(reply) => reply,
        Turn::Ask(pending) => {
            let asked = ledgers::ask(&app, pending.ledger, pending.ask.clone(), entropy, now).await;
            pending.finish(asked.inspect_err(|error| tracing::error!(%error, "ledger did not answer")).ok())
        }
    };
    respond(reply)
}
