//! The calls of TOTP factors.

use std::collections::VecDeque;

use super::Front;
use super::Question;
use super::Turn;
use super::Visit;
use super::access;
use super::call::Call;
use super::call::FactorCall;
use super::create;
use super::finish::Pending;
use crate::directory::Caller;
use crate::factor::api;
use crate::problem::Problem;

pub(super) fn begin(
    front: &Front,
    visit: &Visit<'_>,
    caller: &Caller<'_>,
    call: &FactorCall,
    request_id: &str,
) -> Result<Turn, Problem> {
    let Visit { request, entropy, .. } = *visit;
    create::is_json(request)?;
    let asked = match call {
        FactorCall::Enrol => {
            let key =
                request.header("idempotency-key").map(|_| create::idempotency_key(request)).transpose()?;
            api::parse_enrol(&request.body, caller, key, &front.index, entropy)?
        }
        FactorCall::Remove(id) => api::parse_remove(id, caller, &front.index)?,
        FactorCall::Verify(id) => api::parse_verify(id, &request.body, caller, &front.index)?,
    };
    let pending = Pending {
        questions: VecDeque::from([Question::Factor(asked.ask.clone())]),
        call: Call::Factor(call.clone()),
        caller: access::Kept::of(caller, request),
        known: None,
        facts: None,
        refusal: None,
        factor: Some(asked),
        gate: None,
        day: None,
        quotas: Vec::new(),
        stream: None,
        request_id: request_id.to_owned(),
    };
    Ok(Turn::Ask(Box::new(pending)))
}
