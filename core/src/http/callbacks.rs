//! `/callbacks/{gateway}`: what providers post to us, checked by each one's own scheme on the raw bytes; and
//! `/callbacks/{gateway}/{secret}` for those who sign nothing.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::extract::Request;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use futures::future::try_join_all;
use tiffin_shared::http;
use tiffin_shared::id::OrderId;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;
use tiffin_shared::reference::Reference;
use tokio::time::Instant;

use super::health;
use super::read;
use crate::app::App;
use crate::evidence::receipt::Source;
use crate::gateways::Gateway;
use crate::gateways::call::FetchError;
use crate::gateways::callback::Callback;
use crate::gateways::callback::CallbackError;
use crate::gateways::callback::Heard;
use crate::gateways::callback::TOLD_MAX;
use crate::host;
use crate::http::params::Path;
use crate::metrics::Refusal;
use crate::receipts;

/// Where all of them come in.
pub const PATH: &str = "/callbacks/";
/// WhatsApp and Infobip batch; a bounced mail comes whole. Others' callbacks are below two kilobytes.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Receipts of one callback that are noted at once.
const NOTED_AT_ONCE: usize = 16;

/// Where a callback came in.
#[derive(serde::Deserialize)]
pub struct Door {
    gateway: String,
    secret: Option<String>,
}

/// A provider tells something.
pub async fn callback(State(app): State<Arc<App>>, Path(door): Path<Door>, request: Request) -> Response {
    match take(&app, &door, request).await {
        Ok(Some(reply)) => {
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], Body::from(reply)).into_response()
        }
        Ok(None) => StatusCode::NO_CONTENT.into_response(),
        Err(problem) => health::refuse(&problem),
    }
}

async fn take(app: &Arc<App>, door: &Door, request: Request) -> Result<Option<String>, Problem> {
    // One answer for every door that does not open: it does not tell which gateways there are.
    let not_found = || Problem::new(Code::NotFound, "No gateway takes callbacks at this address.");
    let Some(gateway) = app.gateways.named(&door.gateway) else {
        app.metrics.refused(None, Refusal::Door);
        return Err(not_found());
    };
    if !gateway.opens_to(door.secret.as_deref()) {
        app.metrics.refused(Some(gateway.name()), Refusal::Door);
        return Err(not_found());
    }
    let peer = request.extensions().get().map(|ConnectInfo(peer): &ConnectInfo<SocketAddr>| peer.ip());
    let path = request.uri().path_and_query().map_or("", |path| path.as_str());
    let url = format!("{}{path}", app.config.file.server.public_url);
    let request = read(request, BODY_BYTES_MAX).await?;
    if request.body.len() > BODY_BYTES_MAX {
        return Err(Problem::new(Code::BodyTooLarge, "A callback holds at most 64 KiB."));
    }
    if !client(app, &request, peer).is_some_and(|peer| gateway.account().hears(peer)) {
        app.metrics.refused(Some(gateway.name()), Refusal::Network);
        tracing::warn!(gateway = %gateway.name(), "a callback came from a network that is not the provider's");
        return Err(Problem::new(
            Code::Unauthenticated,
            "This gateway's callbacks come from other networks.",
        ));
    }
    let heard = hear(app, gateway, &url, &request).await?;
    if heard.told.len() > TOLD_MAX {
        app.metrics.refused(Some(gateway.name()), Refusal::Malformed);
        return Err(Problem::new(Code::InvalidRequest, "A callback holds at most 1,000 receipts."));
    }
    if let Some(address) = &heard.visit {
        app.provider_client.visit(address).await.map_err(|error| {
            tracing::warn!(gateway = %gateway.name(), %error, "a subscription was not confirmed");
            Problem::unavailable("The provider's address for the confirmation does not answer.")
        })?;
    }
    let begun = Instant::now();
    let source = Source::Callback(&request, heard.told.len());
    for some in heard.told.chunks(NOTED_AT_ONCE) {
        let noting = some.iter().map(|told| receipts::take(app, gateway, told, source, begun));
        try_join_all(noting).await.map_err(|error| {
            tracing::warn!(%error, gateway = %gateway.name(), "a callback comes again");
            Problem::unavailable("The store does not answer.")
        })?;
    }
    Ok(heard.reply)
}

/// Checks and reads it, with the certificate that it takes.
async fn hear(
    app: &Arc<App>,
    gateway: &Gateway,
    url: &str,
    request: &http::Request,
) -> Result<Heard, Problem> {
    let attempt = attempt(&request.query);
    let mut callback =
        Callback { url, request, attempt: attempt.as_ref(), certificate: None, now: host::now() };
    let refuse = |error: CallbackError| {
        tracing::warn!(gateway = %gateway.name(), %error, "a callback was refused");
        let (code, refusal) = match error {
            CallbackError::Malformed => (Code::InvalidRequest, Refusal::Malformed),
            CallbackError::OtherAccount | CallbackError::Signature | CallbackError::Stale => {
                (Code::Unauthenticated, Refusal::Signature)
            }
        };
        app.metrics.refused(Some(gateway.name()), refusal);
        Problem::new(code, format!("{error}."))
    };
    let certificate = match gateway.certificate(&callback).map_err(refuse)? {
        None => None,
        Some(address) => {
            Some(app.certificates.get(&app.provider_client, &address).await.map_err(|error| {
                tracing::warn!(gateway = %gateway.name(), %error, "a callback's certificate cannot be had");
                match error {
                    // The provider has no such: whoever names it is somebody else.
                    FetchError::Status(400..500) => refuse(CallbackError::Signature),
                    FetchError::NoAnswer | FetchError::Status(_) => {
                        Problem::unavailable("The provider's certificate cannot be had.")
                    }
                }
            })?)
        }
    };
    callback.certificate = certificate.as_deref();
    gateway.hear(&callback).map_err(refuse)
}

/// The attempt that our address names.
fn attempt(query: &str) -> Option<Reference> {
    let mut params = form_urlencoded::parse(query.as_bytes());
    let mut param = |name| params.find(|(known, _)| known == name).map(|(_, value)| value.into_owned());
    let order = OrderId::parse(&param("order")?).ok()?;
    Some(Reference { order, n: param("n")?.parse().ok()? })
}

/// Who calls: behind a proxy, whom the proxy says.
pub fn client(app: &App, request: &http::Request, peer: Option<IpAddr>) -> Option<IpAddr> {
    let header = app.config.file.server.client_ip_header.as_deref();
    let told = header.and_then(|name| request.header(name)).and_then(|text| text.trim().parse().ok());
    told.or(peer)
}
