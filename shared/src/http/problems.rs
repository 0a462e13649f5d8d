//! `GET /problems/{code}`: what the `type` of a problem points at.

use super::Response;
use crate::problem::Code;
use crate::problem::Problem;

pub(super) fn page(code: &str, request_id: &str) -> Response {
    let Some(code) = Code::ALL.iter().find(|known| known.as_str() == code) else {
        let problem = Problem::new(Code::NotFound, "No problem has this code.");
        return Response::problem(&problem, request_id);
    };
    let body = format!("{} ({})\n\n{}.\n{}\n", code.as_str(), code.status(), code.title(), remedy(*code));
    Response::new(200, "text/plain; charset=utf-8", body, request_id)
}

fn remedy(code: Code) -> &'static str {
    match code {
        Code::BindingRequired => {
            "Send `binding` with the code: amount, currency and payee as they were ordered."
        }
        Code::Blocked => "Ask the operator why; retrying will not help.",
        Code::BodyTooLarge => "Send less: bodies are limited to 16 KiB.",
        Code::CancelTooEarly => "Retry when the cancellation window opens.",
        Code::CancelTooLate => "The order can no longer be called off.",
        Code::ChallengeRequired => "Solve the challenge in the reply, and send the solution with the order.",
        Code::DestinationNotAllowed => "Ask the operator to open this country or kind of number.",
        Code::Forbidden => "Call from your server, with a secret key.",
        Code::IdempotencyInFlight => "Wait for the first request's answer, or retry in a moment.",
        Code::IdempotencyKeyMissing => {
            "Send an Idempotency-Key header with a new random value for each order."
        }
        Code::IdempotencyMismatch => "Use a new key for a new order, and the same body when retrying.",
        Code::InsufficientBalance => "Top up the balance.",
        Code::InvalidPhone => "Send the number as '+', country code and digits: +919876543210.",
        Code::InvalidRequest => "The detail names the field and what it must be.",
        Code::ManagedByFile => "Change it in tiffin.toml and restart, or take it out of there first.",
        Code::NoRoute => "Choose another channel or address, or ask the operator for a route.",
        Code::NotAcceptable => "Accept one of the types that the detail names.",
        Code::NotFound => "Check the path and the id.",
        Code::NothingChanged => "Choose another channel.",
        Code::PriceExceeded => "Allow more with `max_price`, or ask for a new quote with a preflight.",
        Code::QuoteExpired => "Ask for a new quote with a preflight: each is good for a minute.",
        Code::QuoteMismatch => "Send the quote of a preflight with the same service and country, or none.",
        Code::PreconditionFailed => {
            "Read it again, and send the change with `If-Match` and the version you read."
        }
        Code::RateLimited => {
            "Wait as long as Retry-After says, then send the same request with the same key."
        }
        Code::RoleRequired => "Ask an operator to do it, or for the role.",
        Code::Unauthenticated => "Send your API key as `Authorization: Bearer sk_...`.",
        Code::Unavailable => {
            "Wait as long as Retry-After says, then send the same request with the same key. After a guess, fetch the order first: a guess that is sent again is another one."
        }
        Code::UnsupportedMediaType => "Send one of the kinds that the detail names.",
        Code::UnknownService => "Use one of the services that the detail names.",
    }
}
