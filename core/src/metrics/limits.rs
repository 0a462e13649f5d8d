//! What is bounded: how much of it is used, beside how much there may be.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use prometheus_client::registry::Registry;
use tokio::sync::Semaphore;

use super::family::Gauges;

/// A queue, a pool, a crowd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// Work besides requests and jobs.
    Background,
    /// Requests at once at core's own address.
    CoreRequests,
    /// Jobs that wait for a way, and keep their lanes waiting.
    DeliveryBlocked,
    /// Jobs that wait in memory.
    DeliveryHeld,
    /// Jobs in the process.
    DeliveryJobs,
    /// Jobs worked on at once.
    DeliveryLanes,
    /// Requests at once at the public address.
    PublicRequests,
    /// Orders whose news waits for the edge.
    Reports,
    /// Clients that wait for news.
    Watchers,
    /// Webhooks under way.
    Webhooks,
}

/// The limits of a process.
pub struct Limits {
    used: Gauges<1>,
    max: Gauges<1>,
    watched: Mutex<BTreeMap<Limit, (usize, Arc<Semaphore>)>>,
}

impl Limits {
    pub(super) fn new(registry: &mut Registry) -> Self {
        Self {
            used: Gauges::new(registry, "tiffin_limit_used", "Of a limit, what is used", ["limit"]),
            max: Gauges::new(registry, "tiffin_limit_max", "Of a limit, the most there may be", ["limit"]),
            watched: Mutex::default(),
        }
    }

    /// Watches permits, of which all are free now.
    pub(super) fn watch(&self, limit: Limit, permits: &Arc<Semaphore>) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.insert(limit, (permits.available_permits(), permits.clone()));
    }

    pub(super) fn look(&self) {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        for (limit, (max, permits)) in watched.iter() {
            self.set(*limit, max.saturating_sub(permits.available_permits()), *max);
        }
    }

    pub(super) fn set(&self, limit: Limit, used: usize, max: usize) {
        self.used.set([limit.as_str()], count(used));
        self.max.set([limit.as_str()], count(max));
    }
}

impl super::Metrics {
    /// Shows how many of these permits are taken. All of them are free now.
    pub fn watch(&self, limit: Limit, permits: &Arc<Semaphore>) {
        self.limits.watch(limit, permits);
    }
}

impl Limit {
    fn as_str(self) -> &'static str {
        match self {
            Self::Background => "background",
            Self::CoreRequests => "core_requests",
            Self::DeliveryBlocked => "delivery_blocked",
            Self::DeliveryHeld => "delivery_held",
            Self::DeliveryJobs => "delivery_jobs",
            Self::DeliveryLanes => "delivery_lanes",
            Self::PublicRequests => "public_requests",
            Self::Reports => "reports",
            Self::Watchers => "watchers",
            Self::Webhooks => "webhooks",
        }
    }
}

/// As Prometheus has numbers.
#[expect(clippy::cast_precision_loss, reason = "exact up to nine thousand million million")]
pub(super) fn count(of: usize) -> f64 {
    of as f64
}
