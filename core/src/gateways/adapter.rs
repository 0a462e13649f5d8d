//! What an adapter is: pure functions between our words and one provider's.

use tiffin_shared::code::Code;
use tiffin_shared::order::Found;
use tiffin_shared::order::Reason;
use tiffin_shared::order::Recall;
use tiffin_shared::phone::Phone;
use tiffin_shared::reference::Reference;
use tiffin_shared::route::Sender;
use tiffin_shared::text::Content;
use tiffin_shared::text::dlt::Registration;
use tiffin_shared::time::UnixMs;

use super::call::Answer;
use super::call::Call;
use super::callback::Callback;
use super::callback::CallbackError;
use super::callback::Fate;
use super::callback::Heard;

/// A message to send. No `Debug`: it holds the code.
pub struct Message<'a> {
    /// Where to.
    pub to: To<'a>,
    /// The code by itself, for providers that keep the text.
    pub code: &'a Code,
    /// What it says, and in which language.
    pub content: &'a Content,
    /// Who sends it, in the user's eyes.
    pub brand: &'a str,
    /// `499.00 INR to Shop`, where the code approves a payment: a provider that keeps the text must be told of it.
    pub approves: Option<&'a str>,
    /// As whom, where the gateway has senders.
    pub sender: Option<&'a Sender>,
    /// Under which name or id the provider keeps the service's template, where the service says.
    pub template_id: Option<&'a str>,
    /// What it is registered as in India; a text message there never goes without.
    pub registration: Option<&'a Registration<'a>>,
    /// Seconds it is worth delivering.
    pub valid_s: u64,
    /// Which attempt it is: what a provider is given to repeat in its receipts.
    pub reference: &'a Reference,
    /// Where the provider posts its receipts: our address of the gateway, with the attempt in its query.
    pub callback_url: &'a str,
    /// Now, for what is signed with the time.
    pub now: UnixMs,
    /// Which trace the call is part of, where the provider is to be told.
    pub traceparent: Option<&'a str>,
}

/// An address.
#[derive(Clone, Copy)]
pub enum To<'a> {
    /// A mailbox.
    Email(&'a str),
    /// A number.
    Phone(&'a Phone),
}

/// What a provider said to a message, in its own codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// It did not take it.
    Refused(Refusal),
    /// It took it.
    Taken {
        /// Its name for the message.
        provider_id: String,
    },
    /// Nobody can tell from what it said.
    Unknown,
}

/// A provider's refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The provider's code as text, where it gave one: looked up in the table of its kind.
    pub code: Option<String>,
    /// What it means where the table has no such code.
    pub fallback: Reason,
    /// For how long it asks to be left alone, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

/// A message that a provider took.
pub struct Taken<'a> {
    /// Which attempt it is.
    pub reference: &'a Reference,
    /// The provider's name for it.
    pub provider_id: &'a str,
    /// As whom it went out.
    pub from: Option<&'a str>,
}

/// A provider that is called over HTTP.
pub trait HttpAdapter: Send + Sync {
    /// The request for a message; what stands in its way where it cannot be sent like this.
    fn encode(&self, message: &Message<'_>) -> Result<Call, Reason>;

    /// What an answer to it means.
    fn classify(&self, answer: &Answer) -> Answered;

    /// How often the provider is asked after an unknown outcome; 0 where it has no such query.
    fn looks_max(&self) -> u8 {
        0
    }

    /// The request that finds out whether the provider has a message.
    fn query(&self, _message: &Message<'_>) -> Option<Call> {
        None
    }

    /// What an answer to it means, for a message that was sent at `called_at`.
    fn found(&self, _answer: &Answer, _message: &Message<'_>, _called_at: UnixMs) -> Found {
        Found::Unclear
    }

    /// The request that finds out how a message fares that the provider took; none where it has no such.
    fn status(&self, _provider_id: &str) -> Option<Call> {
        None
    }

    /// What an answer to it means, with the provider's own word; nothing where it is no answer.
    fn fares(&self, _answer: &Answer) -> Option<(String, Fate)> {
        None
    }

    /// The request that stops a message that has not left the provider; none where it has no such.
    fn stop(&self, _provider_id: &str) -> Option<Call> {
        None
    }

    /// What an answer to it means; nothing where it is no answer.
    fn stopped(&self, _answer: &Answer) -> Option<Recall> {
        None
    }

    /// What can still be done about a message that has left: a request that erases its text, or ends a call.
    fn erase(&self, _provider_id: &str) -> Option<Call> {
        None
    }

    /// Whether the provider tells what arrived. Where it does not, silence says nothing, and no other way is tried for it.
    fn tells_arrival(&self) -> bool {
        true
    }

    /// Checks and reads what the provider posted to us.
    fn hear(&self, callback: &Callback<'_>) -> Result<Heard, CallbackError>;

    /// The address of a certificate that [`Self::hear`] needs, once it is known to be the provider's.
    fn certificate(&self, _callback: &Callback<'_>) -> Result<Option<String>, CallbackError> {
        Ok(None)
    }

    /// A request that succeeds with the right credentials and sends nothing; none where the provider has no such.
    fn check(&self, now: UnixMs) -> Option<Call>;

    /// What the answer to it tells of the account, or what is wrong with it.
    fn checked(&self, answer: &Answer) -> Result<String, Refusal> {
        if answer.is_success() {
            Ok("the credentials are accepted".into())
        } else {
            Err(answer.refusal(None))
        }
    }
}

impl<'a> Message<'a> {
    /// The number it goes to; a mailbox is none.
    pub fn phone(&self) -> Result<&'a Phone, Reason> {
        match self.to {
            To::Email(_) => Err(Reason::InvalidNumber),
            To::Phone(phone) => Ok(phone),
        }
    }

    /// The number as many providers write it: without its plus.
    pub fn digits(&self) -> Result<&'a str, Reason> {
        Ok(self.phone()?.e164().trim_start_matches('+'))
    }

    /// Our address for receipts without the attempt, for providers whose receipts name it by themselves.
    pub fn plain_callback_url(&self) -> &'a str {
        self.callback_url.split_once('?').map_or(self.callback_url, |(address, _attempt)| address)
    }

    /// The words.
    pub fn text(&self) -> &'a str {
        &self.content.text
    }

    /// The sender, or nothing. In India it is the registered header, whatever senders the account has.
    pub fn from(&self) -> &'a str {
        let header = self.registration.map(|registration| registration.dlt.header.as_str());
        header.unwrap_or_else(|| self.sender.map_or("", Sender::as_str))
    }
}

impl Refusal {
    /// For a reason that no table has to be asked for.
    pub fn of(reason: Reason) -> Self {
        Self { code: None, fallback: reason, retry_after_ms: None }
    }
}
