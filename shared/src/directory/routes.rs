//! Which ways there are, and what is known of each.

use serde::Deserialize;
use serde::Serialize;

use super::Countries;
use super::Directory;
use super::LEARNT_MAX;
use super::Learnt;
use super::Payments;
use super::Service;
use crate::country::Country;
use crate::id::GatewayId;
use crate::id::ServiceId;
use crate::ledger::ServiceRoutes;
use crate::ledger::Way;
use crate::price::Prices;
use crate::route::Sender;
use crate::sender;
use crate::wire::api::Channel;

/// A gateway and what it carries. It changes with settings, breakers and once a minute with what was learnt, and not with
/// every message: each change is a write at the edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Through whom.
    pub gateway: GatewayId,
    /// How.
    pub channel: Channel,
    /// Where to.
    pub countries: Countries,
    /// Whether core finds it working, or would try it again.
    pub up: bool,
    /// What its messages cost.
    #[serde(default, skip_serializing_if = "Prices::is_empty")]
    pub prices: Prices,
    /// As whom it sends; none where the provider decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub senders: Vec<RouteSender>,
    /// Whether they show what a code approves.
    #[serde(default, skip_serializing_if = "Payments::is_shown")]
    pub payments: Payments,
    /// How messages fare on it, by country, where enough of them did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub learnt: Vec<Learnt>,
}

/// As whom a gateway sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteSender {
    /// A number, a name, or the provider's id of several.
    pub id: Sender,
    /// Where it sends to.
    pub countries: Countries,
    /// Where it belongs, where the settings say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// Whether the settings name its 10DLC campaign or toll-free verification.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_registered: bool,
}

impl Route {
    /// One that is up, of which nothing else is known.
    pub fn new(gateway: GatewayId, channel: Channel, countries: Countries) -> Self {
        let (prices, senders, payments, learnt) =
            (Prices::default(), Vec::new(), Payments::Shown, Vec::new());
        Self { gateway, channel, countries, up: true, prices, senders, payments, learnt }
    }

    /// Whether it goes there. A mailbox has no country.
    pub fn leads_to(&self, country: Option<Country>) -> bool {
        self.channel == Channel::Email || self.countries.allow(country)
    }

    /// The senders that may go there; nothing where there are some, and none of them may.
    pub fn senders_to(&self, country: Option<Country>) -> Option<Vec<&RouteSender>> {
        let Some(to) = country.filter(|_| self.channel != Channel::Email) else {
            return Some(self.senders.iter().collect());
        };
        let may: Vec<_> = self.senders.iter().filter(|sender| sender.reaches(self.channel, to)).collect();
        (self.senders.is_empty() || !may.is_empty()).then_some(may)
    }

    /// How messages to this country fare.
    pub fn learnt_of(&self, country: Option<Country>) -> Option<&Learnt> {
        self.learnt.iter().find(|learnt| learnt.country == country)
    }

    pub(super) fn check(&self) -> Result<(), String> {
        self.prices.check().map_err(|error| error.to_string())?;
        if self.learnt.len() > LEARNT_MAX {
            return Err(format!("learnt: at most {LEARNT_MAX} countries"));
        }
        Ok(())
    }
}

impl RouteSender {
    fn reaches(&self, channel: Channel, to: Country) -> bool {
        self.countries.allow(Some(to)) && sender::reaches(channel, to, &self.id, self.country).is_ok()
    }
}

impl Route {
    /// The way through it, of this service.
    pub(super) fn way(&self, service: &Service) -> Way {
        let hides_payments = !self.takes_payments(service);
        Way { channel: self.channel, gateway: self.gateway.clone(), hides_payments }
    }
}

impl Directory {
    /// The service's ways to anywhere; see [`Directory::inventory`].
    pub fn ways_anywhere(&self, service: &Service) -> Vec<Way> {
        let routes = service.channels.iter().flat_map(|channel| {
            self.routes.iter().filter(move |route| route.channel == *channel && route.up)
        });
        routes.map(|route| route.way(service)).collect()
    }

    /// The same, by its name.
    pub fn ways_of(&self, name: &ServiceId, service: &Service) -> ServiceRoutes {
        ServiceRoutes { service: name.clone(), routes: self.ways_anywhere(service) }
    }
}
