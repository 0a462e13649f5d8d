//! Requests in, replies out: the loop around the shared HTTP layer.

use futures_util::StreamExt;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::http;
use tiffin_shared::http::Turn;
use tiffin_shared::http::internal;
use tiffin_shared::http::internal::EVENTS_PATH;
use tiffin_shared::id::LedgerId;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Event;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::time::UnixMs;
use worker::Env;
use worker::Request;
use worker::Response;
use worker::ResponseBuilder;
use worker::console_error;

use crate::host;
use crate::objects;
use crate::settings::Settings;

/// Answers one request.
pub async fn serve(request: Request, env: &Env) -> worker::Result<Response> {
    let now = host::now();
    let Ok(entropy) = host::entropy() else {
        console_error!("the platform's random generator failed");
        return Response::error("no randomness", 503);
    };
    let settings = match Settings::load(env) {
        Ok(settings) => settings,
        Err(error) => {
            console_error!("the edge is not configured: {error}");
            return respond(http::Response::unavailable("The edge is not configured.", &entropy));
        }
    };
    let request = read(request).await?;
    let path = request.path.as_str();
    if request.is_read() && path == "/readyz" {
        return respond(ready(&settings, &entropy, now));
    }
    if request.method == "POST" && path == EVENTS_PATH {
        return respond(event(&settings, &request, entropy, now, env).await);
    }
    let reply = match settings.edge.front.begin(&request, &entropy) {
        Turn::Reply(reply) => reply,
        Turn::Ask(pending) => {
            let ask = pending.ask.clone();
            pending.finish(apply(env, pending.ledger, Event { now, entropy, ask }).await)
        }
    };
    respond(reply)
}

/// Ready when jobs can be sealed; the ledgers answer for themselves.
fn ready(settings: &Settings, entropy: &Entropy, now: UnixMs) -> http::Response {
    match settings.keys(now) {
        Ok(_) => http::Response::ready(r#"{"status":"ready"}"#, entropy),
        Err(error) => {
            console_error!("the edge is not ready: {error}");
            http::Response::unavailable("The edge's keys cannot be used.", entropy)
        }
    }
}

/// Core tells how an order fares.
async fn event(
    settings: &Settings,
    request: &http::Request,
    entropy: Entropy,
    now: UnixMs,
    env: &Env,
) -> http::Response {
    let event = match internal::read_event(request, &settings.cores, now) {
        Ok(event) => event,
        Err(problem) => return http::Response::refused(&problem, &entropy),
    };
    let ledger = event.order.ledger();
    let noted = Event { now, entropy: entropy.clone(), ask: Ask::Event(event) };
    match apply(env, ledger, noted).await {
        Some(_) => http::Response::ready(r#"{"status":"noted"}"#, &entropy),
        None => http::Response::unavailable("The ledger did not answer.", &entropy),
    }
}

async fn apply(env: &Env, ledger: LedgerId, event: Event) -> Option<Outcome> {
    match objects::ask(env, ledger, &event).await {
        Ok(outcome) => Some(outcome),
        Err(error) => {
            console_error!("ledger did not answer: {error}");
            None
        }
    }
}

/// Reads no more of the body than is needed to see that it is too large.
async fn read(mut request: Request) -> worker::Result<http::Request> {
    let method = request.method().to_string();
    let path = request.path();
    let headers = request.headers().entries().collect();
    let mut body = Vec::new();
    if request.inner().body().is_some() {
        let mut stream = request.stream()?;
        while let Some(chunk) = stream.next().await {
            body.extend(chunk?);
            if body.len() > http::BODY_BYTES_MAX {
                break;
            }
        }
    }
    Ok(http::Request { method, path, headers, body })
}

fn respond(reply: http::Response) -> worker::Result<Response> {
    let mut builder = ResponseBuilder::new().with_status(reply.status);
    for (name, value) in &reply.headers {
        builder = builder.with_header(name, value)?;
    }
    Ok(builder.fixed(reply.body.into_bytes()))
}
