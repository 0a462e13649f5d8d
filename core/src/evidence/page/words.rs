//! Words of a page: escaped, and spelled for people.

use serde::Serialize;
use serde_json::Value;
use tiffin_shared::order::Happening;

use crate::cli::order::told;
use crate::plain;

/// Text in HTML, in an attribute too.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            char => out.push(plain::shown(char)),
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

/// What happened, in a sentence.
pub(super) fn happening(what: &Happening) -> String {
    escape(&capital(&told::happening(what)))
}

/// With a capital at the start.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
