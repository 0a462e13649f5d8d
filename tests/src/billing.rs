//! Settings in which the tests' tenant pays.

/// The settings with this price on every gateway, and an account with so much on it.
pub fn paying(settings: &str, price_micros: u64, opening_micros: u64) -> String {
    // Gateways alone have a kind.
    let settings = settings.replace("\nkind = ", &format!("\nprice_micros = {price_micros}\nkind = "));
    format!(
        "{settings}\n[tenants.dev.billing]\nmode = \"prepaid\"\ncurrency = \"USD\"\n\
         opening_micros = {opening_micros}\nlow_balance_micros = {price_micros}\n"
    )
}
