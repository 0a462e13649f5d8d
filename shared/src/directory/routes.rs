//! Which ways are open now.

use serde::Deserialize;
use serde::Serialize;

use super::Countries;
use super::Directory;
use super::Service;
use crate::country::Country;
use crate::id::GatewayId;
use crate::id::ServiceId;
use crate::ledger::ServiceRoutes;
use crate::ledger::Way;
use crate::wire::api::Channel;

/// A gateway and what it carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Through whom.
    pub gateway: GatewayId,
    /// How.
    pub channel: Channel,
    /// Where to.
    pub countries: Countries,
    /// Whether core finds it working.
    pub up: bool,
}

impl Directory {
    /// The service's ways to anywhere; see [`Directory::ways`].
    pub fn ways_anywhere(&self, service: &Service) -> Vec<Way> {
        let routes = service.channels.iter().flat_map(|channel| {
            self.routes.iter().filter(move |route| route.channel == *channel && route.up)
        });
        routes.map(|route| Way { channel: route.channel, gateway: route.gateway.clone() }).collect()
    }

    /// The same, by its name.
    pub fn ways_of(&self, name: &ServiceId, service: &Service) -> ServiceRoutes {
        ServiceRoutes { service: name.clone(), routes: self.ways_anywhere(service) }
    }

    /// The service's ways to a country, best first: by the service's order of channels, then the operator's of
    /// gateways. Where core calls every way down, all of them: one may be up again, and to refuse helps nobody.
    pub fn ways(&self, service: &Service, country: Option<Country>) -> Vec<Way> {
        let carries = |route: &&Route, channel: Channel| {
            route.channel == channel && (channel == Channel::Email || route.countries.allow(country))
        };
        let by_channel = |is_up: bool| -> Vec<Way> {
            let routes = service.channels.iter().flat_map(|channel| {
                self.routes.iter().filter(move |route| carries(route, *channel) && (route.up || !is_up))
            });
            routes.map(|route| Way { channel: route.channel, gateway: route.gateway.clone() }).collect()
        };
        let up = by_channel(true);
        if up.is_empty() { by_channel(false) } else { up }
    }
}
