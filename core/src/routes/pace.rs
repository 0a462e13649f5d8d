//! How fast each gateway may be called: a token bucket per gateway and sender, this process's share of the fleet's.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;

use tiffin_shared::id::GatewayId;
use tiffin_shared::route::Sender;
use tiffin_shared::time::UnixMs;

use crate::gateways::Gateway;
use crate::gateways::account::SenderSettings;

/// When the next message may go, at the configured distance: of each gateway as a whole, and of each sender.
#[derive(Default)]
pub(super) struct Paces(Mutex<BTreeMap<(GatewayId, Option<Sender>), Pace>>);

#[derive(Clone, Copy, Default)]
struct Pace {
    /// In microseconds since 1970: a thousand messages a second are a millisecond apart.
    next_at_us: u64,
}

/// What a message has to keep to.
#[derive(Clone, Copy)]
pub(super) struct Sending<'a> {
    pub(super) gateway: &'a Gateway,
    pub(super) sender: Option<&'a SenderSettings>,
}

impl Sending<'_> {
    /// The limits, each with the key of its pace.
    fn limits(self) -> impl Iterator<Item = ((GatewayId, Option<Sender>), u32)> {
        let name = self.gateway.name();
        let whole = self.gateway.settings().per_second.map(|limit| ((name.clone(), None), limit));
        let own = self.sender.and_then(|sender| {
            sender.per_second.map(|limit| ((name.clone(), Some(sender.id.clone())), limit))
        });
        whole.into_iter().chain(own)
    }
}

impl Paces {
    /// Milliseconds until the gateway takes another message.
    pub(super) fn wait_ms(&self, sending: Sending<'_>, now: UnixMs) -> u64 {
        let paces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next_at_us = |key| paces.get(&key).map_or(0, |pace| pace.next_at_us);
        let next_at_us = sending.limits().map(|(key, _)| next_at_us(key)).max().unwrap_or_default();
        next_at_us.saturating_sub(micros(now)).div_ceil(1_000)
    }

    /// Takes the next place, whoever else is waiting for one, unless it is too far away: milliseconds until it comes.
    pub(super) fn take(&self, sending: Sending<'_>, workers: u32, most_ms: u64, now: UnixMs) -> u64 {
        let mut paces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let limits: Vec<_> = sending.limits().collect();
        let next_at_us = |key| paces.get(key).map_or(0, |pace| pace.next_at_us);
        let at_us = limits.iter().map(|(key, _)| next_at_us(key)).max().unwrap_or_default().max(micros(now));
        let wait_ms = at_us.saturating_sub(micros(now)) / 1_000;
        if wait_ms <= most_ms {
            for (key, per_second) in limits {
                let step_us = 1_000_000 * u64::from(workers) / u64::from(per_second.max(1));
                paces.entry(key).or_default().next_at_us = at_us.saturating_add(step_us);
            }
        }
        wait_ms
    }
}

fn micros(now: UnixMs) -> u64 {
    now.0.saturating_mul(1_000)
}
