//! Scalars by environment: `TIFFIN_BUS_PARTITIONS=16` sets `bus.partitions`, and
//! `TIFFIN_GATEWAY_TWILIO_SMS_BASE_URL` sets `base_url` of the gateway `twilio-sms`.

use toml::Table;
use toml::Value;

use super::Environment;
use super::Error;
use super::File;

const SECTIONS: [&str; 5] = ["bus", "delivery", "sandbox", "server", "store"];

/// The file again, with what the environment says over it.
pub(super) fn apply(file: File, text: &str, environment: &Environment) -> Result<File, Error> {
    let mut names: Vec<String> = Vec::new();
    let mut table: Table = text.parse().map_err(|error| invalid("tiffin.toml", error))?;
    for section in SECTIONS {
        let prefix = format!("TIFFIN_{}_", section.to_uppercase());
        for (name, value) in environment.with_prefix(&prefix) {
            let key = name.trim_start_matches(&prefix).to_lowercase();
            let entry = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            set(entry, key, &value);
            names.push(name);
        }
    }
    for gateway in table.get_mut("gateways").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(gateway_name) = gateway.get("name").and_then(Value::as_str) else { continue };
        let prefix = format!("{}_", super::secrets::gateway_prefix(gateway_name));
        for (name, value) in environment.with_prefix(&prefix) {
            let key = name.trim_start_matches(&prefix).to_lowercase();
            if !super::secrets::is_gateway_secret(&key) {
                set(gateway, key, &value);
                names.push(name);
            }
        }
    }
    if names.is_empty() {
        return Ok(file);
    }
    table.try_into().map_err(|error: toml::de::Error| invalid(&names.join(", "), error.message()))
}

fn set(table: &mut Value, key: String, text: &str) {
    // Numbers as such, everything else as text: no key takes a boolean.
    let value = text.parse().map_or_else(|_| Value::String(text.to_owned()), Value::Integer);
    if let Some(table) = table.as_table_mut() {
        table.insert(key, value);
    }
}

fn invalid(place: &str, reason: impl ToString) -> Error {
    Error::Invalid { place: place.to_owned(), reason: reason.to_string() }
}
