//! `POST /callbacks/{gateway}`: receipts, checked by their provider's own scheme on the raw bytes.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Path;
use axum::extract::Query;
use axum::extract::Request;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Deserialize;
use tiffin_shared::id::OrderId;
use tiffin_shared::order::Ask;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;
use tokio::time::Instant;
use tokio::time::sleep;

use super::health;
use super::read;
use crate::app::App;
use crate::gateways::Callback;
use crate::gateways::CallbackError;
use crate::gateways::twilio::SIGNATURE_HEADER;
use crate::orders;
use crate::store;

/// Twilio's callbacks are below two kilobytes.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// How long a receipt waits for the store: the providers wait for our answer for 5 s and more.
const PATIENCE: Duration = Duration::from_millis(3_500);
const PAUSE: Duration = Duration::from_millis(200);

/// What we put into the callback's address; the provider signs it with the rest.
#[derive(Deserialize)]
pub struct Attempt {
    order: String,
    n: u32,
}

/// A provider tells how a message fares.
pub async fn receipt(
    State(app): State<Arc<App>>,
    Path(gateway): Path<String>,
    attempt: Result<Query<Attempt>, QueryRejection>,
    request: Request,
) -> Response {
    let Ok(Query(attempt)) = attempt else {
        let detail = "order and n: the address is not one that we gave to a provider.";
        return health::refuse(&Problem::new(Code::InvalidRequest, detail));
    };
    match take(&app, &gateway, &attempt, request).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(problem) => health::refuse(&problem),
    }
}

async fn take(app: &Arc<App>, gateway: &str, attempt: &Attempt, request: Request) -> Result<(), Problem> {
    let not_found = || Problem::new(Code::NotFound, "No gateway has this name.");
    let gateway = app.gateways.named(gateway).ok_or_else(not_found)?;
    let path = request.uri().path_and_query().map_or("", |path| path.as_str());
    let url = format!("{}{path}", app.config.file.server.public_url);
    let request = read(request, BODY_BYTES_MAX).await?;
    if request.body.len() > BODY_BYTES_MAX {
        return Err(Problem::new(Code::BodyTooLarge, "A receipt holds at most 16 KiB."));
    }
    let signature = request.header(SIGNATURE_HEADER);
    let callback = Callback { url: &url, signature, body: &request.body };
    let told = gateway.receipt(&callback).map_err(|error| {
        let code = match error {
            CallbackError::Malformed => Code::InvalidRequest,
            CallbackError::Signature => Code::Unauthenticated,
        };
        tracing::warn!(gateway = %gateway.name(), %error, "a callback was refused");
        Problem::new(code, format!("{error}."))
    })?;
    let Some(receipt) = told.receipt else { return Ok(()) };
    let order = OrderId::parse(&attempt.order)
        .map_err(|_| Problem::new(Code::InvalidRequest, "order: not an order id."))?;
    let ask = Ask::Receipt { n: attempt.n, provider_id: told.provider_id, receipt };
    note(app, &order, &ask).await.map_err(|error| {
        tracing::warn!(%error, order.id = %order, "a receipt was not taken");
        Problem::unavailable("The store does not answer.")
    })
}

/// Waits for a store that is away. Not every provider calls again, none for long, and a receipt that was missed is a second
/// message by another way.
async fn note(app: &Arc<App>, order: &OrderId, ask: &Ask) -> Result<(), orders::Error> {
    let begun = Instant::now();
    loop {
        match orders::apply(app, order, ask.clone()).await {
            Err(orders::Error::Store(error))
                if !matches!(error, store::Error::State { .. }) && begun.elapsed() < PATIENCE =>
            {
                sleep(PAUSE).await;
            }
            noted => return noted.map(drop),
        }
    }
}
