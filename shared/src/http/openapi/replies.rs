//! Replies: what went well, and refusals by status.

use std::collections::BTreeMap;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::headers;
use crate::challenge::turnstile;
use crate::problem::Code;
use crate::problem::Problem;
use crate::wire::api::Cancel;
use crate::wire::api::CancelWindow;

/// A reply in JSON by this schema.
pub(super) fn json_of(schema: &str, description: &str, headers: &[&str]) -> Value {
    media("application/json", reference(schema), description, headers)
}

/// An order: what is left of it for publishable keys stands in a schema of its own.
pub(super) fn order(description: &str, headers: &[&str]) -> Value {
    let schema = json!({"oneOf": [reference("Order"), reference("PublicOrder")]});
    media("application/json", schema, description, headers)
}

/// What may also come at once for want of a place to wait.
pub(super) fn at_once(mut reply: Value) -> Value {
    reply["headers"]["Retry-After"] = json!({"$ref": "#/components/headers/Retry-After-Wait"});
    reply
}

pub(super) fn media(media_type: &str, schema: Value, description: &str, headers: &[&str]) -> Value {
    json!({
        "description": description,
        "headers": headers::of(headers),
        "content": {media_type: {"schema": schema}},
    })
}

pub(super) fn empty(description: &str, headers: &[&str]) -> Value {
    json!({"description": description, "headers": headers::of(headers)})
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

/// Refusals in use, each kept once: calls share them.
#[derive(Default)]
pub(super) struct Refusals(Map<String, Value>);

impl Refusals {
    /// The responses of a call that may be refused with these codes, by status.
    pub(super) fn of(&mut self, codes: &[Code]) -> Vec<(u16, Value)> {
        let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
        for code in codes {
            by_status.entry(code.status()).or_default().push(*code);
        }
        by_status.into_iter().map(|(status, codes)| (status, self.one(status, &codes))).collect()
    }

    fn one(&mut self, status: u16, codes: &[Code]) -> Value {
        let name = codes.iter().map(|code| pascal(code.as_str())).collect::<Vec<_>>().join("Or");
        self.0.entry(name.clone()).or_insert_with(|| response(status, codes));
        json!({"$ref": format!("#/components/responses/{name}")})
    }

    pub(super) fn written(self) -> Value {
        self.0.into()
    }
}

fn response(status: u16, codes: &[Code]) -> Value {
    let names: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
    let titles: Vec<_> = codes.iter().map(|code| format!("`{}`: {}.", code.as_str(), code.title())).collect();
    let waits = match status {
        401 => vec!["WWW-Authenticate"],
        429 => vec!["Retry-After", "RateLimit", "RateLimit-Policy"],
        503 => vec!["Retry-After"],
        _ => Vec::new(),
    };
    let schema = json!({
        "allOf": [reference("Problem")],
        "properties": {"status": {"const": status}, "code": {"enum": names}},
    });
    let mut response = media("application/problem+json", schema, &titles.join(" "), &waits);
    if codes.contains(&Code::CancelTooEarly) {
        response["headers"]["Retry-After"] = json!({"$ref": "#/components/headers/Retry-After-Window"});
    }
    let examples: Map<_, _> =
        codes.iter().map(|code| (code.as_str().to_owned(), json!({"value": example(*code)}))).collect();
    response["content"]["application/problem+json"]["examples"] = examples.into();
    response
}

fn example(code: Code) -> Value {
    let mut problem = Problem::new(code, format!("{}.", code.title()));
    if code == Code::ChallengeRequired {
        let site = turnstile::Issued {
            site_key: "1x00000000000000000000AA".into(),
            action: turnstile::ACTION.into(),
            cdata: "AAAAAAAAAAAAAAAAAAAAAA-k1".into(),
        };
        problem.challenge = serde_json::to_value(crate::challenge::Challenge::Turnstile(site)).ok();
    }
    if code == Code::CancelTooEarly {
        let until = Some("2026-11-20T10:00:12.000Z".to_owned());
        let because = "a message is on its way, and inside its usual time".into();
        problem = problem.with_cancel(Some(&Cancel { window: CancelWindow::TooEarly, until, because }));
    }
    if code == Code::CancelTooLate {
        let because = "somebody entered a code, so a message is in hand".into();
        problem =
            problem.with_cancel(Some(&Cancel { window: CancelWindow::ClosedChecked, until: None, because }));
    }
    serde_json::to_value(problem.body()).unwrap_or_default()
}

fn pascal(name: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at_checked(1).unwrap_or_default();
        first.to_ascii_uppercase() + rest
    };
    name.split('_').map(word).collect()
}
