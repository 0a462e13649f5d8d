//! Provider accounts. An adapter is pure: it puts a message into the provider's words and reads what comes back. One place
//! makes the calls, and what the providers' codes mean is data.

pub mod account;
pub mod adapter;
pub mod aws;
pub mod aws_sms;
pub mod aws_sns;
pub mod call;
pub mod callback;
pub mod certificates;
pub mod codes;
pub mod compose;
pub mod hex;
pub mod http;
pub mod infobip;
pub mod kinds;
pub mod mac;
pub mod msg91;
pub mod plivo;
pub mod smpp;
pub mod smtp;
pub mod telegram;
#[cfg(test)]
pub(crate) mod testing;
pub mod twilio;
pub mod vonage_messages;
pub mod vonage_sms;
pub mod whatsapp;
pub mod wire;

use tiffin_shared::country::Country;
use tiffin_shared::id::GatewayId;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Found;
use tiffin_shared::order::POLLS_MAX;
use tiffin_shared::order::Recall;
use tiffin_shared::order::Receipt;
use tiffin_shared::secret::Secret;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;

use self::account::Account;
use self::account::Secrets;
use self::account::SenderSettings;
use self::account::Settings;
use self::account::secret_variable;
use self::adapter::Answered;
use self::adapter::Message;
use self::adapter::Refusal;
use self::adapter::Taken;
use self::call::Seen;
use self::callback::Callback;
use self::callback::CallbackError;
use self::callback::Fate;
use self::callback::Heard;
use self::codes::Codes;
use self::kinds::Adapter;
use self::kinds::CALLBACK_SECRET;
use self::kinds::Door;
use self::smpp::Smpp;
use self::wire::Talk;
use crate::config;
use crate::config::Environment;

/// The shortest secret in a callback address: 96 bits of base64url.
const CALLBACK_SECRET_CHARS_MIN: usize = 16;

/// Of a provider that cannot be asked.
const NO_CHECK: &str = "not tried: this provider has no call that would tell without sending";

/// A provider does not accept the account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Not reached, or too slow.
    #[error("the provider does not answer: look at base_url or host, and at the way out of this network")]
    NoAnswer,
    /// It says no.
    #[error("the provider refuses the account (status {status}, code {code}): look at its keys and secrets")]
    Refused {
        /// HTTP's, or that of the protocol.
        status: u16,
        /// The provider's.
        code: String,
    },
    /// No session, with a provider that is not called over HTTP.
    #[error("{0}: look at its keys and secrets, and at the way out of this network")]
    Session(String),
}

/// An account, ready to use.
pub struct Gateway {
    account: Account,
    adapter: Adapter,
    door: Door,
    callback_secret: Option<Secret<String>>,
}

/// All accounts with what they deliver, in order of preference.
pub struct Gateways {
    all: Vec<Gateway>,
    /// What their codes mean.
    pub codes: Codes,
}

impl Gateway {
    fn new(account: &Account, environment: &Environment) -> Result<Self, String> {
        let variable = |name: &str| environment.get(name);
        let secrets = Secrets::read(account, variable)?;
        let adapter = (account.kind.make)(account, &secrets)?;
        let door = account.kind.door.of(&secrets);
        let name = secret_variable(&account.name, CALLBACK_SECRET);
        let callback_secret = variable(&name).filter(|_| door != Door::Signed).map(Secret::new);
        let is_short = |secret: &Secret<String>| secret.expose().len() < CALLBACK_SECRET_CHARS_MIN;
        if callback_secret.as_ref().is_some_and(is_short) {
            return Err(format!("{name}: must be at least {CALLBACK_SECRET_CHARS_MIN} characters"));
        }
        Ok(Self { account: account.clone(), adapter, door, callback_secret })
    }

    /// What it is called everywhere else.
    pub fn name(&self) -> &GatewayId {
        &self.account.name
    }

    /// As it is configured.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// What the router is told of it.
    pub fn settings(&self) -> &Settings {
        &self.account.settings
    }

    /// What it delivers.
    pub fn channel(&self) -> Channel {
        self.account.kind.channel
    }

    /// Whether it delivers there. A mailbox has no country.
    pub fn reaches(&self, country: Option<Country>) -> bool {
        self.channel() == Channel::Email || self.settings().countries.allow(country)
    }

    /// As whom it may send there.
    pub fn senders(&self, country: Option<Country>) -> Vec<Option<&SenderSettings>> {
        self.account.senders(country.filter(|_| self.channel() != Channel::Email))
    }

    /// Its sessions, where it has such.
    pub fn sessions(&self) -> Option<&Smpp> {
        match &self.adapter {
            Adapter::Http(_) | Adapter::Smtp(_) => None,
            Adapter::Smpp(smpp) => Some(smpp),
        }
    }

    /// Whether its receipts name the message by the provider's id alone.
    pub fn is_indexed(&self) -> bool {
        self.account.kind.is_indexed
    }

    /// Whether word comes of what arrived: silence counts only where it does.
    pub fn tells_arrival(&self) -> bool {
        let can_hear = self.door == Door::Signed || self.callback_secret.is_some();
        match &self.adapter {
            Adapter::Http(adapter) => can_hear && adapter.tells_arrival(),
            Adapter::Smpp(_) => true,
            Adapter::Smtp(adapter) => can_hear && adapter.tells_arrival(),
        }
    }

    /// How often its provider is asked after an unknown outcome; 0 where it has no such query.
    pub fn looks_max(&self) -> u8 {
        match &self.adapter {
            Adapter::Http(adapter) => adapter.looks_max(),
            Adapter::Smpp(smpp) => smpp.looks_max(),
            Adapter::Smtp(_) => 0,
        }
    }

    /// Sends, once. What was seen of it, unless nothing went out.
    async fn send(
        &self,
        client: &call::Client,
        message: &Message<'_>,
    ) -> (Result<Answered, CallOutcome>, Option<Seen>) {
        match &self.adapter {
            Adapter::Http(adapter) => match adapter.encode(message) {
                Ok(mut call) => {
                    call.headers.extend(message.traceparent.map(|it| ("traceparent", it.to_owned())));
                    let (seen, answered) = client.exchange(call).await;
                    (answered.map(|answer| adapter.classify(&answer)), Some(seen))
                }
                Err(reason) => (Ok(Answered::Refused(Refusal::of(reason))), None),
            },
            Adapter::Smtp(adapter) => wire::seen(adapter.send(message)).await,
            Adapter::Smpp(smpp) => wire::seen(smpp.send(message)).await,
        }
    }

    /// Whether the provider has a message that was sent to it at `called_at`; and what was seen of the question.
    pub async fn look_up(
        &self,
        client: &call::Client,
        message: &Message<'_>,
        called_at: UnixMs,
    ) -> (Found, Option<Seen>) {
        match &self.adapter {
            Adapter::Http(adapter) => {
                let Some(call) = adapter.query(message) else { return (Found::Unclear, None) };
                let (seen, answered) = client.exchange(call).await;
                let found = answered.map_or(Found::Unclear, |it| adapter.found(&it, message, called_at));
                (found, Some(seen))
            }
            Adapter::Smtp(_) => (Found::Unclear, None),
            Adapter::Smpp(smpp) => (smpp.look_up(message.reference), None),
        }
    }

    /// How often its provider is asked how one message fares; 0 where it has no such query.
    pub fn polls_max(&self) -> u8 {
        let can_ask = match &self.adapter {
            Adapter::Http(adapter) => adapter.status("").is_some(),
            Adapter::Smpp(_) => true,
            Adapter::Smtp(_) => false,
        };
        if can_ask { POLLS_MAX } else { 0 }
    }

    /// How a message fares, in the provider's own word and in ours; nothing where it does not say.
    pub async fn fares(
        &self,
        client: &call::Client,
        taken: &Taken<'_>,
        talks: &mut Vec<Talk>,
    ) -> Option<(String, Fate)> {
        match &self.adapter {
            Adapter::Http(adapter) => {
                let call = adapter.status(taken.provider_id)?;
                adapter.fares(&wire::talk(client, "status", call, talks).await.ok()?)
            }
            Adapter::Smtp(_) => None,
            Adapter::Smpp(smpp) => smpp.fares(taken).await,
        }
    }

    /// Asks the provider to stop a message: what came of it, or nothing where the provider did not answer.
    pub async fn recall(
        &self,
        client: &call::Client,
        taken: &Taken<'_>,
        talks: &mut Vec<Talk>,
    ) -> Option<Recall> {
        let adapter = match &self.adapter {
            Adapter::Http(adapter) => adapter,
            Adapter::Smtp(_) => return Some(Recall::Unsupported),
            Adapter::Smpp(smpp) => return smpp.recall(taken).await,
        };
        let Some(call) = adapter.stop(taken.provider_id) else { return Some(Recall::Unsupported) };
        let stopped = adapter.stopped(&wire::talk(client, "recall", call, talks).await.ok()?)?;
        let erase = adapter.erase(taken.provider_id).filter(|_| stopped == Recall::TooLate);
        let Some(erase) = erase else { return Some(stopped) };
        let answer = wire::talk(client, "erase", erase, talks).await.ok()?;
        Some(if answer.is_success() { Recall::Erased } else { Recall::TooLate })
    }

    /// Tries the credentials, and sends nothing: what the provider says of the account, or what is wrong.
    pub async fn check(&self, client: &call::Client, now: UnixMs) -> Result<String, Trouble> {
        match &self.adapter {
            Adapter::Http(adapter) => {
                let Some(call) = adapter.check(now) else { return Ok(NO_CHECK.into()) };
                let answer = client.call(call).await.map_err(|_| Trouble::NoAnswer)?;
                adapter.checked(&answer).map_err(|refusal| Trouble::Refused {
                    status: answer.status,
                    code: refusal.code.unwrap_or_else(|| "none".into()),
                })
            }
            Adapter::Smtp(adapter) => adapter.check().await.map_err(Trouble::Session),
            Adapter::Smpp(smpp) => match smpp.check().await {
                Ok(()) => Ok("the bind is accepted".into()),
                Err(Refusal { code: Some(code), .. }) => {
                    Err(Trouble::Session(format!("the SMSC refuses the bind (status {code})")))
                }
                Err(_) => Err(Trouble::NoAnswer),
            },
        }
    }

    /// Whether a callback to its address came through its door: with the secret, where its provider signs nothing.
    pub fn opens_to(&self, given: Option<&str>) -> bool {
        match (self.door, given, &self.callback_secret) {
            (Door::Signed, given, _) => given.is_none(),
            (Door::Secret | Door::Tagged, Some(given), Some(secret)) => {
                subtle::ConstantTimeEq::ct_eq(given.as_bytes(), secret.expose().as_bytes()).into()
            }
            (Door::Secret | Door::SignedWith(_) | Door::Tagged, _, _) => false,
        }
    }

    /// Whether what its callbacks say is no more than a hint.
    pub fn only_hints(&self) -> bool {
        self.door == Door::Secret
    }

    /// Our address for its callbacks, with the secret where it has one.
    pub fn callback_url(&self, public_url: &str) -> String {
        let secret = self.callback_secret.as_ref().map(|secret| format!("/{}", secret.expose()));
        format!("{public_url}/callbacks/{}{}", self.name(), secret.unwrap_or_default())
    }

    /// The address of a certificate that is needed to check a callback.
    pub fn certificate(&self, callback: &Callback<'_>) -> Result<Option<String>, CallbackError> {
        match &self.adapter {
            Adapter::Http(adapter) => adapter.certificate(callback),
            Adapter::Smtp(_) => Ok(None),
            Adapter::Smpp(_) => Err(CallbackError::Malformed),
        }
    }

    /// Checks and reads a callback.
    pub fn hear(&self, callback: &Callback<'_>) -> Result<Heard, CallbackError> {
        match &self.adapter {
            Adapter::Http(adapter) => adapter.hear(callback),
            Adapter::Smtp(adapter) => adapter.hear(callback),
            Adapter::Smpp(_) => Err(CallbackError::Malformed),
        }
    }
}

impl Gateways {
    /// From the configuration; each account's secrets must be there.
    pub fn new(accounts: &[Account], environment: &Environment, codes: Codes) -> Result<Self, config::Error> {
        let make = |account: &Account| {
            Gateway::new(account, environment).map_err(|reason| config::Error::Invalid {
                place: format!("gateways.{}", account.name),
                reason,
            })
        };
        Ok(Self { all: accounts.iter().map(make).collect::<Result<_, _>>()?, codes })
    }

    /// Every account, in order of preference.
    pub fn all(&self) -> &[Gateway] {
        &self.all
    }

    /// The account of this name.
    pub fn named(&self, name: &str) -> Option<&Gateway> {
        self.all.iter().find(|gateway| gateway.name().as_str() == name)
    }

    /// Sends, once.
    pub async fn send(
        &self,
        gateway: &Gateway,
        client: &call::Client,
        message: &Message<'_>,
    ) -> (CallOutcome, Option<Seen>) {
        let (outcome, code, seen) = self.try_out(gateway, client, message).await;
        if let Some(code) = code {
            tracing::info!(gateway = %gateway.name(), provider_code = %code, "the provider refused a message");
        }
        (outcome, seen)
    }

    /// The same, with the provider's own code where it refuses.
    pub async fn try_out(
        &self,
        gateway: &Gateway,
        client: &call::Client,
        message: &Message<'_>,
    ) -> (CallOutcome, Option<String>, Option<Seen>) {
        let (answered, seen) = gateway.send(client, message).await;
        let answered = match answered {
            Ok(answered) => answered,
            Err(outcome) => return (outcome, None, seen),
        };
        let code = match &answered {
            Answered::Refused(refusal) => refusal.code.clone(),
            Answered::Taken { .. } | Answered::Unknown => None,
        };
        (self.codes.outcome(gateway.name(), gateway.account.kind.codes, answered), code, seen)
    }

    /// What a signed receipt comes to; nothing where it tells nothing new.
    pub fn receipt(&self, gateway: &Gateway, fate: &Fate) -> Option<Receipt> {
        self.codes.receipt(gateway.name(), gateway.account.kind.codes, fate)
    }
}
