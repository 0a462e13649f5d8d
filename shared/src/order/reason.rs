//! Why an attempt failed, in one vocabulary for all providers, and what follows from it.

use serde::Deserialize;
use serde::Serialize;

/// Why an attempt failed, in one vocabulary for all providers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The handset is off or out of reach.
    AbsentTemporary,
    /// The provider does not accept our credentials.
    AuthFailed,
    /// A register or the carrier keeps such messages from this number: DND, DLT, a block list.
    Blocked,
    /// The carrier filtered the text.
    ContentFiltered,
    /// The provider account may not send to this country.
    CountryDisabled,
    /// Our account with the provider is empty.
    InsufficientBalance,
    /// No such mailbox.
    InvalidAddress,
    /// No such subscriber.
    InvalidNumber,
    /// A number that takes no text messages.
    Landline,
    /// No gateway carries it.
    NoRoute,
    /// The user has opted out.
    OptedOut,
    /// The provider failed or could not be reached.
    ProviderDown,
    /// Refused for another reason.
    Rejected,
    /// The sender is not approved.
    SenderUnapproved,
    /// The provider asks us to slow down.
    Throttled,
    /// The message's life ended on the way.
    TtlExpired,
    /// The provider was called and did not answer.
    UnknownOutcome,
}

/// What a failure rules out for the rest of a sending. Later is wider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RulesOut {
    /// Nothing: the same way may do better after a while.
    Nothing,
    /// This sender of this gateway.
    Sender,
    /// This gateway.
    Gateway,
    /// Every gateway of this channel.
    Channel,
    /// Every way to this number; a mailbox may still do.
    Number,
}

impl Reason {
    /// The right next step: what need not be tried again for this order.
    pub fn rules_out(self) -> RulesOut {
        match self {
            Self::AbsentTemporary | Self::ProviderDown | Self::Throttled | Self::TtlExpired => {
                RulesOut::Nothing
            }
            Self::ContentFiltered | Self::SenderUnapproved => RulesOut::Sender,
            // After an unknown outcome the same gateway would perhaps send twice, and know no better.
            Self::AuthFailed
            | Self::CountryDisabled
            | Self::InsufficientBalance
            | Self::NoRoute
            | Self::Rejected
            | Self::UnknownOutcome => RulesOut::Gateway,
            // Another gateway would be kept from the number by the same register, or by the same wish.
            Self::Blocked | Self::InvalidAddress | Self::Landline | Self::OptedOut => RulesOut::Channel,
            Self::InvalidNumber => RulesOut::Number,
        }
    }

    /// Whether the same way may do better after a while.
    pub fn passes(self) -> bool {
        self.rules_out() == RulesOut::Nothing
    }

    /// Whether it speaks against the gateway, for its circuit breaker: never an unreachable handset, a refused text or
    /// a number that does not exist.
    pub fn blames_gateway(self) -> bool {
        match self {
            Self::AuthFailed | Self::InsufficientBalance | Self::ProviderDown | Self::UnknownOutcome => true,
            Self::AbsentTemporary
            | Self::Blocked
            | Self::ContentFiltered
            | Self::CountryDisabled
            | Self::InvalidAddress
            | Self::InvalidNumber
            | Self::Landline
            | Self::NoRoute
            | Self::OptedOut
            | Self::Rejected
            | Self::SenderUnapproved
            | Self::Throttled
            | Self::TtlExpired => false,
        }
    }

    /// As it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AbsentTemporary => "absent_temporary",
            Self::AuthFailed => "auth_failed",
            Self::Blocked => "blocked",
            Self::ContentFiltered => "content_filtered",
            Self::CountryDisabled => "country_disabled",
            Self::InsufficientBalance => "insufficient_balance",
            Self::InvalidAddress => "invalid_address",
            Self::InvalidNumber => "invalid_number",
            Self::Landline => "landline",
            Self::NoRoute => "no_route",
            Self::OptedOut => "opted_out",
            Self::ProviderDown => "provider_down",
            Self::Rejected => "rejected",
            Self::SenderUnapproved => "sender_unapproved",
            Self::Throttled => "throttled",
            Self::TtlExpired => "ttl_expired",
            Self::UnknownOutcome => "unknown_outcome",
        }
    }
}
