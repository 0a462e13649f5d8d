//! Webhooks to tenants, as Standard Webhooks has them: which events there are, how a delivery is signed, where it may go,
//! and when it is tried again.

pub mod address;
pub mod book;
mod event;
pub mod outbox;
mod seal;
mod secret;
mod sign;

use serde::Deserialize;
use serde::Serialize;

pub use self::event::DATA_BYTES_MAX;
pub use self::event::Event;
pub use self::event::TooLarge;
pub use self::event::of_order;
pub use self::seal::HookKey;
pub use self::seal::HookKeys;
pub use self::seal::Sealed;
pub use self::secret::Key;
pub use self::secret::SECRET_BYTES_MAX;
pub use self::secret::SECRET_BYTES_MIN;
pub use self::sign::Headers;
pub use self::sign::TOLERANCE_MS;
pub use self::sign::headers;

/// What happened. Closed: a tenant's program may know them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub enum Kind {
    /// The tenant's balance fell below its mark.
    #[serde(rename = "balance.low")]
    BalanceLow,
    /// An escalation was closed.
    #[serde(rename = "escalation.closed")]
    EscalationClosed,
    /// An escalation was opened.
    #[serde(rename = "escalation.opened")]
    EscalationOpened,
    /// Something about an escalation changed.
    #[serde(rename = "escalation.updated")]
    EscalationUpdated,
    /// A try to deliver failed; another one may follow.
    #[serde(rename = "order.attempt.failed")]
    OrderAttemptFailed,
    /// A provider is called.
    #[serde(rename = "order.attempt.started")]
    OrderAttemptStarted,
    /// The order was called off, or a newer one took its place.
    #[serde(rename = "order.cancelled")]
    OrderCancelled,
    /// The provider says that the message arrived.
    #[serde(rename = "order.delivered")]
    OrderDelivered,
    /// The life of the code is over.
    #[serde(rename = "order.expired")]
    OrderExpired,
    /// No way is left.
    #[serde(rename = "order.failed")]
    OrderFailed,
    /// Money came back.
    #[serde(rename = "order.refunded")]
    OrderRefunded,
    /// The code is to be sent once more.
    #[serde(rename = "order.resend")]
    OrderResend,
    /// A provider took the message.
    #[serde(rename = "order.sent")]
    OrderSent,
    /// The user has the code.
    #[serde(rename = "order.verified")]
    OrderVerified,
    /// Another endpoint of the tenant is not delivered to any more.
    #[serde(rename = "webhook.disabled")]
    WebhookDisabled,
    /// An operator asked for it.
    #[serde(rename = "webhook.test")]
    WebhookTest,
}

impl Kind {
    /// Every kind, in the order of their names.
    pub const ALL: [Self; 16] = [
        Self::BalanceLow,
        Self::EscalationClosed,
        Self::EscalationOpened,
        Self::EscalationUpdated,
        Self::OrderAttemptFailed,
        Self::OrderAttemptStarted,
        Self::OrderCancelled,
        Self::OrderDelivered,
        Self::OrderExpired,
        Self::OrderFailed,
        Self::OrderRefunded,
        Self::OrderResend,
        Self::OrderSent,
        Self::OrderVerified,
        Self::WebhookDisabled,
        Self::WebhookTest,
    ];

    /// As it stands in a payload's `type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BalanceLow => "balance.low",
            Self::EscalationClosed => "escalation.closed",
            Self::EscalationOpened => "escalation.opened",
            Self::EscalationUpdated => "escalation.updated",
            Self::OrderAttemptFailed => "order.attempt.failed",
            Self::OrderAttemptStarted => "order.attempt.started",
            Self::OrderCancelled => "order.cancelled",
            Self::OrderDelivered => "order.delivered",
            Self::OrderExpired => "order.expired",
            Self::OrderFailed => "order.failed",
            Self::OrderRefunded => "order.refunded",
            Self::OrderResend => "order.resend",
            Self::OrderSent => "order.sent",
            Self::OrderVerified => "order.verified",
            Self::WebhookDisabled => "webhook.disabled",
            Self::WebhookTest => "webhook.test",
        }
    }

    /// The kind of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}
