//! Reading `POST /v1/orders/{id}/resend`.

use super::Front;
use super::Visit;
use super::create::idempotency_key;
use super::create::invalid;
use super::create::is_json;
use super::create::without_values;
use crate::bytes;
use crate::directory::Caller;
use crate::directory::Funds;
use crate::ledger::Resend;
use crate::ledger::Whose;
use crate::problem::Code;
use crate::problem::Problem;
use crate::wire::api;
use crate::wire::object::Object;

pub(super) fn parse(
    front: &Front,
    visit: &Visit<'_>,
    caller: &Caller<'_>,
    mut whose: Whose,
) -> Result<(Resend, Option<String>), Problem> {
    let key = idempotency_key(visit.request)?;
    is_json(visit.request)?;
    let empty = visit.request.body.iter().all(u8::is_ascii_whitespace);
    let body = if empty { b"{}".as_slice() } else { visit.request.body.as_slice() };
    let Object(api::Resend { channel, challenge }) = bytes::read_json(body)
        .map_err(|error| invalid(format!("The body is not a valid resend: {}", without_values(&error))))?;
    if caller.tenant.funds == Funds::Exhausted {
        return Err(Problem::new(Code::InsufficientBalance, "The balance does not cover another message."));
    }
    if caller.tenant.blocks_ledger(whose.order.ledger(), &front.index) {
        return Err(Problem::new(Code::Blocked, "This number is blocked."));
    }
    let content = format!("{}/{}", whose.order, channel.as_str());
    let resend = Resend {
        idempotency_key: front.index.fingerprint(caller.key.kind.prefix(), key.as_bytes()),
        fingerprint: front.index.fingerprint("resend", content.as_bytes()),
        channel,
        // Which country, the ledger knows; core keeps to it when it chooses the gateway.
        services: std::mem::take(&mut whose.services),
        ceilings: visit.directory.ceilings,
        countries: caller.tenant.countries.clone(),
        listed: visit.directory.blocklist.of(caller.id),
        solved: None,
        by_operator: false,
        whose,
    };
    Ok((resend, challenge))
}
