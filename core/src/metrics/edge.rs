//! Between the front doors and core: hand-overs, reports, the directory; and the tenants' webhooks.

use std::time::Duration;

use prometheus_client::registry::Registry;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;
use tiffin_shared::webhook::outbox::Outcome;

use super::CALLS;
use super::Metrics;
use super::deliver::seconds;
use super::family::Counters;
use super::family::Durations;
use super::family::Gauges;
use crate::host;

/// What is posted to the edge.
#[derive(Clone, Copy, Debug)]
pub enum Push {
    /// What operators ask of a ledger.
    Desk,
    /// Tenants, keys, routes.
    Directory,
    /// How orders fare.
    Reports,
}

/// Counted at the borders.
pub struct Edges {
    ingest: Counters<2>,
    requests: Durations<1>,
    failures: Counters<1>,
    version: Gauges<0>,
    pushed: Gauges<0>,
    webhooks: Counters<1>,
}

impl Edges {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let it = Self {
            ingest: Counters::new(
                registry,
                "tiffin_ingest",
                "Signed requests of the edge by outcome",
                ["kind", "outcome"],
            ),
            requests: Durations::new(
                registry,
                "tiffin_push_seconds",
                "Requests to the edge, until its answer",
                ["kind"],
                CALLS,
            ),
            failures: Counters::new(
                registry,
                "tiffin_push_failures",
                "Requests that the edge did not take, as far as is known",
                ["kind"],
            ),
            version: Gauges::new(
                registry,
                "tiffin_directory_version_timestamp_seconds",
                "When the directory of this process was last found new",
                [],
            ),
            pushed: Gauges::new(
                registry,
                "tiffin_directory_pushed_timestamp_seconds",
                "When the edge last had this process's directory",
                [],
            ),
            webhooks: Counters::new(
                registry,
                "tiffin_webhook_deliveries",
                "Tries to deliver webhooks by outcome",
                ["outcome"],
            ),
        };
        for kind in ["job", "notice"] {
            for outcome in ["invalid", "refused", "taken", "unavailable"] {
                it.ingest.begin([kind, outcome]);
            }
        }
        for push in [Push::Desk, Push::Directory, Push::Reports] {
            it.requests.begin([push.as_str()]);
            it.failures.begin([push.as_str()]);
        }
        for outcome in ["delivered", "failed", "gone", "missing", "throttled"] {
            it.webhooks.begin([outcome]);
        }
        it
    }
}

impl Metrics {
    /// A request of the edge was answered. `kind` is `job` or `notice`.
    pub fn ingested(&self, kind: &'static str, taken: &Result<(), Problem>) {
        let outcome = match taken.as_ref().map_err(|problem| problem.code) {
            Ok(()) => "taken",
            Err(Code::Unauthenticated) => "refused",
            Err(Code::Unavailable) => "unavailable",
            Err(_) => "invalid",
        };
        self.edge.ingest.inc([kind, outcome]);
    }

    /// The edge was called, for so long.
    pub fn pushed(&self, push: Push, took: Duration, is_taken: bool) {
        self.edge.requests.observe([push.as_str()], took.as_secs_f64());
        if !is_taken {
            self.edge.failures.inc([push.as_str()]);
        }
    }

    /// The directory is another one from now on.
    pub fn directory_changed(&self) {
        self.edge.version.set([], seconds(host::now().0));
    }

    /// The edge has it.
    pub fn directory_taken(&self) {
        self.edge.pushed.set([], seconds(host::now().0));
    }

    /// A webhook was tried.
    pub fn hooked(&self, outcome: Outcome) {
        let outcome = match outcome {
            Outcome::Delivered => "delivered",
            Outcome::Failed { .. } => "failed",
            Outcome::Gone => "gone",
            Outcome::Missing => "missing",
            Outcome::Throttled { .. } => "throttled",
        };
        self.edge.webhooks.inc([outcome]);
    }
}

impl Push {
    fn as_str(self) -> &'static str {
        match self {
            Self::Desk => "desk",
            Self::Directory => "directory",
            Self::Reports => "reports",
        }
    }
}
