//! The evidence packet of an order: core has what it is made of, so core is asked.

use std::collections::VecDeque;

use super::Answer;
use super::Front;
use super::Question;
use super::Request;
use super::Response;
use super::Turn;
use super::Visit;
use super::access;
use super::call::Call;
use super::finish::Pending;
use crate::directory::Caller;
use crate::directory::KeyKind;
use crate::evidence;
use crate::evidence::Form;
use crate::id::OrderId;
use crate::problem::Code;
use crate::problem::Problem;

/// A page holds pictures of the user's, and words of providers': it runs nothing and loads nothing.
pub const PAGE_POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

pub(super) fn begin(
    front: &Front,
    visit: &Visit<'_>,
    caller: &Caller<'_>,
    order: &OrderId,
    request_id: &str,
) -> Result<Turn, Problem> {
    if caller.key.kind == KeyKind::Publishable {
        return Err(Problem::new(Code::Forbidden, "An order's evidence is for secret keys."));
    }
    let ask = evidence::Ask {
        tenant: caller.id.clone(),
        order: order.clone(),
        scope: caller.key.services.clone(),
        form: form(visit.request)?,
    };
    let pending = Pending {
        questions: VecDeque::from([Question::Evidence(ask)]),
        call: Call::Evidence(order.clone()),
        caller: access::Kept::of(caller, visit.request),
        known: None,
        facts: None,
        factor: None,
        gate: None,
        refusal: None,
        day: None,
        quotas: Vec::new(),
        stream: None,
        request_id: request_id.to_owned(),
    };
    // A made-up id is answered as an unknown one, without asking core.
    if !front.index.knows(order.ledger()) {
        return Ok(pending.refuse(&not_found()));
    }
    Ok(Turn::Ask(Box::new(pending)))
}

fn form(request: &Request) -> Result<Form, Problem> {
    Form::accepted(request.header("accept")).ok_or_else(|| {
        Problem::new(Code::NotAcceptable, "An order's evidence comes as application/json or text/html.")
    })
}

fn not_found() -> Problem {
    Problem::new(
        Code::NotFound,
        "Nothing is known of this order's delivery: its job has not come to core, it is over a day old, or it is not yours.",
    )
}

impl Pending {
    pub(super) fn finish_evidence(self, ask: &evidence::Ask, answer: Option<Answer>) -> Turn {
        match answer {
            Some(Answer::Evidence(evidence::Answer::Found(body))) => {
                let mut reply = Response::new(200, ask.form.media_type(), body, &self.request_id);
                reply.headers.push(("vary", "Accept".to_owned()));
                reply.headers.push(("x-content-type-options", "nosniff".to_owned()));
                if ask.form == Form::Html {
                    reply.headers.push(("content-security-policy", PAGE_POLICY.to_owned()));
                }
                Turn::Reply(reply)
            }
            Some(Answer::Evidence(evidence::Answer::NotFound)) => self.refuse(&not_found()),
            _ => self.refuse(&Problem::unavailable("Core, which keeps the evidence, does not answer.")),
        }
    }
}
