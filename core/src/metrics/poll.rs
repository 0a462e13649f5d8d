//! What belongs to all processes and is asked for now and then: queues, dead letters, escalations, webhooks that wait. Asked
//! by processes with the role `ops`, so that there are few who ask.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use tiffin_shared::escalation::Command;
use tiffin_shared::escalation::Reply;
use tiffin_shared::escalation::Standing;
use tiffin_shared::webhook::outbox::View;
use tokio::sync::watch;
use tokio::time::timeout;

use super::deliver::seconds;
use super::family::Counters;
use super::family::Gauges;
use super::limits::count;
use crate::app::App;
use crate::bus::Depth;
use crate::escalations;
use crate::host;
use crate::webhooks;

/// Between two rounds: as often as Prometheus usually looks.
const PERIOD: Duration = Duration::from_secs(10);
/// For each question of a round.
const ASK_TIMEOUT: Duration = Duration::from_secs(5);

/// What was answered last.
pub struct Polled {
    messages: Gauges<1>,
    messages_max: Gauges<1>,
    consumers: Gauges<0>,
    escalations: Gauges<1>,
    endpoints: Gauges<1>,
    webhooks: Gauges<0>,
    polled: Gauges<1>,
    failures: Counters<1>,
}

impl Polled {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let it = Self {
            messages: Gauges::new(
                registry,
                "tiffin_queue_messages",
                "Messages in the queues that wait for a worker; in memory with those at workers",
                ["queue"],
            ),
            messages_max: Gauges::new(
                registry,
                "tiffin_queue_messages_max",
                "Messages that the queues take before publishing is refused",
                ["queue"],
            ),
            consumers: Gauges::new(
                registry,
                "tiffin_queue_consumers",
                "Workers at the queue of fresh jobs that has the fewest",
                [],
            ),
            escalations: Gauges::new(
                registry,
                "tiffin_escalations",
                "Escalations that are not resolved; overdue ones are counted again",
                ["state"],
            ),
            endpoints: Gauges::new(
                registry,
                "tiffin_webhook_endpoints",
                "Tenants' endpoints by how they fare; behind ones are counted again",
                ["state"],
            ),
            webhooks: Gauges::new(
                registry,
                "tiffin_webhook_waiting",
                "Events on their way to enabled endpoints or waiting for another try, those still in the logs not counted",
                [],
            ),
            polled: Gauges::new(
                registry,
                "tiffin_poll_timestamp_seconds",
                "When the answer came that is shown",
                ["what"],
            ),
            failures: Counters::new(
                registry,
                "tiffin_poll_failures",
                "Questions without an answer: what is shown is old",
                ["what"],
            ),
        };
        for what in ["escalations", "queues", "webhooks"] {
            it.failures.begin([what]);
        }
        it
    }

    fn note(&self, what: &'static str, answered: Result<(), String>) {
        match answered {
            Ok(()) => self.polled.set([what], seconds(host::now().0)),
            Err(error) => {
                tracing::debug!(error, what, "not polled");
                self.failures.inc([what]);
            }
        }
    }

    fn queues(&self, depths: &[Depth]) {
        for Depth { queue, messages, messages_max, .. } in depths {
            self.messages.set([*queue], count(*messages));
            self.messages_max.set([*queue], count(*messages_max));
        }
        if let Some(consumers) = depths.iter().filter_map(|depth| depth.consumers_min).min() {
            self.consumers.set([], count(consumers));
        }
    }

    fn webhooks(&self, views: &[View]) {
        let those = |is: fn(&View) -> bool| count(views.iter().filter(|view| is(view)).count());
        self.endpoints.set(["behind"], those(|view| view.more && view.disabled.is_none()));
        self.endpoints.set(["disabled"], those(|view| view.disabled.is_some()));
        self.endpoints.set(["failing"], those(|view| view.disabled.is_none() && view.failures > 0));
        self.endpoints.set(["well"], those(|view| view.disabled.is_none() && view.failures == 0));
        // For one that is disabled nothing is on its way: what it has missed waits for an operator, for as long as that takes.
        let enabled = views.iter().filter(|view| view.disabled.is_none());
        self.webhooks.set([], count(enabled.map(|view| view.waiting).sum()));
    }

    async fn escalations(&self, app: &App) -> Result<(), String> {
        let asked = escalations::ask(app, &Command::List).await.map_err(|error| error.to_string())?;
        let Reply::All(all) = asked else { return Ok(()) };
        let (mut open, mut acknowledged, mut overdue, now) = (0, 0, 0, host::now());
        for escalation in &all {
            match escalation.state {
                Standing::Acknowledged => acknowledged += 1,
                Standing::Open => open += 1,
                Standing::Resolved => continue,
            }
            overdue += usize::from(escalation.due_at <= now);
        }
        for (state, of) in [("acknowledged", acknowledged), ("open", open), ("overdue", overdue)] {
            self.escalations.set([state], count(of));
        }
        Ok(())
    }
}

/// Asks until `stop` changes.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let it = &app.metrics.polled;
    loop {
        let queues = async {
            let depths = app.bus.depths().await.map_err(|error| error.to_string())?;
            it.queues(&depths);
            Ok(())
        };
        let hooks = async {
            let views = webhooks::views(&app).await.map_err(|error| error.to_string())?;
            it.webhooks(&views);
            Ok(())
        };
        let (queues, escalations, hooks) = tokio::join!(
            timeout(ASK_TIMEOUT, queues),
            timeout(ASK_TIMEOUT, it.escalations(&app)),
            timeout(ASK_TIMEOUT, hooks),
        );
        for (what, asked) in [("queues", queues), ("escalations", escalations), ("webhooks", hooks)] {
            it.note(what, asked.unwrap_or_else(|late| Err(late.to_string())));
        }
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}
