//! What the edge sends to core: parcels and questions, signed, with a deadline.

use tiffin_shared::entropy::Entropy;
use tiffin_shared::evidence;
use tiffin_shared::evidence::PACKET_BYTES_MAX;
use tiffin_shared::http::internal;
use tiffin_shared::http::internal::Outgoing;
use tiffin_shared::ledger::HANDOVER_TIMEOUT_MS;
use tiffin_shared::ledger::Parcel;
use tiffin_shared::time::UnixMs;
use worker::console_warn;

use crate::host;
use crate::outbound;
use crate::settings::Settings;

/// Core reads a handful of records; who asks for evidence is a person.
const EVIDENCE_TIMEOUT_MS: u64 = 10_000;

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

/// Asks core for what it knows of an order. Fails where it does not answer, or has no answer.
pub async fn evidence(
    settings: &Settings,
    ask: &evidence::Ask,
    entropy: &Entropy,
    now: UnixMs,
) -> worker::Result<evidence::Answer> {
    let outgoing = internal::evidence(ask, settings.edge.signing.current(), entropy, now)?;
    let (status, body) = send(settings, outgoing, (EVIDENCE_TIMEOUT_MS, PACKET_BYTES_MAX)).await?;
    if body.len() > PACKET_BYTES_MAX {
        return Err(worker::Error::RustError("core's evidence is too long".into()));
    }
    let answer = internal::evidence_answer(status, body);
    answer
        .ok_or_else(|| worker::Error::RustError(format!("core answered {status} to a question for evidence")))
}

async fn post(settings: &Settings, parcel: &Parcel) -> worker::Result<u16> {
    let entropy = host::entropy().map_err(|error| worker::Error::RustError(error.to_string()))?;
    let outgoing = internal::parcel(parcel, settings.edge.signing.current(), &entropy, host::now())?;
    // Its status says it all.
    Ok(send(settings, outgoing, (HANDOVER_TIMEOUT_MS, 0)).await?.0)
}

async fn send(
    settings: &Settings,
    outgoing: Outgoing,
    limits: (u64, usize),
) -> worker::Result<(u16, Vec<u8>)> {
    let headers: Vec<_> = outgoing.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    outbound::post(&format!("{}{}", settings.core_url, outgoing.path), &headers, &outgoing.body, limits).await
}
