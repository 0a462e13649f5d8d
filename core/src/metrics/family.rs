//! Counters, gauges and histograms with named labels: `prometheus-client`'s, with the names of the labels said once.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::family::MetricConstructor;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// A series' labels: name and value.
type Labels<const N: usize> = [(&'static str, String); N];
/// What may go up and down, in fractions.
type Float = Gauge<f64, AtomicU64>;

/// Upper bounds, in seconds.
#[derive(Clone, Copy)]
pub struct Buckets(pub &'static [f64]);

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

/// Sums that only grow.
#[derive(Clone)]
pub struct Counters<const N: usize> {
    names: [&'static str; N],
    family: Family<Labels<N>, Counter>,
}

impl<const N: usize> Counters<N> {
    /// Not to be seen before it is registered.
    pub fn of(names: [&'static str; N]) -> Self {
        Self { names, family: Family::default() }
    }

    /// Registered; `_total` is added to the name.
    pub fn new(registry: &mut Registry, name: &str, help: &str, names: [&'static str; N]) -> Self {
        let it = Self::of(names);
        it.register(registry, name, help);
        it
    }

    /// To be seen from here on.
    pub fn register(&self, registry: &mut Registry, name: &str, help: &str) {
        registry.register(name, help, self.family.clone());
    }

    /// A series of zero: that it rose from there is news too.
    pub fn begin(&self, values: [&str; N]) {
        self.add(values, 0);
    }

    /// One more.
    pub fn inc(&self, values: [&str; N]) {
        self.add(values, 1);
    }

    /// More.
    pub fn add(&self, values: [&str; N], more: u64) {
        self.family.get_or_create(&labels(self.names, values)).inc_by(more);
    }
}

/// What goes up and down.
#[derive(Clone)]
pub struct Gauges<const N: usize> {
    names: [&'static str; N],
    family: Family<Labels<N>, Float>,
}

impl<const N: usize> Gauges<N> {
    /// Registered.
    pub fn new(registry: &mut Registry, name: &str, help: &str, names: [&'static str; N]) -> Self {
        let it = Self { names, family: Family::default() };
        registry.register(name, help, it.family.clone());
        it
    }

    /// From here on this.
    pub fn set(&self, values: [&str; N], to: f64) {
        self.family.get_or_create(&labels(self.names, values)).set(to);
    }

    /// These series and no others.
    pub fn replace<'a>(&self, all: impl IntoIterator<Item = ([&'a str; N], f64)>) {
        self.family.clear();
        for (values, to) in all {
            self.set(values, to);
        }
    }
}

/// How long things took.
#[derive(Clone)]
pub struct Durations<const N: usize> {
    names: [&'static str; N],
    family: Family<Labels<N>, Histogram, Buckets>,
}

impl<const N: usize> Durations<N> {
    /// Not to be seen before it is registered.
    pub fn of(names: [&'static str; N], buckets: Buckets) -> Self {
        Self { names, family: Family::new_with_constructor(buckets) }
    }

    /// Registered.
    pub fn new(
        registry: &mut Registry,
        name: &str,
        help: &str,
        names: [&'static str; N],
        buckets: Buckets,
    ) -> Self {
        let it = Self::of(names, buckets);
        it.register(registry, name, help);
        it
    }

    /// To be seen from here on.
    pub fn register(&self, registry: &mut Registry, name: &str, help: &str) {
        registry.register(name, help, self.family.clone());
    }

    /// A series of zero.
    pub fn begin(&self, values: [&str; N]) {
        drop(self.family.get_or_create(&labels(self.names, values)));
    }

    /// One more, of so many seconds.
    pub fn observe(&self, values: [&str; N], seconds: f64) {
        self.family.get_or_create(&labels(self.names, values)).observe(seconds);
    }
}

fn labels<const N: usize>(names: [&'static str; N], values: [&str; N]) -> Labels<N> {
    let mut values = values.into_iter();
    names.map(|name| (name, values.next().unwrap_or_default().to_owned()))
}
