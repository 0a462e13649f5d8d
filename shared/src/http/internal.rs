//! What edge and core say to each other, and the check that it is really them.

use super::Request;
use crate::entropy::Entropy;
use crate::envelope::Envelope;
use crate::keys::Ring;
use crate::keys::Signing;
use crate::keys::Verifying;
use crate::problem::Code;
use crate::problem::Problem;
use crate::sign;
use crate::sign::Direction;
use crate::sign::Signed;
use crate::time::UnixMs;
use crate::wire::event::EVENT_BYTES_MAX;
use crate::wire::event::OrderEvent;
use crate::wire::job::Job;

/// Where the edge hands jobs to core.
pub const JOBS_PATH: &str = "/internal/v1/jobs";
/// Where core tells the edge how orders fare.
pub const EVENTS_PATH: &str = "/internal/v1/events";

/// A signed request, ready to send by `POST`.
pub struct Outgoing {
    /// On the receiver's host.
    pub path: &'static str,
    /// Signature and content type.
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
    pub body: String,
}

/// The edge's hand-over of a job.
pub fn job(job: &Job, key: &Signing, entropy: &Entropy, now: UnixMs) -> Result<Outgoing, serde_json::Error> {
    let body = serde_json::to_string(&Envelope::sign(job, key))?;
    let nonce = entropy.derive(&format!("nonce/{}", job.sealed.ciphertext));
    Ok(outgoing(Direction::EdgeToCore, JOBS_PATH, body, key, nonce, now))
}

/// Core's word on an order.
pub fn event(
    event: &OrderEvent,
    key: &Signing,
    entropy: &Entropy,
    now: UnixMs,
) -> Result<Outgoing, serde_json::Error> {
    let body = serde_json::to_string(event)?;
    Ok(outgoing(Direction::CoreToEdge, EVENTS_PATH, body, key, entropy.derive("nonce/event"), now))
}

/// The event in a request from core. A replay needs no nonce to be harmless: its number is spent.
pub fn read_event(request: &Request, cores: &Ring<Verifying>, now: UnixMs) -> Result<OrderEvent, Problem> {
    if request.body.len() > EVENT_BYTES_MAX {
        return Err(Problem::new(Code::BodyTooLarge, "An event holds at most 16 KiB."));
    }
    authenticate(request, Direction::CoreToEdge, cores, now)?;
    serde_json::from_slice(&request.body)
        .map_err(|error| Problem::new(Code::InvalidRequest, format!("Not an order event: {error}.")))
}

/// Checks who sent a request. Returns its nonce, which must be accepted once.
pub fn authenticate(
    request: &Request,
    direction: Direction,
    keys: &Ring<Verifying>,
    now: UnixMs,
) -> Result<[u8; 16], Problem> {
    let signed = Signed { direction, method: &request.method, path: &request.path, body: &request.body };
    signed.verify(keys, |name| request.header(name), now).map_err(|error: sign::Error| {
        Problem::new(Code::Unauthenticated, format!("The request's signature was refused: {error}."))
    })
}

fn outgoing(
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
