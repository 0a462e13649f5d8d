//! What the peer delivers: receipts are worked on before they are answered, messages of subscribers are acknowledged and dropped.

use rusmpp::Command;
use rusmpp::Pdu;
use rusmpp::pdus::DataSmResp;
use rusmpp::pdus::DeliverSmResp;
use rusmpp::types::COctetString;

use super::Action;
use super::RECEIPTS_MAX;
use super::Session;
use super::respond;
use crate::gateways::smpp::receipt;
use crate::gateways::smpp::receipt::Arrival;
use crate::gateways::smpp::status;

/// How a delivery is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    DeliverSm,
    DataSm,
}

impl Kind {
    fn answer(self, status: u32, sequence: u32) -> Action {
        // SMPP 3.4, 4.6.2: the message id of a deliver_sm_resp is not used.
        let pdu: Pdu = match self {
            Self::DeliverSm => DeliverSmResp::new(COctetString::null(), Vec::new()).into(),
            Self::DataSm => DataSmResp::new(COctetString::null(), Vec::new()).into(),
        };
        respond(status, sequence, pdu)
    }
}

impl Session {
    pub(super) fn delivered(&mut self, command: &Command, actions: &mut Vec<Action>) {
        let sequence = command.sequence_number();
        let (kind, arrival) = match command.pdu() {
            Some(Pdu::DeliverSm(pdu)) => (Kind::DeliverSm, receipt::deliver_sm(pdu)),
            Some(Pdu::DataSm(pdu)) => (Kind::DataSm, receipt::data_sm(pdu)),
            _ => return actions.push(respond(status::RINVCMDLEN, sequence, Pdu::GenericNack)),
        };
        match arrival {
            // Brought again it would say no more.
            Arrival::Vague | Arrival::Message => actions.push(kind.answer(status::ROK, sequence)),
            Arrival::Receipt(receipt) => {
                if self.receipts.len() >= RECEIPTS_MAX || self.receipts.contains_key(&sequence) {
                    return actions.push(kind.answer(status::RX_T_APPN, sequence));
                }
                self.receipts.insert(sequence, kind);
                actions.push(Action::Receipt { sequence, receipt });
            }
        }
    }

    pub(super) fn judged(&mut self, sequence: u32, is_taken: bool, actions: &mut Vec<Action>) {
        let Some(kind) = self.receipts.remove(&sequence) else { return };
        actions.push(kind.answer(if is_taken { status::ROK } else { status::RX_T_APPN }, sequence));
    }
}
