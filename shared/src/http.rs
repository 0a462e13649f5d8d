//! The public API as a pure function: a request comes in, a reply or a question to a ledger goes out.
//!
//! Both hosts, the worker and core standalone, are loops around [`Front::begin`] and [`Pending::finish`], so
//! they cannot drift apart. What awaits (the ledger) lies between the two.

mod create;
mod finish;
pub mod internal;
mod problems;

use crate::bytes;
use crate::code::Code;
use crate::directory::Caller;
use crate::directory::Directory;
use crate::directory::KeyKind;
use crate::entropy::Entropy;
use crate::id::LedgerId;
use crate::id::OrderId;
use crate::keys::IndexKey;
use crate::ledger::Ask;
use crate::ledger::Outcome;
use crate::ledger::Verify;
use crate::ledger::Whose;
use crate::problem;
use crate::problem::Problem;
use crate::wire::api;

pub use self::finish::Pending;

/// The largest request body, in bytes. Hosts read at most one byte more, and hand in what they have.
pub const BODY_BYTES_MAX: usize = 16 * 1024;
/// The media type of problems (RFC 9457).
const PROBLEM_JSON: &str = "application/problem+json";

/// A request, as a host read it.
#[derive(Default)]
pub struct Request {
    /// Upper case.
    pub method: String,
    /// Without host and query.
    pub path: String,
    /// Names in lower case, each once: hosts join repeated ones with `, ` (RFC 9110 section 5.3).
    pub headers: Vec<(String, String)>,
    /// At most [`BODY_BYTES_MAX`] and one byte.
    pub body: Vec<u8>,
}

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

/// What a request comes to.
pub enum Turn {
    /// Ask a ledger, then [`Pending::finish`].
    Ask(Pending),
    /// Answer at once.
    Reply(Response),
}

/// The front door.
pub struct Front {
    /// Who may order what.
    pub directory: Directory,
    /// Names ledgers.
    pub index: IndexKey,
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
}

/// A call of the public API.
enum Call {
    Create,
    Fetch(OrderId),
    Verify(OrderId),
}

impl Front {
    /// Parses, authenticates and routes. `entropy` serves this event: the same goes into the ledger's command.
    pub fn begin(&self, request: &Request, entropy: &Entropy) -> Turn {
        let request_id = request_id(entropy);
        if request.is_read() {
            if request.path == "/healthz" {
                return Turn::Reply(Response::json(200, r#"{"status":"ok"}"#.to_owned(), &request_id));
            }
            if let Some(code) = request.path.strip_prefix("/problems/") {
                return Turn::Reply(problems::page(code, &request_id));
            }
        }
        match self.route(request) {
            Ok((ledger, ask, kind)) => {
                let pending = Pending { ledger, ask, kind, request_id };
                // A made-up id is answered as an unknown one, without asking anybody.
                let known = self.index.knows(ledger);
                if known { Turn::Ask(pending) } else { Turn::Reply(pending.finish(Some(Outcome::NotFound))) }
            }
            Err(problem) => Turn::Reply(Response::problem(&problem, &request_id)),
        }
    }

    fn route(&self, request: &Request) -> Result<(LedgerId, Ask, KeyKind), Problem> {
        if request.body.len() > BODY_BYTES_MAX {
            let detail = format!("A body holds at most {BODY_BYTES_MAX} bytes.");
            return Err(Problem::new(problem::Code::BodyTooLarge, detail));
        }
        let call = call(&request.method, &request.path);
        let caller = self.authenticate(request)?;
        let not_found = "No call has this method and path; or no order has this id.";
        let call = call.ok_or_else(|| Problem::new(problem::Code::NotFound, not_found))?;
        let whose = |order| Whose { tenant: caller.id.clone(), order, limits: caller.tenant.limits };
        let (ledger, ask) = match call {
            Call::Create => {
                let create = create::parse(request, &caller, &self.index)?;
                (create.ledger, Ask::Create(Box::new(create)))
            }
            Call::Fetch(order) => (order.ledger(), Ask::Fetch(whose(order))),
            Call::Verify(order) => {
                let guess = guess(request)?;
                (order.ledger(), Ask::Verify(Verify { whose: whose(order), guess }))
            }
        };
        Ok((ledger, ask, caller.kind))
    }

    fn authenticate(&self, request: &Request) -> Result<Caller<'_>, Problem> {
        // The scheme is case-insensitive (RFC 9110 section 11.1).
        let credentials = request.header("authorization").and_then(|value| value.split_once(' '));
        let key = credentials.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let key = key.map(|(_, key)| key.trim()).ok_or_else(|| {
            Problem::new(problem::Code::Unauthenticated, "Send your API key as `Authorization: Bearer sk_…`.")
        })?;
        self.directory.caller(key).ok_or_else(|| {
            Problem::new(
                problem::Code::Unauthenticated,
                "This API key is not known. It may have been revoked.",
            )
        })
    }
}

fn call(method: &str, path: &str) -> Option<Call> {
    let rest = path.strip_prefix("/v1/orders")?;
    let mut segments = rest.split('/');
    let call = match (method, segments.next(), segments.next(), segments.next(), segments.next()) {
        ("POST", Some(""), None, None, None) => Call::Create,
        ("GET", Some(""), Some(id), None, None) => Call::Fetch(OrderId::parse(id).ok()?),
        ("POST", Some(""), Some(id), Some("verify"), None) => Call::Verify(OrderId::parse(id).ok()?),
        _ => return None,
    };
    Some(call)
}

fn guess(request: &Request) -> Result<Code, Problem> {
    is_json(request)?;
    // The parser's own words could repeat the guess.
    let invalid = |_| {
        let detail = "The body must be {\"code\": \"…\"} with 4 to 10 digits as text.";
        Problem::new(problem::Code::InvalidRequest, detail)
    };
    serde_json::from_slice::<api::Verify>(&request.body).map(|body| body.code).map_err(invalid)
}

fn is_json(request: &Request) -> Result<(), Problem> {
    let Some(value) = request.header("content-type") else { return Ok(()) };
    let media_type = value.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Problem::new(problem::Code::InvalidRequest, "Send `Content-Type: application/json`."))
}

fn request_id(entropy: &Entropy) -> String {
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

    /// A refusal of a request that never got as far as [`Front::begin`].
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

    fn new(status: u16, media_type: &str, body: String, request_id: &str) -> Self {
        let headers = vec![
            ("content-type", media_type.to_owned()),
            ("cache-control", "no-store".to_owned()),
            ("x-request-id", request_id.to_owned()),
        ];
        Self { status, headers, body }
    }
}
