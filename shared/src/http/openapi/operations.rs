//! Every call: what it takes, what it answers, what it may be refused with.

mod factors;
mod orders;
mod service;

use serde_json::Value;
use serde_json::json;

use crate::problem::Code;

pub(super) struct Operation {
    /// In lower case.
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) id: &'static str,
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    /// Names of shared parameters.
    pub(super) parameters: &'static [&'static str],
    pub(super) body: Option<Value>,
    pub(super) replies: Vec<(u16, Value)>,
    /// Refusals of its own; see [`Operation::codes`].
    refusals: &'static [Code],
    /// Needs no key.
    pub(super) is_open: bool,
}

impl Operation {
    /// What it may be refused with: with a key, also what any call may be.
    pub(super) fn codes(&self) -> Vec<Code> {
        let common: &[Code] = match self.is_open {
            true => &[Code::Unavailable],
            false => &[Code::BodyTooLarge, Code::Unauthenticated, Code::Unavailable],
        };
        Code::ALL
            .iter()
            .copied()
            .filter(|code| common.contains(code) || self.refusals.contains(code))
            .collect()
    }
}

pub(super) fn all() -> Vec<Operation> {
    orders::all().into_iter().chain(factors::all()).chain(service::all()).collect()
}

fn body(schema: &str, is_required: bool) -> Option<Value> {
    let schema = json!({"$ref": format!("#/components/schemas/{schema}")});
    Some(json!({"required": is_required, "content": {"application/json": {"schema": schema}}}))
}

/// What to do with the thing in a reply, by its id.
fn linked(mut reply: Value, from: &str, operations: &[&str]) -> Value {
    for id in operations {
        reply["links"][id] = json!({"operationId": id, "parameters": {"id": from}});
    }
    reply
}
