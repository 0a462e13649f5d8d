//! What a message costs.

use tiffin_shared::directory::Route;
use tiffin_shared::id::TenantId;
use tiffin_shared::price;
use tiffin_shared::wire::job::Header;

use crate::app::App;
use crate::gateways::Gateway;

/// Of the whole message, by the list of the tenant's currency, in the segments that its front door quoted; nothing where
/// no list says, and then it costs the tenant nothing.
pub fn of_message(app: &App, gateway: &Gateway, header: &Header) -> Option<u64> {
    let directory = app.directory.current();
    let currency = directory.currency_of(&header.tenant);
    let route = directory.routes.iter().find(|route| route.gateway == *gateway.name())?;
    let unit_micros = route.prices.unit_micros(currency, header.priced_as())?;
    Some(price::total_micros(unit_micros, price::units(gateway.channel(), header.sms_segments)))
}

/// Of all messages that the tenant's services may take; nothing has to be paid where one of them has no price.
pub fn cheapest(app: &App, id: &TenantId) -> u64 {
    let directory = app.directory.current();
    let Some(tenant) = directory.tenants.get(id) else { return 0 };
    let currency = directory.currency_of(id);
    let channels = || tenant.services.values().flat_map(|service| &service.channels);
    let routes = directory.routes.iter().filter(|route| channels().any(|it| *it == route.channel));
    let least = |route: &Route| route.prices.least_micros(currency).unwrap_or(0);
    routes.map(least).min().unwrap_or(0)
}
