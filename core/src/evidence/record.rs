//! An exchange with a provider, as it is kept.

use std::sync::Arc;

use tiffin_shared::evidence::Exchange;
use tiffin_shared::evidence::Field;
use tiffin_shared::evidence::Item;
use tiffin_shared::evidence::Told;

use super::keep;
use super::redact::Known;
use super::redact::REQUEST_CHARS_MAX;
use super::redact::Redactor;
use super::redact::Trust;
use super::time;
use crate::app::App;
use crate::gateways::Gateway;
use crate::gateways::adapter::Taken;
use crate::gateways::call::Seen;
use crate::gateways::wire::Outline;
use crate::gateways::wire::Talk;
use crate::host;

/// Without what nobody may read.
pub fn exchange(
    redactor: &Redactor<'_>,
    purpose: &str,
    outline: Outline,
    seen: &Seen,
    trust: Trust,
) -> Exchange {
    let date = seen.headers.iter().find(|(name, _)| name == "date");
    let reply = seen.reply.as_ref().map(|(status, body)| Told {
        status: redactor.line(status),
        headers: seen.headers.iter().map(|(name, value)| field(redactor, name, value)).collect(),
        body: redactor.body(body, trust, REQUEST_CHARS_MAX),
        date: date.and_then(|(_, text)| time::http_date(text)),
    });
    Exchange {
        purpose: purpose.to_owned(),
        began_at: seen.began_at,
        ended_at: seen.ended_at,
        request: redactor.request(outline),
        reply,
        failure: seen.failure.map(str::to_owned),
    }
}

/// Keeps what was asked about a message later. Who asks knows neither its code nor its number: all that looks like either goes.
pub async fn talks(app: &Arc<App>, gateway: &Gateway, taken: &Taken<'_>, talks: Vec<Talk>) {
    for Talk { purpose, outline, seen } in talks {
        let reference = taken.reference;
        let plain = [taken.provider_id, taken.from.unwrap_or_default()].map(str::to_owned);
        let plain = plain.into_iter().chain([reference.text(), reference.order.to_string()]).collect();
        let secrets = secrets(app, gateway);
        let known = Known { code: None, phone: None, email: None, secrets, plain, now: host::now() };
        let exchange = exchange(&Redactor::new(known), purpose, outline, &seen, Trust::Others);
        keep(app, &reference.order, reference.n, None, Item::Exchange(exchange)).await;
    }
}

/// The account's secrets by value: some providers take them in the body or the address.
pub fn secrets(app: &App, gateway: &Gateway) -> Vec<String> {
    let names = gateway.account().secret_variables();
    names.iter().filter_map(|name| app.config.environment.get(name)).collect()
}

fn field(redactor: &Redactor<'_>, name: &str, value: &str) -> Field {
    let value = if name == "date" { value.to_owned() } else { redactor.line(value) };
    Field { name: name.to_owned(), value }
}
