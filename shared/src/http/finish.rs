//! From a ledger's answer to the reply.

use super::Response;
use crate::directory::KeyKind;
use crate::id::LedgerId;
use crate::ledger::Ask;
use crate::ledger::Outcome;
use crate::problem::Code;
use crate::problem::Problem;
use crate::time::MINUTE_MS;
use crate::wire::api;
use crate::wire::api::VerifyResult;

/// A question to a ledger, and what is needed to answer the caller afterwards.
pub struct Pending {
    /// Which ledger to ask.
    pub ledger: LedgerId,
    /// What to ask.
    pub ask: Ask,
    pub(super) kind: KeyKind,
    pub(super) request_id: String,
}

impl Pending {
    /// The reply. `outcome` is `None` when the ledger could not be reached: verification fails closed.
    pub fn finish(&self, outcome: Option<Outcome>) -> Response {
        let outcome = outcome.unwrap_or(Outcome::Unavailable);
        // A stranger must not learn which orders exist.
        if self.kind == KeyKind::Publishable && matches!(self.ask, Ask::Verify(_)) {
            return self.uniform(&outcome);
        }
        if let Some(problem) = outcome.problem() {
            return Response::problem(&self.coarse(problem), &self.request_id);
        }
        match outcome {
            Outcome::Created { order, replayed } => self.created(order, replayed),
            Outcome::Found(order) => self.order(200, order),
            Outcome::Verified { result, order } => {
                let guesses_left = Some(order.guesses_left);
                self.json(200, &api::Verified { result, guesses_left, order: Some(order) })
            }
            Outcome::IdempotencyMismatch
            | Outcome::NotFound
            | Outcome::Noted
            | Outcome::RateLimited { .. }
            | Outcome::Unavailable => self.broken(),
        }
    }

    /// A publishable key is not told how full a stranger's bucket is: whole minutes only.
    fn coarse(&self, problem: Problem) -> Problem {
        if self.kind == KeyKind::Secret || problem.code != Code::RateLimited {
            return problem;
        }
        let minutes = |ms: u64| ms.div_ceil(MINUTE_MS).saturating_mul(MINUTE_MS);
        Problem { retry_after_ms: problem.retry_after_ms.map(minutes), ..problem }
    }

    fn order(&self, status: u16, order: api::Order) -> Response {
        match self.kind {
            KeyKind::Publishable => self.json(status, &api::PublicOrder::from(order)),
            KeyKind::Secret => self.json(status, &order),
        }
    }

    fn created(&self, order: api::Order, replayed: bool) -> Response {
        let location = format!("/v1/orders/{}", order.id);
        let mut response = self.order(202, order);
        response.headers.push(("location", location));
        if replayed {
            response.headers.push(("idempotency-replayed", "true".to_owned()));
        }
        response
    }

    fn uniform(&self, outcome: &Outcome) -> Response {
        let result = match outcome {
            Outcome::Verified { result: VerifyResult::Verified, .. } => VerifyResult::Verified,
            Outcome::Unavailable => return self.broken(),
            Outcome::Created { .. }
            | Outcome::Found(_)
            | Outcome::IdempotencyMismatch
            | Outcome::Noted
            | Outcome::NotFound
            | Outcome::RateLimited { .. }
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
