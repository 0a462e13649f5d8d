//! The API's description, in OpenAPI 3.1: what `tiffin openapi` prints, and [`super::OPENAPI`] holds.
//!
//! Schemas come from the types of [`crate::wire`] and their comments; calls, headers and refusals stand in tables here.

#![expect(clippy::indexing_slicing, reason = "indexing JSON by a name makes what is not there")]

mod examples;
mod headers;
mod operations;
pub(crate) mod patterns;
mod replies;
mod schemas;
mod webhooks;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use self::operations::Operation;

const DESCRIPTION: &str = "Sends one-time codes and checks them. The same at the edge and on core standalone.\n\n\
    Refusals are `application/problem+json` (RFC 9457) with a `code` from a closed list; clients branch on it, never on \
    `detail`. A publishable key (`pk_…`) sees less than a secret one (`sk_…`).";

/// The whole document.
pub fn document() -> Value {
    let operations = operations::all();
    let mut paths = Map::new();
    let mut refusals = replies::Refusals::default();
    for operation in &operations {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method] = written(operation, &mut refusals);
    }
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base",
        "info": {
            "title": "Tiffin",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "tags": [
            {"name": "orders", "description": "Codes on their way to a phone or a mailbox."},
            {"name": "factors", "description": "Authenticator apps (TOTP, RFC 6238). Secret keys only."},
            {"name": "service", "description": "For probes and readers; without a key."},
        ],
        "paths": paths,
        "webhooks": webhooks::all(),
        "components": {
            "schemas": schemas::all(),
            "parameters": headers::parameters(),
            "headers": headers::all(),
            "responses": refusals.written(),
            "securitySchemes": {"key": {
                "type": "http", "scheme": "bearer",
                "description": "`sk_…` on servers, `pk_…` in apps and pages.",
            }},
        },
    })
}

/// The document as it is served: without spaces, names sorted.
pub fn text() -> String {
    document().to_string()
}

fn written(operation: &Operation, refusals: &mut replies::Refusals) -> Value {
    let mut responses: Map<String, Value> = Map::new();
    for (status, reply) in &operation.replies {
        responses.insert(status.to_string(), reply.clone());
    }
    for (status, reference) in refusals.of(&operation.codes()) {
        responses.insert(status.to_string(), reference);
    }
    let mut written = json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "responses": responses,
    });
    if !operation.description.is_empty() {
        written["description"] = operation.description.into();
    }
    let parameters: Vec<_> = operation.parameters.iter().map(|name| headers::parameter(name)).collect();
    if !parameters.is_empty() {
        written["parameters"] = parameters.into();
    }
    if let Some(body) = &operation.body {
        written["requestBody"] = body.clone();
    }
    if operation.is_open {
        written["security"] = json!([]);
    }
    written
}

#[cfg(test)]
mod tests;
