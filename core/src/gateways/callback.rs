//! What providers post to us: who said it, about which message, and what.

use tiffin_shared::http::Request;
use tiffin_shared::order::Cost;
use tiffin_shared::order::Hint;
use tiffin_shared::order::Reason;
use tiffin_shared::reference::Reference;
use tiffin_shared::time::UnixMs;

/// What a provider posted to us.
pub struct Callback<'a> {
    /// The whole address, as the provider knows it: schemes that sign it sign this one.
    pub url: &'a str,
    /// Method, headers, query and the raw body.
    pub request: &'a Request,
    /// The attempt that our address names; as good as the signature that covers it.
    pub attempt: Option<&'a Reference>,
    /// The certificate that the adapter asked for.
    pub certificate: Option<&'a [u8]>,
    /// Now, for what is signed with the time.
    pub now: UnixMs,
}

/// What came of reading a callback.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// How messages fare: at most [`TOLD_MAX`].
    pub told: Vec<Told>,
    /// What the provider wants to read in our answer, as plain text.
    pub reply: Option<String>,
    /// An address of the provider's to be visited once, to confirm that we want its callbacks.
    pub visit: Option<String>,
}

/// Receipts that one callback may carry: WhatsApp batches them, others send one or a few.
pub const TOLD_MAX: usize = 1_000;

/// A receipt, checked and read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Whose message it is about, where the receipt says so by itself; otherwise the provider's id is looked up.
    pub attempt: Option<Reference>,
    /// The provider's name for the message.
    pub provider_id: String,
    /// How it fares.
    pub fate: Fate,
    /// What it cost, where the provider tells.
    pub cost: Option<Cost>,
}

/// How a message fares, in the provider's own codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrived.
    Delivered,
    /// It did not.
    Failed {
        /// The provider's code as text, where it gave one.
        code: Option<String>,
        /// What it means where the table has no such code.
        fallback: Reason,
    },
    /// It left the provider.
    Sent,
    /// Nothing new.
    Underway,
}

impl Fate {
    /// What an unsigned receipt hints at; nothing where it tells nothing new.
    pub fn hint(&self) -> Option<Hint> {
        match self {
            Self::Delivered => Some(Hint::Arrived),
            Self::Failed { .. } => Some(Hint::Lost),
            Self::Sent | Self::Underway => None,
        }
    }
}

/// A callback is not from the provider, or is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// Signed, but not a receipt.
    #[error("the callback is not a receipt of this provider")]
    Malformed,
    /// Signed for another account than this gateway's.
    #[error("the callback is about another account")]
    OtherAccount,
    /// Not signed by the provider for this address and body.
    #[error("the callback's signature does not verify")]
    Signature,
    /// Signed too long ago, or for a time to come.
    #[error("the callback is older than the scheme allows")]
    Stale,
}

impl Callback<'_> {
    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.request.header(name)
    }

    /// The raw body.
    pub fn body(&self) -> &[u8] {
        &self.request.body
    }

    /// The body as a form: decoded names and values, in their order.
    pub fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(&self.request.body).into_owned().collect()
    }

    /// The query, decoded, in its order.
    pub fn query(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.request.query.as_bytes()).into_owned().collect()
    }
}

impl From<Told> for Heard {
    fn from(told: Told) -> Self {
        Self { told: vec![told], ..Self::default() }
    }
}
