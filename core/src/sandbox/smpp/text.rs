//! What a phone makes of the octets of a message. Written apart from what the gateways write with, so that the two check each other.

use std::collections::HashMap;
use std::sync::Mutex;

use rusmpp::pdus::SubmitSm;
use rusmpp::tlvs::Tlv;
use rusmpp::tlvs::TlvValue;
use rusmpp::values::DataCoding;

use super::lock;

/// The default alphabet of 3GPP TS 23.038: the place is the septet, `\u{1b}` the escape.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// What follows an escape.
const EXTENSION: [(u8, char); 10] = [
    (0x0a, '\u{c}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2f, '\\'),
    (0x3c, '['),
    (0x3d, '~'),
    (0x3e, ']'),
    (0x40, '|'),
    (0x65, '€'),
];
const ESCAPE: u8 = 0x1b;
/// The user data header of a part: length, kind, its length, reference, count and place.
const PART_HEADER_BYTES: usize = 6;
/// Long messages of which parts are missing: whoever leaves more behind loses the others.
const UNFINISHED_MAX: usize = 256;

/// One of several parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    reference: u16,
    total: u8,
    at: u8,
}

/// The long messages that are not whole yet, by recipient and reference.
#[derive(Default)]
pub(super) struct Unfinished(Mutex<HashMap<(String, u16), HashMap<u8, String>>>);

impl Unfinished {
    /// The whole text, once its last part is there.
    pub(super) fn add(&self, pdu: &SubmitSm) -> Option<String> {
        let (text, part) = read(pdu);
        let Some(part) = part.filter(|part| part.total > 1) else { return Some(text) };
        let mut unfinished = lock(&self.0);
        if unfinished.len() >= UNFINISHED_MAX {
            unfinished.clear();
        }
        let key = (pdu.destination_addr.as_str().to_owned(), part.reference);
        let parts = unfinished.entry(key.clone()).or_default();
        parts.insert(part.at, text);
        let whole: Option<String> = (1..=part.total).map(|at| parts.get(&at).map(String::as_str)).collect();
        if whole.is_some() {
            unfinished.remove(&key);
        }
        whole
    }
}

fn read(pdu: &SubmitSm) -> (String, Option<Part>) {
    let values = || pdu.tlvs().iter().filter_map(Tlv::value);
    let payload = values().find_map(|value| match value {
        TlvValue::MessagePayload(payload) => Some(payload.value.as_ref()),
        _ => None,
    });
    let octets = payload.unwrap_or(pdu.short_message().as_ref());
    let has_header = u8::from(pdu.esm_class) & 0x40 != 0;
    match (has_header, octets) {
        (true, [5, 0, 3, reference, total, at, ..]) => {
            let part = Part { reference: u16::from(*reference), total: *total, at: *at };
            (decode(octets.get(PART_HEADER_BYTES..).unwrap_or_default(), pdu.data_coding), Some(part))
        }
        _ => (decode(octets, pdu.data_coding), by_tlvs(pdu)),
    }
}

fn by_tlvs(pdu: &SubmitSm) -> Option<Part> {
    let (mut reference, mut total, mut at) = (None, None, None);
    for value in pdu.tlvs().iter().filter_map(Tlv::value) {
        match value {
            TlvValue::SarMsgRefNum(number) => reference = Some(*number),
            TlvValue::SarTotalSegments(number) => total = Some(*number),
            TlvValue::SarSegmentSeqnum(number) => at = Some(*number),
            _ => {}
        }
    }
    Some(Part { reference: reference?, total: total?, at: at? })
}

fn decode(octets: &[u8], coding: DataCoding) -> String {
    if coding == DataCoding::Ucs2 {
        let units = octets.as_chunks::<2>().0.iter().map(|unit| u16::from_be_bytes(*unit));
        return char::decode_utf16(units).map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    }
    let mut text = String::new();
    let mut octets = octets.iter();
    while let Some(octet) = octets.next() {
        if *octet == ESCAPE {
            let next = octets.next();
            let found = EXTENSION.iter().find(|(septet, _)| Some(septet) == next);
            text.push(found.map_or('?', |(_, char)| *char));
        } else {
            text.push(BASIC.chars().nth(usize::from(*octet)).unwrap_or('?'));
        }
    }
    text
}
