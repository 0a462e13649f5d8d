//! What the parsers take, as JSON Schema says it.

use schemars::Schema;
use serde_json::json;

use crate::http::create::METADATA_KEY_CHARS_MAX;
use crate::http::create::METADATA_VALUE_CHARS_MAX;

/// No control characters, nor those that turn the direction of a text.
pub(crate) const PRINTABLE: &str = r"^[^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]*$";
/// What an authenticator app shows: printable, without a colon, without spaces at its ends.
pub(crate) const LABEL: &str =
    r"^[^\s\x00-\x1f\x7f-\x9f:]([^\x00-\x1f\x7f-\x9f:]*[^\s\x00-\x1f\x7f-\x9f:])?$";
/// Visible ASCII without what parts addresses, one `@`, the name of a host.
pub(crate) const EMAIL: &str = concat!(
    r"^[!#-'*+\-.-:=?A-\[\]-~]+@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+",
    r"[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]$"
);
/// In quotes, as a structured-field string, or bare.
pub(crate) const IDEMPOTENCY_KEY: &str = r#"^("[ !#-\[\]-~]{1,255}"|[ !#-\[\]-~]{1,255})$"#;

/// Lengths of metadata's keys and values.
pub(crate) fn metadata(schema: &mut Schema) {
    schema.insert(
        "propertyNames".into(),
        json!({"minLength": 1, "maxLength": METADATA_KEY_CHARS_MAX, "pattern": PRINTABLE}),
    );
    schema.insert(
        "additionalProperties".into(),
        json!({"type": "string", "maxLength": METADATA_VALUE_CHARS_MAX, "pattern": PRINTABLE}),
    );
}
