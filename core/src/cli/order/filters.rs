//! Which orders: what `tiffin order find` and `tiffin evidence` ask for.

use std::io::BufRead;
use std::io::IsTerminal;
use std::io::Write;

use anyhow::Context;
use clap::Args;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::host;

/// Which.
#[derive(Args)]
pub struct Filters {
    /// `-`: asks for the number, or reads it from standard input. Never the number itself: the shell keeps what is typed
    #[arg(long, value_name = "-")]
    phone: Option<String>,
    /// Your own name for it: `client_ref`
    #[arg(long = "ref", value_name = "REF")]
    client_ref: Option<String>,
    /// Of this tenant
    #[arg(long)]
    tenant: Option<String>,
    /// Of this service
    #[arg(long)]
    service: Option<String>,
    /// queued, sending, sent, delivered, verified, failed, expired or cancelled
    #[arg(long)]
    state: Option<String>,
    /// ISO 3166-1 alpha-2
    #[arg(long)]
    country: Option<String>,
    /// That any attempt went by
    #[arg(long)]
    gateway: Option<String>,
    /// sms, whatsapp, voice, telegram or email
    #[arg(long)]
    channel: Option<String>,
    /// Accepted since then: 90s, 30m, 2h or 7d ago
    #[arg(long, value_parser = duration_ms)]
    since: Option<u64>,
    /// Accepted before then: 90s, 30m, 2h or 7d ago
    #[arg(long, value_parser = duration_ms)]
    until: Option<u64>,
    /// Goes on where an earlier answer ended
    #[arg(long)]
    cursor: Option<String>,
}

impl Filters {
    /// As `POST /ops/v1/orders/search` takes them.
    pub fn body(self) -> anyhow::Result<Map<String, Value>> {
        let phone = match self.phone.as_deref() {
            None => None,
            Some("-") => Some(number()?),
            Some(_) => anyhow::bail!(
                "--phone takes `-` alone: type the number when asked, or send it to standard input"
            ),
        };
        let fields = [
            ("phone", phone),
            ("client_ref", self.client_ref),
            ("tenant", self.tenant),
            ("service", self.service),
            ("state", self.state),
            ("country", self.country),
            ("gateway", self.gateway),
            ("channel", self.channel),
            ("cursor", self.cursor),
        ];
        let mut body: Map<String, Value> =
            fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))).collect();
        let now = host::now();
        let times = [("from", self.since), ("to", self.until)];
        body.extend(times.into_iter().filter_map(|(name, ms)| Some((name.into(), json!(now.minus(ms?))))));
        Ok(body)
    }
}

fn number() -> anyhow::Result<String> {
    let input = std::io::stdin();
    if input.is_terminal() {
        let mut ask = std::io::stderr();
        write!(ask, "Phone, as +919876543210: ")?;
        ask.flush()?;
    }
    let mut line = String::new();
    input.lock().read_line(&mut line).context("no number on standard input")?;
    let number = line.trim().to_owned();
    anyhow::ensure!(!number.is_empty(), "no number on standard input");
    Ok(number)
}

/// `90s`, `30m`, `2h`, `7d`.
fn duration_ms(text: &str) -> Result<u64, String> {
    let error = || "must be a number and s, m, h or d: 2h".to_owned();
    let unit_ms = match text.chars().last() {
        Some('s') => 1_000,
        Some('m') => 60_000,
        Some('h') => 3_600_000,
        Some('d') => 86_400_000,
        _ => return Err(error()),
    };
    let count: u64 = text.get(..text.len() - 1).and_then(|count| count.parse().ok()).ok_or_else(error)?;
    count.checked_mul(unit_ms).filter(|ms| *ms > 0).ok_or_else(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_nonsense_is_not() {
        assert_eq!(duration_ms("90s"), Ok(90_000));
        assert_eq!(duration_ms("30m"), Ok(1_800_000));
        assert_eq!((duration_ms("2h"), duration_ms("7d")), (Ok(7_200_000), Ok(604_800_000)));
        for bad in ["", "h", "2", "-1h", "0s", "2w", "1é", "99999999999999999999d", "18446744073709551615d"]
        {
            assert!(duration_ms(bad).is_err(), "{bad}");
        }
    }
}
