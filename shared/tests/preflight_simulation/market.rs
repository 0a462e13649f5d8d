//! The truth behind the directory: gateways with prices, senders and weather, one tenant's funds, countries that open and
//! close. What the edge knows of it is a copy that comes late.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use tiffin_shared::bytes::Bytes;
use tiffin_shared::country::Country;
use tiffin_shared::directory::ApiKey;
use tiffin_shared::directory::Countries;
use tiffin_shared::directory::Directory;
use tiffin_shared::directory::Funds;
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
    pub tenant: Tenant,
    pub random: Random,
}

pub fn country(code: &str) -> Country {
    Country::parse(code).unwrap()
}

pub fn key() -> String {
    write_key(KeyKind::Secret, [7; 24])
}

impl Market {
    pub fn new(seed: u64) -> Self {
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
        Self { accounts: GATEWAYS.map(account).into(), tenant, random: Random::new(seed ^ 0xfeed) }
    }

    /// As core would put it together now.
    pub fn directory(&self, now: UnixMs) -> Directory {
        let key = ApiKey {
            id: fixtures::key_id("k1"),
            tenant: fixtures::tenant(0),
            kind: KeyKind::Secret,
            digest: key_digest(&key()),
            origins: Vec::new(),
            services: Vec::new(),
            revoked: false,
        };
        let route = |account: &Account| {
            let learnt = account.figures.iter().filter_map(|(country, figures)| {
                let nothing = stats::Command { batch: Bytes([0; 16]), figures: Figures::default() };
                Learnt::of(Some(*country), &figures.probe::<RouteStats>(&nothing, now))
            });
            Route { up: account.view(now).is_closed(), learnt: learnt.collect(), ..account.route.clone() }
        };
        let mut directory = Directory {
            tenants: BTreeMap::from([(fixtures::tenant(0), self.tenant.clone())]),
            keys: vec![key],
            routes: self.accounts.iter().map(route).collect(),
            ceilings: fixtures::CEILINGS,
            ..Directory::default()
        };
        directory.complete().unwrap();
        // What the edge gets, and nothing more.
        let directory = directory.without_words();
        directory.check().unwrap();
        directory
    }

    /// Something that an operator, a provider or a tenant does.
    pub fn change(&mut self) {
        // Whoever runs out of money, or closes a country, is soon back.
        if self.random.chance(700) {
            (self.tenant.funds, self.tenant.countries) = (Funds::Open, Countries::All);
        }
        let at = self.random.index(self.accounts.len());
        match self.random.below(20) {
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
            18 => self.tenant.funds = Funds::Exhausted,
            _ => {
                let all: BTreeSet<_> = COUNTRIES.iter().map(|code| country(code)).collect();
                let closed = country(COUNTRIES[self.random.index(3)]);
                let open = all.into_iter().filter(|it| *it != closed).collect();
                self.tenant.countries = Countries::These(open);
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
