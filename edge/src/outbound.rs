//! Requests that leave the edge: each with a deadline, none following a redirect.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::Either;
use futures_util::future::select;
use tiffin_shared::challenge::turnstile;
use worker::Delay;
use worker::Response;
use worker::js_sys;
use worker::wasm_bindgen::JsCast;
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys;
use worker::web_sys::AbortController;
use worker::web_sys::Headers;
use worker::web_sys::RequestInit;
use worker::web_sys::RequestRedirect;
use worker::web_sys::WorkerGlobalScope;

/// Cloudflare answers within its own network; who waits longer gets the built-in challenge.
const TURNSTILE_TIMEOUT_MS: u64 = 3_000;

/// Posts, and gives up after `timeout_ms`, whether it waits for the answer's head or for the rest of its body: status, and
/// the body, of which no more is read once it is longer than `body_bytes_max`.
pub async fn post(
    url: &str,
    headers: &[(&str, &str)],
    body: &str,
    (timeout_ms, body_bytes_max): (u64, usize),
) -> worker::Result<(u16, Vec<u8>)> {
    let controller = AbortController::new()?;
    // By hand: the library's request knows every option of the platform, eight kilobytes of them.
    let sent = Headers::new()?;
    for (name, value) in headers {
        sent.set(name, value)?;
    }
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_headers_headers(&sent);
    init.set_redirect(RequestRedirect::Manual);
    init.set_body(&body.into());
    init.set_signal(Some(&controller.signal()));
    let answer = std::pin::pin!(exchange(url, &init, body_bytes_max));
    let deadline = Delay::from(Duration::from_millis(timeout_ms));
    match select(answer, deadline).await {
        Either::Left((answer, _)) => answer,
        Either::Right(((), _)) => {
            controller.abort();
            Err(worker::Error::RustError("no answer in time".into()))
        }
    }
}

async fn exchange(url: &str, init: &RequestInit, body_bytes_max: usize) -> worker::Result<(u16, Vec<u8>)> {
    let scope: WorkerGlobalScope = js_sys::global().unchecked_into();
    let response = JsFuture::from(scope.fetch_with_str_and_init(url, init)).await?;
    let mut response: Response = response.dyn_into::<web_sys::Response>()?.into();
    let (status, mut body) = (response.status_code(), Vec::new());
    if body_bytes_max == 0 {
        return Ok((status, body));
    }
    let mut stream = response.stream()?;
    while let Some(chunk) = stream.next().await {
        body.extend(chunk?);
        if body.len() > body_bytes_max {
            break;
        }
    }
    Ok((status, body))
}

/// Asks Cloudflare about a token: status, and what is read of the body.
pub async fn turnstile(outgoing: &turnstile::Outgoing) -> worker::Result<(u16, Vec<u8>)> {
    let headers = [("content-type", outgoing.content_type)];
    let limits = (TURNSTILE_TIMEOUT_MS, turnstile::REPLY_BYTES_MAX);
    post(&outgoing.url, &headers, outgoing.body.expose(), limits).await
}
