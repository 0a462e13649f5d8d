//! The tests' numbers are Indian, and text messages go there as registered or not at all.

use std::fmt::Write;

use toml::Table;
use toml::Value;

const CODE: &str =
    "{code} is your {brand} code. It expires in {minutes} minutes. Never share it with anyone.";
const PAYMENT: &str =
    "{code} approves {payment} at {brand}. It expires in {minutes} minutes. Not you? Do not share it.";

/// The settings with a registration for every service that has none.
pub fn registered(settings: &str) -> anyhow::Result<String> {
    let table: Table = settings.parse()?;
    let mut text = settings.to_owned();
    for (tenant, of_tenant) in tables(table.get("tenants")) {
        for (service, of_service) in tables(of_tenant.get("services")) {
            if of_service.contains_key("dlt") {
                continue;
            }
            let place = format!("tenants.{tenant}.services.{service}");
            write!(
                text,
                "\n[{place}.dlt]\nentity_id = \"1101000000000000001\"\nheader = \"TIFFIN\"\n\
                 category = \"service_implicit\"\n"
            )?;
            for (words, id) in [(CODE, 1), (PAYMENT, 2)] {
                write!(
                    text,
                    "[[{place}.templates]]\nchannel = \"sms\"\nlocale = \"en\"\ntext = \"{words}\"\n\
                     dlt_template_id = \"110700000000000000{id}\"\n"
                )?;
            }
        }
    }
    Ok(text)
}

fn tables(of: Option<&Value>) -> impl Iterator<Item = (&String, &Table)> {
    let all = of.and_then(Value::as_table).into_iter().flatten();
    all.filter_map(|(name, value)| Some((name, value.as_table()?)))
}
