//! The body of `PUT /faults/{gateway}`.

use std::ops::RangeInclusive;

use serde::Deserialize as _;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;

use super::Mode;
use super::Strike;
use super::Usual;

/// A fault as it was asked for, with every default filled in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Script {
    mode: Mode,
    /// The share of the requests that the fault strikes, 0 to 1.
    pub(super) rate: f64,
    /// How long each of these waits before anything else.
    latency_ms: u64,
    /// How long the fault lasts; 0 is until it is changed.
    pub(super) for_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt_after_ms: Option<u64>,
}

/// Why a script is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("the body is no JSON object: {0}")]
    Body(#[from] serde_json::Error),
    #[error("{field}: {allowed}")]
    Field { field: String, allowed: String },
}

impl Error {
    /// The field that is to be mended.
    pub(super) fn field(&self) -> Option<&str> {
        match self {
            Self::Body(_) => None,
            Self::Field { field, .. } => Some(field),
        }
    }

    fn at(field: &str, allowed: String) -> Self {
        Self::Field { field: field.to_owned(), allowed }
    }
}

impl Script {
    /// Reads a script, or says which field is wrong and what is allowed instead.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Error> {
        let mut given = Given(serde_json::from_slice(body)?);
        let mode = given.mode()?;
        let script = Self {
            mode,
            rate: given.rate()?,
            latency_ms: given.whole("latency_ms", 0..=LATENCY_MS_MAX)?.unwrap_or(0),
            for_ms: given.whole("for_ms", 0..=FOR_MS_MAX)?.unwrap_or(0),
            code: given.code(mode)?,
            retry_after_s: given.detail("retry_after_s", mode, Mode::Http429, RETRY_AFTER_S, 1)?,
            receipt_after_ms: given.detail(
                "receipt_after_ms",
                mode,
                Mode::LateReceipt,
                RECEIPT_AFTER_MS,
                5_000,
            )?,
        };
        match given.0.keys().next() {
            None => Ok(script),
            Some(unknown) => Err(Error::at(unknown, format!("there is no such field; fields are {FIELDS}"))),
        }
    }

    /// With the gateway's usual code where it names none.
    pub(super) fn or_usual(mut self, usual: Usual) -> Self {
        if self.code.is_none() {
            self.code = self.mode.code(usual).map(str::to_owned);
        }
        self
    }

    pub(super) fn strike(&self) -> Strike {
        Strike {
            mode: self.mode,
            latency_ms: self.latency_ms,
            code: self.code.clone().unwrap_or_default(),
            retry_after_s: self.retry_after_s.unwrap_or_default(),
            receipt_after_ms: self.receipt_after_ms.unwrap_or_default(),
        }
    }
}

impl Default for Script {
    fn default() -> Self {
        Self {
            mode: Mode::Ok,
            rate: 1.0,
            latency_ms: 0,
            for_ms: 0,
            code: None,
            retry_after_s: None,
            receipt_after_ms: None,
        }
    }
}

/// The fields that were not read yet: what is left at the end has no meaning.
struct Given(Map<String, Value>);

impl Given {
    fn mode(&mut self) -> Result<Mode, Error> {
        let given = self.0.remove("mode").unwrap_or_default();
        // The library's message lists the modes.
        Mode::deserialize(given).map_err(|error| Error::at("mode", error.to_string()))
    }

    fn rate(&mut self) -> Result<f64, Error> {
        let Some(given) = self.0.remove("rate") else { return Ok(1.0) };
        let rate = given.as_f64().filter(|rate| (0.0..=1.0).contains(rate));
        rate.ok_or_else(|| Error::at("rate", format!("is {given}; allowed is 0 to 1")))
    }

    fn whole(&mut self, field: &str, allowed: RangeInclusive<u64>) -> Result<Option<u64>, Error> {
        let Some(given) = self.0.remove(field) else { return Ok(None) };
        let whole = given.as_u64().filter(|whole| allowed.contains(whole));
        let (min, max) = allowed.into_inner();
        let wrong = || Error::at(field, format!("is {given}; allowed are whole numbers from {min} to {max}"));
        whole.map(Some).ok_or_else(wrong)
    }

    /// Providers have numbers and names; a number may be written as one.
    fn code(&mut self, mode: Mode) -> Result<Option<String>, Error> {
        let Some(given) = self.0.remove("code") else { return Ok(None) };
        if !mode.has_code() {
            let allowed = format!("goes with reject and failed_receipt, not with {}", mode.name());
            return Err(Error::at("code", allowed));
        }
        let text = match &given {
            Value::Number(number) => Some(number.to_string()),
            Value::String(text) => Some(text.clone()),
            _ => None,
        };
        let is_code = |text: &String| {
            (1..=CODE_CHARS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let wrong =
            || Error::at("code", format!("is {given}; allowed are 1 to {CODE_CHARS_MAX} visible characters"));
        text.filter(is_code).map(Some).ok_or_else(wrong)
    }

    /// A number that goes with one mode only.
    fn detail(
        &mut self,
        field: &str,
        mode: Mode,
        owner: Mode,
        allowed: RangeInclusive<u64>,
        usual: u64,
    ) -> Result<Option<u64>, Error> {
        let given = self.whole(field, allowed)?;
        if mode == owner {
            return Ok(Some(given.unwrap_or(usual)));
        }
        match given {
            None => Ok(None),
            Some(_) => {
                let allowed = format!("goes with {}, not with {}", owner.name(), mode.name());
                Err(Error::at(field, allowed))
            }
        }
    }
}

const FIELDS: &str = "mode, rate, latency_ms, for_ms, code, retry_after_s, receipt_after_ms";

/// As long as a `timeout` is held; an adapter that waits longer has no time limit at all.
const LATENCY_MS_MAX: u64 = 60_000;

/// A day: whoever wants more leaves it out.
const FOR_MS_MAX: u64 = 24 * 60 * 60 * 1_000;

/// The longest are names such as Infobip's `EC_TELESERVICE_NOT_PROVISIONED`.
const CODE_CHARS_MAX: usize = 64;

/// Twilio's own advice is seconds; an hour is past the life of any code.
const RETRY_AFTER_S: RangeInclusive<u64> = 1..=3_600;

/// Codes live ten minutes at most; a quarter of an hour is later than any of them can use.
const RECEIPT_AFTER_MS: RangeInclusive<u64> = 0..=900_000;
