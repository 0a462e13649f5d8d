//! A message as `submit_sm`: SMPP 3.4, 4.4.

use rusmpp::pdus::SubmitSm;
use rusmpp::tlvs::MessageSubmissionRequestTlvValue as Tlv;
use rusmpp::tlvs::TlvTag;
use rusmpp::types::AnyOctetString;
use rusmpp::types::EmptyOrFullCOctetString;
use rusmpp::types::OctetString;
use rusmpp::values::DataCoding;
use rusmpp::values::EsmClass;
use rusmpp::values::MessagePayload;
use rusmpp::values::RegisteredDelivery;
use rusmpp::values::UserMessageReference;
use tiffin_shared::phone::Phone;
use tiffin_shared::text::segment;
use tiffin_shared::text::segment::Encoding;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::SECOND_MS;

use super::address::Address;
use super::address::InvalidAddress;
use super::keys::DltTags;
use super::keys::Keys;
use super::keys::LongMessages;

/// `esm_class`: the text begins with a user data header.
const UDHI: u8 = 0x40;
/// `registered_delivery`: tell of success and of failure.
const RECEIPT: u8 = 0x01;
/// The longest validity that is asked for: no code lives longer.
const VALID_S_MAX: u64 = DAY_MS / SECOND_MS - 1;

/// A text to send. No `Debug`: it holds the code.
pub struct Text<'a> {
    /// To whom.
    pub to: &'a Phone,
    /// As whom; without it the SMSC decides.
    pub from: Option<&'a str>,
    /// What it says.
    pub text: &'a str,
    /// Seconds it is worth delivering.
    pub valid_s: u64,
    /// India's registration of the text.
    pub dlt: Option<Dlt<'a>>,
}

/// India's DLT ids.
#[derive(Clone, Copy, Debug)]
pub struct Dlt<'a> {
    /// Of the sending company.
    pub entity_id: &'a str,
    /// Of the text.
    pub template_id: &'a str,
}

/// The PDUs that carry it, in order. `number` is the message's name among those of late.
pub fn pdus(keys: &Keys, text: &Text<'_>, number: u16) -> Result<Vec<SubmitSm>, InvalidAddress> {
    let (encoding, bodies) = bodies(keys.long_messages, text.text, number);
    let source = text.from.map_or_else(|| Ok(Address::none()), Address::sender)?;
    let destination = Address::phone(text.to)?;
    let last = bodies.len().saturating_sub(1);
    let pdus = bodies.into_iter().enumerate().map(|(at, body)| {
        let mut pdu = SubmitSm::builder()
            .source_addr_ton(source.ton)
            .source_addr_npi(source.npi)
            .source_addr(source.text.clone())
            .dest_addr_ton(destination.ton)
            .dest_addr_npi(destination.npi)
            .destination_addr(destination.text.clone())
            .esm_class(EsmClass::from(body.esm_class))
            .validity_period(validity(text.valid_s))
            // Of a long message the last part is told of: one message, one receipt.
            .registered_delivery(RegisteredDelivery::from(if at == last { RECEIPT } else { 0 }))
            .data_coding(match encoding {
                Encoding::Gsm7 => DataCoding::McSpecific,
                Encoding::Ucs2 => DataCoding::Ucs2,
            })
            .short_message(OctetString::from_vec(body.octets).unwrap_or_default())
            .build();
        if keys.reference_tlv {
            pdu.push_tlv(Tlv::UserMessageReference(UserMessageReference::new(number)));
        }
        if let (Some(tags), Some(dlt)) = (keys.dlt_tags, text.dlt) {
            dlt_tlvs(tags, dlt).into_iter().for_each(|tlv| pdu.push_tlv(tlv));
        }
        // Last: Jasmin takes the length of the last TLV for that of a payload.
        body.tlvs.into_iter().for_each(|tlv| pdu.push_tlv(tlv));
        pdu
    });
    Ok(pdus.collect())
}

struct Body {
    esm_class: u8,
    octets: Vec<u8>,
    tlvs: Vec<Tlv>,
}

fn bodies(how: LongMessages, text: &str, number: u16) -> (Encoding, Vec<Body>) {
    let (encoding, parts) = segment::parts(text);
    let count = parts.len();
    if count > 1 && how == LongMessages::Payload {
        let payload = MessagePayload::new(AnyOctetString::from_vec(parts.concat()));
        let body = Body { esm_class: 0, octets: Vec::new(), tlvs: vec![Tlv::MessagePayload(payload)] };
        return (encoding, vec![body]);
    }
    // A text of 256 parts is none that was meant to be sent; its last parts would have no number.
    let total = u8::try_from(count).unwrap_or(u8::MAX);
    let bodies = parts.into_iter().zip(1..=total).map(|(octets, at)| match how {
        _ if count == 1 => Body { esm_class: 0, octets, tlvs: Vec::new() },
        LongMessages::Sar => Body {
            esm_class: 0,
            octets,
            tlvs: vec![Tlv::SarMsgRefNum(number), Tlv::SarTotalSegments(total), Tlv::SarSegmentSeqnum(at)],
        },
        LongMessages::Udh | LongMessages::Payload => {
            // 3GPP TS 23.040, 9.2.3.24.1: concatenated short messages, 8-bit reference number.
            let [_, reference] = number.to_be_bytes();
            let header = [5, 0, 3, reference, total, at];
            Body { esm_class: UDHI, octets: [&header[..], &octets].concat(), tlvs: Vec::new() }
        }
    });
    (encoding, bodies.collect())
}

/// SMPP 3.4, 7.1.1.2: relative time, `YYMMDDhhmmss000R`.
fn validity(valid_s: u64) -> EmptyOrFullCOctetString<17> {
    let valid_s = valid_s.clamp(1, VALID_S_MAX);
    let (hours, minutes, seconds) = (valid_s / 3_600, valid_s / 60 % 60, valid_s % 60);
    format!("000000{hours:02}{minutes:02}{seconds:02}000R")
        .parse()
        .unwrap_or_else(|_impossible| EmptyOrFullCOctetString::empty())
}

fn dlt_tlvs(tags: DltTags, dlt: Dlt<'_>) -> [Tlv; 2] {
    [(tags.entity, dlt.entity_id), (tags.template, dlt.template_id)].map(|(tag, id)| Tlv::Other {
        tag: TlvTag::Other(tag),
        value: AnyOctetString::from_slice(id.as_bytes()),
    })
}

#[cfg(test)]
mod tests {
    use rusmpp::tlvs::TlvValue;

    use super::*;

    fn keys(more: &str) -> Keys {
        toml::from_str(&format!("host = \"h\"\nsystem_id = \"s\"\n{more}")).unwrap()
    }

    fn text(phone: &Phone, body: &str, keys: &Keys) -> Vec<SubmitSm> {
        let dlt = Some(Dlt { entity_id: "1201159", template_id: "1207161" });
        pdus(keys, &Text { to: phone, from: Some("ACME"), text: body, valid_s: 300, dlt }, 0x1234).unwrap()
    }

    fn phone() -> Phone {
        Phone::parse("+919876543210").unwrap()
    }

    #[test]
    fn a_short_text_is_one_plain_message() {
        let pdus = text(&phone(), "{482915} @ 5€", &keys("reference_tlv = false"));
        let [pdu] = &pdus[..] else { panic!("{} parts", pdus.len()) };
        assert_eq!(pdu.short_message().as_ref(), b"\x1b\x28482915\x1b\x29 \x00 5\x1b\x65");
        assert_eq!((pdu.destination_addr.as_str(), pdu.source_addr.as_str()), ("919876543210", "ACME"));
        assert_eq!(u8::from(pdu.esm_class), 0);
        assert_eq!(u8::from(pdu.registered_delivery), 1);
        assert_eq!(pdu.validity_period.as_str(), "000000000500000R");
        assert_eq!(u8::from(pdu.data_coding), 0);
        assert!(pdu.tlvs().is_empty());
    }

    #[test]
    fn long_texts_go_as_the_account_has_it() {
        let body = "ü".repeat(200);
        let udh = text(&phone(), &body, &keys(""));
        assert_eq!(udh.len(), 2);
        assert_eq!(&udh[0].short_message().as_ref()[..7], [5, 0, 3, 0x34, 2, 1, 0x7e]);
        assert_eq!(&udh[1].short_message().as_ref()[..6], [5, 0, 3, 0x34, 2, 2]);
        assert!(udh.iter().all(|pdu| u8::from(pdu.esm_class) == 0x40));
        let told: Vec<_> = udh.iter().map(|pdu| u8::from(pdu.registered_delivery)).collect();
        assert_eq!(told, [0, 1]);

        let sar = text(&phone(), &body, &keys("long_messages = \"sar\"\nreference_tlv = false"));
        let tags = |pdu: &SubmitSm| pdu.tlvs().iter().map(|tlv| u16::from(tlv.tag())).collect::<Vec<_>>();
        assert_eq!((sar.len(), tags(&sar[1])), (2, vec![0x020c, 0x020e, 0x020f]));

        let payload = text(&phone(), &body, &keys("long_messages = \"payload\"\nreference_tlv = false"));
        assert_eq!((payload.len(), tags(&payload[0])), (1, vec![0x0424]));
        assert!(payload[0].short_message().is_empty());
    }

    #[test]
    fn our_reference_and_the_dlt_ids_go_as_tlvs() {
        let pdus = text(&phone(), "482915", &keys("dlt_tags = { entity = 0x1400, template = 0x1401 }"));
        let values: Vec<_> = pdus[0].tlvs().iter().filter_map(|tlv| tlv.value()).collect();
        let other = |tag, text: &'static str| TlvValue::Other {
            tag: TlvTag::Other(tag),
            value: AnyOctetString::from_static_slice(text.as_bytes()),
        };
        let reference = TlvValue::UserMessageReference(UserMessageReference::new(0x1234));
        assert_eq!(values, [&reference, &other(0x1400, "1201159"), &other(0x1401, "1207161")]);
    }
}
