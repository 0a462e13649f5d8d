//! `[telemetry]`: where orders' traces go. The headers for it are in the environment.

use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use serde::Deserialize;
use tiffin_shared::trace::Ratio;

use super::Environment;
use super::Error;
use crate::gateways::account::is_loopback;

/// What goes with every export, `name=value` with commas between, as OTEL_EXPORTER_OTLP_HEADERS has it.
pub const OTLP_HEADERS: &str = "TIFFIN_OTLP_HEADERS";
/// Spans that may wait: a few megabytes, and a minute of some hundred orders a second.
const QUEUE_MAX: u32 = 1_000_000;

/// Where orders' traces go.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// An OTLP/HTTP collector's address for traces, such as `http://127.0.0.1:4318/v1/traces`; nothing is exported without.
    pub otlp_url: String,
    /// What the spans' services are called, with `-edge` and `-core` behind it.
    pub service_name: String,
    /// How many traces are recorded, of those whose caller does not decide it: 0 to 1.
    pub sample_ratio: f64,
    /// Spans that wait to be exported at most; one more is dropped and counted. 1 to 1,000,000.
    pub queue_max: u32,
    /// Whether providers that are called by HTTP are told the trace: it lets them tell which calls of ours belong together.
    pub to_providers: bool,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            otlp_url: String::new(),
            service_name: "tiffin".into(),
            sample_ratio: 1.0,
            queue_max: 20_000,
            to_providers: false,
        }
    }
}

impl Telemetry {
    pub(super) fn check(&self) -> Result<(), String> {
        let url = &self.otlp_url;
        let is_safe = url.starts_with("https://") || url.starts_with("http://") && is_loopback(url);
        if !url.is_empty() && (!is_safe || reqwest::Url::parse(url).is_err()) {
            return Err("otlp_url: must be an https:// address, or an http:// one of this machine".into());
        }
        let is_visible = |char: char| char.is_ascii_graphic();
        if self.service_name.is_empty()
            || self.service_name.len() > 100
            || !self.service_name.chars().all(is_visible)
        {
            return Err("service_name: must be 1 to 100 visible characters".into());
        }
        if !(0.0..=1.0).contains(&self.sample_ratio) {
            return Err("sample_ratio: must be 0 to 1".into());
        }
        if !(1..=QUEUE_MAX).contains(&self.queue_max) {
            return Err(format!("queue_max: must be 1 to {QUEUE_MAX}"));
        }
        Ok(())
    }

    /// Whether anything is exported.
    pub fn is_on(&self) -> bool {
        !self.otlp_url.is_empty()
    }

    /// How many traces are recorded.
    pub fn ratio(&self) -> Ratio {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be between 0 and 1"
        )]
        let part = (self.sample_ratio * 1_000_000.0).round() as u32;
        Ratio::of_million(part)
    }

    /// What goes with every export. The values are marked as secret.
    pub fn headers(&self, environment: &Environment) -> Result<HeaderMap, Error> {
        let invalid = |at: usize| Error::Invalid {
            place: OTLP_HEADERS.into(),
            reason: format!("the {at}. of them is not name=value"),
        };
        let text = environment.get(OTLP_HEADERS).unwrap_or_default();
        let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
        let read = |(at, pair): (usize, &str)| {
            let (name, value) = pair.split_once('=').ok_or_else(|| invalid(at))?;
            let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| invalid(at))?;
            let mut value = HeaderValue::from_str(value.trim()).map_err(|_| invalid(at))?;
            value.set_sensitive(true);
            Ok((name, value))
        };
        (1..).zip(pairs).map(read).collect()
    }
}
