use rusmpp::tlvs::MessageDeliveryRequestTlvValue as Value;
use rusmpp::types::AnyOctetString;
use rusmpp::types::OctetString;
use rusmpp::values::ErrorCodeNetworkType;
use rusmpp::values::MessagePayload;
use rusmpp::values::MessageState;
use rusmpp::values::NetworkErrorCode;
use rusmpp::values::UserMessageReference;

use super::*;

fn deliver(esm_class: u8, text: &str, tlvs: Vec<Value>) -> DeliverSm {
    DeliverSm::builder()
        .source_addr("919876543210".parse().unwrap())
        .esm_class(EsmClass::from(esm_class))
        .short_message(OctetString::from_slice(text.as_bytes()).unwrap())
        .tlvs(tlvs)
        .build()
}

fn receipt(id: &str, state: State, error: Option<&str>) -> Arrival {
    Arrival::Receipt(Receipt {
        message_id: Some(id.to_owned()),
        reference: None,
        recipient: "919876543210".into(),
        state,
        error: error.map(str::to_owned),
    })
}

#[test]
fn receipts_are_read_by_text() {
    let cases = [
        (
            "id:0123456789 sub:001 dlvrd:001 submit date:2611211000 done date:2611211001 stat:DELIVRD err:000 text:482915 is",
            receipt("0123456789", State::Delivered, None),
        ),
        ("id:a1 stat:UNDELIV err:027", receipt("a1", State::Undeliverable, Some("027"))),
        ("ID:a1 SUB:001 STAT:EXPIRED ERR:1B", receipt("a1", State::Expired, Some("1B"))),
        ("id: a1 stat: REJECTD err: 0", receipt("a1", State::Rejected, None)),
        ("id:a1 stat:ACCEPTD", receipt("a1", State::Accepted, None)),
        ("stat:DELIVERED id:a1", receipt("a1", State::Delivered, None)),
        // What the message says is not the receipt's.
        ("id:a1 stat:DELIVRD err:000 text:id:b2 stat:UNDELIV", receipt("a1", State::Delivered, None)),
        ("id: sub:001 stat:DELIVRD", Arrival::Vague),
        ("id:a1 stat:WEIRD", Arrival::Vague),
        ("msgid:a1 laststat:DELIVRD", Arrival::Vague),
        ("", Arrival::Vague),
    ];
    for (text, wanted) in cases {
        assert_eq!(deliver_sm(&deliver(0x04, text, Vec::new())), wanted, "{text}");
    }
}

#[test]
fn tlvs_go_before_the_text() {
    let tlvs = || {
        vec![
            Value::ReceiptedMessageId("b2".parse().unwrap()),
            Value::MessageState(MessageState::Undeliverable),
            Value::NetworkErrorCode(NetworkErrorCode::new(ErrorCodeNetworkType::Gsm, 27)),
        ]
    };
    assert_eq!(
        deliver_sm(&deliver(0x04, "id:a1 stat:DELIVRD", tlvs())),
        receipt("b2", State::Undeliverable, Some("027"))
    );
    // The TLV alone says that it is one.
    assert_eq!(deliver_sm(&deliver(0, "", tlvs())), receipt("b2", State::Undeliverable, Some("027")));
    let payload = AnyOctetString::from_slice(b"id:c3 stat:DELIVRD err:000");
    let payload = vec![Value::MessagePayload(MessagePayload::new(payload))];
    assert_eq!(deliver_sm(&deliver(0x04, "", payload)), receipt("c3", State::Delivered, None));
}

#[test]
fn our_own_reference_is_enough_to_tell_a_message_by() {
    let tlvs = vec![Value::UserMessageReference(UserMessageReference::new(7))];
    let Arrival::Receipt(told) = deliver_sm(&deliver(0x04, "stat:DELIVRD", tlvs)) else { panic!("none") };
    assert_eq!((told.message_id, told.reference, told.state), (None, Some(7), State::Delivered));
}

#[test]
fn a_subscriber_cannot_write_a_receipt() {
    let text = "id:a1 sub:001 dlvrd:001 stat:DELIVRD err:000 text:";
    assert_eq!(deliver_sm(&deliver(0x00, text, Vec::new())), Arrival::Message);
    assert_eq!(deliver_sm(&deliver(0x40, text, Vec::new())), Arrival::Message);
    // A delivery acknowledgement of the handset's is no receipt of the SMSC's.
    assert_eq!(deliver_sm(&deliver(0x08, text, Vec::new())), Arrival::Message);
}

#[test]
fn intermediate_notifications_and_receipts_in_ucs_2_are_read() {
    assert_eq!(
        deliver_sm(&deliver(0x20, "id:a1 stat:ENROUTE", Vec::new())),
        receipt("a1", State::Enroute, None)
    );
    let bytes: Vec<_> = "id:a1 stat:DELIVRD".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let mut pdu = deliver(0x04, "", Vec::new());
    pdu.set_short_message(OctetString::from_slice(&bytes).unwrap());
    pdu.data_coding = DataCoding::Ucs2;
    assert_eq!(deliver_sm(&pdu), receipt("a1", State::Delivered, None));
}

#[test]
fn printing_a_receipt_shows_no_number() {
    let Arrival::Receipt(told) = deliver_sm(&deliver(0x04, "id:a1 stat:DELIVRD", Vec::new())) else {
        panic!()
    };
    assert!(!format!("{told:?}").contains("9876543210"));
}
