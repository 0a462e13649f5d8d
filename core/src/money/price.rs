//! What a message costs.

use tiffin_shared::admin::Settings;
use tiffin_shared::country::Country;

use crate::admin;
use crate::gateways::Gateway;

/// The price of one message through a gateway, or of one segment of a text, in millionths; nothing where none is set, and
/// then it costs the tenant nothing.
pub fn of_message(settled: &Settings, gateway: &Gateway, _country: Option<Country>) -> Option<u64> {
    admin::price_micros(settled, gateway)
}
