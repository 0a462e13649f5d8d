//! Headers of requests and replies.

use serde_json::Value;
use serde_json::json;

use super::examples;
use super::patterns;
use crate::http::create::IDEMPOTENCY_KEY_CHARS_MAX;
use crate::http::watch::WAIT_S_MAX;
use crate::problem;

/// A reference to one of [`parameters`].
pub(super) fn parameter(name: &str) -> Value {
    json!({"$ref": format!("#/components/parameters/{name}")})
}

pub(super) fn parameters() -> Value {
    let codes: Vec<_> = problem::Code::ALL.iter().map(|code| code.as_str()).collect();
    let key = |is_required: bool, description: &str| {
        json!({
            "name": "Idempotency-Key", "in": "header", "required": is_required,
            "description": description,
            "schema": {
                "type": "string", "minLength": 1, "maxLength": IDEMPOTENCY_KEY_CHARS_MAX + 2,
                "pattern": patterns::IDEMPOTENCY_KEY,
            },
            "example": "\"8e03978e-40d5-43e8-bc93-6894a57f9324\"",
        })
    };
    let id = |pattern: &str, example: &str, description: &str| {
        json!({
            "name": "id", "in": "path", "required": true, "description": description,
            "schema": {"type": "string", "pattern": pattern}, "example": example,
        })
    };
    json!({
        "IdempotencyKey": key(true, "A new random value for each order; the same when retrying. 1 to 255 visible ASCII \
            characters, in quotes or bare; remembered for 24 hours."),
        "FactorKey": key(false, "With it a repeated request makes no second factor."),
        "OrderId": id("^ord_[A-Za-z0-9_-]{43}$", examples::ORDER_ID, "The `id` of an order."),
        "FactorId": id("^fac_[A-Za-z0-9_-]{32}$", examples::FACTOR_ID, "The `id` of a factor."),
        "IfNoneMatch": {
            "name": "If-None-Match", "in": "header",
            "description": "The `ETag` of an earlier reply: 304 when nothing changed. With `wait`, what to wait for a change of.",
            "schema": {"type": "string"}, "example": "\"AAAAAAAAAAAA\"",
        },
        "Wait": {
            "name": "wait", "in": "query",
            "description": "Seconds to wait for a change: a long poll.",
            "schema": {"type": "integer", "minimum": 0, "maximum": WAIT_S_MAX}, "example": 0,
        },
        "LastEventId": {
            "name": "Last-Event-ID", "in": "header",
            "description": "The `id` of the last event seen: a stream that is joined again does not repeat it.",
            "schema": {"type": "string"}, "example": "AAAAAAAAAAAA",
        },
        "ProblemCode": {
            "name": "code", "in": "path", "required": true, "description": "The `code` of a problem.",
            "schema": {"type": "string", "enum": codes}, "example": "no_route",
        },
    })
}

/// References to these headers. `X-Request-Id` is on every reply.
pub(super) fn of(names: &[&str]) -> Value {
    let names = names.iter().chain(&["X-Request-Id"]);
    names.map(|name| ((*name).to_owned(), json!({"$ref": format!("#/components/headers/{name}")}))).collect()
}

pub(super) fn all() -> Value {
    let text = |pattern: &str, is_required: bool, description: &str| {
        let schema = json!({"type": "string", "pattern": pattern});
        json!({"required": is_required, "description": description, "schema": schema})
    };
    json!({
        "ETag": text(r#"^"[A-Za-z0-9_-]{12}"$"#, true, "A short name of the order's content, for `If-None-Match`."),
        "Idempotency-Replayed": text("^true$", false, "The key came before: this is what it made, as it is now."),
        "Location": text("^/v1/orders/ord_[A-Za-z0-9_-]{43}$", true, "The order."),
        "RateLimit": text(
            r#"^"[!-~]+";r=[0-9]+;t=[0-9]+(, "[!-~]+";r=[0-9]+;t=[0-9]+)*$"#, false,
            "What is left of the limits in `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers): requests `r`, \
            and seconds `t` until there is one more."
        ),
        "RateLimit-Policy": text(
            r#"^"[!-~]+";q=[0-9]+;w=[0-9]+(, "[!-~]+";q=[0-9]+;w=[0-9]+)*$"#, false,
            "`q` requests in `w` seconds: the limit of the client network, where one is known (`ip`, `ip-guesses`); \
            with a secret key also the tenant's quota of orders a day, where it has one (`tenant-day`). The phone's own \
            limits are not shown."
        ),
        "Retry-After": {
            "required": true, "description": "Seconds to wait.",
            "schema": {"type": "integer", "minimum": 1}, "example": 30,
        },
        "Retry-After-Wait": {
            "description": "With `wait`: too many wait, so this came at once; seconds until the next look is due.",
            "schema": {"type": "integer", "minimum": 1}, "example": 5,
        },
        "Retry-After-Window": {
            "description": "With `cancel_too_early`: seconds until the window opens.",
            "schema": {"type": "integer", "minimum": 1}, "example": 12,
        },
        "WWW-Authenticate": text("^Bearer$", true, "How to authenticate."),
        "X-Request-Id": text("^req_[A-Za-z0-9_-]{22}$", true, "Names this request in logs: tell it when you ask for help."),
    })
}
