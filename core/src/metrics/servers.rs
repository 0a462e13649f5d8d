//! Redis and RabbitMQ, as who calls them finds them. Both count from the time they are connected, before there is a registry.

use std::time::Duration;

use prometheus_client::registry::Registry;

use super::CALLS;
use super::family::Counters;
use super::family::Durations;
use crate::bus;
use crate::store;
use crate::store::Space;

/// Of the store.
#[derive(Clone)]
pub struct StoreMeter {
    calls: Durations<1>,
    errors: Counters<1>,
    conflicts: Counters<0>,
}

/// Of what is published.
#[derive(Clone)]
pub struct BusMeter {
    confirms: Durations<0>,
    failures: Counters<1>,
}

impl Default for StoreMeter {
    fn default() -> Self {
        let it = Self {
            calls: Durations::of(["space"], CALLS),
            errors: Counters::of(["kind"]),
            conflicts: Counters::of([]),
        };
        for kind in ["contended", "redis", "state", "timeout"] {
            it.errors.begin([kind]);
        }
        it.calls.begin([Space::Order.as_str()]);
        it.conflicts.begin([]);
        it
    }
}

impl Default for BusMeter {
    fn default() -> Self {
        let it = Self { confirms: Durations::of([], CALLS), failures: Counters::of(["reason"]) };
        for reason in ["blocked", "disconnected", "full", "other", "timeout"] {
            it.failures.begin([reason]);
        }
        it.confirms.begin([]);
        it
    }
}

impl StoreMeter {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Commands to states in Redis, with their turn and every try";
        self.calls.register(registry, "tiffin_store_call_seconds", help);
        self.errors.register(registry, "tiffin_store_errors", "Commands to states that failed");
        let help = "Writes that another process's write came before, and that were tried again";
        self.conflicts.register(registry, "tiffin_store_conflicts", help);
    }

    /// A command was applied, or was not.
    pub fn applied<T>(&self, space: Space, took: Duration, applied: &Result<T, store::Error>) {
        self.calls.observe([space.as_str()], took.as_secs_f64());
        let kind = match applied {
            Ok(_) => return,
            Err(store::Error::Contended(_)) => "contended",
            Err(store::Error::Redis(_)) => "redis",
            Err(store::Error::State { .. }) => "state",
            Err(store::Error::Timeout) => "timeout",
        };
        self.errors.inc([kind]);
    }

    /// Somebody else wrote first.
    pub fn conflicted(&self) {
        self.conflicts.inc([]);
    }
}

impl BusMeter {
    pub(super) fn register(&self, registry: &mut Registry) {
        self.confirms.register(registry, "tiffin_publish_seconds", "Publishes, until RabbitMQ's confirm");
        self.failures.register(registry, "tiffin_publish_failures", "Publishes that were given up");
    }

    /// A message was published, or was not.
    pub fn published(&self, took: Duration, published: &Result<(), bus::Error>) {
        let reason = match published {
            Ok(()) => return self.confirms.observe([], took.as_secs_f64()),
            Err(bus::Error::Blocked) => "blocked",
            Err(bus::Error::Disconnected) => "disconnected",
            Err(bus::Error::Full) => "full",
            Err(bus::Error::Timeout) => "timeout",
            Err(
                bus::Error::Amqp(_)
                | bus::Error::Busy
                | bus::Error::Silent
                | bus::Error::Unreachable(_)
                | bus::Error::Unroutable
                | bus::Error::Url(_),
            ) => "other",
        };
        self.failures.inc([reason]);
    }
}
