//! How each gateway misbehaves: `/faults`.

use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use serde::Serialize;

pub(super) use self::mode::Mode;
pub(super) use self::routes::routes;
use self::script::Script;

mod mode;
mod routes;
mod script;

/// What one request meets. A detail that the mode does not use is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Strike {
    pub(super) mode: Mode,
    pub(super) latency_ms: u64,
    /// The provider's error code.
    pub(super) code: String,
    pub(super) retry_after_s: u64,
    pub(super) receipt_after_ms: u64,
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
    pub(super) fn new(gateways: impl Iterator<Item = (String, Usual)>) -> Self {
        let mut slots = Vec::<Slot>::new();
        for (gateway, usual) in gateways {
            if slots.iter().all(|slot| slot.gateway != gateway) {
                slots.push(Slot {
                    gateway,
                    usual,
                    script: Script::default(),
                    until_ms: u64::MAX,
                    owed_millionths: 0,
                });
            }
        }
        Self(Mutex::new(slots))
    }

    /// Sets a gateway's script; `None` when there is no such gateway.
    fn set(&self, gateway: &str, script: Script, now_ms: u64) -> Option<Listed> {
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

/// The codes of a script that names none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usual {
    /// Of `reject`.
    pub(super) reject: &'static str,
    /// Of `failed_receipt`.
    pub(super) failed_receipt: &'static str,
}

struct Slot {
    gateway: String,
    usual: Usual,
    script: Script,
    until_ms: u64,
    owed_millionths: u32,
}

impl Slot {
    fn set(&mut self, script: Script, now_ms: u64) {
        let script = script.or_usual(self.usual);
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
        self.script.strike()
    }

    fn listed(&mut self, now_ms: u64) -> Listed {
        self.expire(now_ms);
        let left_ms = (self.until_ms != u64::MAX).then(|| self.until_ms.saturating_sub(now_ms));
        Listed { gateway: self.gateway.clone(), script: self.script.clone(), left_ms }
    }
}

const MILLION: u32 = 1_000_000;

#[cfg(test)]
mod tests;
