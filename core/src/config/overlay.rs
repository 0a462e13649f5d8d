//! Scalars by environment: `TIFFIN_BUS_PARTITIONS=16` sets `bus.partitions`, and
//! `TIFFIN_GATEWAY_TWILIO_SMS_BASE_URL` sets `base_url` of the gateway `twilio-sms`.

use toml::Table;
use toml::Value;

use super::CLIENT_SECRET;
use super::Environment;
use super::Error;
use super::File;
use crate::gateways::account::variable_prefix;
use crate::gateways::kinds::is_secret;

const SECTIONS: [&str; 11] = [
    "bus",
    "delivery",
    "escalations",
    "guard",
    "retention",
    "sandbox",
    "server",
    "sim_swap",
    "store",
    "telemetry",
    "webhooks",
];

/// The file again, with what the environment says over it. Each override is tried alone, so that what is wrong is
/// blamed on the one that brought it.
pub(super) fn apply(file: File, text: &str, environment: &Environment) -> Result<File, Error> {
    let mut table: Table =
        text.parse().map_err(|error: toml::de::Error| invalid("tiffin.toml", error.message()))?;
    let mut file = file;
    for section in SECTIONS {
        let prefix = format!("TIFFIN_{}_", section.to_uppercase());
        for (name, value) in environment.with_prefix(&prefix) {
            if name.starts_with(CLIENT_SECRET) {
                continue;
            }
            let key = name.trim_start_matches(&prefix).to_lowercase();
            let place = |table: &mut Table, value| {
                let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
                set(section, &key, value);
            };
            (table, file) = with(&table, &name, &value, place)?;
        }
    }
    let gateways = table.get("gateways").and_then(Value::as_array).map_or(0, Vec::len);
    for at in 0..gateways {
        let gateway =
            |table: &Table| table.get("gateways")?.get(at)?.get("name")?.as_str().map(str::to_owned);
        let Some(gateway_name) = gateway(&table) else { continue };
        let prefix = format!("{}_", variable_prefix(&gateway_name));
        // TIFFIN_GATEWAY_TWILIO_SMS_FROM is for the gateway twilio-sms, also where there is one called twilio.
        let longer = |name: &str| {
            file.gateways.iter().any(|other| {
                let other = format!("{}_", variable_prefix(other.name.as_str()));
                other.len() > prefix.len() && other.starts_with(&prefix) && name.starts_with(&other)
            })
        };
        let own = environment.with_prefix(&prefix).into_iter().filter(|(name, _)| !longer(name));
        for (name, value) in own.collect::<Vec<_>>() {
            let key = name.trim_start_matches(&prefix).to_lowercase();
            if is_secret(&key) {
                continue;
            }
            let place = |table: &mut Table, value| {
                if let Some(gateway) = table.get_mut("gateways").and_then(|gateways| gateways.get_mut(at)) {
                    set(gateway, &key, value);
                }
            };
            (table, file) = with(&table, &name, &value, place)?;
        }
    }
    Ok(file)
}

/// As text, and where the key takes none, as a number or as true or false: a phone number looks like two of them.
fn with(
    table: &Table,
    name: &str,
    text: &str,
    place: impl Fn(&mut Table, Value),
) -> Result<(Table, File), Error> {
    let number = text.parse().map(Value::Integer).ok();
    let boolean = text.parse().map(Value::Boolean).ok();
    let mut refused = None;
    for value in [Some(Value::String(text.to_owned())), number, boolean].into_iter().flatten() {
        let mut table = table.clone();
        place(&mut table, value);
        match table.clone().try_into::<File>() {
            Ok(file) => {
                file.check().map_err(|reason| invalid(name, reason))?;
                return Ok((table, file));
            }
            Err(error) => drop(refused.get_or_insert_with(|| error.message().to_owned())),
        }
    }
    Err(invalid(name, refused.unwrap_or_default()))
}

fn set(table: &mut Value, key: &str, value: Value) {
    if let Some(table) = table.as_table_mut() {
        table.insert(key.to_owned(), value);
    }
}

fn invalid(place: &str, reason: impl ToString) -> Error {
    Error::Invalid { place: place.to_owned(), reason: reason.to_string() }
}
