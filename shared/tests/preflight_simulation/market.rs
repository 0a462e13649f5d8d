//! The truth behind the directory: gateways with prices, senders and weather, tenants with accounts, countries that open and
//! close. What the edge knows of it is a copy that comes late.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use tiffin_shared::bytes::Bytes;
use tiffin_shared::country::Country;
use tiffin_shared::directory::ApiKey;
use tiffin_shared::directory::Countries;
use tiffin_shared::directory::Directory;
use tiffin_shared::directory::KeyKind;
use tiffin_shared::directory::Learnt;
use tiffin_shared::directory::Route;
use tiffin_shared::directory::RouteSender;
use tiffin_shared::directory::Tenant;
use tiffin_shared::directory::key_digest;
use tiffin_shared::directory::write_key;
use tiffin_shared::gateway;
use tiffin_shared::gateway::Gateway;
use tiffin_shared::gateway::View;
use tiffin_shared::id::GatewayId;
use tiffin_shared::route::Sender;
use tiffin_shared::route::stats;
use tiffin_shared::route::stats::Figures;
use tiffin_shared::route::stats::RouteStats;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;

use crate::bank::Bank;
use crate::common::fixtures;
use crate::common::host::Host;
use crate::random::Random;

pub const COUNTRIES: [&str; 3] = ["IN", "US", "DE"];
/// Name, channel, and the price in the first country in millionths of a dollar.
const GATEWAYS: [(&str, Channel, u64); 6] = [
    ("sms-one", Channel::Sms, 2_300),
    ("sms-two", Channel::Sms, 3_100),
    ("sms-three", Channel::Sms, 2_900),
    ("chat", Channel::Whatsapp, 1_400),
    ("call", Channel::Voice, 14_000),
    ("call-two", Channel::Voice, 19_000),
];

/// How a provider does just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    Fair,
    /// So many of a thousand calls fail.
    Down(u64),
}

pub struct Account {
    pub route: Route,
    pub weather: Weather,
    pub breaker: Host,
    pub figures: BTreeMap<Country, Host>,
}

pub struct Market {
    pub accounts: Vec<Account>,
    pub tenants: Vec<Tenant>,
    /// Of each.
    pub banks: Vec<Bank>,
    pub random: Random,
}

pub fn country(code: &str) -> Country {
    Country::parse(code).unwrap()
}

/// A tenant's key.
pub fn key(nth: usize) -> String {
    write_key(KeyKind::Secret, [7 + u8::try_from(nth).unwrap(); 24])
}

impl Market {
    pub fn new(seed: u64, banks: Vec<Bank>) -> Self {
        let account = |(name, channel, price): (&str, Channel, u64)| Account {
            route: Route {
                prices: serde_json::from_value(prices(price)).unwrap(),
                senders: senders(channel),
                ..Route::new(GatewayId::parse(name).unwrap(), channel, Countries::All)
            },
            weather: Weather::Fair,
            breaker: Host::default(),
            figures: BTreeMap::new(),
        };
        let service = serde_json::from_str(
            r#"{"brand":"Shop","channels":["sms","whatsapp","voice"],
            "dlt":{"entity_id":"1101000000000000001","header":"TIFFIN","category":"service_implicit"},
            "templates":[{"channel":"sms","locale":"en","text":"{code} is your {brand} code.","dlt_template_id":"1107000000000000001"}]}"#,
        );
        let services = BTreeMap::from([(fixtures::service(0), service.unwrap())]);
        let tenant = Tenant { services, countries: Countries::All, ..Tenant::default() };
        let tenants = vec![tenant; banks.len()];
        Self { accounts: GATEWAYS.map(account).into(), tenants, banks, random: Random::new(seed ^ 0xfeed) }
    }

    /// As core would put it together now.
    pub fn directory(&self, now: UnixMs) -> Directory {
        let key = |nth| ApiKey {
            id: fixtures::key_id(&format!("k{nth}")),
            tenant: fixtures::tenant(nth),
            kind: KeyKind::Secret,
            digest: key_digest(&key(nth)),
            origins: Vec::new(),
            services: Vec::new(),
            revoked: false,
        };
        let tenant = |nth: usize| Tenant {
            billing: Some(self.banks[nth].billing.clone()),
            ..self.tenants[nth].clone()
        };
        let all = || 0..self.tenants.len();
        let route = |account: &Account| {
            let learnt = account.figures.iter().filter_map(|(country, figures)| {
                let nothing = stats::Command { batch: Bytes([0; 16]), figures: Figures::default() };
                Learnt::of(Some(*country), &figures.probe::<RouteStats>(&nothing, now))
            });
            Route { up: account.view(now).is_closed(), learnt: learnt.collect(), ..account.route.clone() }
        };
        let mut directory = Directory {
            tenants: all().map(|nth| (fixtures::tenant(nth), tenant(nth))).collect(),
            keys: all().map(key).collect(),
            routes: self.accounts.iter().map(route).collect(),
            ceilings: fixtures::CEILINGS,
            ..Directory::default()
        };
        directory.complete().unwrap();
        for (nth, bank) in self.banks.iter().enumerate() {
            directory.tell_account(&fixtures::tenant(nth), &bank.stands(now).reach);
        }
        // What the edge gets, and nothing more.
        let directory = directory.without_words();
        directory.check().unwrap();
        directory
    }

    /// Something that an operator, a provider or a tenant does.
    pub fn change(&mut self) {
        let nth = self.random.index(self.tenants.len());
        // Whoever closes a country soon opens it again.
        if self.random.chance(700) {
            self.tenants[nth].countries = Countries::All;
        }
        let at = self.random.index(self.accounts.len());
        match self.random.below(19) {
            0..8 => {
                let price = self.random.between(900, 24_000);
                self.accounts[at].route.prices = serde_json::from_value(prices(price)).unwrap();
            }
            8..12 => {
                let permille = self.random.between(300, 1_001);
                self.accounts[at].weather = Weather::Down(permille);
            }
            12..16 => self.accounts[at].weather = Weather::Fair,
            16 => self.accounts[at].route.senders = vec![sender("DE1NAME", &["DE"])],
            17 => self.accounts.iter_mut().for_each(|it| it.route.senders = senders(it.route.channel)),
            _ => {
                let all: BTreeSet<_> = COUNTRIES.iter().map(|code| country(code)).collect();
                let closed = country(COUNTRIES[self.random.index(3)]);
                let open = all.into_iter().filter(|it| *it != closed).collect();
                self.tenants[nth].countries = Countries::These(open);
            }
        }
    }
}

impl Account {
    pub fn view(&self, now: UnixMs) -> View {
        self.breaker.probe::<Gateway>(&gateway::Ask::Look, now).view
    }
}

/// Half as much again in each further country.
fn prices(first: u64) -> serde_json::Value {
    serde_json::json!({"USD": {"IN": first, "US": first * 3 / 2, "default": first * 9 / 4}})
}

fn senders(channel: Channel) -> Vec<RouteSender> {
    match channel {
        Channel::Sms => vec![sender("SHOP", &["IN", "DE"]), sender("57007", &["US"])],
        _ => Vec::new(),
    }
}

fn sender(id: &str, to: &[&str]) -> RouteSender {
    let countries = Countries::These(to.iter().map(|code| country(code)).collect());
    RouteSender { id: Sender::parse(id).unwrap(), countries, country: None, is_registered: false }
}
