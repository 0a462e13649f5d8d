//! What every gateway is asked and answers.

use tiffin_shared::id::OrderId;
use tiffin_shared::order::Reason;

/// Our name for an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The order.
    pub order: OrderId,
    /// The attempt's number within it.
    pub n: u32,
}

/// What a provider said, in its own codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// It took the message.
    Taken {
        /// Its name for the message.
        provider_id: String,
    },
    /// It did not.
    Refused(Refusal),
    /// It may have.
    Unknown,
}

/// Why it did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its code.
    pub code: Option<String>,
    /// What that means where no table says more.
    pub fallback: Reason,
    /// How long it asks to be left alone, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

/// How a message fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing new.
    Underway,
    /// It is on its way to the phone.
    Sent,
    /// It arrived.
    Delivered,
    /// It did not.
    Failed {
        /// The provider's code.
        code: Option<String>,
        /// What that means where no table says more.
        fallback: Reason,
    },
}

/// A receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Of what.
    pub about: About,
    /// The provider's name for the message.
    pub provider_id: String,
    /// What it says.
    pub fate: Fate,
}

/// What a receipt is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// This attempt: the receipt carries our name for it.
    Attempt(Reference),
    /// The message of this provider id.
    Message,
}
