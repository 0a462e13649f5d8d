//! Why an attempt failed, in one vocabulary for all providers, and what follows from it.

use serde::Deserialize;
use serde::Serialize;

/// Why an attempt failed, in one vocabulary for all providers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The subscriber has been out of reach for good: ported away, or without service.
    AbsentPermanent,
    /// The handset is off or out of reach.
    AbsentTemporary,
    /// The provider does not accept our credentials.
    AuthFailed,
    /// Our tenant's account with us cannot pay for it.
    BalanceTooLow,
    /// A register or the carrier keeps such messages from this number: DND, DLT, a block list.
    Blocked,
    /// The order was called off, and the provider stopped the message.
    CalledOff,
    /// The carrier filtered the text.
    ContentFiltered,
    /// The provider account may not send to this country.
    CountryDisabled,
    /// India's register of templates (DLT): the user has not consented to this sender.
    DltConsent,
    /// India's register of templates (DLT): the sending company is not registered, or not as told.
    DltEntity,
    /// India's register of templates (DLT): the text is no registered one.
    DltTemplate,
    /// The user does not want to be disturbed (India's DND register).
    Dnd,
    /// The provider's guard against fraud stopped it.
    FraudBlocked,
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
    /// Nobody took the call, or a machine did.
    NotAnswered,
    /// The number has no account on this channel, or none that takes such messages.
    NotOnChannel,
    /// The user has opted out.
    OptedOut,
    /// It costs more than the order's `max_price` leaves.
    PriceTooHigh,
    /// The provider failed or could not be reached.
    ProviderDown,
    /// Refused for another reason.
    Rejected,
    /// The sender is not approved.
    SenderUnapproved,
    /// The number's SIM changed lately, so that text messages and calls may reach somebody else.
    SimSwapped,
    /// Nobody can say whether the number's SIM changed lately, and then nothing is to go by it.
    SimUnknown,
    /// A cap on what the tenant spends a day is reached.
    SpendCapReached,
    /// The provider does not know the template, or has not approved it, or it was not filled in as it wants.
    TemplateUnapproved,
    /// The provider asks us to slow down.
    Throttled,
    /// The message's life ended on the way.
    TtlExpired,
    /// The provider was called and did not answer.
    UnknownOutcome,
}

/// What kind of failure it is: who has to change something before it can go well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The user's side keeps it off: another channel may do.
    Blocked,
    /// Ours to mend: the account, the sender, the template, the text.
    Configuration,
    /// It will never work for this address.
    Permanent,
    /// We are too fast.
    Throttled,
    /// It may work after a while.
    Transient,
    /// Nobody can say.
    Unknown,
}

/// What a failure rules out for the rest of a sending. Later is wider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
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
            Self::AbsentTemporary
            | Self::NotAnswered
            | Self::ProviderDown
            | Self::Throttled
            | Self::TtlExpired => RulesOut::Nothing,
            Self::ContentFiltered | Self::SenderUnapproved => RulesOut::Sender,
            // After an unknown outcome the same gateway would perhaps send twice, and know no better.
            Self::AuthFailed
            | Self::BalanceTooLow
            | Self::CalledOff
            | Self::CountryDisabled
            | Self::InsufficientBalance
            | Self::NoRoute
            | Self::PriceTooHigh
            | Self::Rejected
            | Self::SpendCapReached
            | Self::TemplateUnapproved
            | Self::UnknownOutcome => RulesOut::Gateway,
            // Another gateway would be kept from the address by the same register, the same wish, or the same want.
            Self::AbsentPermanent
            | Self::Blocked
            | Self::DltConsent
            | Self::DltEntity
            | Self::DltTemplate
            | Self::Dnd
            | Self::FraudBlocked
            | Self::InvalidAddress
            | Self::Landline
            | Self::NotOnChannel
            | Self::OptedOut
            | Self::SimSwapped
            | Self::SimUnknown => RulesOut::Channel,
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
            Self::AbsentPermanent
            | Self::AbsentTemporary
            | Self::BalanceTooLow
            | Self::Blocked
            | Self::CalledOff
            | Self::ContentFiltered
            | Self::CountryDisabled
            | Self::DltConsent
            | Self::DltEntity
            | Self::DltTemplate
            | Self::Dnd
            | Self::FraudBlocked
            | Self::InvalidAddress
            | Self::InvalidNumber
            | Self::Landline
            | Self::NoRoute
            | Self::NotAnswered
            | Self::NotOnChannel
            | Self::OptedOut
            | Self::PriceTooHigh
            | Self::Rejected
            | Self::SenderUnapproved
            | Self::SimSwapped
            | Self::SimUnknown
            | Self::SpendCapReached
            | Self::TemplateUnapproved
            | Self::Throttled
            | Self::TtlExpired => false,
        }
    }

    /// What kind of failure it is.
    pub fn class(self) -> Class {
        match self {
            Self::AbsentPermanent
            | Self::InvalidAddress
            | Self::InvalidNumber
            | Self::Landline
            | Self::NotOnChannel => Class::Permanent,
            Self::AbsentTemporary | Self::NotAnswered | Self::ProviderDown | Self::TtlExpired => {
                Class::Transient
            }
            Self::AuthFailed
            | Self::BalanceTooLow
            | Self::ContentFiltered
            | Self::CountryDisabled
            | Self::DltEntity
            | Self::DltTemplate
            | Self::InsufficientBalance
            | Self::NoRoute
            | Self::PriceTooHigh
            | Self::SenderUnapproved
            | Self::SpendCapReached
            | Self::TemplateUnapproved => Class::Configuration,
            Self::Blocked
            | Self::DltConsent
            | Self::Dnd
            | Self::FraudBlocked
            | Self::OptedOut
            | Self::SimSwapped => Class::Blocked,
            Self::CalledOff | Self::Rejected | Self::SimUnknown | Self::UnknownOutcome => Class::Unknown,
            Self::Throttled => Class::Throttled,
        }
    }

    /// As it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AbsentPermanent => "absent_permanent",
            Self::AbsentTemporary => "absent_temporary",
            Self::AuthFailed => "auth_failed",
            Self::BalanceTooLow => "balance_too_low",
            Self::Blocked => "blocked",
            Self::CalledOff => "called_off",
            Self::ContentFiltered => "content_filtered",
            Self::CountryDisabled => "country_disabled",
            Self::DltConsent => "dlt_consent",
            Self::DltEntity => "dlt_entity",
            Self::DltTemplate => "dlt_template",
            Self::Dnd => "dnd",
            Self::FraudBlocked => "fraud_blocked",
            Self::InsufficientBalance => "insufficient_balance",
            Self::InvalidAddress => "invalid_address",
            Self::InvalidNumber => "invalid_number",
            Self::Landline => "landline",
            Self::NoRoute => "no_route",
            Self::NotAnswered => "not_answered",
            Self::NotOnChannel => "not_on_channel",
            Self::OptedOut => "opted_out",
            Self::PriceTooHigh => "price_too_high",
            Self::ProviderDown => "provider_down",
            Self::Rejected => "rejected",
            Self::SenderUnapproved => "sender_unapproved",
            Self::SimSwapped => "sim_swapped",
            Self::SimUnknown => "sim_unknown",
            Self::SpendCapReached => "spend_cap_reached",
            Self::TemplateUnapproved => "template_unapproved",
            Self::Throttled => "throttled",
            Self::TtlExpired => "ttl_expired",
            Self::UnknownOutcome => "unknown_outcome",
        }
    }
}
