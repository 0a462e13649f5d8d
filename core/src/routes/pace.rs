//! How fast each gateway may be called: a token bucket per gateway and sender, this process's share of the fleet's.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;

use tiffin_shared::id::GatewayId;
use tiffin_shared::time::UnixMs;

use crate::gateways::Gateway;

/// When each gateway's next message may go, at the configured distance.
#[derive(Default)]
pub(super) struct Paces(Mutex<BTreeMap<GatewayId, Pace>>);

#[derive(Clone, Copy, Default)]
struct Pace {
    /// In microseconds since 1970: a thousand messages a second are a millisecond apart.
    next_at_us: u64,
}

impl Paces {
    /// Milliseconds until the gateway takes another message.
    pub(super) fn wait_ms(&self, gateway: &Gateway, now: UnixMs) -> u64 {
        if gateway.settings().per_second.is_none() {
            return 0;
        }
        let paces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next_at_us = paces.get(gateway.name()).map_or(0, |pace| pace.next_at_us);
        next_at_us.saturating_sub(micros(now)).div_ceil(1_000)
    }

    /// Takes the next place, whoever else is waiting for one, unless it is too far away: milliseconds until it comes.
    pub(super) fn take(&self, gateway: &Gateway, workers: u32, most_ms: u64, now: UnixMs) -> u64 {
        let Some(per_second) = gateway.settings().per_second else { return 0 };
        let step_us = 1_000_000 * u64::from(workers) / u64::from(per_second.max(1));
        let mut paces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pace = paces.entry(gateway.name().clone()).or_default();
        let at_us = pace.next_at_us.max(micros(now));
        let wait_ms = at_us.saturating_sub(micros(now)) / 1_000;
        if wait_ms <= most_ms {
            pace.next_at_us = at_us.saturating_add(step_us);
        }
        wait_ms
    }
}

fn micros(now: UnixMs) -> u64 {
    now.0.saturating_mul(1_000)
}
