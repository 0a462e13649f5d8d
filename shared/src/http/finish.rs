//! From what came back to the reply.

use std::collections::VecDeque;

use serde::Deserialize;
use serde::Serialize;

use super::Front;
use super::Question;
use super::Response;
use super::Turn;
use super::access::Kept;
use super::call::Call;
use super::day::Day;
use super::gate::Gate;
use super::preflight;
use super::watch;
use super::watch::Stream;
use crate::directory::KeyKind;
use crate::factor;
use crate::ledger::Ask;
use crate::ledger::Outcome;
use crate::problem::Code;
use crate::problem::Problem;
use crate::quota;
use crate::quota::Quota;
use crate::time::MINUTE_MS;
use crate::time::SECOND_MS;
use crate::visitor;
use crate::visitor::VisitorId;
use crate::wire::api;
use crate::wire::api::VerifyResult;

/// A request that waits for an answer.
pub struct Pending {
    /// What to ask, in this order.
    pub(super) questions: VecDeque<Question>,
    pub(super) call: Call,
    pub(super) caller: Kept,
    /// What the client has of the order already.
    pub(super) known: Option<watch::Tag>,
    /// What a preflight knows before a ledger is asked.
    pub(super) facts: Option<preflight::Facts>,
    /// What an order is refused with, unless it was accepted before.
    pub(super) refusal: Option<Problem>,
    /// For a factor.
    pub(super) factor: Option<factor::api::Pending>,
    /// For what may need a challenge.
    pub(super) gate: Option<Gate>,
    /// The tenant's own quota, for an order.
    pub(super) day: Option<Day>,
    /// What to tell of the client network's limits.
    pub(super) quotas: Vec<Quota>,
    /// For a stream of events.
    pub(super) stream: Option<Stream>,
    pub(super) request_id: String,
}

/// How much of an order a caller sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// What to ask next.
    pub fn question(&self) -> Option<&Question> {
        self.questions.front()
    }

    /// Goes on with Cloudflare's word on the challenge.
    pub(super) fn told(&mut self, front: &Front, reply: Option<(u16, Vec<u8>)>) -> Result<(), Problem> {
        let Some(gate) = &self.gate else { return Ok(()) };
        let proof = gate.told(front, &front.challenges, reply)?;
        for question in &mut self.questions {
            match question {
                Question::Ledger { ask: Ask::Create(create), .. } => create.solved = Some(proof),
                Question::Ledger { ask: Ask::Resend(resend), .. } => resend.solved = Some(proof),
                Question::Ledger { ask: Ask::Verify(verify), .. } => verify.solved = Some(proof),
                Question::Visitor { command, .. } => command.ask = command.ask.solved(proof.nonce),
                Question::Evidence(_)
                | Question::Factor(_)
                | Question::Ledger { .. }
                | Question::Turnstile(_) => {}
            }
        }
        Ok(())
    }

    /// Goes on with what a client network's limits say.
    pub(super) fn passed(
        &mut self,
        front: &Front,
        (visitor, ask): (VisitorId, visitor::Ask),
        reply: visitor::Reply,
    ) -> Result<(), Problem> {
        let Some(gate) = &self.gate else { return Ok(()) };
        if let Some([wider, again]) = gate.ask_wider(front, ask).filter(|_| reply == visitor::Reply::New) {
            self.questions.push_front(again);
            self.questions.push_front(wider);
            return Ok(());
        }
        let is_guess = matches!(self.call, Call::Preflight | Call::Verify(_));
        let passed = gate.passed(front, is_guess, reply);
        let quota = match &passed {
            Ok(quota) | Err((_, quota)) => *quota,
        };
        let is_own = gate.is_own(visitor);
        // The network's own limits are told, and those of the wider one where nothing passes them.
        if is_own || passed.is_err() {
            self.quotas = vec![quota];
        }
        match passed {
            Ok(_) => gate.wrong().filter(|_| is_own).map_or(Ok(()), Err),
            // A preflight takes no answer to a challenge: it waits.
            Err((problem, _)) if self.call == Call::Preflight && problem.code == Code::ChallengeRequired => {
                let detail = "Your network asks a lot. Wait as long as Retry-After says.";
                Err(Problem::rate_limited(detail, quota.reset_s.saturating_mul(SECOND_MS)))
            }
            Err((problem, _)) => Err(problem),
        }
    }

    pub(super) fn refuse(&self, problem: &Problem) -> Turn {
        Turn::Reply(self.dressed(Response::problem(problem, &self.request_id)))
    }

    pub(super) fn broken_turn(&self) -> Turn {
        Turn::Reply(self.dressed(self.broken()))
    }

    pub(super) fn finish_factor(self, outcome: Option<factor::Outcome>) -> Turn {
        let reply = match self.factor.as_ref().map(|asked| asked.finish(outcome)) {
            Some(Ok(reply)) => {
                let body = reply.body.unwrap_or_default();
                let mut response = Response::json(reply.status, body, &self.request_id);
                if reply.replayed {
                    response.headers.push(("idempotency-replayed", "true".to_owned()));
                }
                response
            }
            Some(Err(problem)) => Response::problem(&problem, &self.request_id),
            None => self.broken(),
        };
        Turn::Reply(self.dressed(reply))
    }

    pub(super) fn finish(mut self, front: &Front, outcome: Outcome) -> Turn {
        if let (Some(mut stream), Outcome::Found(_)) = (self.stream.take(), &outcome) {
            let head = Response::new(200, "text/event-stream", String::new(), &self.request_id);
            let head = self.dressed(head);
            stream.begin(head, outcome);
            return Turn::Stream(Box::new(stream));
        }
        let reply = self.reply(front, outcome);
        Turn::Reply(self.dressed(reply))
    }

    /// With what is told of limits, and readable by the page that called.
    fn dressed(&self, mut reply: Response) -> Response {
        let quotas: Vec<_> = self.quotas.iter().copied().chain(self.day.and_then(|day| day.told())).collect();
        if let (Some(policy), Some(limit)) = (quota::policy(&quotas), quota::limit(&quotas)) {
            reply.headers.push(("ratelimit-policy", policy));
            reply.headers.push(("ratelimit", limit));
        }
        // Never before the time in `ratelimit`: who obeys the one must not break the other.
        for (_, value) in reply.headers.iter_mut().filter(|(name, _)| *name == "retry-after") {
            let wait_ms = value.parse().unwrap_or(0_u64).saturating_mul(SECOND_MS);
            *value = quota::retry_after_s(&self.quotas, wait_ms).to_string();
        }
        match &self.caller.origin {
            Some(origin) => reply.readable(Some(origin)),
            None => reply,
        }
    }

    fn reply(&self, front: &Front, outcome: Outcome) -> Response {
        if self.call == Call::Create
            && let Some(problem) = self.withheld(&outcome)
        {
            return Response::problem(&self.coarse(problem), &self.request_id);
        }
        if let (Outcome::ChallengeRequired { cost }, Some(gate), None) = (&outcome, &self.gate, &self.facts) {
            let problem = gate.clone().at_least(*cost).demand(front, "This needs a challenge.");
            return Response::problem(&problem, &self.request_id);
        }
        // A stranger must not learn which orders exist.
        if self.caller.kind == KeyKind::Publishable && matches!(self.call, Call::Verify(_)) {
            return self.uniform(&outcome);
        }
        if let Some(facts) = &self.facts {
            return match facts.report(&outcome, self.caller.kind, self.day) {
                Some(report) => self.json(200, &report),
                None => self.broken(),
            };
        }
        // Whether a guess was evaluated is not known where its ledger did not answer.
        if outcome == Outcome::Unavailable && matches!(self.call, Call::Verify(_)) {
            return self.broken();
        }
        if let Some(problem) = outcome.problem() {
            return Response::problem(&self.coarse(problem), &self.request_id);
        }
        match outcome {
            Outcome::Cancelled(order) => self.order(200, order),
            Outcome::Created { order, replayed } | Outcome::Resent { order, replayed, .. } => {
                self.accepted(order, replayed)
            }
            Outcome::Found(order) => self.found(order),
            Outcome::Verified { result, order } => {
                let guesses_left = Some(order.guesses_left);
                self.json(200, &api::Verified { result, guesses_left, order: Some(order) })
            }
            Outcome::BindingRequired
            | Outcome::Blocked
            | Outcome::CancelTooEarly { .. }
            | Outcome::CancelTooLate { .. }
            | Outcome::ChallengeRequired { .. }
            | Outcome::Clear
            | Outcome::Erased { .. }
            | Outcome::Unlocked { .. }
            | Outcome::IdempotencyMismatch
            | Outcome::NoRoute
            | Outcome::NotFound
            | Outcome::Noted
            | Outcome::NothingChanged { .. }
            | Outcome::RateLimited { .. }
            | Outcome::ResendTooEarly { .. }
            | Outcome::Unavailable => self.broken(),
        }
    }

    /// The refusal of an order that was only looked up: one that was accepted before is answered.
    fn withheld(&self, outcome: &Outcome) -> Option<Problem> {
        let is_known = matches!(outcome, Outcome::Created { .. } | Outcome::IdempotencyMismatch);
        if is_known || *outcome == Outcome::Unavailable {
            return None;
        }
        let day = || self.day.filter(Day::is_spent).map(|day| day.problem());
        self.refusal.clone().or_else(day)
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
        let tag = watch::tag(&order, Shown(self.caller.kind));
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
        let tag = watch::tag(&order, Shown(self.caller.kind));
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
            Outcome::BindingRequired
            | Outcome::Blocked
            | Outcome::Cancelled(_)
            | Outcome::CancelTooEarly { .. }
            | Outcome::CancelTooLate { .. }
            | Outcome::ChallengeRequired { .. }
            | Outcome::Clear
            | Outcome::Created { .. }
            | Outcome::Erased { .. }
            | Outcome::Unlocked { .. }
            | Outcome::Found(_)
            | Outcome::IdempotencyMismatch
            | Outcome::NoRoute
            | Outcome::NotFound
            | Outcome::Noted
            | Outcome::NothingChanged { .. }
            | Outcome::RateLimited { .. }
            | Outcome::ResendTooEarly { .. }
            | Outcome::Resent { .. }
            | Outcome::Verified { .. } => VerifyResult::NotVerified,
        };
        self.json(200, &api::Verified { result, guesses_left: None, order: None })
    }

    fn json(&self, status: u16, body: &impl Serialize) -> Response {
        match serde_json::to_string(body) {
            Ok(body) => Response::json(status, body, &self.request_id),
            Err(_) => self.broken(),
        }
    }

    fn broken(&self) -> Response {
        let detail = match self.call {
            // A guess that comes twice is two guesses.
            Call::Verify(_) => "The answer is not known. Fetch the order to see whether it was verified.",
            _ => "The answer is not known. Retry: the same request is not decided twice.",
        };
        Response::problem(&Problem::unavailable(detail), &self.request_id)
    }
}
