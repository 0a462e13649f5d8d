//! A provider account as it is configured: what every kind of gateway has, and the keys of its own kind.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tiffin_shared::country::Country;
use tiffin_shared::directory::Countries;
use tiffin_shared::directory::Route;
use tiffin_shared::directory::RouteSender;
use tiffin_shared::id::GatewayId;
use tiffin_shared::price;
use tiffin_shared::price::Currency;
use tiffin_shared::price::Prices;
use tiffin_shared::route::Sender;
use tiffin_shared::secret::Secret;
use tiffin_shared::sender;
use tiffin_shared::wire::api::Channel;
use toml::Table;

use super::kinds;
use super::kinds::CALLBACK_SECRET;
use super::kinds::Door;
use super::kinds::Kind;
use super::kinds::SecretName;
use crate::config::Sandbox;

/// Senders of one account: a pool larger than this belongs at the provider.
const SENDERS_MAX: usize = 64;
/// The longest name of a sender's registration: providers' ids of campaigns have up to 34 characters.
const REGISTRATION_CHARS_MAX: usize = 64;

/// What stands in `tiffin.toml` under `[[gateways]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Table")]
pub struct Account {
    /// What it is called everywhere else.
    pub name: GatewayId,
    /// What it speaks.
    pub kind: &'static Kind,
    /// What the router is told of it.
    pub settings: Settings,
    /// Whose callbacks are taken where the provider signs none: its networks, all where none is named.
    pub callback_sources: Vec<IpNet>,
    /// Whether the sandbox plays its provider.
    pub is_sandboxed: bool,
    keys: Table,
}

/// What the router is told of an account.
#[derive(Clone, Debug, Deserialize)]
pub struct Settings {
    /// Where it delivers: `"all"`, which is the default, or a list of countries.
    #[serde(default = "everywhere")]
    pub countries: Countries,
    /// Lower goes first, whatever the figures say. Gateways of one priority are ranked by what is known of them.
    #[serde(default)]
    pub priority: u16,
    /// Its share of the orders among gateways of one priority: 100 where only others have one. 0 begins none.
    pub weight: Option<u16>,
    /// Of one message, or one segment of a text message, in millionths of your currency.
    /// The same everywhere, in the operator's own currency.
    pub price_micros: Option<u64>,
    /// The same by currency and country.
    #[serde(default)]
    pub prices: Prices,
    /// Messages a second that the account takes, over all its senders; none means as fast as it answers.
    pub per_second: Option<u32>,
    /// As whom it sends, best first; none where the provider decides.
    #[serde(default)]
    pub senders: Vec<SenderSettings>,
}

/// One of an account's senders.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SenderSettings {
    /// A number, a short code, a name of letters, or the provider's id of a pool.
    pub id: Sender,
    /// Where it sends to: `"all"`, which is the default, or a list of countries.
    #[serde(default = "everywhere")]
    pub countries: Countries,
    /// Where it belongs: for a short code, whose digits do not tell.
    pub country: Option<Country>,
    /// Messages a second that it may send: what its 10DLC campaign, or its kind, is allowed.
    pub per_second: Option<u32>,
    /// What it is registered as where networks ask for it: its 10DLC campaign, or its toll-free verification. For checks
    /// before an order; the provider knows it by the sender.
    pub registration: Option<String>,
}

/// An account's secrets, by their names in lower case. No `Debug`.
pub struct Secrets(BTreeMap<&'static str, Secret<String>>);

impl Account {
    /// The keys of its kind.
    pub fn keys<K: DeserializeOwned>(&self) -> Result<K, String> {
        keys(&self.keys)
    }

    /// One of these keys, where it is text.
    pub fn key(&self, name: &str) -> Option<&str> {
        self.keys.get(name).and_then(toml::Value::as_str)
    }

    /// Whether it has a table with something in it under this key.
    pub fn has(&self, name: &str) -> bool {
        self.keys.get(name).and_then(toml::Value::as_table).is_some_and(|table| !table.is_empty())
    }

    /// Points a sandboxed account at the sandbox, where no key of its own names another place on this machine.
    pub fn find_sandbox(&mut self, sandbox: &Sandbox) {
        if self.is_sandboxed {
            for (key, value) in self.kind.sandboxed(sandbox) {
                self.keys.entry(key).or_insert(value);
            }
        }
    }

    /// The variables that may hold its secrets.
    pub fn secret_variables(&self) -> Vec<String> {
        self.variables(|_| true)
    }

    /// Those that nobody does without, and those that most accounts have: what `tiffin keys make` makes up.
    pub fn usual_secret_variables(&self) -> Vec<String> {
        self.variables(|secret| !secret.is_optional || secret.is_usual)
    }

    fn variables(&self, wants: impl Fn(&SecretName) -> bool) -> Vec<String> {
        let own = self.kind.secrets.iter().filter(|secret| wants(secret)).map(|secret| secret.name);
        let callback = (self.kind.door != Door::Signed).then_some(CALLBACK_SECRET);
        own.chain(callback).map(|secret| secret_variable(&self.name, secret)).collect()
    }

    /// What the front doors know of it. Whether its breaker is closed, and how messages fare, is not among the settings.
    pub fn route(&self, currency: Currency) -> Result<Route, price::Error> {
        let settings = &self.settings;
        let sender = |sender: &SenderSettings| RouteSender {
            id: sender.id.clone(),
            countries: sender.countries.clone(),
            country: sender.country,
            is_registered: sender.registration.is_some(),
        };
        Ok(Route {
            prices: settings.prices.clone().with_simple(settings.price_micros, currency)?,
            senders: settings.senders.iter().map(sender).collect(),
            payments: (self.kind.payments)(self),
            ..Route::new(self.name.clone(), self.kind.channel, settings.countries.clone())
        })
    }

    /// The senders that may go to a country; one that is none where the provider decides.
    pub fn senders(&self, country: Option<Country>) -> Vec<Option<&SenderSettings>> {
        if self.settings.senders.is_empty() {
            return vec![None];
        }
        // A mailbox has no country.
        let may = |sender: &&SenderSettings| country.is_none_or(|to| sender.reaches(self.kind.channel, to));
        self.settings.senders.iter().filter(may).map(Some).collect()
    }

    /// Whether callbacks come from there.
    pub fn hears(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.callback_sources.is_empty() || self.callback_sources.iter().any(|net| net.contains(&peer))
    }

    fn check(&self) -> Result<(), String> {
        // It could be the provider.
        let is_elsewhere = |key: &&&str| self.key(key).is_some_and(|place| !is_loopback(place));
        if self.is_sandboxed
            && let Some(key) = ["base_url", "balance_url", "host", "url"].iter().find(is_elsewhere)
        {
            return Err(format!("{key}: leave it out, or sandbox = true: it is another host"));
        }
        if self.settings.per_second == Some(0) {
            return Err("per_second: must be at least 1".into());
        }
        self.settings.prices.check().map_err(|error| error.to_string())?;
        let senders = &self.settings.senders;
        if senders.len() > SENDERS_MAX {
            return Err(format!("senders: must be at most {SENDERS_MAX}"));
        }
        for (at, sender) in senders.iter().enumerate() {
            if sender.per_second == Some(0) {
                return Err("senders.per_second: must be at least 1".into());
            }
            sender.check(self.kind.channel)?;
            let registration = sender.registration.as_deref().map_or(1, |text| text.chars().count());
            if !(1..=REGISTRATION_CHARS_MAX).contains(&registration) {
                return Err(format!(
                    "senders.registration: must be 1 to {REGISTRATION_CHARS_MAX} characters"
                ));
            }
            if senders.iter().take(at).any(|earlier| earlier.id == sender.id) {
                return Err(format!("senders: {} is there twice", sender.id.as_str()));
            }
        }
        (self.kind.check)(self)
    }
}

impl SenderSettings {
    /// Whether it may send there: by its settings, and by what its kind can do.
    fn reaches(&self, channel: Channel, to: Country) -> bool {
        self.countries.allow(Some(to)) && self.can_reach(channel, to).is_ok()
    }

    fn can_reach(&self, channel: Channel, to: Country) -> Result<(), &'static str> {
        sender::reaches(channel, to, &self.id, self.country)
    }

    /// A country that is named must be one that it can reach.
    fn check(&self, channel: Channel) -> Result<(), String> {
        let Countries::These(countries) = &self.countries else { return Ok(()) };
        for to in countries {
            let id = self.id.as_str();
            self.can_reach(channel, *to)
                .map_err(|why| format!("senders: {id} does not reach {to}: {why}"))?;
        }
        Ok(())
    }
}

impl TryFrom<Table> for Account {
    type Error = String;

    fn try_from(mut table: Table) -> Result<Self, String> {
        let name = take::<GatewayId>(&mut table, "name")?.ok_or("gateways: name is missing")?;
        let place = |error: String| format!("gateways.{name}.{error}");
        let read = |table: &mut Table| {
            let kind = take::<String>(table, "kind")?.ok_or("kind is missing")?;
            let known = || kinds::ALL.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ");
            let unknown = || format!("kind: {kind:?} is none; there are {}", known());
            let kind = kinds::named(&kind).ok_or_else(unknown)?;
            let mut senders: Vec<SenderSettings> = take(table, "senders")?.unwrap_or_default();
            if let Some(id) = take::<Sender>(table, "from")? {
                if !senders.is_empty() {
                    return Err("from: name it among the senders, or leave them out".into());
                }
                senders.push(SenderSettings {
                    id,
                    countries: everywhere(),
                    country: None,
                    per_second: None,
                    registration: None,
                });
            }
            let settings = Settings {
                countries: take(table, "countries")?.unwrap_or_else(everywhere),
                priority: take(table, "priority")?.unwrap_or_default(),
                weight: take(table, "weight")?,
                price_micros: take(table, "price_micros")?,
                prices: take(table, "prices")?.unwrap_or_default(),
                per_second: take(table, "per_second")?,
                senders,
            };
            let callback_sources = take(table, "callback_sources")?.unwrap_or_default();
            let is_sandboxed = take(table, "sandbox")?.unwrap_or_default();
            let keys = std::mem::take(table);
            let account = Self { name: name.clone(), kind, settings, callback_sources, is_sandboxed, keys };
            // The sandbox may listen elsewhere, which is known when the whole file is.
            let mut whole = account.clone();
            whole.find_sandbox(&Sandbox::default());
            whole.check()?;
            Ok(account)
        };
        read(&mut table).map_err(place)
    }
}

impl Secrets {
    /// Those of an account, by how the environment is read; an optional one may be missing.
    pub fn read(account: &Account, variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let mut secrets = BTreeMap::new();
        for secret in account.kind.secrets {
            let name = secret_variable(&account.name, secret.name);
            match variable(&name).filter(|value| !value.is_empty()) {
                Some(value) => drop(secrets.insert(secret.name, Secret::new(value))),
                None if secret.is_optional => {}
                None => return Err(format!("{name} is not set: {}", secret.what)),
            }
        }
        Ok(Self(secrets))
    }

    /// One that every account of the kind has.
    pub fn get(&self, name: &str) -> Result<Secret<String>, String> {
        self.find(name).ok_or_else(|| format!("the secret {name} is missing"))
    }

    /// One that an account may do without.
    pub fn find(&self, name: &str) -> Option<Secret<String>> {
        self.0.get(name).cloned()
    }
}

/// `TIFFIN_GATEWAY_TWILIO_SMS_AUTH_TOKEN` for `auth_token` of the gateway `twilio-sms`.
pub fn secret_variable(gateway: &GatewayId, secret: &str) -> String {
    format!("{}_{}", variable_prefix(gateway.as_str()), secret.to_uppercase())
}

/// `TIFFIN_GATEWAY_TWILIO_SMS` for `twilio-sms`.
pub fn variable_prefix(gateway: &str) -> String {
    format!("TIFFIN_GATEWAY_{}", gateway.to_uppercase().replace('-', "_"))
}

/// Reads a kind's own keys; the error begins with the key's name where there is one.
pub fn keys<K: DeserializeOwned>(table: &Table) -> Result<K, String> {
    table.clone().try_into().map_err(|error: toml::de::Error| {
        // The first line says what is wrong, those after it where in a text that nobody wrote.
        error.message().lines().next().unwrap_or_default().to_owned()
    })
}

/// An http(s) address without a slash at the end.
pub fn check_url(key: &str, url: &str) -> Result<(), String> {
    let is_url = url.starts_with("http://") || url.starts_with("https://");
    if !is_url || url.ends_with('/') {
        return Err(format!("{key}: must be an http(s) address without a slash at the end"));
    }
    Ok(())
}

/// Whether an address, or a host by itself, is on this machine.
pub fn is_loopback(place: &str) -> bool {
    let of_url = reqwest::Url::parse(place).ok().and_then(|url| url.host_str().map(str::to_owned));
    let host = of_url.unwrap_or_else(|| place.to_owned());
    host == "localhost"
        || host.trim_matches(['[', ']']).parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn take<T: DeserializeOwned>(table: &mut Table, key: &str) -> Result<Option<T>, String> {
    let read = |value: toml::Value| {
        value.try_into().map_err(|error: toml::de::Error| format!("{key}: {}", error.message()))
    };
    table.remove(key).map(read).transpose()
}

fn everywhere() -> Countries {
    Countries::All
}
