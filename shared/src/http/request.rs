//! A request, as every host hands it in.

use super::internal::EVENTS_PATH;
use crate::problem::Code;
use crate::problem::Problem;
use crate::time::SECOND_MS;
use crate::wire::event::EVENTS_BYTES_MAX;

/// The largest request body, in bytes. Hosts read at most one byte more, and hand in what they have.
pub const BODY_BYTES_MAX: usize = 16 * 1024;

/// How long a client's body may take, in milliseconds: 16 KiB arrive within it on the slowest of connections.
pub const BODY_MS_MAX: u64 = 5 * SECOND_MS;

/// The refusal of a body that is held back, or breaks off.
pub fn incomplete() -> Problem {
    Problem::new(Code::InvalidRequest, "The body did not arrive whole.")
}

/// How much of a body is read at a front door, by path: what core tells of orders is longer than what clients send.
pub fn body_bytes_max(path: &str) -> usize {
    if path == EVENTS_PATH { EVENTS_BYTES_MAX } else { BODY_BYTES_MAX }
}

/// A request, as a host read it.
#[derive(Default)]
pub struct Request {
    /// Upper case.
    pub method: String,
    /// Without host and query.
    pub path: String,
    /// What follows `?`, without it.
    pub query: String,
    /// Names in lower case, each once: hosts join repeated ones with `, ` (RFC 9110 section 5.3).
    pub headers: Vec<(String, String)>,
    /// At most [`BODY_BYTES_MAX`] and one byte.
    pub body: Vec<u8>,
}

impl Request {
    /// `GET`, or `HEAD`, whose reply's body the host's server leaves out.
    pub fn is_read(&self) -> bool {
        self.method == "GET" || self.method == "HEAD"
    }

    /// The header of this name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The query's parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let pairs = self.query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.into_iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}
