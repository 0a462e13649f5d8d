//! Provider accounts. An adapter is two pure functions, `encode` and `classify`; one place makes the calls.

pub mod call;
pub mod smpp;
pub mod twilio;

use tiffin_shared::country::Country;
use tiffin_shared::directory::Countries;
use tiffin_shared::id::GatewayId;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Found;
use tiffin_shared::order::Receipt;
use tiffin_shared::phone::Phone;
use tiffin_shared::route::Sender;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;

use crate::config;
use crate::config::Environment;

/// How often a provider is asked after an unknown outcome, where it can be.
const LOOKS_MAX: u8 = 2;

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

/// What the router is told of an account.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What it delivers.
    pub channel: Channel,
    /// Where to.
    pub countries: Countries,
    /// Lower goes first.
    pub priority: u16,
    /// Of one message, in millionths of the operator's currency.
    pub price_micros: Option<u64>,
    /// Messages a second that the account takes.
    pub per_second: Option<u32>,
}

/// An account, ready to use.
pub struct Gateway {
    settings: Settings,
    adapter: Adapter,
}

enum Adapter {
    Twilio(twilio::Twilio),
}

/// All accounts with what they deliver, in order of preference.
pub struct Gateways(Vec<Gateway>);

impl Gateway {
    /// What it is called everywhere else.
    pub fn name(&self) -> &GatewayId {
        match &self.adapter {
            Adapter::Twilio(twilio) => twilio.name(),
        }
    }

    /// What the router is told of it.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What it delivers.
    pub fn channel(&self) -> Channel {
        self.settings.channel
    }

    /// Whether it delivers there. A mailbox has no country.
    pub fn reaches(&self, country: Option<Country>) -> bool {
        self.settings.channel == Channel::Email || country.is_none() || self.settings.countries.allow(country)
    }

    /// As whom it sends.
    pub fn sender(&self) -> Option<Sender> {
        match &self.adapter {
            Adapter::Twilio(twilio) => Sender::parse(twilio.from()).ok(),
        }
    }

    /// How often its provider is asked after an unknown outcome; 0 where it has no such query.
    pub fn looks_max(&self) -> u8 {
        match &self.adapter {
            Adapter::Twilio(_) => LOOKS_MAX,
        }
    }

    /// Sends, once.
    pub async fn send(&self, client: &call::Client, message: &Message<'_>) -> CallOutcome {
        match &self.adapter {
            Adapter::Twilio(twilio) => match client.call(twilio.encode(message)).await {
                Ok(answer) => twilio::classify(&answer),
                Err(outcome) => outcome,
            },
        }
    }

    /// Whether the provider has a message that was sent to it at `called_at`.
    pub async fn look_up(&self, client: &call::Client, message: &Message<'_>, called_at: UnixMs) -> Found {
        match &self.adapter {
            Adapter::Twilio(twilio) => match client.call(twilio.query(message)).await {
                Ok(answer) => twilio::lookup::found(&answer, message, called_at),
                Err(_) => Found::Unclear,
            },
        }
    }

    /// Checks and reads a receipt.
    pub fn receipt(&self, callback: &Callback<'_>) -> Result<Told, CallbackError> {
        match &self.adapter {
            Adapter::Twilio(twilio) => twilio.receipt(callback),
        }
    }
}

impl Gateways {
    /// From the configuration; each account's secret must be there.
    pub fn new(gateways: &[config::Gateway], environment: &Environment) -> Result<Self, config::Error> {
        let make = |gateway: &config::Gateway| match gateway {
            config::Gateway::Twilio { name, account_sid, from, base_url, .. } => {
                let token_name = config::gateway_token_name(name);
                let Some(token) = environment.get(&token_name).filter(|token| !token.is_empty()) else {
                    return Err(config::Error::Invalid {
                        place: format!("gateways.{name}"),
                        reason: format!("{token_name} is not set: the account's auth token"),
                    });
                };
                let twilio = twilio::Twilio::new(name, account_sid, token, from, base_url);
                Ok(Gateway { settings: gateway.settings(), adapter: Adapter::Twilio(twilio) })
            }
        };
        gateways.iter().map(make).collect::<Result<_, _>>().map(Self)
    }

    /// Every account, in order of preference.
    pub fn all(&self) -> &[Gateway] {
        &self.0
    }

    /// The account of this name.
    pub fn named(&self, name: &str) -> Option<&Gateway> {
        self.0.iter().find(|gateway| gateway.name().as_str() == name)
    }
}
