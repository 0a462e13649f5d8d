//! The overview as text, as much of it as there is room for.

use serde_json::Value;

use crate::cli::balance::signed;
use crate::cli::ops::text;
use crate::cli::ops::time;

/// Where the terminal does not tell.
const COLUMNS: usize = 80;
const ROWS: usize = 24;
/// Narrower ones are drawn as if they were this wide: a figure is not cut in two.
const COLUMNS_MIN: usize = 20;
/// From nothing to most.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// In front of a line of bars.
const LABEL: usize = 11;

/// Of a terminal, in characters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

impl Size {
    /// As it is now.
    pub(super) fn of_terminal() -> Self {
        let told = rustix::termios::tcgetwinsize(std::io::stdout()).ok();
        let known = |told: Option<u16>| told.map(usize::from).filter(|n| *n > 0);
        Self {
            columns: known(told.map(|size| size.ws_col)).unwrap_or(COLUMNS).max(COLUMNS_MIN),
            rows: known(told.map(|size| size.ws_row)).unwrap_or(ROWS),
        }
    }

    /// As long as it takes.
    pub(super) fn unbounded(self) -> Self {
        Self { rows: usize::MAX, ..self }
    }
}

/// The most important first: what has no room below is left out, and nothing is wider than the terminal.
pub(super) fn draw(overview: &Value, size: Size) -> String {
    let mut lines = head(overview);
    lines.extend(bars(overview, size.columns));
    lines.push(queue(overview));
    lines.extend(breakers(overview));
    lines.extend(balances(overview));
    let cut = |line: String| line.chars().take(size.columns).collect::<String>();
    let lines = lines.into_iter().take(size.rows.saturating_sub(1).max(1)).map(cut);
    lines.map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

fn head(overview: &Value) -> Vec<String> {
    let totals = overview.get("totals");
    let count = |name| text(totals, name);
    let spend = list(totals.and_then(|totals| totals.get("spend")));
    let spend = spend.iter().map(|spend| {
        let micros = spend.get("amount_micros").and_then(Value::as_i64).unwrap_or(0);
        format!("{} {}", signed(micros), text(Some(spend), "currency"))
    });
    let spend = spend.collect::<Vec<_>>().join(", ");
    vec![
        format!("tiffin  last {}  {}", text(Some(overview), "span"), time(Some(overview), "at")),
        format!(
            "delivered {}  verified {}",
            percent(totals, "delivery_permille"),
            percent(totals, "verification_permille")
        ),
        format!(
            "accepted {}  delivered {}  failed {}  expired {}  cancelled {}  verified {}",
            count("accepted"),
            count("delivered"),
            count("failed"),
            count("expired"),
            count("cancelled"),
            count("verified")
        ),
        format!(
            "p50 {}  p95 {}  p99 {}",
            took(totals, "p50_ms"),
            took(totals, "p95_ms"),
            took(totals, "p99_ms")
        ),
        format!("spent {}", if spend.is_empty() { "-" } else { &spend }),
    ]
}

fn bars(overview: &Value, columns: usize) -> Vec<String> {
    let points = list(overview.get("points"));
    let line = |name: &str| {
        let figures = points.iter().map(|point| point.get(name).and_then(Value::as_u64).unwrap_or(0));
        let figures: Vec<u64> = figures.collect();
        let shown = fitted(&figures, columns.saturating_sub(LABEL).max(1), name == "p95_ms");
        format!("{name:<width$}{}", sparkline(&shown), width = LABEL)
    };
    ["accepted", "delivered", "failed", "p95_ms"].map(line).to_vec()
}

/// As many figures as fit: neighbours together, by their sum, or by the largest of them.
fn fitted(figures: &[u64], width: usize, by_largest: bool) -> Vec<u64> {
    let together = figures.len().div_ceil(width).max(1);
    let of = |some: &[u64]| match by_largest {
        true => some.iter().copied().max().unwrap_or(0),
        false => some.iter().fold(0, |sum: u64, figure| sum.saturating_add(*figure)),
    };
    figures.chunks(together).map(of).collect()
}

fn sparkline(figures: &[u64]) -> String {
    let most = figures.iter().copied().max().unwrap_or(0).max(1);
    let bar = |figure: &u64| match figure {
        0 => ' ',
        _ => {
            let height = u128::from(*figure) * (BARS.len() as u128 - 1) / u128::from(most);
            BARS.get(usize::try_from(height).unwrap_or(0)).copied().unwrap_or(' ')
        }
    };
    figures.iter().map(bar).collect()
}

fn queue(overview: &Value) -> String {
    let escalations = overview.get("escalations");
    let escalated =
        format!("escalations {} ({} overdue)", text(escalations, "open"), text(escalations, "overdue"));
    match overview.get("queue").filter(|queue| !queue.is_null()) {
        None => format!("queue: the bus does not answer  {escalated}"),
        queue => format!(
            "queue {}  oldest {}  dead {}  {escalated}",
            text(queue, "depth"),
            took(queue, "oldest_ms"),
            text(queue, "dead")
        ),
    }
}

fn breakers(overview: &Value) -> Vec<String> {
    let breakers = list(overview.get("breakers")).into_iter().map(|breaker| {
        let of = Some(breaker);
        let is_up = breaker.get("up").and_then(Value::as_bool).unwrap_or(false);
        let forced = breaker.get("forced").and_then(Value::as_str).map(|forced| format!(" (held {forced})"));
        let paused =
            if breaker.get("paused_until").is_some_and(|until| !until.is_null()) { " paused" } else { "" };
        let countries = list(breaker.get("countries")).into_iter().take(6).map(|country| {
            format!("{} {}", text(Some(country), "country"), percent(Some(country), "delivery_permille"))
        });
        format!(
            "{} {:<18} {:<9}{}{paused}  {}",
            if is_up { "up  " } else { "DOWN" },
            text(of, "gateway"),
            text(of, "channel"),
            forced.unwrap_or_default(),
            countries.collect::<Vec<_>>().join("  ")
        )
    });
    breakers.collect()
}

fn balances(overview: &Value) -> Vec<String> {
    let balances = list(overview.get("balances")).into_iter().map(|balance| {
        let is_low = balance.get("low").and_then(Value::as_bool).unwrap_or(false);
        let micros = balance.get("available_micros").and_then(Value::as_i64).unwrap_or(0);
        let of = Some(balance);
        format!(
            "{} {:<18} {} {}",
            if is_low { "LOW " } else { "    " },
            text(of, "tenant"),
            signed(micros),
            text(of, "currency")
        )
    });
    balances.collect()
}

fn list(of: Option<&Value>) -> Vec<&Value> {
    of.and_then(Value::as_array).into_iter().flatten().collect()
}

fn percent(of: Option<&Value>, name: &str) -> String {
    let permille = of.and_then(|of| of.get(name)).and_then(Value::as_u64);
    permille.map_or("-".to_owned(), |permille| format!("{}.{} %", permille / 10, permille % 10))
}

fn took(of: Option<&Value>, name: &str) -> String {
    let ms = of.and_then(|of| of.get(name)).and_then(Value::as_u64);
    ms.map_or("-".to_owned(), |ms| format!("{}.{} s", ms / 1_000, ms % 1_000 / 100))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn overview() -> Value {
        let points =
            (0..60).map(|n| json!({"at": n, "accepted": n, "delivered": n, "failed": 0, "p95_ms": null}));
        json!({
            "at": 1, "span": "hour", "points": points.collect::<Vec<_>>(),
            "totals": {"accepted": 3, "delivery_permille": 987, "p50_ms": 1_234,
                "spend": [{"currency": "INR", "amount_micros": -1_500_000}]},
            "queue": null, "escalations": {"open": 1, "overdue": 0},
            "breakers": [{"gateway": "a", "channel": "sms", "up": false, "forced": "open", "countries": [{"country": "IN", "delivery_permille": 5}]}],
            "balances": [{"tenant": "shop", "currency": "INR", "available_micros": 5, "low": true}],
        })
    }

    #[test]
    fn it_fits_into_any_terminal() {
        for (columns, rows) in [(20, 1), (20, 5), (40, 10), (200, 60)] {
            let text = draw(&overview(), Size { columns, rows });
            assert!(text.lines().count() < rows.max(2), "{text}");
            assert!(text.lines().all(|line| line.chars().count() <= columns), "{text}");
        }
        let whole = draw(&overview(), Size { columns: 100, rows: usize::MAX });
        for part in [
            "98.7 %",
            "p50 1.2 s",
            "spent -1.5",
            "bus does not answer",
            "DOWN a",
            "held open",
            "LOW  shop",
            "█",
        ] {
            assert!(whole.contains(part), "{part}: {whole}");
        }
    }

    #[test]
    fn bars_show_all_figures_however_narrow() {
        assert_eq!(fitted(&[1, 2, 3, 4, 5], 2, false), [6, 9]);
        assert_eq!(fitted(&[1, 2, 3, 4, 5], 2, true), [3, 5]);
        assert_eq!(sparkline(&[0, 1, 7]), " ▂█");
        assert_eq!(sparkline(&[u64::MAX, 0]), "█ ");
        assert_eq!(draw(&Value::Null, Size { columns: 20, rows: 9 }).lines().count(), 8);
    }
}
