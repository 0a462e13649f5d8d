//! Provider accounts. An adapter is two pure functions, `encode` and `classify`; one place makes the calls.

pub mod call;
pub mod twilio;

use tiffin_shared::id::GatewayId;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Receipt;
use tiffin_shared::phone::Phone;
use tiffin_shared::wire::api::Channel;

use crate::config;
use crate::config::Environment;

/// A message to send. No `Debug`: it holds the code.
pub struct Message<'a> {
    /// Where to.
    pub phone: &'a Phone,
    /// What it says.
    pub text: &'a str,
    /// Seconds it is worth delivering.
    pub valid_s: u64,
    /// Where the provider posts its receipts.
    pub callback_url: &'a str,
}

/// What a provider posted to us.
pub struct Callback<'a> {
    /// The address it signed: as the provider sees it.
    pub url: &'a str,
    /// Its signature header.
    pub signature: Option<&'a str>,
    /// The raw body.
    pub body: &'a [u8],
}

/// A receipt, checked and read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The provider's name for the message.
    pub provider_id: String,
    /// How it fares; `None` where that tells nothing new.
    pub receipt: Option<Receipt>,
}

/// A callback is not from the provider, or is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// Signed, but not a receipt.
    #[error("the callback is not a receipt of this provider")]
    Malformed,
    /// Not signed by the provider for this address and body.
    #[error("the callback's signature does not verify")]
    Signature,
}

/// An account, ready to use.
pub enum Gateway {
    /// Twilio Messaging.
    Twilio(twilio::Twilio),
}

/// All accounts with what they deliver, in order of preference.
pub struct Gateways(Vec<(Channel, Gateway)>);

impl Gateway {
    /// What it is called everywhere else.
    pub fn name(&self) -> &GatewayId {
        match self {
            Self::Twilio(twilio) => twilio.name(),
        }
    }

    /// Sends, once.
    pub async fn send(&self, client: &call::Client, message: &Message<'_>) -> CallOutcome {
        match self {
            Self::Twilio(twilio) => match client.call(twilio.encode(message)).await {
                Ok(answer) => twilio::classify(&answer),
                Err(outcome) => outcome,
            },
        }
    }

    /// Checks and reads a receipt.
    pub fn receipt(&self, callback: &Callback<'_>) -> Result<Told, CallbackError> {
        match self {
            Self::Twilio(twilio) => twilio.receipt(callback),
        }
    }
}

impl Gateways {
    /// From the configuration; each account's secret must be there.
    pub fn new(gateways: &[config::Gateway], environment: &Environment) -> Result<Self, config::Error> {
        let make = |gateway: &config::Gateway| match gateway {
            config::Gateway::Twilio { name, account_sid, from, base_url } => {
                let token_name = config::gateway_token_name(name);
                let Some(token) = environment.get(&token_name).filter(|token| !token.is_empty()) else {
                    return Err(config::Error::Invalid {
                        place: format!("gateways.{name}"),
                        reason: format!("{token_name} is not set: the account's auth token"),
                    });
                };
                Ok(Gateway::Twilio(twilio::Twilio::new(name, account_sid, token, from, base_url)))
            }
        };
        let make = |gateway| Ok((config::Gateway::channel(gateway), make(gateway)?));
        gateways.iter().map(make).collect::<Result<_, _>>().map(Self)
    }

    /// The accounts that carry `channel`, in order of preference.
    pub fn carrying(&self, channel: Channel) -> Vec<GatewayId> {
        let carry = self.0.iter().filter(|(carries, _)| *carries == channel);
        carry.map(|(_, gateway)| gateway.name().clone()).collect()
    }

    /// The account of this name.
    pub fn named(&self, name: &str) -> Option<&Gateway> {
        self.0.iter().map(|(_, gateway)| gateway).find(|gateway| gateway.name().as_str() == name)
    }
}
