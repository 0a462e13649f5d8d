//! PDUs out of bytes. A PDU is cut off by its length before it is read, so that a wrong one costs itself and not what follows.

use rusmpp::Command;
use rusmpp::tokio_codec::CommandCodec;
use rusmpp::tokio_codec::EncodeError;
use tokio_util::bytes::BytesMut;
use tokio_util::codec::Decoder;
use tokio_util::codec::Encoder;

/// SMPP 3.4, 3.2: length, id, status and sequence number, four octets each.
const HEADER_BYTES: usize = 16;
/// A `message_payload` is 64 KiB at most; the rest of a PDU is a few hundred octets.
pub const PDU_BYTES_MAX: usize = 72 * 1024;

/// What came. No `Debug`: a message may hold a code, a receipt holds the number.
pub enum Frame {
    /// A PDU.
    Command(Box<Command>),
    /// Its header can be read, and its body cannot.
    Malformed {
        /// The command's id.
        id: u32,
        /// The command's status.
        status: u32,
        /// Its sequence number.
        sequence: u32,
    },
}

/// The stream can no longer be cut into PDUs.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// A length that no PDU has.
    #[error("a PDU of {0} octets; {HEADER_BYTES} to {PDU_BYTES_MAX} can be")]
    Length(usize),
    /// The connection failed.
    #[error("the connection failed")]
    Io(#[from] std::io::Error),
}

impl From<EncodeError> for WireError {
    fn from(error: EncodeError) -> Self {
        match error {
            EncodeError::Io(error) => Self::Io(error),
            _ => Self::Io(std::io::ErrorKind::InvalidData.into()),
        }
    }
}

/// Both directions.
#[derive(Default)]
pub struct Wire(CommandCodec);

impl Decoder for Wire {
    type Item = Frame;
    type Error = WireError;

    fn decode(&mut self, from: &mut BytesMut) -> Result<Option<Frame>, WireError> {
        let Some(header) = from.first_chunk::<HEADER_BYTES>() else { return Ok(None) };
        let [length, id, status, sequence] = words(header);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if !(HEADER_BYTES..=PDU_BYTES_MAX).contains(&length) {
            return Err(WireError::Length(length));
        }
        if from.len() < length {
            from.reserve(length - from.len());
            return Ok(None);
        }
        let mut pdu = from.split_to(length);
        let decoded = CommandCodec::new().with_max_length(PDU_BYTES_MAX).decode(&mut pdu);
        Ok(Some(match decoded {
            Ok(Some(command)) => Frame::Command(Box::new(command)),
            _ => Frame::Malformed { id, status, sequence },
        }))
    }
}

impl Encoder<&Command> for Wire {
    type Error = WireError;

    fn encode(&mut self, command: &Command, into: &mut BytesMut) -> Result<(), WireError> {
        Ok(self.0.encode(command, into)?)
    }
}

fn words(header: &[u8; HEADER_BYTES]) -> [u32; 4] {
    let mut words = [0; 4];
    for (word, octets) in words.iter_mut().zip(header.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*octets);
    }
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::any;
    use proptest::prelude::prop;
    use proptest::proptest;
    use rusmpp::CommandStatus;
    use rusmpp::Pdu;

    use super::*;

    fn enquire_link(sequence: u32) -> BytesMut {
        let mut bytes = BytesMut::new();
        let command = Command::new(CommandStatus::EsmeRok, sequence, Pdu::EnquireLink);
        Wire::default().encode(&command, &mut bytes).unwrap();
        bytes
    }

    fn header(length: u32, id: u32, sequence: u32) -> BytesMut {
        let words = [length, id, 0, sequence];
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn a_wrong_body_costs_its_own_pdu_only() {
        // submit_sm_resp whose message id does not end within the PDU.
        let mut bytes = header(19, 0x8000_0004, 7);
        bytes.extend_from_slice(b"abc");
        bytes.extend_from_slice(&enquire_link(8));
        let mut wire = Wire::default();
        let first = wire.decode(&mut bytes).unwrap();
        assert!(matches!(first, Some(Frame::Malformed { id: 0x8000_0004, status: 0, sequence: 7 })));
        let Some(Frame::Command(second)) = wire.decode(&mut bytes).unwrap() else { panic!("no command") };
        assert_eq!((second.sequence_number(), second.pdu()), (8, Some(&Pdu::EnquireLink)));
        assert!(wire.decode(&mut bytes).unwrap().is_none());
    }

    #[test]
    fn lengths_that_cannot_be_end_the_stream() {
        for length in [0, 15, PDU_BYTES_MAX as u32 + 1, u32::MAX] {
            assert!(matches!(Wire::default().decode(&mut header(length, 4, 1)), Err(WireError::Length(_))));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_read_past_a_pdu(
            id in prop::sample::select(vec![
                1u32, 2, 3, 4, 5, 6, 9, 0x15, 0x103, 0x21, 0x111, 0x8000_0000, 0x8000_0001, 0x8000_0003,
                0x8000_0004, 0x8000_0005, 0x8000_0009, 0x8000_0103, 0x1234,
            ]),
            body in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let mut bytes = header(16 + body.len() as u32, id, 1);
            bytes.extend_from_slice(&body);
            bytes.extend_from_slice(&enquire_link(2));
            let mut wire = Wire::default();
            assert!(wire.decode(&mut bytes).unwrap().is_some());
            let Some(Frame::Command(next)) = wire.decode(&mut bytes).unwrap() else { panic!("out of step") };
            assert_eq!(next.sequence_number(), 2);
        }
    }
}
