//! Words of a page: escaped, and spelled for people.

use serde::Serialize;
use serde_json::Value;

/// Text in HTML, in an attribute too. Controls that would turn the direction of what follows are shown as what they are.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(char),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.push('\u{fffd}'),
            char if char.is_control() => out.push('\u{fffd}'),
            char => out.push(char),
        }
    }
    out
}

/// `provider_down` as people write it.
pub(super) fn name(name: &str) -> String {
    escape(&name.replace('_', " "))
}

/// The name of something that serialises to a name.
pub(super) fn of(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => name,
        _ => String::new(),
    }
}

/// What happened, as its own fields tell it: whatever is added to the story is told here too.
pub(super) fn happening(what: &impl Serialize) -> String {
    let what = serde_json::to_value(what).unwrap_or_default();
    match &what {
        Value::Object(one) => one
            .iter()
            .map(|(kind, fields)| format!("<span class=\"what\">{}</span> {}", capital(&name(kind)), details(fields)))
            .collect(),
        Value::String(kind) => format!("<span class=\"what\">{}</span>", capital(&name(kind))),
        _ => String::new(),
    }
}

fn details(fields: &Value) -> String {
    let Value::Object(fields) = fields else { return plain(fields) };
    let number = fields.get("n").map(|n| format!("{} ", plain(n))).unwrap_or_default();
    let others = fields.iter().filter(|(key, _)| *key != "n");
    let told = others.map(|(key, value)| match (key.as_str(), value) {
        ("why" | "state" | "found" | "hint" | "channel", value) => name(&bare(value)),
        (key, Value::Bool(true)) => name(key),
        (key, value) => format!("{} {}", name(key), plain(value)),
    });
    format!("{number}{}", told.collect::<Vec<_>>().join("; "))
}

fn plain(value: &Value) -> String {
    escape(&bare(value))
}

fn bare(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
