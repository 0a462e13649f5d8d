//! Waiting for news of an order: long polls, and streams of events.
//!
//! Whoever hosts the ledger looks again every [`POLL_MS`] until there is news, so a change that only time makes, such
//! as a window that opens, is news like any other.

use serde::Deserialize;
use serde::Serialize;

use super::Answer;
use super::Question;
use super::Response;
use super::Visit;
use super::call::Call;
use super::finish::Shown;
use crate::bytes;
use crate::bytes::Bytes;
use crate::directory::KeyKind;
use crate::id::LedgerId;
use crate::ledger::Ask;
use crate::ledger::Outcome;
use crate::problem::Code;
use crate::problem::Problem;
use crate::time::MINUTE_MS;
use crate::time::SECOND_MS;
use crate::time::UnixMs;
use crate::time::retry_after_seconds;
use crate::wire::api;

/// How often to look while waiting: news is told within a second.
pub const POLL_MS: u64 = 500;
/// The longest wait, in seconds: proxies give up after a minute.
pub const WAIT_S_MAX: u64 = 55;
/// A stream says at least this often that it is alive.
const STREAM_ROUND_MS: u64 = 20 * SECOND_MS;
/// A stream ends after the longest life of a code and a little, in milliseconds; a client that still cares connects
/// again.
pub const STREAM_MS_MAX: u64 = 11 * MINUTE_MS;
/// What a browser waits before it connects again.
const RETRY_MS: u64 = 2_000;
/// What who finds no place to wait does between two looks, in milliseconds: a tenth of what waiting would have cost.
const FULL_RETRY_MS: u64 = 5 * SECOND_MS;

/// A short name of an order's content, as far as the caller sees it: differs whenever a reply would, and only then.
pub type Tag = Bytes<9>;

/// Wait until an order differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    until: UnixMs,
    /// What the caller knows; nothing for: whatever the first look finds.
    unlike: Option<Tag>,
    shown: Shown,
}

impl Hold {
    /// When the time is up.
    pub fn until(&self) -> UnixMs {
        self.until
    }

    /// What kind of key waits.
    pub(super) fn asker(&self) -> KeyKind {
        self.shown.0
    }

    /// Whether to answer now with this outcome, rather than look again.
    pub fn is_over(&mut self, outcome: &Outcome, now: UnixMs) -> bool {
        let Outcome::Found(order) = outcome else { return true };
        let tag = tag(order, self.shown);
        let known = *self.unlike.get_or_insert(tag);
        now >= self.until || known != tag || order.state.is_final()
    }
}

impl Response {
    /// Says when to ask again, for a poll that was answered at once because there was no place to wait.
    pub fn without_waiting(mut self) -> Self {
        if self.status < 400 {
            self.headers.push(("retry-after", retry_after_seconds(FULL_RETRY_MS).to_string()));
        }
        self
    }
}

pub(super) fn tag(order: &api::Order, shown: Shown) -> Tag {
    let body = shown.json(order.clone()).unwrap_or_default();
    Bytes(bytes::truncate(bytes::sha256(body.as_bytes())))
}

/// What the client has already.
pub(super) fn known(call: &Call, visit: &Visit<'_>) -> Option<Tag> {
    let header = visit.request.header("if-none-match").filter(|_| matches!(call, Call::Fetch(_)))?;
    read_tag(header)
}

/// `?wait=30`: up to 55 seconds. With `If-None-Match` it ends at once when the order is another already.
pub(super) fn hold(call: &Call, visit: &Visit<'_>, shown: Shown) -> Result<Option<Hold>, Problem> {
    if !matches!(call, Call::Fetch(_)) {
        return Ok(None);
    }
    let Some(text) = visit.request.parameter("wait") else { return Ok(None) };
    let seconds = text.parse::<u64>().ok().filter(|seconds| *seconds <= WAIT_S_MAX);
    let invalid = || Problem::new(Code::InvalidRequest, format!("wait: must be 0 to {WAIT_S_MAX} seconds."));
    let seconds = seconds.ok_or_else(invalid)?;
    let unlike = known(call, visit);
    Ok(Some(Hold { until: visit.now.plus(seconds * SECOND_MS), unlike, shown }))
}

fn read_tag(header: &str) -> Option<Tag> {
    let text = header.trim();
    let text = text.strip_prefix("W/").unwrap_or(text);
    bytes::decode_array(text.strip_prefix('"')?.strip_suffix('"')?).map(Bytes)
}

/// A stream of an order's changes, as Server-Sent Events (HTML standard): one `order` event per change, the order as
/// its data, its tag as its id. Ends with the order.
pub struct Stream {
    ledger: LedgerId,
    ask: Ask,
    shown: Shown,
    told: Option<Tag>,
    ends_at: UnixMs,
    is_over: bool,
    begun: Option<(Response, String)>,
}

pub(super) fn stream(
    call: &Call,
    visit: &Visit<'_>,
    ledger: LedgerId,
    ask: &Ask,
    shown: Shown,
) -> Option<Stream> {
    let Call::Events(_) = call else { return None };
    Some(Stream {
        ledger,
        ask: ask.clone(),
        shown,
        told: visit.request.header("last-event-id").and_then(|id| bytes::decode_array(id).map(Bytes)),
        ends_at: visit.now.plus(STREAM_MS_MAX),
        is_over: false,
        begun: None,
    })
}

pub(super) fn etag(tag: Tag) -> String {
    format!("\"{}\"", bytes::encode(&tag.0))
}

impl Stream {
    pub(super) fn begin(&mut self, head: Response, outcome: Outcome) {
        let first = self.piece(Some(Answer::Ledger(outcome)));
        self.begun = Some((head, first));
    }

    /// The head of the reply and the first piece of its body. Once.
    pub fn begun(&mut self) -> Option<(Response, String)> {
        self.begun.take()
    }

    /// There is no place to wait: the last piece, with which the stream is over. It says when to connect again.
    pub fn full(&mut self) -> String {
        self.is_over = true;
        format!("retry: {FULL_RETRY_MS}\n\n")
    }

    /// What to ask for the next piece; nothing when the stream is over.
    pub fn question(&self, now: UnixMs) -> Option<Question> {
        if self.is_over || now >= self.ends_at {
            return None;
        }
        let hold = Some(Hold { until: now.plus(STREAM_ROUND_MS), unlike: self.told, shown: self.shown });
        Some(Question::Ledger { ledger: self.ledger, ask: self.ask.clone(), hold })
    }

    /// The next piece.
    pub fn piece(&mut self, answer: Option<Answer>) -> String {
        let Some(Answer::Ledger(Outcome::Found(order))) = answer else {
            // The client connects again, and says what it has seen.
            self.is_over = true;
            return format!("retry: {RETRY_MS}\n\n");
        };
        self.is_over = order.state.is_final();
        let tag = tag(&order, self.shown);
        if self.told.replace(tag) == Some(tag) {
            return ": still waiting\n\n".to_owned();
        }
        let data = self.shown.json(order).unwrap_or_default();
        format!("retry: {RETRY_MS}\nid: {}\nevent: order\ndata: {data}\n\n", bytes::encode(&tag.0))
    }
}
