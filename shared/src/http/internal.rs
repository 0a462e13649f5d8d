//! What edge and core say to each other, and the check that it is really them.

mod events;

use serde::Deserialize;
use serde::Serialize;

pub use self::events::events;
pub use self::events::read_events;
pub use self::events::told;
use super::Request;
use crate::bytes;
use crate::bytes::Bytes;
use crate::directory::publication::Push;
use crate::directory::snapshot::SNAPSHOT_BYTES_MAX;
use crate::directory::snapshot::Snapshot;
use crate::entropy::Entropy;
use crate::envelope::Envelope;
use crate::evidence;
use crate::keys::Ring;
use crate::keys::Signing;
use crate::keys::Verifying;
use crate::ledger::Content;
use crate::ledger::Parcel;
use crate::problem::Code;
use crate::problem::Problem;
use crate::sign;
use crate::sign::Claim;
use crate::sign::Direction;
use crate::sign::Signed;
use crate::time::UnixMs;
use crate::wire::notice::NOTICE_BYTES_MAX;
use crate::wire::notice::Notice;

/// Where core gives the edge a new directory.
pub const DIRECTORY_PATH: &str = "/internal/v1/directory";
/// Where the edge hands jobs to core.
pub const JOBS_PATH: &str = "/internal/v1/jobs";
/// Where core tells the edge how orders fare.
pub const EVENTS_PATH: &str = "/internal/v1/events";
/// Where the edge tells core what happened to an order.
pub const NOTICES_PATH: &str = "/internal/v1/notices";
/// Where the edge asks core for what it knows of an order.
pub const EVIDENCE_PATH: &str = "/internal/v1/evidence";
/// The longest question for it, in bytes: the services of a key are part of it.
pub const EVIDENCE_ASK_BYTES_MAX: usize = 8 * 1024;

/// A signed request, ready to send by `POST`.
pub struct Outgoing {
    /// On the receiver's host.
    pub path: &'static str,
    /// Signature and content type.
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
    pub body: String,
}

/// The edge's hand-over of a parcel.
pub fn parcel(
    parcel: &Parcel,
    key: &Signing,
    entropy: &Entropy,
    now: UnixMs,
) -> Result<Outgoing, serde_json::Error> {
    let (path, body) = match &parcel.content {
        Content::Job { job, dispatch } => {
            (JOBS_PATH, serde_json::to_string(&Envelope::sign(job, dispatch.as_ref(), key))?)
        }
        Content::Notice(notice) => (NOTICES_PATH, serde_json::to_string(notice)?),
    };
    let nonce = entropy.derive(&format!("nonce/{:?}", parcel.id));
    Ok(outgoing(Direction::EdgeToCore, path, body, key, nonce, now))
}

/// Core's push of a directory.
pub fn directory(
    snapshot: &Snapshot,
    key: &Signing,
    entropy: &Entropy,
    now: UnixMs,
) -> Result<Outgoing, serde_json::Error> {
    let body = serde_json::to_string(snapshot)?;
    Ok(outgoing(Direction::CoreToEdge, DIRECTORY_PATH, body, key, entropy.derive("nonce/directory"), now))
}

/// What the edge answers to a push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pushed {
    /// The version that is kept now.
    pub version: u64,
    /// Whether that says what was pushed.
    pub same: bool,
    /// Digests of keys that the push listed as good, and that were revoked: it was not taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revoked: Vec<Bytes<32>>,
}

/// Checks a push. The body is the snapshot's text, to be kept as it is. A replay is harmless: an older version is
/// not taken.
pub fn read_directory(request: &Request, cores: &Ring<Verifying>, now: UnixMs) -> Result<Push, Problem> {
    if request.body.len() > SNAPSHOT_BYTES_MAX {
        return Err(Problem::new(Code::BodyTooLarge, "A directory holds at most 1 MiB."));
    }
    authenticate(request, Direction::CoreToEdge, cores, now)?;
    let invalid = |reason: String| Problem::new(Code::InvalidRequest, format!("{reason}."));
    let text = std::str::from_utf8(&request.body).map_err(|error| invalid(error.to_string()))?;
    let opened = Snapshot::open(text, cores).map_err(|error| invalid(error.to_string()))?;
    Ok(Push::new(text.to_owned(), &opened))
}

/// The notice in a request from the edge. A replay is harmless: it is noted once.
pub fn read_notice(request: &Request, edges: &Ring<Verifying>, now: UnixMs) -> Result<Notice, Problem> {
    if request.body.len() > NOTICE_BYTES_MAX {
        return Err(Problem::new(Code::BodyTooLarge, "A notice holds at most 2 KiB."));
    }
    authenticate(request, Direction::EdgeToCore, edges, now)?;
    bytes::read_json(&request.body)
        .map_err(|error| Problem::new(Code::InvalidRequest, format!("Not a notice: {error}.")))
}

/// The edge's question for an order's evidence.
pub fn evidence(
    ask: &evidence::Ask,
    key: &Signing,
    entropy: &Entropy,
    now: UnixMs,
) -> Result<Outgoing, serde_json::Error> {
    let body = serde_json::to_string(ask)?;
    let nonce = entropy.derive("nonce/evidence");
    Ok(outgoing(Direction::EdgeToCore, EVIDENCE_PATH, body, key, nonce, now))
}

/// The question in a request from the edge. A replay changes nothing, and who can read it can read the answer.
pub fn read_evidence(
    request: &Request,
    edges: &Ring<Verifying>,
    now: UnixMs,
) -> Result<evidence::Ask, Problem> {
    if request.body.len() > EVIDENCE_ASK_BYTES_MAX {
        return Err(Problem::new(Code::BodyTooLarge, "A question holds at most 8 KiB."));
    }
    authenticate(request, Direction::EdgeToCore, edges, now)?;
    bytes::read_json(&request.body)
        .map_err(|error| Problem::new(Code::InvalidRequest, format!("Not a question: {error}.")))
}

/// Core's answer to it, by status and body; nothing where it has none.
pub fn evidence_answer(status: u16, body: Vec<u8>) -> Option<evidence::Answer> {
    match status {
        200 => String::from_utf8(body).ok().map(evidence::Answer::Found),
        404 => Some(evidence::Answer::NotFound),
        _ => None,
    }
}

/// Checks who sent a request. Returns its nonce, which must be accepted once.
pub fn authenticate(
    request: &Request,
    direction: Direction,
    keys: &Ring<Verifying>,
    now: UnixMs,
) -> Result<[u8; 16], Problem> {
    let signed = Signed { direction, method: &request.method, path: &request.path, body: &request.body };
    signed.verify(keys, |name| request.header(name), now).map_err(refused)
}

/// Whether the head of a request, whose body is not read yet, claims what [`authenticate`] will check.
pub fn claim(head: &Request, keys: &Ring<Verifying>, now: UnixMs) -> Result<(), Problem> {
    Claim::read(keys, |name| head.header(name), now).map(drop).map_err(refused)
}

fn refused(error: sign::Error) -> Problem {
    Problem::new(Code::Unauthenticated, format!("The request's signature was refused: {error}."))
}

pub(super) fn outgoing(
    direction: Direction,
    path: &'static str,
    body: String,
    key: &Signing,
    nonce: [u8; 16],
    now: UnixMs,
) -> Outgoing {
    let signed = Signed { direction, method: "POST", path, body: body.as_bytes() };
    let mut headers = vec![("content-type", "application/json".to_owned())];
    headers.extend(signed.headers(key, nonce, now));
    Outgoing { path, headers, body }
}
