//! The messages that arrived, in memory: `/inbox`.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use axum::Json;
use axum::Router;
use axum::extract::Query;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use serde::Deserialize;
use serde::Serialize;
use serde_json::json;

use super::clock;
use super::events::Event;
use super::events::Events;
use super::state::Sandbox;

/// What a reader of the inbox sees of a message.
#[derive(Clone, Serialize)]
pub(super) struct Entry {
    pub(super) to: String,
    pub(super) channel: &'static str,
    pub(super) gateway: String,
    /// RFC 3339, UTC, with milliseconds.
    pub(super) at: String,
    pub(super) text: String,
    /// The provider's own id of the message.
    pub(super) id: String,
}

/// A message with what only its provider's protocol shows.
#[derive(Clone)]
pub(super) struct Message {
    pub(super) entry: Arc<Entry>,
    pub(super) from: Option<String>,
    pub(super) messaging_service_sid: Option<String>,
    pub(super) status: Status,
    pub(super) created_at_ms: u64,
    pub(super) sent_at_ms: Option<u64>,
    pub(super) updated_at_ms: u64,
    /// The provider's code of a failure.
    pub(super) error_code: Option<String>,
    /// Whether the phone gets it: the inbox shows no other.
    pub(super) arrives: bool,
    /// Its sender stopped it while it was in the queue.
    pub(super) is_stopped: bool,
    /// Its sender took the text out of it; the phone has it all the same.
    pub(super) is_erased: bool,
}

/// How far a message has come.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Queued,
    Sent,
    Delivered,
    Undelivered,
}

impl Status {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
        }
    }
}

/// The newest [`MESSAGES_MAX`] messages.
pub(super) struct Inbox {
    shelf: Mutex<Shelf>,
    events: Events,
}

impl Inbox {
    pub(super) fn new(events: Events) -> Self {
        Self { shelf: Mutex::default(), events }
    }

    pub(super) fn add(&self, message: Message) {
        let mut shelf = self.shelf();
        shelf.push(message.clone());
        // Published under the lock, so that a reader never hears of a status before its message.
        if message.arrives {
            self.events.publish(Event::Message(message.entry));
        }
    }

    /// Notes the change, and what `change` makes of the message. Does nothing when the message is gone.
    pub(super) fn advance(&self, id: &str, status: Status, now_ms: u64, change: impl FnOnce(&mut Message)) {
        let mut shelf = self.shelf();
        let Some(message) = shelf.find_mut(id) else { return };
        message.status = status;
        message.updated_at_ms = now_ms;
        change(message);
        if message.arrives {
            self.events.publish(Event::Status { id: id.to_owned(), status });
        }
    }

    /// It leaves the queue: from now on the phone gets it.
    pub(super) fn arrive(&self, id: &str) {
        let mut shelf = self.shelf();
        let Some(message) = shelf.find_mut(id).filter(|message| !message.is_stopped) else { return };
        message.arrives = true;
        self.events.publish(Event::Message(Arc::clone(&message.entry)));
    }

    /// Stops a message that is in the queue. False where it has left.
    pub(super) fn stop(&self, id: &str, now_ms: u64) -> bool {
        let mut shelf = self.shelf();
        let is_queued = |message: &&mut Message| message.status == Status::Queued && !message.is_stopped;
        let Some(message) = shelf.find_mut(id).filter(is_queued) else { return false };
        (message.is_stopped, message.arrives, message.updated_at_ms) = (true, false, now_ms);
        true
    }

    /// Takes the text out of what its provider shows of a message that is final. False where it is not.
    pub(super) fn erase(&self, id: &str, now_ms: u64) -> bool {
        let mut shelf = self.shelf();
        let is_final = |message: &&mut Message| {
            message.is_stopped || matches!(message.status, Status::Delivered | Status::Undelivered)
        };
        let Some(message) = shelf.find_mut(id).filter(is_final) else { return false };
        (message.is_erased, message.updated_at_ms) = (true, now_ms);
        true
    }

    pub(super) fn find(&self, id: &str) -> Option<Message> {
        self.shelf().find_mut(id).cloned()
    }

    /// The messages that `keep` wants, newest first.
    pub(super) fn newest(&self, keep: impl Fn(&Message) -> bool) -> Vec<Message> {
        self.shelf().messages.iter().rev().filter(|message| keep(message)).cloned().collect()
    }

    fn clear(&self) {
        let mut shelf = self.shelf();
        *shelf = Shelf::default();
        self.events.publish(Event::Cleared);
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        // No step under this lock can leave the shelf half changed, so a panic elsewhere does not spoil it.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The address as a caller of a `GET` means it: a raw `+` in a query string decodes to a space.
pub(super) fn address(query: &str) -> String {
    query.strip_prefix(' ').map_or_else(|| query.to_owned(), |digits| format!("+{digits}"))
}

pub(super) fn routes() -> Router<Arc<Sandbox>> {
    Router::new().route("/inbox", get(read).delete(clear)).route("/inbox/statuses", get(statuses))
}

#[derive(Deserialize)]
struct Filter {
    to: Option<String>,
}

async fn read(State(sandbox): State<Arc<Sandbox>>, Query(filter): Query<Filter>) -> impl IntoResponse {
    let to = filter.to.as_deref().map(address);
    let messages = sandbox
        .inbox
        .newest(|message| message.arrives && to.as_ref().is_none_or(|to| *to == message.entry.to));
    let entries = messages.iter().map(|message| &*message.entry).collect::<Vec<_>>();
    (NO_STORE, Json(json!({ "messages": entries })))
}

/// Apart from the messages, whose shape is a contract that has no status.
async fn statuses(State(sandbox): State<Arc<Sandbox>>) -> impl IntoResponse {
    let messages = sandbox.inbox.newest(|message| message.arrives);
    let statuses =
        messages.iter().map(|message| (&*message.entry.id, message.status)).collect::<BTreeMap<_, _>>();
    (NO_STORE, Json(json!({ "statuses": statuses })))
}

async fn clear(State(sandbox): State<Arc<Sandbox>>) -> StatusCode {
    sandbox.inbox.clear();
    StatusCode::NO_CONTENT
}

#[derive(Default)]
struct Shelf {
    /// Oldest first.
    messages: VecDeque<Message>,
    /// The number of each message, counted from the first that was ever dropped or kept.
    numbers: HashMap<String, usize>,
    dropped: usize,
}

impl Shelf {
    fn push(&mut self, message: Message) {
        if self.messages.len() >= MESSAGES_MAX
            && let Some(oldest) = self.messages.pop_front()
        {
            self.numbers.remove(&oldest.entry.id);
            self.dropped += 1;
        }
        self.numbers.insert(message.entry.id.clone(), self.dropped + self.messages.len());
        self.messages.push_back(message);
    }

    fn find_mut(&mut self, id: &str) -> Option<&mut Message> {
        let number = self.numbers.get(id)?;
        self.messages.get_mut(number - self.dropped)
    }
}

impl Message {
    /// A message that was just accepted, at `now_ms`.
    pub(super) fn queued(entry: Entry, now_ms: u64) -> Self {
        Self {
            entry: Arc::new(Entry { at: clock::rfc3339(now_ms), ..entry }),
            from: None,
            messaging_service_sid: None,
            status: Status::Queued,
            created_at_ms: now_ms,
            sent_at_ms: None,
            updated_at_ms: now_ms,
            error_code: None,
            arrives: true,
            is_stopped: false,
            is_erased: false,
        }
    }
}

/// An afternoon of work or a load test of some minutes, in about 10 MB.
const MESSAGES_MAX: usize = 10_000;

/// Codes do not belong in a cache.
const NO_STORE: [(header::HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];
