//! Calls about orders.

use serde_json::json;

use super::Operation;
use super::body;
use super::linked;
use crate::http::openapi::replies;
use crate::problem::Code;

pub(super) fn all() -> [Operation; 8] {
    [create(), preflight(), fetch(), events(), evidence(), verify(), resend(), cancel()]
}

const OF_AN_ORDER: [&str; 4] = ["fetchOrder", "verifyOrder", "resendOrder", "cancelOrder"];

fn create() -> Operation {
    let headers = ["ETag", "Idempotency-Replayed", "Location", "RateLimit", "RateLimit-Policy"];
    let accepted = replies::order(
        "Accepted: the order is durable, and is sent. A key that came before answers with that order as it is now.",
        &headers,
    );
    Operation {
        method: "post",
        path: "/v1/orders",
        id: "createOrder",
        tag: "orders",
        summary: "Order a code",
        description: "A new order supersedes older live ones of the same address and service. `client`, `binding`, \
            `code`, `max_price` and `quote` are for secret keys only. `idempotency_in_flight` is reserved: an order is decided in one step.",
        parameters: &["IdempotencyKey"],
        body: body("CreateOrder", true),
        replies: vec![(202, linked(accepted, "$response.body#/id", &OF_AN_ORDER))],
        refusals: &[
            Code::Blocked,
            Code::ChallengeRequired,
            Code::DestinationNotAllowed,
            Code::IdempotencyInFlight,
            Code::IdempotencyKeyMissing,
            Code::IdempotencyMismatch,
            Code::InsufficientBalance,
            Code::InvalidPhone,
            Code::InvalidRequest,
            Code::NoRoute,
            Code::PriceExceeded,
            Code::QuoteExpired,
            Code::QuoteMismatch,
            Code::RateLimited,
            Code::UnknownService,
        ],
        is_open: false,
    }
}

fn preflight() -> Operation {
    Operation {
        method: "post",
        path: "/v1/preflight",
        id: "preflightOrder",
        tag: "orders",
        summary: "Ask what an order would come to",
        description: "Nothing is sent, and nothing is spent. What an order would be refused for is a check that fails.",
        parameters: &["IdempotencyKey"],
        body: body("PreflightOrder", true),
        replies: vec![(200, replies::json_of("Preflight", "What was looked at, and how it would go.", &[]))],
        refusals: &[Code::IdempotencyKeyMissing, Code::InvalidRequest, Code::RateLimited],
        is_open: false,
    }
}

fn fetch() -> Operation {
    let found = replies::at_once(replies::order("The order as it is now.", &["ETag"]));
    Operation {
        method: "get",
        path: "/v1/orders/{id}",
        id: "fetchOrder",
        tag: "orders",
        summary: "See an order",
        description: "With `wait` the reply comes when the order changes, or after so many seconds; at once, and with \
            `Retry-After`, where too many wait already.",
        parameters: &["OrderId", "Wait", "IfNoneMatch"],
        body: None,
        replies: vec![
            (200, linked(found, "$response.body#/id", &OF_AN_ORDER)),
            (304, replies::at_once(replies::empty("Nothing changed.", &["ETag"]))),
        ],
        refusals: &[Code::InvalidRequest, Code::NotFound],
        is_open: false,
    }
}

fn events() -> Operation {
    let order = json!({"oneOf": [
        {"$ref": "#/components/schemas/Order"}, {"$ref": "#/components/schemas/PublicOrder"},
    ]});
    let schema = json!({
        "type": "object", "description": "One event.", "required": ["event", "id", "data"],
        "properties": {
            "event": {"const": "order"},
            "id": {"type": "string", "pattern": "^[A-Za-z0-9_-]{12}$"},
            "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": order},
            "retry": {"type": "integer", "description": "Milliseconds to wait before joining again."},
        },
    });
    let description = "Server-Sent Events (the schema is of one): an `order` event for each change, the order as its \
        data, its tag as its id. Ends with the order, or after 11 minutes; join again with `Last-Event-ID`.";
    Operation {
        method: "get",
        path: "/v1/orders/{id}/events",
        id: "followOrder",
        tag: "orders",
        summary: "Follow an order",
        description: "",
        parameters: &["OrderId", "LastEventId"],
        body: None,
        replies: vec![(200, replies::media("text/event-stream", schema, description, &[]))],
        refusals: &[Code::NotFound],
        is_open: false,
    }
}

fn evidence() -> Operation {
    let mut packet = replies::json_of("EvidencePacket", "What is known of the order, sealed by core.", &[]);
    packet["content"]["text/html"] =
        json!({"schema": {"type": "string", "description": "The same as a page to print."}});
    Operation {
        method: "get",
        path: "/v1/orders/{id}/evidence",
        id: "proveOrder",
        tag: "orders",
        summary: "Get what speaks for an order",
        description: "Timeline, exchanges with providers and their receipts, without code, full number or key, as long as \
            core has the order's record: a day. For secret keys. As a page where `Accept` prefers `text/html`.",
        parameters: &["OrderId"],
        body: None,
        replies: vec![(200, packet)],
        refusals: &[Code::Forbidden, Code::NotAcceptable, Code::NotFound],
        is_open: false,
    }
}

fn verify() -> Operation {
    Operation {
        method: "post",
        path: "/v1/orders/{id}/verify",
        id: "verifyOrder",
        tag: "orders",
        summary: "Check a code",
        description: "A code is right once, and five guesses are looked at. To a publishable key everything but a right \
            guess is `not_verified`.",
        parameters: &["OrderId"],
        body: body("Verify", true),
        replies: vec![(
            200,
            replies::json_of("Verified", "What the guess came to.", &["RateLimit", "RateLimit-Policy"]),
        )],
        refusals: &[
            Code::BindingRequired,
            Code::ChallengeRequired,
            Code::InvalidRequest,
            Code::NotFound,
            Code::RateLimited,
        ],
        is_open: false,
    }
}

fn resend() -> Operation {
    let headers = ["ETag", "Idempotency-Replayed", "Location"];
    let accepted = replies::order("Accepted: the same code goes out another way.", &headers);
    Operation {
        method: "post",
        path: "/v1/orders/{id}/resend",
        id: "resendOrder",
        tag: "orders",
        summary: "Send the same code another way",
        description: "Guesses are not reset. What an order would be refused for, a resend is refused for. `resend_at` of the order says from when on it is taken.",
        parameters: &["OrderId", "IdempotencyKey"],
        body: body("Resend", false),
        replies: vec![(202, linked(accepted, "$response.body#/id", &OF_AN_ORDER))],
        refusals: &[
            Code::Blocked,
            Code::ChallengeRequired,
            Code::IdempotencyKeyMissing,
            Code::IdempotencyMismatch,
            Code::InsufficientBalance,
            Code::InvalidRequest,
            Code::NoRoute,
            Code::NotFound,
            Code::NothingChanged,
            Code::RateLimited,
        ],
        is_open: false,
    }
}

fn cancel() -> Operation {
    Operation {
        method: "post",
        path: "/v1/orders/{id}/cancel",
        id: "cancelOrder",
        tag: "orders",
        summary: "Call an order off",
        description: "While nothing has left, or when what left is overdue: `cancel` of the order says when.",
        parameters: &["OrderId"],
        body: None,
        replies: vec![(200, replies::order("Called off.", &["ETag"]))],
        refusals: &[Code::CancelTooEarly, Code::CancelTooLate, Code::NotFound],
        is_open: false,
    }
}
