//! Delivery receipts: `deliver_sm` and `data_sm` whose `esm_class` says so, by TLV or by text (SMPP 3.4, 5.2.12 and appendix B).

use std::fmt;

use rusmpp::pdus::DataSm;
use rusmpp::pdus::DeliverSm;
use rusmpp::tlvs::Tlv;
use rusmpp::tlvs::TlvValue;
use rusmpp::values::DataCoding;
use rusmpp::values::EsmClass;
use tiffin_shared::order::Reason;

/// Bits 5 to 2 of `esm_class`.
const TYPE_MASK: u8 = 0b0011_1100;
/// A receipt of the SMSC's.
const TYPE_RECEIPT: u8 = 0b0000_0100;
/// A notification on the way.
const TYPE_INTERMEDIATE: u8 = 0b0010_0000;
/// No operator's codes are longer.
const CODE_CHARS_MAX: usize = 16;

/// What a receipt says. Printed without the number.
#[derive(Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The SMSC's name for the message, as it wrote it.
    pub message_id: Option<String>,
    /// Our own, where the SMSC gives it back (TLV `user_message_reference`).
    pub reference: Option<u16>,
    /// Whom the message was for: the receipt's source, as the SMSC wrote it.
    pub recipient: String,
    /// How the message fares.
    pub state: State,
    /// The network's error, as the SMSC wrote it; `None` where it is none.
    pub error: Option<String>,
}

/// How a message fares: SMPP 3.4, 5.2.28.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// On its way.
    Enroute,
    /// It arrived.
    Delivered,
    /// It waited too long.
    Expired,
    /// The SMSC's operator removed it.
    Deleted,
    /// It cannot be delivered.
    Undeliverable,
    /// The SMSC has it.
    Accepted,
    /// The SMSC does not know.
    Unknown,
    /// It was refused.
    Rejected,
}

/// What a `deliver_sm` or a `data_sm` is.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival {
    /// A receipt that can be told.
    Receipt(Receipt),
    /// A receipt that does not say of what, or what of it.
    Vague,
    /// A message from a subscriber.
    Message,
}

impl State {
    /// By TLV or `query_sm_resp`.
    pub fn by_number(number: u8) -> Option<Self> {
        Some(match number {
            // Scheduled is of SMPP 5.0.
            0 | 1 => Self::Enroute,
            2 => Self::Delivered,
            3 => Self::Expired,
            4 => Self::Deleted,
            5 => Self::Undeliverable,
            6 => Self::Accepted,
            7 => Self::Unknown,
            // Skipped is of SMPP 5.0.
            8 | 9 => Self::Rejected,
            _ => return None,
        })
    }

    /// By the text of a receipt; some SMSCs write it out.
    pub fn by_text(text: &str) -> Option<Self> {
        let text = text.to_ascii_uppercase();
        Some(match text.get(..5)? {
            "ENROU" | "SCHED" | "BUFFE" => Self::Enroute,
            "DELIV" => Self::Delivered,
            "EXPIR" => Self::Expired,
            "DELET" => Self::Deleted,
            "UNDEL" => Self::Undeliverable,
            "ACCEP" => Self::Accepted,
            "UNKNO" => Self::Unknown,
            "REJEC" | "SKIPP" => Self::Rejected,
            _ => return None,
        })
    }

    /// As receipts write it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Enroute => "ENROUTE",
            Self::Delivered => "DELIVRD",
            Self::Expired => "EXPIRED",
            Self::Deleted => "DELETED",
            Self::Undeliverable => "UNDELIV",
            Self::Accepted => "ACCEPTD",
            Self::Unknown => "UNKNOWN",
            Self::Rejected => "REJECTD",
        }
    }

    /// Why it failed where no table says more; `None` where it did not.
    pub fn failure(self) -> Option<Reason> {
        match self {
            // The phone was out of reach for as long as the message was worth delivering.
            Self::Expired => Some(Reason::TtlExpired),
            Self::Deleted | Self::Undeliverable | Self::Rejected => Some(Reason::Rejected),
            Self::Enroute | Self::Delivered | Self::Accepted | Self::Unknown => None,
        }
    }
}

impl Receipt {
    /// The failure as the tables of reasons have it: `UNDELIV:027`, or `UNDELIV` without an error.
    pub fn code(&self) -> String {
        match &self.error {
            Some(error) => format!("{}:{error}", self.state.text()),
            None => self.state.text().to_owned(),
        }
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { message_id, reference, recipient: _, state, error } = self;
        let mut shown = f.debug_struct("Receipt");
        shown.field("message_id", message_id).field("reference", reference);
        shown.field("state", state).field("error", error).finish_non_exhaustive()
    }
}

/// Reads a `deliver_sm`.
pub fn deliver_sm(pdu: &DeliverSm) -> Arrival {
    let text = pdu.short_message().as_ref();
    Parts {
        esm_class: pdu.esm_class,
        recipient: pdu.source_addr.as_str(),
        coding: pdu.data_coding,
        text,
        tlvs: pdu.tlvs(),
    }
    .read()
}

/// Reads a `data_sm`.
pub fn data_sm(pdu: &DataSm) -> Arrival {
    Parts {
        esm_class: pdu.esm_class,
        recipient: pdu.source_addr.as_str(),
        coding: pdu.data_coding,
        text: &[],
        tlvs: pdu.tlvs(),
    }
    .read()
}

struct Parts<'a> {
    esm_class: EsmClass,
    recipient: &'a str,
    coding: DataCoding,
    text: &'a [u8],
    tlvs: &'a [Tlv],
}

impl Parts<'_> {
    fn read(self) -> Arrival {
        let values = || self.tlvs.iter().filter_map(Tlv::value);
        let by_tlv = values().find_map(|value| match value {
            TlvValue::ReceiptedMessageId(id) => Some(id.as_str().trim().to_owned()),
            _ => None,
        });
        let kind = u8::from(self.esm_class) & TYPE_MASK;
        // A text alone makes no receipt: any subscriber can write one.
        if kind & (TYPE_RECEIPT | TYPE_INTERMEDIATE) == 0 && by_tlv.is_none() {
            return Arrival::Message;
        }
        let payload = values().find_map(|value| match value {
            TlvValue::MessagePayload(payload) => Some(payload.value.as_ref()),
            _ => None,
        });
        let text = decode(payload.filter(|_| self.text.is_empty()).unwrap_or(self.text), self.coding);
        let state_by_tlv = values().find_map(|value| match value {
            TlvValue::MessageState(state) => State::by_number((*state).into()),
            _ => None,
        });
        let reference = values().find_map(|value| match value {
            TlvValue::UserMessageReference(reference) => Some(reference.value),
            _ => None,
        });
        let error_by_tlv = values().find_map(|value| match value {
            TlvValue::NetworkErrorCode(error) => Some(format!("{:03}", error.error_code)),
            _ => None,
        });
        let message_id = by_tlv.or_else(|| field(&text, "id").map(str::to_owned)).filter(|id| !id.is_empty());
        let state = state_by_tlv.or_else(|| field(&text, "stat").and_then(State::by_text));
        let error = field(&text, "err").map(str::to_owned).or(error_by_tlv);
        match state {
            Some(state) if message_id.is_some() || reference.is_some() => Arrival::Receipt(Receipt {
                message_id,
                reference,
                recipient: self.recipient.to_owned(),
                state,
                error: error.filter(|error| is_error(error)),
            }),
            _ => Arrival::Vague,
        }
    }
}

/// Zeros are no error.
fn is_error(error: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' || byte == b'.';
    error.bytes().any(|byte| byte != b'0') && error.len() <= CODE_CHARS_MAX && error.bytes().all(is_plain)
}

/// The value of `name:` in `id:… sub:… dlvrd:… submit date:… done date:… stat:… err:… text:…`, in any case. What follows
/// `text:` is the message's own.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let lower = text.to_ascii_lowercase();
    let end = lower.find(" text:").unwrap_or(lower.len());
    let wanted = format!("{name}:");
    let mut from = 0;
    loop {
        let at = from + lower.get(from..end)?.find(&wanted)?;
        let is_start = at == 0 || lower.as_bytes().get(at - 1).is_none_or(u8::is_ascii_whitespace);
        from = at + wanted.len();
        if is_start {
            let value = text.get(from..end)?.trim_start_matches(' ');
            return value.split_ascii_whitespace().next().filter(|value| !value.contains(':'));
        }
    }
}

fn decode(bytes: &[u8], coding: DataCoding) -> String {
    if coding == DataCoding::Ucs2 {
        let units = bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_be_bytes(*unit));
        return char::decode_utf16(units).map(|char| char.unwrap_or('?')).collect();
    }
    bytes.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '?' }).collect()
}

#[cfg(test)]
mod tests;
