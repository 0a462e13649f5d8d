//! What several scenarios do.

use reqwest::Method;
use serde_json::Value;
use tiffin_core::config::names::OPERATOR_TOKEN;
use tiffin_tests::client::Reply;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

/// The settings with one thing changed, which must be there once.
pub fn replaced(settings: &str, from: &str, to: &str) -> String {
    assert_eq!(settings.matches(from).count(), 1, "{from}");
    settings.replace(from, to)
}

/// With resends taken at once, and with calls beside text messages.
pub async fn resending(front: Front, backing: Backing) -> anyhow::Result<Stack> {
    let edit = |toml: &str| {
        let voice = "\n[[gateways]]\nname = \"twilio-voice\"\nkind = \"twilio_voice\"\nsandbox = true\n\
                     account_sid = \"AC00000000000000000000000000000001\"\nfrom = \"+15005550006\"\n";
        let toml = replaced(toml, "resend_after_ms = 30000", "resend_after_ms = 0");
        format!("{toml}{voice}")
    };
    Stack::start_with_settings(front, backing, edit).await
}

/// `/ops/v1/{path}` with the token and these headers.
pub async fn ops(
    stack: &Stack,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> anyhow::Result<Reply> {
    let bearer = format!("Bearer {}", stack.variable(OPERATOR_TOKEN)?);
    let mut all = vec![("authorization", bearer.as_str())];
    all.extend(headers);
    let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body)? };
    stack.client.raw(method, format!("{}/ops/v1/{path}", stack.client.core), &all, body).await
}

/// `tiffin` as an operator of this installation. Whether it went well, and all it said.
pub fn cli(stack: &Stack, arguments: &[&str]) -> anyhow::Result<(bool, String)> {
    stack.run_with(arguments, &[("TIFFIN_OPS_URL", &stack.client.core), ("TIFFIN_OPERATOR", "asha")])
}

/// The entries of an order's story, those of this kind.
pub fn happenings<'a>(timeline: &'a Value, kind: &str) -> Vec<&'a Value> {
    let entries = timeline["story"]["entries"].as_array();
    let of = |entry: &'a Value| entry["what"].get(kind);
    entries.into_iter().flatten().filter_map(of).collect()
}
