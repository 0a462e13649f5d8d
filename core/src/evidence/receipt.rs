//! What is kept of a receipt: what it said of this one message, and whether it was proven.
//!
//! The process that takes receipts knows neither code nor number of the order, and a callback may be about other orders too:
//! so everything goes that looks like either, and everything that is about another message.

use std::sync::Arc;

use serde_json::Value;
use tiffin_shared::evidence::Field;
use tiffin_shared::evidence::Item;
use tiffin_shared::evidence::Received;
use tiffin_shared::evidence::Text;
use tiffin_shared::http::Request;
use tiffin_shared::reference::Reference;
use tiffin_shared::time::UnixMs;

use super::keep;
use super::redact::Known;
use super::redact::RECEIPT_CHARS_MAX;
use super::redact::Redactor;
use super::redact::Trust;
use super::scheme;
use super::time;
use crate::app::App;
use crate::gateways::Gateway;
use crate::gateways::call::tells;
use crate::gateways::callback::Fate;
use crate::gateways::callback::Told;
use crate::host;

/// Characters of the provider's own time.
const TIME_CHARS_MAX: usize = 48;
/// Parts of a mail that a bounce's report is in (RFC 3464): the others are the message itself, and what a server says of it.
const DSN_FIELDS: [&str; 10] = [
    "action",
    "arrival-date",
    "diagnostic-code",
    "last-attempt-date",
    "remote-mta",
    "reporting-mta",
    "status",
    "will-retry-until",
    "date",
    "message-id",
];

/// What a receipt came in.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// A callback, and how many receipts were in it.
    Callback(&'a Request, usize),
    /// A session of ours with the provider.
    Session,
}

/// Keeps one receipt.
pub async fn note(app: &Arc<App>, gateway: &Gateway, told: &Told, whose: &Reference, source: Source<'_>) {
    let received = read(gateway, told, whose, source, host::now());
    keep(app, &whose.order, whose.n, None, Item::Receipt(received)).await;
}

fn read(gateway: &Gateway, told: &Told, whose: &Reference, source: Source<'_>, now: UnixMs) -> Received {
    let (fate, code) = match &told.fate {
        Fate::Delivered => ("delivered", None),
        Fate::Failed { code, .. } => ("failed", code.clone()),
        Fate::Sent => ("sent", None),
        Fate::Underway => ("underway", None),
    };
    let plain = [told.provider_id.clone(), whose.text(), whose.order.to_string()];
    let plain = plain.into_iter().chain(code.clone()).collect();
    let redactor = Redactor::new(Known { plain, ..Known::nothing(now) });
    let (headers, said) = match source {
        Source::Callback(request, told_in_all) => {
            let headers = request.headers.iter().filter(|(name, _)| tells(name) || name == "user-agent");
            let headers =
                headers.map(|(name, value)| Field { name: name.clone(), value: redactor.line(value) });
            (headers.collect(), said(request, told, whose, told_in_all))
        }
        Source::Session => (Vec::new(), None),
    };
    let provider_time = said.as_ref().and_then(Said::time);
    let body = said.and_then(|said| match said {
        Said::Json(json) => redactor.body(json.to_string().as_bytes(), Trust::Others, RECEIPT_CHARS_MAX),
        Said::Form(form) => redactor.body(form.as_bytes(), Trust::Others, RECEIPT_CHARS_MAX),
        Said::Lines(lines) => redactor.body(lines.as_bytes(), Trust::Others, RECEIPT_CHARS_MAX),
    });
    Received {
        at: now,
        fate: fate.to_owned(),
        code,
        scheme: scheme::of(gateway).to_owned(),
        is_proven: !gateway.only_hints(),
        headers,
        body: body.filter(|Text { text, .. }| !text.is_empty()),
        provider_time,
    }
}

/// What a callback says of one message.
enum Said {
    Form(String),
    Json(Value),
    Lines(String),
}

impl Said {
    /// The provider's own time, by the name of its field.
    fn time(&self) -> Option<String> {
        let mut best = None;
        match self {
            Self::Json(json) => times(json, &mut best),
            Self::Form(form) => {
                for (name, value) in form_urlencoded::parse(form.as_bytes()) {
                    better(&name, &value, &mut best);
                }
            }
            Self::Lines(lines) => {
                for (name, value) in lines.lines().filter_map(|line| line.split_once(':')) {
                    better(name, value.trim(), &mut best);
                }
            }
        }
        best.map(|(_, time)| time)
    }
}

fn times(json: &Value, best: &mut Option<(usize, String)>) {
    match json {
        Value::Array(list) => list.iter().for_each(|one| times(one, best)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) => match serde_json::from_str::<Value>(text) {
                        Ok(inner) if inner.is_object() => times(&inner, best),
                        _ => better(name, text, best),
                    },
                    Value::Number(number) => better(name, &number.to_string(), best),
                    other => times(other, best),
                }
            }
        }
        _ => {}
    }
}

/// It is shown as it is: so only what says nothing but a time.
fn better(name: &str, value: &str, best: &mut Option<(usize, String)>) {
    let is_short = (6..=TIME_CHARS_MAX).contains(&value.len());
    let Some(rank) = time::rank(name).filter(|_| is_short && time::is_time(value, host::now())) else {
        return;
    };
    if best.as_ref().is_none_or(|(known, _)| rank < *known) {
        *best = Some((rank, value.to_owned()));
    }
}

fn said(request: &Request, told: &Told, whose: &Reference, told_in_all: usize) -> Option<Said> {
    let text = std::str::from_utf8(&request.body).unwrap_or_default();
    if let Ok(json) = serde_json::from_str::<Value>(text) {
        let names = [told.provider_id.clone(), whose.text(), whose.order.to_string()];
        let own = own(json, &names);
        return (told_in_all == 1 || holds(&own, &names)).then_some(Said::Json(own));
    }
    // What cannot be taken apart may be about others.
    if told_in_all > 1 {
        return None;
    }
    let is_mail = request.header("content-type").is_some_and(|kind| kind.starts_with("message/"))
        || text.lines().take(64).any(|line| line.to_ascii_lowercase().starts_with("content-type:"));
    if is_mail {
        return Some(Said::Lines(report(text)));
    }
    let form = if text.is_empty() { request.query.clone() } else { text.to_owned() };
    (!form.is_empty()).then_some(Said::Form(form))
}

/// With only those elements of each list that name the message, where any does.
fn own(json: Value, names: &[String]) -> Value {
    match json {
        Value::Array(list) => {
            let any = list.iter().any(|one| holds(one, names));
            let kept = list.into_iter().filter(|one| !any || holds(one, names));
            kept.map(|one| own(one, names)).collect()
        }
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, own(value, names))).collect(),
        Value::String(text) => match serde_json::from_str::<Value>(&text) {
            Ok(inner) if inner.is_object() || inner.is_array() => own(inner, names).to_string().into(),
            _ => Value::String(text),
        },
        other => other,
    }
}

fn holds(json: &Value, names: &[String]) -> bool {
    match json {
        Value::Array(list) => list.iter().any(|one| holds(one, names)),
        Value::Object(fields) => fields.values().any(|one| holds(one, names)),
        Value::String(text) => names.iter().any(|name| !name.is_empty() && text.contains(name.as_str())),
        Value::Number(number) => names.contains(&number.to_string()),
        Value::Bool(_) | Value::Null => false,
    }
}

/// The lines of a bounce that tell what became of the mail, and nothing of the mail itself.
fn report(mail: &str) -> String {
    let is_told = |line: &&str| {
        let name = line.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
        line.contains(':') && DSN_FIELDS.contains(&name.as_str())
    };
    let mut lines: Vec<_> = mail.lines().filter(is_told).map(str::trim_end).collect();
    lines.dedup();
    lines.join("\n")
}

#[cfg(test)]
mod tests;
