//! `GET /inbox/events`: what happens in the sandbox, live, as server-sent events.
//!
//! | event | data |
//! | --- | --- |
//! | `message` | the message as `GET /inbox` gives it |
//! | `status` | `{"id", "status"}` |
//! | `cleared` | `{}`: the inbox was emptied |
//! | `faults` | `{}`: a fault was set or reset; `GET /faults` has them |
//! | `resync` | `{}`: the reader fell behind and missed events; `GET /inbox` has the state |

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::response::Response;
use axum::response::Sse;
use axum::response::sse;
use axum::routing::get;
use futures::StreamExt as _;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

use super::inbox::Entry;
use super::inbox::Status;
use super::problem;
use super::state::Sandbox;

/// Something that readers of the inbox are told of.
#[derive(Clone)]
pub(super) enum Event {
    Cleared,
    Faults,
    Message(Arc<Entry>),
    Status { id: String, status: Status },
}

/// The way from those who change something to those who watch.
#[derive(Clone)]
pub(super) struct Events {
    sender: broadcast::Sender<Event>,
    readers: Arc<Semaphore>,
}

impl Events {
    pub(super) fn new() -> Self {
        Self {
            sender: broadcast::Sender::new(EVENTS_BEHIND_MAX),
            readers: Arc::new(Semaphore::new(READERS_MAX)),
        }
    }

    pub(super) fn publish(&self, event: Event) {
        // It fails when nobody reads, which is fine.
        let _readers = self.sender.send(event);
    }
}

pub(super) fn routes() -> Router<Arc<Sandbox>> {
    Router::new().route("/inbox/events", get(watch))
}

async fn watch(State(sandbox): State<Arc<Sandbox>>) -> Response {
    let Ok(permit) = Arc::clone(&sandbox.events.readers).try_acquire_owned() else {
        let detail = format!("{READERS_MAX} readers watch the inbox already; close one");
        return problem::response(StatusCode::SERVICE_UNAVAILABLE, "unavailable", &detail);
    };
    let stream = BroadcastStream::new(sandbox.events.sender.subscribe())
        .map(move |event| {
            let _held_by_the_stream = &permit;
            Ok::<_, Infallible>(event.map_or_else(|_behind| empty("resync"), encode))
        })
        .take_until(sandbox.closed());
    let keep_alive = sse::KeepAlive::new().interval(Duration::from_millis(KEEP_ALIVE_MS));
    Sse::new(stream).keep_alive(keep_alive).into_response()
}

fn encode(event: Event) -> sse::Event {
    match event {
        Event::Cleared => empty("cleared"),
        Event::Faults => empty("faults"),
        Event::Message(entry) => with("message", &*entry),
        Event::Status { id, status } => with("status", &serde_json::json!({ "id": id, "status": status })),
    }
}

fn empty(name: &str) -> sse::Event {
    sse::Event::default().event(name).data("{}")
}

fn with(name: &str, data: &impl Serialize) -> sse::Event {
    // These types always serialise; were one not to, the reader is told to fetch the state instead.
    sse::Event::default().event(name).json_data(data).unwrap_or_else(|_unserialisable| empty("resync"))
}

/// Pages and tests that watch at once: a browser keeps six connections to a host, so this is ten browsers.
const READERS_MAX: usize = 64;

/// What a slow reader may be behind before it is told to fetch the inbox anew: three events for 300 messages.
const EVENTS_BEHIND_MAX: usize = 1_024;

/// Below the minute after which proxies commonly close an idle connection.
const KEEP_ALIVE_MS: u64 = 15_000;
