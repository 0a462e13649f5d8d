//! What becomes of orders' spans. Counted by who exports them, before there is a registry.

use prometheus_client::registry::Registry;

use super::family::Counters;

/// Of what is exported.
#[derive(Clone)]
pub struct SpanMeter(Counters<1>);

impl Default for SpanMeter {
    fn default() -> Self {
        let it = Self(Counters::of(["outcome"]));
        for outcome in ["dropped", "exported"] {
            it.0.begin([outcome]);
        }
        it
    }
}

impl SpanMeter {
    pub(super) fn register(&self, registry: &mut Registry) {
        self.0.register(registry, "tiffin_spans", "Spans of orders by what became of them");
    }

    /// The collector has them.
    pub fn exported(&self, spans: usize) {
        self.0.add(["exported"], u64::try_from(spans).unwrap_or(u64::MAX));
    }

    /// Nobody will.
    pub fn dropped(&self, spans: usize) {
        self.0.add(["dropped"], u64::try_from(spans).unwrap_or(u64::MAX));
    }
}
