//! From what came back to the reply.

use super::Response;
use super::Turn;
use super::access::Kept;
use super::call::Call;
use super::preflight;
use super::watch;
use super::watch::Stream;
use crate::directory::KeyKind;
use crate::ledger::Outcome;
use crate::problem::Code;
use crate::problem::Problem;
use crate::time::MINUTE_MS;
use crate::wire::api;
use crate::wire::api::VerifyResult;

/// A request that waits for an answer.
pub struct Pending {
    /// What to ask.
    pub question: super::Question,
    pub(super) call: Call,
    pub(super) caller: Kept,
    /// What the client has of the order already.
    pub(super) known: Option<watch::Tag>,
    /// What a preflight knows before a ledger is asked.
    pub(super) facts: Option<preflight::Facts>,
    /// For a stream of events.
    pub(super) stream: Option<Stream>,
    pub(super) request_id: String,
}

/// How much of an order a caller sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shown(pub(super) KeyKind);

impl Shown {
    pub(super) fn json(self, order: api::Order) -> serde_json::Result<String> {
        match self.0 {
            KeyKind::Publishable => serde_json::to_string(&api::PublicOrder::from(order)),
            KeyKind::Secret => serde_json::to_string(&order),
        }
    }
}

impl Pending {
    pub(super) fn finish(mut self, outcome: Outcome) -> Turn {
        if let (Some(mut stream), Outcome::Found(_)) = (self.stream.take(), &outcome) {
            let head = Response::new(200, "text/event-stream", String::new(), &self.request_id);
            let head = self.readable(head);
            stream.begin(head, outcome);
            return Turn::Stream(Box::new(stream));
        }
        let reply = self.reply(outcome);
        Turn::Reply(self.readable(reply))
    }

    fn readable(&self, reply: Response) -> Response {
        match &self.caller.origin {
            Some(origin) => reply.readable(Some(origin)),
            None => reply,
        }
    }

    fn reply(&self, outcome: Outcome) -> Response {
        // A stranger must not learn which orders exist.
        if self.caller.kind == KeyKind::Publishable && matches!(self.call, Call::Verify(_)) {
            return self.uniform(&outcome);
        }
        if let Some(facts) = &self.facts {
            return match facts.report(&outcome) {
                Some(report) => self.json(200, &report),
                None => self.broken(),
            };
        }
        if let Some(problem) = outcome.problem() {
            return Response::problem(&self.coarse(problem), &self.request_id);
        }
        match outcome {
            Outcome::Cancelled(order) => self.order(200, order),
            Outcome::Created { order, replayed } | Outcome::Resent { order, replayed } => {
                self.accepted(order, replayed)
            }
            Outcome::Found(order) => self.found(order),
            Outcome::Verified { result, order } => {
                let guesses_left = Some(order.guesses_left);
                self.json(200, &api::Verified { result, guesses_left, order: Some(order) })
            }
            Outcome::CancelTooEarly { .. }
            | Outcome::CancelTooLate { .. }
            | Outcome::ChallengeRequired
            | Outcome::Clear
            | Outcome::IdempotencyMismatch
            | Outcome::NoRoute
            | Outcome::NotFound
            | Outcome::Noted
            | Outcome::NothingChanged { .. }
            | Outcome::RateLimited { .. }
            | Outcome::Unavailable => self.broken(),
        }
    }

    /// A publishable key is not told how full a stranger's bucket is: whole minutes only.
    fn coarse(&self, problem: Problem) -> Problem {
        if self.caller.kind == KeyKind::Secret || problem.code != Code::RateLimited {
            return problem;
        }
        let minutes = |ms: u64| ms.div_ceil(MINUTE_MS).saturating_mul(MINUTE_MS);
        Problem { retry_after_ms: problem.retry_after_ms.map(minutes), ..problem }
    }

    fn order(&self, status: u16, order: api::Order) -> Response {
        let tag = watch::tag(&order);
        match Shown(self.caller.kind).json(order) {
            Ok(body) => {
                let mut response = Response::json(status, body, &self.request_id);
                response.headers.push(("etag", watch::etag(tag)));
                response
            }
            Err(_) => self.broken(),
        }
    }

    fn found(&self, order: api::Order) -> Response {
        let tag = watch::tag(&order);
        if self.known == Some(tag) {
            let mut response = Response::json(304, String::new(), &self.request_id);
            response.headers.push(("etag", watch::etag(tag)));
            return response;
        }
        self.order(200, order)
    }

    fn accepted(&self, order: api::Order, replayed: bool) -> Response {
        let location = format!("/v1/orders/{}", order.id);
        let mut response = self.order(202, order);
        response.headers.push(("location", location));
        if replayed {
            response.headers.push(("idempotency-replayed", "true".to_owned()));
        }
        response
    }

    /// The same bytes for every order that is not verified by this guess: unknown, expired, locked, wrong.
    fn uniform(&self, outcome: &Outcome) -> Response {
        let result = match outcome {
            Outcome::Verified { result: VerifyResult::Verified, .. } => VerifyResult::Verified,
            Outcome::Unavailable => return self.broken(),
            Outcome::Cancelled(_)
            | Outcome::CancelTooEarly { .. }
            | Outcome::CancelTooLate { .. }
            | Outcome::ChallengeRequired
            | Outcome::Clear
            | Outcome::Created { .. }
            | Outcome::Found(_)
            | Outcome::IdempotencyMismatch
            | Outcome::NoRoute
            | Outcome::NotFound
            | Outcome::Noted
            | Outcome::NothingChanged { .. }
            | Outcome::RateLimited { .. }
            | Outcome::Resent { .. }
            | Outcome::Verified { .. } => VerifyResult::NotVerified,
        };
        self.json(200, &api::Verified { result, guesses_left: None, order: None })
    }

    fn json(&self, status: u16, body: &impl serde::Serialize) -> Response {
        match serde_json::to_string(body) {
            Ok(body) => Response::json(status, body, &self.request_id),
            Err(_) => self.broken(),
        }
    }

    fn broken(&self) -> Response {
        let detail = "The answer is not known. Retry: the same request is not decided twice.";
        Response::problem(&Problem::unavailable(detail), &self.request_id)
    }
}
