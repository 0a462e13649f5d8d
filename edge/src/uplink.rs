//! Handing a parcel to core: signed, with a deadline.

use tiffin_shared::http::internal;
use tiffin_shared::ledger::HANDOVER_TIMEOUT_MS;
use tiffin_shared::ledger::Parcel;
use worker::Headers;
use worker::Method;
use worker::Request;
use worker::RequestInit;
use worker::RequestRedirect;
use worker::console_warn;

use crate::host;
use crate::outbound;
use crate::settings::Settings;

/// Tries once. True when core has taken it.
pub async fn hand_over(settings: &Settings, parcel: &Parcel) -> bool {
    match post(settings, parcel).await {
        Ok(202) => true,
        Ok(status) => {
            console_warn!("core refused a parcel with {status}; the outbox keeps it");
            false
        }
        Err(error) => {
            console_warn!("core was not reached: {error}; the outbox keeps the parcel");
            false
        }
    }
}

async fn post(settings: &Settings, parcel: &Parcel) -> worker::Result<u16> {
    let entropy = host::entropy().map_err(|error| worker::Error::RustError(error.to_string()))?;
    let outgoing = internal::parcel(parcel, settings.edge.signing.current(), &entropy, host::now())?;
    let headers = Headers::new();
    for (name, value) in &outgoing.headers {
        headers.set(name, value)?;
    }
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_headers(headers)
        .with_redirect(RequestRedirect::Manual)
        .with_body(Some(outgoing.body.into()));
    let request = Request::new_with_init(&format!("{}{}", settings.core_url, outgoing.path), &init)?;

    Ok(outbound::send(request, HANDOVER_TIMEOUT_MS).await?.status_code())
}
