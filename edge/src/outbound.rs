//! Requests that leave the edge: each with a deadline, none following a redirect.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::Either;
use futures_util::future::select;
use tiffin_shared::challenge::turnstile;
use worker::AbortController;
use worker::Delay;
use worker::Fetch;
use worker::Headers;
use worker::Method;
use worker::Request;
use worker::RequestInit;
use worker::RequestRedirect;
use worker::Response;

/// Cloudflare answers within its own network; who waits longer gets the built-in challenge.
const TURNSTILE_TIMEOUT_MS: u64 = 3_000;

/// Sends, and gives up after `timeout_ms`.
pub async fn send(request: Request, timeout_ms: u64) -> worker::Result<Response> {
    let controller = AbortController::default();
    let signal = controller.signal();
    let fetch = Fetch::Request(request);
    let answer = std::pin::pin!(fetch.send_with_signal(&signal));
    let deadline = std::pin::pin!(Delay::from(Duration::from_millis(timeout_ms)));
    match select(answer, deadline).await {
        Either::Left((response, _)) => response,
        Either::Right(((), _)) => {
            controller.abort();
            Err(worker::Error::RustError("no answer in time".into()))
        }
    }
}

/// Asks Cloudflare about a token: status, and what is read of the body.
pub async fn turnstile(outgoing: &turnstile::Outgoing) -> worker::Result<(u16, Vec<u8>)> {
    let headers = Headers::new();
    headers.set("content-type", outgoing.content_type)?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_headers(headers)
        .with_redirect(RequestRedirect::Manual)
        .with_body(Some(outgoing.body.expose().into()));
    let request = Request::new_with_init(&outgoing.url, &init)?;
    let mut response = send(request, TURNSTILE_TIMEOUT_MS).await?;
    let (status, mut body) = (response.status_code(), Vec::new());
    let mut stream = response.stream()?;
    while let Some(chunk) = stream.next().await {
        body.extend(chunk?);
        if body.len() > turnstile::REPLY_BYTES_MAX {
            break;
        }
    }
    Ok((status, body))
}
