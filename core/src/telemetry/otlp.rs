//! OTLP's JSON form (<https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>): ids in hexadecimal, 64-bit numbers
//! as text, enums as numbers.

use serde_json::Value;
use serde_json::json;
use tiffin_shared::order::spans;
use tiffin_shared::order::spans::Kind;
use tiffin_shared::order::spans::Span;
use tiffin_shared::time::UnixMs;

/// `STATUS_CODE_ERROR`.
const ERROR: u8 = 2;
/// The flags of a span: sampled; and that it is known whether the parent is remote.
const SAMPLED: u32 = 0x1;
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;
/// What the edge does itself: core only tells of it.
const OF_EDGE: [&str; 3] = ["accept", "hand_over", "verify"];

/// An `ExportTraceServiceRequest`.
pub(super) fn request(service_name: &str, spans: &[Span]) -> Value {
    let of = |part: &str, of_edge: bool| {
        let spans: Vec<_> =
            spans.iter().filter(|it| OF_EDGE.contains(&it.name) == of_edge).map(span).collect();
        json!({
            "resource": {"attributes": [
                text("service.name", &format!("{service_name}-{part}")),
                text("service.version", env!("CARGO_PKG_VERSION")),
            ]},
            "scopeSpans": [{"scope": {"name": "tiffin", "version": env!("CARGO_PKG_VERSION")}, "spans": spans}],
        })
    };
    json!({"resourceSpans": [of("edge", true), of("core", false)]})
}

fn span(span: &Span) -> Value {
    let is_remote = span.name == "order" && span.parent.is_some();
    let attributes = span.attributes.iter().map(|(key, value)| match value {
        spans::Value::Int(number) => json!({"key": key, "value": {"intValue": number.to_string()}}),
        spans::Value::Text(value) => text(key, value),
    });
    let mut json = json!({
        "traceId": span.trace.id,
        "spanId": span.id,
        "name": span.name,
        "kind": kind(span.kind),
        "startTimeUnixNano": nanos(span.start),
        "endTimeUnixNano": nanos(span.end),
        "attributes": attributes.collect::<Vec<_>>(),
        "flags": SAMPLED | HAS_IS_REMOTE | if is_remote { IS_REMOTE } else { 0 },
    });
    if let Some(fields) = json.as_object_mut() {
        fields.extend(span.parent.map(|parent| ("parentSpanId".to_owned(), json!(parent))));
        let status = span.error.as_ref().map(|error| json!({"code": ERROR, "message": error}));
        fields.extend(status.map(|status| ("status".to_owned(), status)));
    }
    json
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn nanos(at: UnixMs) -> String {
    at.0.saturating_mul(1_000_000).to_string()
}

fn kind(kind: Kind) -> u8 {
    match kind {
        Kind::Internal => 1,
        Kind::Server => 2,
        Kind::Client => 3,
        Kind::Producer => 4,
        Kind::Consumer => 5,
    }
}
