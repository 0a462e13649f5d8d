//! What speaks for an order: the evidence packet, what is kept for it, and the check that nothing in it was changed.
//!
//! A packet is JSON: `{"evidence": {…}, "seal": {…}}`. The seal is an Ed25519 signature over the evidence in canonical form
//! (RFC 8785), made by core. Within it the timeline is a chain of hashes, and each part has a digest, so that the check can
//! say where something was changed.

mod packet;
mod seal;
mod shelf;
mod verify;

pub use self::packet::Account;
pub use self::packet::Charged;
pub use self::packet::Clock;
pub use self::packet::Costs;
pub use self::packet::Evidence;
pub use self::packet::Linked;
pub use self::packet::Packet;
pub use self::packet::Risk;
pub use self::packet::Seal;
pub use self::packet::Tried;
pub use self::packet::Uploaded;
pub use self::packet::VERSION;
pub use self::packet::linked;
pub use self::seal::canonical;
pub use self::seal::seal;
pub use self::shelf::Command;
pub use self::shelf::EXCHANGES_MAX;
pub use self::shelf::Exchange;
pub use self::shelf::Field;
pub use self::shelf::Item;
pub use self::shelf::Kept;
pub use self::shelf::Media;
pub use self::shelf::RECEIPTS_MAX;
pub use self::shelf::Received;
pub use self::shelf::Removed;
pub use self::shelf::Request;
pub use self::shelf::Shelf;
pub use self::shelf::State;
pub use self::shelf::Text;
pub use self::shelf::Told;
pub use self::shelf::UPLOADS_MAX;
pub use self::shelf::Upload;
pub use self::verify::Checked;
pub use self::verify::Fault;
pub use self::verify::verify;

use crate::id::OrderId;
use crate::id::ServiceId;
use crate::id::TenantId;

use serde::Deserialize;
use serde::Serialize;

/// The largest packet in either form, in bytes: a page carries the uploads.
pub const PACKET_BYTES_MAX: usize = 8 * 1024 * 1024;
/// What a form weighs that a header names without a weight, in thousandths.
const WEIGHT_MAX: u16 = 1_000;

/// How a packet is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// A page to read and print.
    Html,
    /// The packet itself.
    Json,
}

/// Who asks for the packet of an order, at a public front door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// Orders of other tenants do not exist.
    pub tenant: TenantId,
    /// Which order.
    pub order: OrderId,
    /// The services the key is for; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scope: Vec<ServiceId>,
    /// How it is to be written.
    pub form: Form,
}

/// What became of the question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The packet, in the form that was asked for.
    Found(String),
    /// Core knows of no such order of this tenant's.
    NotFound,
}

impl Form {
    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Json => "application/json",
        }
    }

    /// The form that an `Accept` header prefers; JSON where it says nothing. `None` where it takes neither (RFC 9110, 12.5.1).
    pub fn accepted(accept: Option<&str>) -> Option<Self> {
        let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else { return Some(Self::Json) };
        let weight = |form: Self| {
            let mut best: Option<(u8, u16)> = None;
            for range in accept.split(',') {
                let mut parts = range.split(';').map(str::trim);
                let name = parts.next().unwrap_or_default().to_ascii_lowercase();
                let exactness = match (form, name.as_str()) {
                    (Self::Html, "text/html") | (Self::Json, "application/json") => 2,
                    (Self::Html, "text/*") | (Self::Json, "application/*") => 1,
                    (_, "*/*") => 0,
                    _ => continue,
                };
                let q = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
                let q = q.map_or(WEIGHT_MAX, |q| thousandths(q.trim()).unwrap_or(0));
                if best.is_none_or(|(known, _)| exactness >= known) {
                    best = Some((exactness, q));
                }
            }
            best.map_or(0, |(_, q)| q)
        };
        let (html, json) = (weight(Self::Html), weight(Self::Json));
        match (html > 0, json > 0) {
            (false, false) => None,
            (true, false) => Some(Self::Html),
            (false, true) => Some(Self::Json),
            (true, true) => Some(if html > json { Self::Html } else { Self::Json }),
        }
    }
}

/// A weight of 0 to 1 with up to three decimals (RFC 9110, 12.4.2). In whole thousandths: reading floats takes tables of ten
/// kilobytes, which the wasm has no other use for.
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, decimals) = weight.split_once('.').unwrap_or((weight, ""));
    let is_number = decimals.bytes().all(|byte| byte.is_ascii_digit());
    match whole {
        "" | "0" if is_number => format!("{decimals:0<3.3}").parse().ok(),
        "1" if is_number => Some(WEIGHT_MAX),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_the_one_that_is_preferred_and_json_by_default() {
        let cases = [
            (None, Some(Form::Json)),
            (Some(""), Some(Form::Json)),
            (Some("*/*"), Some(Form::Json)),
            (Some("application/json"), Some(Form::Json)),
            (Some("text/html"), Some(Form::Html)),
            (Some("text/html, application/json"), Some(Form::Json)),
            (Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), Some(Form::Html)),
            (Some("application/json;q=0.5, text/html"), Some(Form::Html)),
            (Some("TEXT/HTML"), Some(Form::Html)),
            (Some("text/*"), Some(Form::Html)),
            (Some("application/pdf"), None),
            (Some("application/json;q=0"), None),
            (Some("*/*;q=0"), None),
            (Some("text/html;q=1.000, */*;q=0.001"), Some(Form::Html)),
            (Some("text/html;q=0.09, application/json;q=0.1"), Some(Form::Json)),
            (Some("text/html;q=x, */*;q=0."), None),
        ];
        for (accept, form) in cases {
            assert_eq!(Form::accepted(accept), form, "{accept:?}");
        }
    }
}
