//! What the API answers when it refuses: problem details (RFC 9457) with a code from a closed list.

use serde::Deserialize;
use serde::Serialize;

use crate::time::retry_after_seconds;
use crate::wire::api::Cancel;
use crate::wire::api::Channel;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $status:literal, $title:literal;)*) => {
        /// The closed list of refusals. Clients branch on these, never on `detail`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
        #[cfg_attr(feature = "openapi", schemars(rename = "ProblemCode"))]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $code)] $variant,)*
        }

        impl Code {
            /// Every code, in the order of their names.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// As it stands in `code` and at the end of `type`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),* }
            }

            /// The HTTP status it always comes with.
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status),* }
            }

            /// One line for a person; the same for every occurrence.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),* }
            }
        }
    };
}

codes! {
    /// The order approves a payment, and the guess does not say which.
    BindingRequired = "binding_required", 422, "The payment must be repeated";
    /// The tenant's policy, or the law, says no.
    Blocked = "blocked", 403, "This destination is blocked";
    /// More than 16 KiB.
    BodyTooLarge = "body_too_large", 413, "The request body is too large";
    /// The cancellation window has not opened.
    CancelTooEarly = "cancel_too_early", 409, "It is too early to cancel this order";
    /// The cancellation window has closed.
    CancelTooLate = "cancel_too_late", 409, "It is too late to cancel this order";
    /// Solve the challenge in `challenge` and order again.
    ChallengeRequired = "challenge_required", 403, "A challenge must be solved first";
    /// The country or kind of number is not open to this tenant.
    DestinationNotAllowed = "destination_not_allowed", 403, "This destination is not allowed";
    /// The key is not for this call.
    Forbidden = "forbidden", 403, "This API key is not for this call";
    /// The first request with this key has not been answered yet.
    IdempotencyInFlight = "idempotency_in_flight", 409, "A request with this idempotency key is in flight";
    /// The header is required.
    IdempotencyKeyMissing = "idempotency_key_missing", 400, "The Idempotency-Key header is missing";
    /// The key was used with another body.
    IdempotencyMismatch = "idempotency_mismatch", 422, "This idempotency key was used with another request";
    /// The tenant's balance does not cover the order.
    InsufficientBalance = "insufficient_balance", 402, "The balance is insufficient";
    /// Not an E.164 number.
    InvalidPhone = "invalid_phone", 422, "The phone number is not valid";
    /// The request does not parse.
    InvalidRequest = "invalid_request", 400, "The request is not valid";
    /// It stands in the settings file, and is changed there.
    ManagedByFile = "managed_by_file", 409, "This is managed by the settings file";
    /// No route could deliver this order.
    NoRoute = "no_route", 422, "No route can deliver this order";
    /// The reply comes in no form that `Accept` takes.
    NotAcceptable = "not_acceptable", 406, "There is no such form of this";
    /// No such thing, or not the caller's.
    NotFound = "not_found", 404, "There is nothing here";
    /// A resend that would repeat what was tried.
    NothingChanged = "nothing_changed", 409, "A resend would change nothing";
    /// Somebody changed it meanwhile.
    PreconditionFailed = "precondition_failed", 412, "It is no longer as you saw it";
    /// Every way costs more than the order's `max_price`, or than its quote.
    PriceExceeded = "price_exceeded", 422, "The order would cost more than it may";
    /// The quote's time is over.
    QuoteExpired = "quote_expired", 422, "The quote has expired";
    /// The quote is of another tenant, service or country, or of nobody.
    QuoteMismatch = "quote_mismatch", 422, "The quote is not for this order";
    /// Too many requests; `Retry-After` says when to come back.
    RateLimited = "rate_limited", 429, "Too many requests";
    /// An operator's role is too small for it.
    RoleRequired = "role_required", 403, "Your role may not do this";
    /// The API key is missing, malformed or unknown.
    Unauthenticated = "unauthenticated", 401, "The request is not authenticated";
    /// Something we depend on does not answer; `Retry-After` says when to come back.
    Unavailable = "unavailable", 503, "The service is unavailable for a moment";
    /// The tenant has no such service.
    UnknownService = "unknown_service", 422, "This service is not known";
    /// What was sent is of a kind that is not taken.
    UnsupportedMediaType = "unsupported_media_type", 415, "This kind of content is not taken";
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which.
    pub code: Code,
    /// What is wrong with this request and what to do about it. Never a code, key or full number.
    pub detail: String,
    /// When to come back, in milliseconds. Given with 429 and 503, and where a window opens.
    pub retry_after_ms: Option<u64>,
    /// With `cancel_too_early` and `cancel_too_late`.
    pub cancel: Option<Box<Cancel>>,
    /// With `challenge_required`: what to solve.
    pub challenge: Option<serde_json::Value>,
    /// With `nothing_changed`: channels that would be another way.
    pub may_change: Vec<Channel>,
}

/// Problem details (RFC 9457).
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "Problem"))]
pub struct Body {
    /// `/problems/` and the code: a page that explains it.
    pub r#type: String,
    /// The same for every occurrence.
    pub title: String,
    /// Equal to the HTTP status.
    #[cfg_attr(feature = "openapi", schemars(range(min = 400, max = 599)))]
    pub status: u16,
    /// What is wrong with this request.
    pub detail: String,
    /// From the closed list.
    pub code: Code,
    /// The cancellation window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel: Option<Cancel>,
    /// What to solve, and to send back with the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<crate::challenge::Challenge>"))]
    pub challenge: Option<serde_json::Value>,
    /// Channels that would be another way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may_change: Vec<Channel>,
}

/// How long to wait after a 503, where nothing better is known.
const UNAVAILABLE_RETRY_MS: u64 = 2_000;

impl Problem {
    /// A refusal without a time to come back.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            retry_after_ms: None,
            cancel: None,
            challenge: None,
            may_change: Vec::new(),
        }
    }

    /// 429.
    pub fn rate_limited(detail: impl Into<String>, retry_after_ms: u64) -> Self {
        Self { retry_after_ms: Some(retry_after_ms), ..Self::new(Code::RateLimited, detail) }
    }

    /// With a time to come back.
    pub fn after(self, retry_after_ms: u64) -> Self {
        Self { retry_after_ms: Some(retry_after_ms), ..self }
    }

    /// With the cancellation window.
    pub fn with_cancel(self, cancel: Option<&Cancel>) -> Self {
        Self { cancel: cancel.cloned().map(Box::new), ..self }
    }

    /// 503.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self { retry_after_ms: Some(UNAVAILABLE_RETRY_MS), ..Self::new(Code::Unavailable, detail) }
    }

    /// `Retry-After` in whole seconds.
    pub fn retry_after(&self) -> Option<u64> {
        self.retry_after_ms.map(retry_after_seconds)
    }

    /// The JSON form.
    pub fn body(&self) -> Body {
        Body {
            r#type: format!("/problems/{}", self.code.as_str()),
            title: self.code.title().to_owned(),
            status: self.code.status(),
            detail: self.detail.clone(),
            code: self.code,
            cancel: self.cancel.as_deref().cloned(),
            challenge: self.challenge.clone(),
            may_change: self.may_change.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_distinct() {
        let names: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert!(names.is_sorted_by(|a, b| a < b) && names.len() == 29);
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
