//! What tenants are told, and how they answer.

use serde_json::Value;
use serde_json::json;

use crate::webhook::Kind;

const DESCRIPTION: &str = "Delivered at least once by Standard Webhooks, in order per order. Verify the signature over \
    `webhook-id.webhook-timestamp.body` before reading the body, and take each `webhook-id` once.";

/// The one call that we make.
pub fn all() -> Value {
    let header = |name: &str, description: &str| json!({"name": name, "in": "header", "required": true, "description": description, "schema": {"type": "string"}});
    let kinds: Vec<_> = Kind::ALL.into_iter().map(Kind::as_str).collect();
    json!({"event": {"post": {
        "operationId": "event",
        "tags": ["service"],
        "summary": "Something happened",
        "description": DESCRIPTION,
        "security": [],
        "parameters": [
            header("webhook-id", "`evt_…`: the same whenever this event is delivered again."),
            header("webhook-timestamp", "Seconds since 1970: refuse what is over five minutes off."),
            header("webhook-signature", "`v1,…` (HMAC-SHA256) or `v1a,…` (Ed25519); several while a key is rotated."),
        ],
        "requestBody": {"required": true, "content": {"application/json": {"schema": {
            "type": "object",
            "required": ["type", "timestamp", "data"],
            "properties": {
                "type": {"type": "string", "enum": kinds},
                "timestamp": {"type": "string", "format": "date-time", "description": "When it happened."},
                "data": {"type": "object", "description": "What happened; of an order, the order as it stood."},
            },
        }}}},
        "responses": {
            "2XX": {"description": "Taken. Within 15 seconds."},
            "410": {"description": "Nothing more is wanted: the endpoint is disabled."},
            "default": {"description": "Not taken: it is tried again, ten times over three days."},
        },
    }}})
}
