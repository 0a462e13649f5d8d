//! What this process counts for operators, in one place: every name, unit and label. `GET /metrics` shows it.
//!
//! Labels are bounded: names from the settings, words of closed lists, tenants of the directory, and at most so many
//! countries. Never a phone, an order, a client's reference or anything else that a caller chooses.

mod deliver;
mod edge;
mod family;
mod limits;
mod look;
mod money;
mod poll;
mod process;
mod requests;
mod servers;
mod spans;
mod tenants;
#[cfg(test)]
mod tests;

use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

use self::deliver::Deliveries;
pub use self::deliver::Refusal;
pub use self::deliver::Trust;
use self::edge::Edges;
pub use self::edge::Push;
use self::family::Buckets;
use self::family::Gauges;
pub use self::limits::Limit;
use self::limits::Limits;
use self::money::Moneys;
use self::poll::Polled;
pub use self::poll::run;
use self::requests::Requests;
pub use self::requests::measured;
pub use self::servers::BusMeter;
pub use self::servers::StoreMeter;
pub use self::spans::SpanMeter;
use self::tenants::Tenants;
use crate::app::App;
use crate::app::Role;

/// What goes over a network and back.
const CALLS: Buckets =
    Buckets(&[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0]);

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    tenants: Tenants,
    delivery: Deliveries,
    edge: Edges,
    limits: Limits,
    money: Moneys,
    polled: Polled,
    requests: Requests,
    looked: look::Looked,
}

impl Metrics {
    /// Nothing counted yet. `store`, `bus` and `spans` count by themselves.
    pub fn new(store: &StoreMeter, bus: &BusMeter, spans: &SpanMeter) -> Self {
        let mut registry = Registry::default();
        let build = Gauges::new(&mut registry, "tiffin_build_info", "1, for the version", ["version"]);
        build.set([env!("CARGO_PKG_VERSION")], 1.0);
        process::register(&mut registry);
        store.register(&mut registry);
        bus.register(&mut registry);
        spans.register(&mut registry);
        Self {
            tenants: Tenants::default(),
            delivery: Deliveries::new(&mut registry),
            edge: Edges::new(&mut registry),
            limits: Limits::new(&mut registry),
            money: Moneys::new(&mut registry),
            polled: Polled::new(&mut registry),
            requests: Requests::new(&mut registry),
            looked: look::Looked::new(&mut registry),
            registry,
        }
    }

    /// What will be counted, from zero; and what the process does.
    pub fn begin(&self, app: &App, roles: &[Role]) {
        for gateway in app.gateways.all() {
            self.delivery.begin(gateway.name().as_str(), gateway.channel());
        }
        self.looked.roles(roles);
    }

    /// As OpenMetrics text, with a look at how things are just now.
    pub fn text(&self, app: &App) -> Result<String, std::fmt::Error> {
        self.looked.look(self, app);
        self.encoded()
    }

    fn encoded(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
