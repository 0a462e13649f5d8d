//! What anyone may read.

use serde_json::json;

use super::Operation;
use crate::http::openapi::replies;
use crate::problem::Code;

pub(super) fn all() -> [Operation; 4] {
    let status = |word: &str| {
        let schema = json!({
            "type": "object", "required": ["status"],
            "properties": {"status": {"const": word}},
        });
        replies::media("application/json", schema, "It is.", &[])
    };
    let open = |path, id, summary, parameters, reply, refusals| Operation {
        method: "get",
        path,
        id,
        tag: "service",
        summary,
        description: "",
        parameters,
        body: None,
        replies: vec![(200, reply)],
        refusals,
        is_open: true,
    };
    let page = replies::media("text/plain", json!({"type": "string"}), "What it means, and what to do.", &[]);
    let document = replies::media("application/json", json!({"type": "object"}), "This document.", &[]);
    [
        open("/healthz", "health", "Whether it is alive", &[], status("ok"), &[]),
        open("/readyz", "ready", "Whether it can take orders", &[], status("ready"), &[]),
        open(
            "/problems/{code}",
            "problem",
            "Read about a problem",
            &["ProblemCode"],
            page,
            &[Code::NotFound],
        ),
        open("/openapi.json", "description", "Read this description", &[], document, &[]),
    ]
}
