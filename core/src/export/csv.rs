//! Rows as CSV (RFC 4180), such that a spreadsheet runs nothing of it.

use serde_json::Value;

use tiffin_shared::log::Row;
use tiffin_shared::time::UnixMs;

/// What is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Money.
    Ledger,
    /// Closed orders.
    Orders,
}

const ORDERS: [&str; 17] = [
    "order",
    "request",
    "service",
    "country",
    "channel",
    "state",
    "reason",
    "verified",
    "created_at",
    "expires_at",
    "ended_at",
    "closed_at",
    "erased_at",
    "resends",
    "charged_micros",
    "currency",
    "attempts",
];
const LEDGER: [&str; 11] = [
    "seq",
    "at",
    "kind",
    "currency",
    "amount_micros",
    "order",
    "reference",
    "note",
    "available_micros",
    "held_micros",
    "lines",
];

impl Table {
    fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Ledger => &LEDGER,
            Self::Orders => &ORDERS,
        }
    }

    /// The first line.
    pub fn head(self) -> String {
        format!("tenant,row,{}\r\n", self.columns().join(","))
    }

    /// One line.
    pub fn line(self, tenant: &str, row: &Row) -> String {
        let mut fields = vec![field(tenant), row.n.to_string()];
        fields.extend(self.columns().iter().map(|name| cell(name, row.body.get(*name))));
        fields.join(",") + "\r\n"
    }
}

fn cell(name: &str, value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::Number(number)) if name == "at" || name.ends_with("_at") => {
            number.as_u64().map(|ms| UnixMs(ms).rfc3339()).unwrap_or_default()
        }
        // A number, negative ones too, is no formula.
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Bool(is)) => is.to_string(),
        Some(Value::String(text)) => field(text),
        Some(other) => field(&other.to_string()),
    }
}

/// Quoted where it must be. What a spreadsheet would take for a formula has an apostrophe in front (OWASP, "CSV injection").
fn field(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_quoted_and_no_formula_leaves() {
        for (text, expected) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-2+3|cmd", "'-2+3|cmd"),
            ("+1,2", "\"'+1,2\""),
            ("\t=1", "'\t=1"),
        ] {
            assert_eq!(field(text), expected);
        }
    }

    #[test]
    fn a_line_has_a_field_for_each_column_and_times_are_readable() {
        let body = json!({"order": "ord_1", "created_at": 0, "state": "failed", "attempts": [{"n": 1}]});
        let row = Row { n: 7, at: UnixMs(0), id: "x".into(), body };
        let line = Table::Orders.line("=shop", &row);
        assert!(line.starts_with("'=shop,7,ord_1,,,,,failed,,,1970-01-01T00:00:00.000Z,"), "{line}");
        assert!(line.ends_with("\"[{\"\"n\"\":1}]\"\r\n"), "{line}");
        assert_eq!(Table::Orders.head().split(',').count(), 19);
        let money = Row { n: 1, at: UnixMs(0), id: "1".into(), body: json!({"available_micros": -5}) };
        assert!(Table::Ledger.line("shop", &money).contains(",-5,"));
        let body =
            json!({"seq": 3, "kind": "credit", "currency": "EUR", "amount_micros": -7, "note": "=1+1"});
        let taken = Table::Ledger.line("shop", &Row { n: 2, at: UnixMs(0), id: "3".into(), body });
        assert_eq!(taken, "shop,2,3,,credit,EUR,-7,,,'=1+1,,,\r\n");
    }
}
