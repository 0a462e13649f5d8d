//! The sandbox: plays the providers, so that the real adapters run against it unchanged, and shows what it was
//! given in an inbox.
//!
//! Everything is in memory and bounded; nothing leaves the machine but the status callbacks that a sender asks
//! for. It is a tool for development and tests: whoever can reach the port can read the inbox, so it belongs on
//! loopback.
//!
//! | path | what |
//! | --- | --- |
//! | `/2010-04-01/…` | Twilio's own protocol |
//! | `/sms/3/…`, `/account/1/balance` | Infobip |
//! | port of its own | SMPP 3.4 |
//! | `/sms/json`, `/account/get-balance` | Vonage's SMS API |
//! | `/v1/Account/…` | Plivo |
//! | `/v1/messages` | Vonage's Messages API |
//! | `/api/v5/flow` | MSG91's |
//! | `/sendVerificationMessage` | Telegram's |
//! | `/v24.0/{number}/messages` | Meta's, for WhatsApp |
//! | `/http/messages` | nobody's, for accounts of the kind `http` |
//! | `/aws/` | AWS's, under `/aws`: End User Messaging SMS and SNS |
//! | `/oauth2/token`, `/sim-swap/v2/check` | CAMARA's, for SIM swaps |
//! | `/inbox`, `/inbox/statuses`, `/inbox/events` | what arrived, as JSON and live |
//! | `/faults`, `/faults/{gateway}` | how each gateway misbehaves |
//! | `/calls/{gateway}` | what was asked of a gateway, counted |
//! | `/` | the inbox page |

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

pub use self::account::Account;
pub use self::camara::SimSwapClient;
pub use self::cast::Cast;
use self::line::Cut;
use self::line::Lines;
use self::state::Sandbox;

mod account;
pub(crate) mod aws;
mod basic;
mod callbacks;
mod calls;
mod camara;
mod cast;
mod clock;
mod events;
mod faults;
mod http;
mod ids;
mod inbox;
mod infobip;
mod journey;
mod line;
mod msg91;
mod number;
mod page;
mod plan;
mod plivo;
mod problem;
mod silence;
mod smpp;
mod smtp;
mod state;
mod taking;
mod telegram;
mod twilio;
mod vonage_messages;
mod vonage_sms;
mod whatsapp;

/// The sandbox as a service, to be mounted at the root. Needs a Tokio runtime.
///
/// It never closes by itself the event streams it serves, and a fault that cuts a connection only closes it: see
/// [`serve`] for a shutdown that does the one and a reset that does the other.
pub fn router(cast: impl Into<Cast>) -> Router {
    routes(Arc::new(Sandbox::new(cast.into())))
}

/// Ports for protocols other than HTTP.
#[derive(Default)]
pub struct Ports {
    /// For text messages.
    pub smpp: Option<TcpListener>,
    /// For mail.
    pub smtp: Option<TcpListener>,
}

/// Serves the sandbox until `shutdown` resolves and the requests under way are answered, or the grace is over.
///
/// # Errors
///
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    ports: Ports,
    cast: impl Into<Cast>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let sandbox = Arc::new(Sandbox::new(cast.into()));
    if let Some(listener) = ports.smpp {
        tokio::spawn(smpp::serve(listener, Arc::clone(&sandbox)));
    }
    if let Some(listener) = ports.smtp {
        tokio::spawn(smtp::serve(listener, Arc::clone(&sandbox)));
    }
    let (stopping, stopped) = oneshot::channel::<()>();
    let closing = Arc::clone(&sandbox);
    let service = routes(sandbox).into_make_service_with_connect_info::<Cut>();
    let server = axum::serve(Lines(listener), service).with_graceful_shutdown(async move {
        shutdown.await;
        closing.close();
        // The receiver lives as long as the server, so there is nobody to miss this.
        drop(stopping);
    });
    let grace_over = async {
        let _closed = stopped.await;
        tokio::time::sleep(Duration::from_millis(SHUTDOWN_GRACE_MS)).await;
    };
    tokio::select! {
        served = server => served,
        () = grace_over => Ok(()),
    }
}

fn routes(sandbox: Arc<Sandbox>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .merge(aws::routes())
        .merge(calls::routes())
        .merge(camara::routes())
        .merge(events::routes())
        .merge(faults::routes())
        .merge(http::routes())
        .merge(inbox::routes())
        .merge(infobip::routes())
        .merge(msg91::routes())
        .merge(page::routes())
        .merge(plivo::routes())
        .merge(telegram::routes())
        .merge(twilio::routes())
        .merge(vonage_messages::routes())
        .merge(vonage_sms::routes())
        .merge(whatsapp::routes())
        .fallback(async || {
            problem::response(StatusCode::NOT_FOUND, "not_found", "the sandbox has no such path")
        })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(sandbox)
}

/// A message of 1,600 characters, percent-encoded, is 20 KiB at the worst; the rest is room for parameters.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// What a request under way may still take after the shutdown signal: an idle keep-alive must not hold it up.
const SHUTDOWN_GRACE_MS: u64 = 2_000;
