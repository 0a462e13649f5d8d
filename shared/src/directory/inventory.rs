//! What a front door has in stock: the ways of a service to a country now, and what keeps each from being taken.

use super::Directory;
use super::Route;
use super::RouteSender;
use super::Service;
use crate::country::Country;
use crate::ledger::Way;
use crate::price;
use crate::price::Currency;
use crate::text::dlt;
use crate::wire::api::Channel;

/// A way that leads to the country, and how it stands.
#[derive(Clone, Debug)]
pub struct Stock<'a> {
    /// The way.
    pub route: &'a Route,
    /// Where to.
    pub to: Option<Country>,
    /// Its senders that may go there; none where the provider decides.
    pub senders: Vec<&'a RouteSender>,
    /// What keeps it from being taken, whatever its breaker says.
    pub hindrance: Option<Hindrance>,
}

/// What keeps a way from being taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// India's operators would drop it.
    Dlt(dlt::Missing),
    /// The payer could not read in it what the code approves.
    Payment,
    /// None of its senders reaches the country.
    Sender,
}

impl Stock<'_> {
    /// Whether an order may take it: up or not, for it may be up again.
    pub fn is_open(&self) -> bool {
        self.hindrance.is_none()
    }

    /// Whether it would be taken now.
    pub fn is_live(&self) -> bool {
        self.is_open() && self.route.up
    }

    /// What one message costs by it.
    pub fn total_micros(
        &self,
        currency: Currency,
        country: Option<Country>,
        segments: Option<u8>,
    ) -> Option<u64> {
        let unit_micros = self.route.prices.unit_micros(currency, country)?;
        Some(price::total_micros(unit_micros, price::units(self.route.channel, segments)))
    }
}

/// The ways that are taken of those there are. Where core calls every way down, all of them: one may be up again, and to
/// refuse helps nobody.
pub fn taken<'s, 'a>(all: &'s [Stock<'a>]) -> impl Iterator<Item = &'s Stock<'a>> {
    let is_any_up = all.iter().any(Stock::is_live);
    all.iter().filter(move |it| if is_any_up { it.is_live() } else { it.is_open() })
}

impl Directory {
    /// The service's ways to a country, best first, as an order that approves nothing takes them now.
    pub fn ways(&self, service: &Service, country: Option<Country>) -> Vec<Way> {
        let all = self.inventory(service, country, false);
        taken(&all).map(|it| it.route.way(service)).collect()
    }

    /// Every way of the service that leads to a country, best first: by the service's order of channels, then the operator's
    /// of gateways.
    pub fn inventory<'a>(
        &'a self,
        service: &Service,
        country: Option<Country>,
        is_payment: bool,
    ) -> Vec<Stock<'a>> {
        let of_channel = |channel: &Channel| {
            let channel = *channel;
            self.routes.iter().filter(move |route| route.channel == channel && route.leads_to(country))
        };
        let routes = service.channels.iter().flat_map(of_channel);
        routes.map(|route| stock(route, service, country, is_payment)).collect()
    }
}

fn stock<'a>(route: &'a Route, service: &Service, country: Option<Country>, is_payment: bool) -> Stock<'a> {
    let senders = route.senders_to(country);
    // What was not counted is not known: delivery finds out.
    let missing = service.texts.as_ref().filter(|_| dlt::is_needed(route.channel, country));
    let missing = missing.and_then(|texts| texts.missing(is_payment));
    let hindrance = match (&senders, missing) {
        _ if is_payment && !route.takes_payments(service) => Some(Hindrance::Payment),
        (None, _) => Some(Hindrance::Sender),
        (Some(_), Some(missing)) => Some(Hindrance::Dlt(missing)),
        (Some(_), None) => None,
    };
    Stock { route, to: country, senders: senders.unwrap_or_default(), hindrance }
}
