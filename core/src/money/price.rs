//! What a message costs.

use tiffin_shared::directory::Directory;
use tiffin_shared::price;
use tiffin_shared::price::Prices;
use tiffin_shared::wire::job::Header;

use crate::gateways::Gateway;

/// The price of a whole message of this order through a gateway, in millionths of its tenant's currency: by the country that
/// it was quoted by, in as many segments. Nothing where no list says, and then it costs the tenant nothing.
pub fn of_message(directory: &Directory, gateway: &Gateway, header: &Header) -> Option<u64> {
    let currency = directory.currency_of(&header.tenant);
    let unit_micros = lists(directory, gateway)?.unit_micros(currency, header.country)?;
    Some(price::total_micros(unit_micros, price::units(gateway.channel(), header.sms_segments)))
}

/// Its price lists, as the directory has them.
pub fn lists<'a>(directory: &'a Directory, gateway: &Gateway) -> Option<&'a Prices> {
    let route = directory.routes.iter().find(|route| route.gateway == *gateway.name())?;
    Some(&route.prices)
}
