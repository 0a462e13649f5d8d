//! Receipts: by TLV and by text at once, with the reference that the message came with; on its way a notification says so.

use std::sync::Arc;
use std::time::Duration;

use rusmpp::Pdu;
use rusmpp::pdus::DeliverSm;
use rusmpp::pdus::SubmitSm;
use rusmpp::tlvs::MessageDeliveryRequestTlvValue as Value;
use rusmpp::tlvs::Tlv;
use rusmpp::tlvs::TlvValue;
use rusmpp::types::OctetString;
use rusmpp::values::EsmClass;
use rusmpp::values::MessageState;
use rusmpp::values::UserMessageReference;

use crate::gateways::smpp::receipt::State;
use crate::gateways::smpp::status;
use crate::sandbox::inbox::Status;
use crate::sandbox::journey::STOPPED;
use crate::sandbox::journey::Tell;
use crate::sandbox::journey::Teller;
use crate::sandbox::state::Sandbox;

/// `esm_class` of a receipt, and of a notification on the way.
const RECEIPT: u8 = 0x04;
const INTERMEDIATE: u8 = 0x20;
/// Tries to bring a receipt, while nobody takes it.
const TRIES_MAX: u32 = 6;
const PAUSE_MS_FIRST: u64 = 250;

/// Tells by any session of the account that receives.
pub(super) fn teller(sandbox: &Arc<Sandbox>, gateway: &str, pdu: &SubmitSm) -> Teller {
    let (sandbox, gateway, pdu) = (Arc::downgrade(sandbox), gateway.to_owned(), pdu.clone());
    Box::new(move |message, step, failure| {
        let asks = u8::from(pdu.registered_delivery) & 0x03 != 0;
        let Some(sandbox) = sandbox.upgrade().filter(|_| asks) else { return Tell::Nobody };
        let state = match step {
            Status::Queued => return Tell::Nobody,
            Status::Sent => State::Enroute,
            Status::Delivered => State::Delivered,
            Status::Undelivered if failure == Some(STOPPED) => State::Deleted,
            Status::Undelivered => State::Undeliverable,
        };
        let told = receipt(&pdu, &message.entry.id, state, failure.filter(|code| *code != STOPPED));
        tokio::spawn(bring(sandbox, gateway.clone(), told.into()));
        Tell::Done
    })
}

async fn bring(sandbox: Arc<Sandbox>, gateway: String, pdu: Pdu) {
    let mut pause_ms = PAUSE_MS_FIRST;
    for _ in 0..TRIES_MAX {
        if let Some(line) = sandbox.smpp.receiver(&gateway)
            && line.ask(pdu.clone()).await == Some(status::ROK)
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        pause_ms *= 2;
    }
    tracing::warn!(gateway, "nobody took a receipt");
}

fn receipt(pdu: &SubmitSm, id: &str, state: State, failure: Option<&str>) -> DeliverSm {
    let (esm_class, delivered) = match state {
        State::Enroute => (INTERMEDIATE, 0),
        State::Delivered => (RECEIPT, 1),
        _ => (RECEIPT, 0),
    };
    let (number, error) = (number(state), failure.unwrap_or("000"));
    let stat = state.text();
    let text = format!("id:{id} sub:001 dlvrd:00{delivered} stat:{stat} err:{error} text:");
    let mut told = DeliverSm::builder()
        .source_addr_ton(pdu.dest_addr_ton)
        .source_addr_npi(pdu.dest_addr_npi)
        .source_addr(pdu.destination_addr.clone())
        .dest_addr_ton(pdu.source_addr_ton)
        .dest_addr_npi(pdu.source_addr_npi)
        .destination_addr(pdu.source_addr.clone())
        .esm_class(EsmClass::from(esm_class))
        .short_message(OctetString::from_vec(text.into_bytes()).unwrap_or_default())
        .build();
    if let Ok(id) = id.parse() {
        told.push_tlv(Value::ReceiptedMessageId(id));
    }
    told.push_tlv(Value::MessageState(number));
    for value in pdu.tlvs().iter().filter_map(Tlv::value) {
        if let TlvValue::UserMessageReference(reference) = value {
            told.push_tlv(Value::UserMessageReference(UserMessageReference::new(reference.value)));
        }
    }
    told
}

fn number(state: State) -> MessageState {
    match state {
        State::Enroute => MessageState::Enroute,
        State::Delivered => MessageState::Delivered,
        State::Deleted => MessageState::Deleted,
        _ => MessageState::Undeliverable,
    }
}
