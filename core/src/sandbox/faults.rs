//! How each gateway misbehaves: `/faults`.

use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use serde::Deserialize;
use serde::Serialize;

pub(super) use self::routes::routes;

mod routes;

/// What a faulty request gets. Modes that concern receipts act after the acceptance, the others instead of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    #[default]
    Ok,
    Reject,
    Timeout,
    #[serde(rename = "http_500")]
    Http500,
}

/// The body of `PUT /faults/{gateway}`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Script {
    mode: Mode,
    /// The share of the requests that the fault strikes, 0 to 1.
    #[serde(default = "every")]
    rate: f64,
    /// How long each of these waits before anything else.
    #[serde(default)]
    latency_ms: u64,
    /// How long the fault lasts; 0 is until it is changed.
    #[serde(default)]
    for_ms: u64,
}

/// Why a script is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("latency_ms is {0}; allowed is 0 to {LATENCY_MS_MAX}")]
    Latency(u64),
    #[error("rate is {0}; allowed is 0 to 1")]
    Rate(f64),
}

impl Script {
    /// Reads a script, or says what is allowed instead.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Error> {
        let script = serde_json::from_slice::<Self>(body)?;
        if !(0.0..=1.0).contains(&script.rate) {
            return Err(Error::Rate(script.rate));
        }
        if script.latency_ms > LATENCY_MS_MAX {
            return Err(Error::Latency(script.latency_ms));
        }
        Ok(script)
    }
}

impl Default for Script {
    fn default() -> Self {
        Self { mode: Mode::Ok, rate: every(), latency_ms: 0, for_ms: 0 }
    }
}

/// What one request meets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Strike {
    pub(super) mode: Mode,
    pub(super) latency_ms: u64,
}

/// A gateway's script as `GET /faults` shows it.
#[derive(Serialize)]
pub(super) struct Listed {
    gateway: String,
    #[serde(flatten)]
    script: Script,
    /// What is left of `for_ms`; null when the fault lasts until it is changed.
    left_ms: Option<u64>,
}

/// The scripts of all gateways.
pub(super) struct Board(Mutex<Vec<Slot>>);

impl Board {
    pub(super) fn new(gateways: impl Iterator<Item = String>) -> Self {
        let mut slots = Vec::<Slot>::new();
        for gateway in gateways {
            if slots.iter().all(|slot| slot.gateway != gateway) {
                slots.push(Slot {
                    gateway,
                    script: Script::default(),
                    until_ms: u64::MAX,
                    owed_millionths: 0,
                });
            }
        }
        Self(Mutex::new(slots))
    }

    /// Sets a gateway's script; `None` when there is no such gateway.
    pub(super) fn set(&self, gateway: &str, script: Script, now_ms: u64) -> Option<Listed> {
        let mut slots = self.slots();
        let slot = slots.iter_mut().find(|slot| slot.gateway == gateway)?;
        slot.set(script, now_ms);
        Some(slot.listed(now_ms))
    }

    pub(super) fn reset(&self) {
        self.slots().iter_mut().for_each(|slot| slot.set(Script::default(), 0));
    }

    pub(super) fn list(&self, now_ms: u64) -> Vec<Listed> {
        self.slots().iter_mut().map(|slot| slot.listed(now_ms)).collect()
    }

    /// What the next request to the gateway meets.
    pub(super) fn strike(&self, gateway: &str, now_ms: u64) -> Strike {
        let mut slots = self.slots();
        slots
            .iter_mut()
            .find(|slot| slot.gateway == gateway)
            .map_or_else(Strike::default, |slot| slot.strike(now_ms))
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Slot {
    gateway: String,
    script: Script,
    until_ms: u64,
    owed_millionths: u32,
}

impl Slot {
    fn set(&mut self, script: Script, now_ms: u64) {
        self.until_ms = if script.for_ms == 0 { u64::MAX } else { now_ms.saturating_add(script.for_ms) };
        self.script = script;
        self.owed_millionths = 0;
    }

    fn expire(&mut self, now_ms: u64) {
        if now_ms >= self.until_ms {
            self.set(Script::default(), now_ms);
        }
    }

    /// Error diffusion: of any run of requests the share that is struck is within one request of the rate, and
    /// a test can count on it. In whole millionths, because ten tenths of a float are less than one.
    fn strike(&mut self, now_ms: u64) -> Strike {
        self.expire(now_ms);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the rate is 0 to 1")]
        let rate_millionths = (self.script.rate * f64::from(MILLION)).round() as u32;
        self.owed_millionths += rate_millionths;
        if self.owed_millionths < MILLION {
            return Strike::default();
        }
        self.owed_millionths -= MILLION;
        Strike { mode: self.script.mode, latency_ms: self.script.latency_ms }
    }

    fn listed(&mut self, now_ms: u64) -> Listed {
        self.expire(now_ms);
        let left_ms = (self.until_ms != u64::MAX).then(|| self.until_ms.saturating_sub(now_ms));
        Listed { gateway: self.gateway.clone(), script: self.script, left_ms }
    }
}

const fn every() -> f64 {
    1.0
}

const MILLION: u32 = 1_000_000;

/// As long as a `timeout` is held; an adapter that waits longer has no time limit at all.
const LATENCY_MS_MAX: u64 = 60_000;

#[cfg(test)]
mod tests;
