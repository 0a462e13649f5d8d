//! Orders, attempts, messages, receipts and breakers.

use std::time::Duration;

use prometheus_client::registry::Registry;
use tiffin_shared::directory::Directory;
use tiffin_shared::gateway::Stand;
use tiffin_shared::id::GatewayId;
use tiffin_shared::id::TenantId;
use tiffin_shared::order::AttemptState;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Class;
use tiffin_shared::order::Learnt;
use tiffin_shared::order::Lesson;
use tiffin_shared::order::Reason;
use tiffin_shared::order::Timeline;
use tiffin_shared::route::Way;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;
use tiffin_shared::wire::api::OrderState;

use super::Metrics;
use super::family::Buckets;
use super::family::Counters;
use super::family::Durations;
use crate::host;

/// From acceptance to arrival: what objectives are set by.
const DELIVERY: Buckets = Buckets(&[1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0]);
/// From acceptance to a worker.
const WAIT: Buckets = Buckets(&[0.01, 0.05, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0]);
/// A provider's answer. Ten seconds are the longest call.
const PROVIDER: Buckets = Buckets(&[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0]);
/// What attempts come to.
const OUTCOMES: [&str; 9] = [
    "blocked",
    "configuration",
    "permanent",
    "taken",
    "throttled",
    "transient",
    "unclear",
    "unknown",
    "called_off",
];

/// What is said of a callback that is not taken.
#[derive(Clone, Copy, Debug)]
pub enum Refusal {
    /// No such gateway, or another secret.
    Door,
    /// It does not parse, or says too much.
    Malformed,
    /// From a network that is not the provider's.
    Network,
    /// Not signed by the provider, for another account, or long ago.
    Signature,
}

/// How much a receipt may be believed.
#[derive(Clone, Copy, Debug)]
pub enum Trust {
    /// Anybody could have sent it.
    Hint,
    /// Its provider did.
    Proven,
    /// About nobody's message.
    Unknown,
}

/// Of the way of a code.
pub struct Deliveries {
    accepted: Counters<2>,
    closed: Counters<1>,
    delivery: Durations<1>,
    retries: Counters<1>,
    waited: Durations<0>,
    dead: Counters<0>,
    attempts: Counters<3>,
    messages: Counters<3>,
    calls: Durations<1>,
    receipts: Counters<2>,
    refused: Counters<2>,
    breakers: Counters<2>,
}

impl Deliveries {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let it = Self {
            accepted: Counters::new(
                registry,
                "tiffin_orders_accepted",
                "Orders taken from the front doors. A hand-over that is repeated counts again",
                ["tenant", "channel"],
            ),
            closed: Counters::new(registry, "tiffin_orders_closed", "Orders by how they ended", ["state"]),
            delivery: Durations::new(
                registry,
                "tiffin_order_delivery_seconds",
                "From acceptance to the first proof of arrival",
                ["channel"],
                DELIVERY,
            ),
            retries: Counters::new(
                registry,
                "tiffin_order_retries",
                "Attempts after the first, by why the one before was not enough; counted when orders close",
                ["reason"],
            ),
            waited: Durations::new(
                registry,
                "tiffin_job_wait_seconds",
                "From acceptance to the first look of a worker",
                [],
                WAIT,
            ),
            dead: Counters::new(registry, "tiffin_jobs_dead", "Jobs that cannot be worked on", []),
            attempts: Counters::new(
                registry,
                "tiffin_attempts",
                "Attempts by what the call came to",
                ["gateway", "channel", "outcome"],
            ),
            messages: Counters::new(
                registry,
                "tiffin_messages",
                "Messages by what became of them",
                ["gateway", "channel", "fate"],
            ),
            calls: Durations::new(
                registry,
                "tiffin_provider_call_seconds",
                "Calls that send, until the answer or until nobody waits for it any more",
                ["gateway"],
                PROVIDER,
            ),
            receipts: Counters::new(
                registry,
                "tiffin_receipts",
                "Receipts by how much they may be believed",
                ["gateway", "trust"],
            ),
            refused: Counters::new(
                registry,
                "tiffin_callbacks_refused",
                "Callbacks that were not taken",
                ["gateway", "reason"],
            ),
            breakers: Counters::new(
                registry,
                "tiffin_breaker_changes",
                "Moves of a gateway's breaker that this process made",
                ["gateway", "to"],
            ),
        };
        it.begin_orders();
        it
    }

    fn begin_orders(&self) {
        for state in [OrderState::Cancelled, OrderState::Expired, OrderState::Failed, OrderState::Verified] {
            self.closed.begin([state_name(state)]);
        }
        self.dead.begin([]);
        self.waited.begin([]);
        self.refused.begin(["none", "door"]);
    }

    pub(super) fn begin(&self, gateway: &str, channel: Channel) {
        let channel = channel.as_str();
        self.delivery.begin([channel]);
        self.calls.begin([gateway]);
        for outcome in OUTCOMES {
            self.attempts.begin([gateway, channel, outcome]);
        }
        for fate in ["delivered", "lost", "taken", "verified"] {
            self.messages.begin([gateway, channel, fate]);
        }
        for trust in [Trust::Hint, Trust::Proven, Trust::Unknown] {
            self.receipts.begin([gateway, trust.as_str()]);
        }
        for refusal in [Refusal::Door, Refusal::Malformed, Refusal::Network, Refusal::Signature] {
            self.refused.begin([gateway, refusal.as_str()]);
        }
        for to in [Stand::Closed, Stand::HalfOpen, Stand::Open] {
            self.breakers.begin([gateway, stand_name(to)]);
        }
    }
}

impl Metrics {
    /// An order was taken. What a resend asks for was accepted before.
    pub fn accepted(&self, directory: &Directory, tenant: &TenantId, channel: Channel) {
        let tenant = self.tenants.label(directory, tenant);
        self.delivery.accepted.inc([tenant, channel.as_str()]);
    }

    /// A worker looks at a fresh job.
    pub fn begun(&self, accepted_at: UnixMs) {
        self.delivery.waited.observe([], seconds(host::now().since(accepted_at)));
    }

    /// An attempt has come to something.
    pub fn attempted(&self, way: &Way, outcome: &CallOutcome) {
        let outcome = match outcome {
            CallOutcome::Failed(Reason::CalledOff) => "called_off",
            CallOutcome::Failed(reason) => class_name(reason.class()),
            CallOutcome::Taken { .. } => "taken",
            CallOutcome::Throttled { .. } => "throttled",
            CallOutcome::Unknown => "unknown",
        };
        self.delivery.attempts.inc([way.gateway.as_str(), way.channel.as_str(), outcome]);
    }

    /// A provider was called, for so long.
    pub fn called(&self, gateway: &GatewayId, took: Duration) {
        self.delivery.calls.observe([gateway.as_str()], took.as_secs_f64());
    }

    /// What the router learns, and how long an order took to arrive.
    pub fn learnt(&self, lesson: &Lesson) {
        let Lesson { way, what, arrived_since, .. } = lesson;
        let fate = match what {
            Learnt::Delivered { .. } => "delivered",
            Learnt::Lost { .. } => "lost",
            // It counts among the attempts.
            Learnt::NotTaken(_) => return,
            Learnt::Taken { .. } => "taken",
            Learnt::Verified => "verified",
        };
        self.delivery.messages.inc([way.gateway.as_str(), way.channel.as_str(), fate]);
        if let Some(since) = arrived_since {
            self.delivery.delivery.observe([way.channel.as_str()], seconds(host::now().since(*since)));
        }
    }

    /// Nothing more happens to an order.
    pub fn closed(&self, timeline: &Timeline) {
        self.delivery.closed.inc([state_name(timeline.state)]);
        for (before, _) in timeline.attempts.iter().zip(timeline.attempts.iter().skip(1)) {
            let reason = match (before.attempt.reason, before.attempt.state) {
                (Some(reason), _) => reason.as_str(),
                (None, AttemptState::Unknown) => "unknown_outcome",
                // Or somebody asked for it again.
                (None, _) => "silence",
            };
            self.delivery.retries.inc([reason]);
        }
    }

    /// A job is put among the dead letters.
    pub fn died(&self) {
        self.delivery.dead.inc([]);
    }

    /// A receipt came.
    pub fn receipt(&self, gateway: &GatewayId, trust: Trust) {
        self.delivery.receipts.inc([gateway.as_str(), trust.as_str()]);
    }

    /// A callback was not taken. `gateway` is one of ours, or nothing.
    pub fn refused(&self, gateway: Option<&GatewayId>, refusal: Refusal) {
        self.delivery.refused.inc([gateway.map_or("none", GatewayId::as_str), refusal.as_str()]);
    }

    /// A breaker moved.
    pub fn moved(&self, gateway: &GatewayId, to: Stand) {
        self.delivery.breakers.inc([gateway.as_str(), stand_name(to)]);
    }
}

impl Refusal {
    fn as_str(self) -> &'static str {
        match self {
            Self::Door => "door",
            Self::Malformed => "malformed",
            Self::Network => "network",
            Self::Signature => "signature",
        }
    }
}

impl Trust {
    fn as_str(self) -> &'static str {
        match self {
            Self::Hint => "hint",
            Self::Proven => "proven",
            Self::Unknown => "unknown",
        }
    }
}

fn class_name(class: Class) -> &'static str {
    match class {
        Class::Blocked => "blocked",
        Class::Configuration => "configuration",
        Class::Permanent => "permanent",
        Class::Throttled => "throttled",
        Class::Transient => "transient",
        Class::Unknown => "unclear",
    }
}

fn state_name(state: OrderState) -> &'static str {
    match state {
        OrderState::Accepted => "accepted",
        OrderState::Cancelled => "cancelled",
        OrderState::Delivered => "delivered",
        OrderState::Expired => "expired",
        OrderState::Failed => "failed",
        OrderState::Queued => "queued",
        OrderState::Sending => "sending",
        OrderState::Sent => "sent",
        OrderState::Verified => "verified",
    }
}

fn stand_name(stand: Stand) -> &'static str {
    match stand {
        Stand::Closed => "closed",
        Stand::HalfOpen => "half_open",
        Stand::Open => "open",
    }
}

/// Milliseconds as Prometheus has time.
#[expect(clippy::cast_precision_loss, reason = "exact up to 285,000 years")]
pub(super) fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}
