//! How `tiffin route show` reads.

use serde_json::Value;

use super::line;
use super::prices;
use super::text;
use super::time;

/// The longest bar.
const BAR_CHARS: u64 = 40;

/// One gateway's page.
pub fn page(route: &Value) -> String {
    let parts = [
        vec![super::head(), line(route)],
        titled("MOVES OF ITS BREAKER, newest first", moves(route), "It has not moved."),
        titled(
            "RECEIPTS BY TIME AFTER THE CALL, of the last half hour to hour",
            receipts(route),
            "None came.",
        ),
        titled("WHAT WENT WRONG, of the last half hour to hour", errors(route), "Nothing."),
        titled("BY COUNTRY, of the last half hour to hour", countries(route), "Nothing was sent."),
    ];
    parts.map(|lines| lines.join("\n")).join("\n\n")
}

fn titled(title: &str, mut lines: Vec<String>, none: &str) -> Vec<String> {
    if lines.is_empty() {
        lines.push(format!("  {none}"));
    }
    lines.insert(0, title.to_owned());
    lines
}

fn list<'a>(of: &'a Value, name: &str) -> impl DoubleEndedIterator<Item = &'a Value> {
    of.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default().iter()
}

fn moves(route: &Value) -> Vec<String> {
    let line = |change: &Value| {
        let of = Some(change);
        format!("  {:<24}  {:<9}  {}", time(of, "at"), text(of, "to"), text(of, "because"))
    };
    list(route, "changes").rev().map(line).collect()
}

fn count(of: &Value) -> u64 {
    of.get("count").and_then(Value::as_u64).unwrap_or_default()
}

fn receipts(route: &Value) -> Vec<String> {
    let most = list(route, "receipts").map(count).max().unwrap_or_default();
    let some = |step: &&Value| count(step) > 0;
    let first = list(route, "receipts").take_while(|step| !some(step)).count();
    let last = list(route, "receipts").rev().skip_while(|step| !some(step)).count();
    let line = |step: &Value| {
        let within_ms = step.get("within_ms").and_then(Value::as_u64).unwrap_or_default();
        let bar = (count(step) * BAR_CHARS).div_ceil(most.max(1));
        let bar = "█".repeat(usize::try_from(bar).unwrap_or_default());
        format!("  {:>10}  {:>7}  {bar}", format!("{within_ms} ms"), count(step)).trim_end().to_owned()
    };
    list(route, "receipts").take(last).skip(first).map(line).collect()
}

fn errors(route: &Value) -> Vec<String> {
    let line = |error: &Value| {
        let of = Some(error);
        format!("  {:>7}  {:<22}  {}", count(error), text(of, "reason"), text(of, "class"))
    };
    let silent = route.get("silent").and_then(Value::as_u64).filter(|silent| *silent > 0);
    let silent = silent.map(|silent| format!("  {silent:>7}  {:<22}  nobody says anything", "no receipt"));
    list(route, "errors").map(line).chain(silent).collect()
}

fn countries(route: &Value) -> Vec<String> {
    let line = |to: &Value| {
        let fared = to.get("fared");
        let of = |name: &str| fared.and_then(|fared| fared.get(name)?.as_u64());
        let percent =
            |name: &str| of(name).map_or("-".to_owned(), |share| format!("{}.{} %", share / 10, share % 10));
        let ms = |ms: Option<u64>| ms.map_or("-".to_owned(), |ms| format!("{ms} ms"));
        row([
            &text(Some(to), "country"),
            &text(fared, "sent"),
            &percent("delivery"),
            &percent("conversion"),
            &ms(of("p50_ms")),
            &ms(of("p95_ms")),
            &ms(to.get("window_ms").and_then(Value::as_u64)),
            &prices(to),
        ])
    };
    let head = row(["COUNTRY", "SENT", "DELIVERY", "CONVERSION", "P50", "P95", "WAITED FOR", "PRICE"]);
    let lines: Vec<_> = list(route, "countries").map(line).collect();
    if lines.is_empty() { lines } else { std::iter::once(head).chain(lines).collect() }
}

fn row(cells: [&str; 8]) -> String {
    let [country, sent, delivery, conversion, p50, p95, window, price] = cells;
    format!(
        "  {country:<7}  {sent:>7}  {delivery:>8}  {conversion:>10}  {p50:>9}  {p95:>9}  {window:>10}  {price}"
    )
}
