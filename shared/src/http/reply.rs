//! Replies, and what every one of them carries.

use crate::bytes;
use crate::entropy::Entropy;
use crate::problem;
use crate::problem::Problem;

/// The media type of problems (RFC 9457).
const PROBLEM_JSON: &str = "application/problem+json";
/// Headers that a page's script may read beyond the simple ones (Fetch standard).
const EXPOSED: &str =
    "etag, idempotency-replayed, location, ratelimit, ratelimit-policy, retry-after, x-request-id";

/// A reply, for a host to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

/// `req_…`, drawn with the event: an order's job has the one of the request that made it.
pub(crate) fn request_id(entropy: &Entropy) -> String {
    format!("req_{}", bytes::encode(&entropy.derive::<16>("request-id")))
}

impl Response {
    /// A JSON reply.
    pub fn json(status: u16, body: String, request_id: &str) -> Self {
        Self::new(status, "application/json", body, request_id)
    }

    /// A refusal.
    pub fn problem(problem: &Problem, request_id: &str) -> Self {
        let body = serde_json::to_string(&problem.body()).unwrap_or_default();
        let mut response = Self::new(problem.code.status(), PROBLEM_JSON, body, request_id);
        if let Some(seconds) = problem.retry_after() {
            response.headers.push(("retry-after", seconds.to_string()));
        }
        if problem.code == problem::Code::Unauthenticated {
            response.headers.push(("www-authenticate", "Bearer".to_owned()));
        }
        response
    }

    /// A refusal of a request that never got as far as [`super::Front::begin`].
    pub fn unavailable(detail: &str, entropy: &Entropy) -> Self {
        Self::refused(&Problem::unavailable(detail), entropy)
    }

    /// A refusal of a request between edge and core.
    pub fn refused(problem: &Problem, entropy: &Entropy) -> Self {
        Self::problem(problem, &request_id(entropy))
    }

    /// A plain 200 in JSON.
    pub fn ready(body: &str, entropy: &Entropy) -> Self {
        Self::json(200, body.to_owned(), &request_id(entropy))
    }

    /// Lets the scripts of a page read it: of `origin`, or of any where that tells nothing.
    pub(super) fn readable(mut self, origin: Option<&str>) -> Self {
        self.headers.push(("access-control-allow-origin", origin.unwrap_or("*").to_owned()));
        self.headers.push(("access-control-expose-headers", EXPOSED.to_owned()));
        self.headers.push(("vary", "Origin".to_owned()));
        self
    }

    pub(super) fn new(status: u16, media_type: &str, body: String, request_id: &str) -> Self {
        let headers = vec![
            ("content-type", media_type.to_owned()),
            ("cache-control", "no-store".to_owned()),
            ("x-request-id", request_id.to_owned()),
        ];
        Self { status, headers, body }
    }
}
