//! The public API as a pure function: a request comes in, a reply or a question goes out.
//!
//! Every host, the worker and core standalone, is a loop around [`Front::begin`] and [`Front::answer`], so they
//! cannot drift apart. What awaits lies between the two.

mod access;
mod call;
mod create;
mod finish;
pub mod internal;
mod pages;
mod policy;
mod preflight;
mod problems;
mod reply;
mod resend;
mod watch;

use std::net::IpAddr;
use std::sync::Arc;

use crate::code::Code;
use crate::country::Country;
use crate::directory::Caller;
use crate::directory::Directory;
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
use crate::time::UnixMs;
use crate::wire::api;

use self::call::Call;
pub use self::finish::Pending;
use self::finish::Shown;
use self::preflight::Facts;
pub use self::reply::Response;
pub use self::watch::Hold;
pub use self::watch::POLL_MS;
pub use self::watch::Stream;

/// The largest request body, in bytes. Hosts read at most one byte more, and hand in what they have.
pub const BODY_BYTES_MAX: usize = 16 * 1024;

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

/// Who is at the other end, as the host knows it: never from what a caller can write.
#[derive(Clone, Copy, Debug, Default)]
pub struct Peer {
    /// The connection's address.
    pub ip: Option<IpAddr>,
    /// Where that address is.
    pub country: Option<Country>,
}

/// What a request comes to.
pub enum Turn {
    /// Ask, then [`Front::answer`].
    Ask(Box<Pending>),
    /// Answer at once.
    Reply(Response),
    /// Answer with a stream of events.
    Stream(Box<Stream>),
}

/// What a host asks on the front door's behalf.
pub enum Question {
    /// A ledger.
    Ledger {
        /// Which.
        ledger: LedgerId,
        /// What.
        ask: Ask,
        /// Ask again until there is news.
        hold: Option<Hold>,
    },
}

/// What came back.
pub enum Answer {
    /// Of a ledger.
    Ledger(Outcome),
}

/// The front door.
pub struct Front {
    /// Names ledgers.
    pub index: IndexKey,
}

/// What one request is decided with.
pub struct Visit<'a> {
    /// Who may order what.
    pub directory: &'a Arc<Directory>,
    /// What was sent.
    pub request: &'a Request,
    /// Who sent it.
    pub peer: Peer,
    /// Drawn for this event: the same goes into the ledger's command.
    pub entropy: &'a Entropy,
    /// When.
    pub now: UnixMs,
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

impl Front {
    /// Parses, authenticates and routes.
    pub fn begin(&self, visit: &Visit<'_>) -> Turn {
        let request_id = reply::request_id(visit.entropy);
        if let Some(page) = pages::find(visit.request, &request_id) {
            return Turn::Reply(page);
        }
        match self.route(visit, &request_id) {
            Ok(turn) => turn,
            Err(problem) => Turn::Reply(Response::problem(&problem, &request_id).readable(None)),
        }
    }

    fn route(&self, visit: &Visit<'_>, request_id: &str) -> Result<Turn, Problem> {
        let Visit { request, directory, .. } = *visit;
        if request.body.len() > BODY_BYTES_MAX {
            let detail = format!("A body holds at most {BODY_BYTES_MAX} bytes.");
            return Err(Problem::new(problem::Code::BodyTooLarge, detail));
        }
        let call = Call::find(&request.method, &request.path);
        let caller = access::caller(directory, request)?;
        let not_found = "No call has this method and path; or no order has this id.";
        let call = call.ok_or_else(|| Problem::new(problem::Code::NotFound, not_found))?;
        let hold = watch::hold(&call, visit)?;
        let (ledger, ask, facts) = match self.ask(&call, visit, &caller) {
            Ok(asked) => asked,
            Err(problem) => return preflight_refused(&call, problem, request_id),
        };
        let shown = Shown(caller.key.kind);
        let pending = Pending {
            stream: watch::stream(&call, visit, ledger, &ask, shown),
            known: watch::known(&call, visit),
            caller: access::Kept::of(&caller, request),
            facts,
            call,
            question: Question::Ledger { ledger, ask, hold },
            request_id: request_id.to_owned(),
        };
        // A made-up id is answered as an unknown one, without asking anybody.
        if self.index.knows(ledger) {
            return Ok(Turn::Ask(Box::new(pending)));
        }
        Ok(self.answer(pending, Some(Answer::Ledger(Outcome::NotFound))))
    }

    fn ask(
        &self,
        call: &Call,
        visit: &Visit<'_>,
        caller: &Caller<'_>,
    ) -> Result<(LedgerId, Ask, Option<Facts>), Problem> {
        let whose = |order: &OrderId| Whose {
            tenant: caller.id.clone(),
            order: order.clone(),
            limits: caller.tenant.limits,
            scope: caller.key.services.clone(),
        };
        let ask = match call {
            Call::Cancel(order) => (order.ledger(), Ask::Cancel(whose(order)), None),
            Call::Create => {
                let create = create::parse(self, visit, caller)?.create;
                (create.ledger, Ask::Create(Box::new(create)), None)
            }
            Call::Events(order) | Call::Fetch(order) => (order.ledger(), Ask::Fetch(whose(order)), None),
            Call::Preflight => {
                let draft = create::parse(self, visit, caller)?;
                let facts = Facts::of(&draft);
                (draft.create.ledger, Ask::Preflight(Box::new(draft.create)), Some(facts))
            }
            Call::Resend(order) => {
                let resend = resend::parse(self, visit, caller, whose(order))?;
                (order.ledger(), Ask::Resend(Box::new(resend)), None)
            }
            Call::Verify(order) => {
                let guess = guess(visit.request)?;
                (order.ledger(), Ask::Verify(Verify { whose: whose(order), guess }), None)
            }
        };
        Ok(ask)
    }

    /// Goes on with what came back: nothing, when who was asked could not be reached.
    pub fn answer(&self, pending: Pending, answer: Option<Answer>) -> Turn {
        match answer {
            Some(Answer::Ledger(outcome)) => pending.finish(outcome),
            // Verification fails closed.
            None => pending.finish(Outcome::Unavailable),
        }
    }
}

/// A preflight reports what an order would be refused for; only a request that is no good is refused itself.
fn preflight_refused(call: &Call, problem: Problem, request_id: &str) -> Result<Turn, Problem> {
    let report = preflight::refused(&problem).filter(|_| *call == Call::Preflight);
    match report.and_then(|report| serde_json::to_string(&report).ok()) {
        Some(body) => Ok(Turn::Reply(Response::json(200, body, request_id))),
        None => Err(problem),
    }
}

fn guess(request: &Request) -> Result<Code, Problem> {
    create::is_json(request)?;
    // The parser's own words could repeat the guess.
    let invalid = |_| {
        let detail = "The body must be {\"code\": \"…\"} with 4 to 10 digits as text.";
        Problem::new(problem::Code::InvalidRequest, detail)
    };
    serde_json::from_slice::<api::Verify>(&request.body).map(|body| body.code).map_err(invalid)
}
