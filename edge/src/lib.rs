//! The edge: a worker close to the user, and one Durable Object per phone.
//!
//! Everything decided here is decided in `tiffin-shared`; this crate reads requests, keeps state and hands jobs over.

mod api;
mod bell;
mod cell;
mod directory;
mod document;
mod host;
mod inbound;
mod objects;
mod outbound;
mod settings;
mod uplink;
mod watchers;

use worker::Context;
use worker::Env;
use worker::Request;
use worker::Response;
use worker::event;

/// Every request to the worker.
#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> worker::Result<Response> {
    api::serve(request, env).await
}
