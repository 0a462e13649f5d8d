//! Asking the SMSC about a message that it took: `query_sm` and `cancel_sm` (SMPP 3.4, 4.8 and 4.9).

use rusmpp::Pdu;
use rusmpp::pdus::CancelSm;
use rusmpp::pdus::QuerySm;
use tiffin_shared::order::Recall;
use tiffin_shared::reference::Reference;
use tokio::time::Instant;

use super::Smpp;
use super::address::Address;
use super::fate;
use super::receipt::Receipt;
use super::receipt::State;
use super::send::Asked;
use super::session::Reply;
use super::status;
use crate::gateways::adapter::Taken;
use crate::gateways::call::CALL_TIMEOUT;
use crate::gateways::callback::Fate;

impl Smpp {
    /// How a message of this process fares, asked with the sender it went out with; nothing where the SMSC did not answer for
    /// it, or does not say.
    pub async fn query(&self, reference: &Reference, from: Option<&str>) -> Option<Fate> {
        let message_id = self.references.message_id(reference)?;
        self.state(&message_id, from).await.map(told)
    }

    /// The same of a message of any process, with the SMSC's own word.
    pub async fn fares(&self, taken: &Taken<'_>) -> Option<(String, Fate)> {
        let state = self.state(&self.id_of(taken), taken.from).await?;
        Some((state.text().to_owned(), told(state)))
    }

    /// Asks for a message not to be delivered any more; nothing where the SMSC did not answer.
    ///
    /// Of a long message it is the last part, without which no phone puts the others together.
    pub async fn recall(&self, taken: &Taken<'_>) -> Option<Recall> {
        let source = source(taken.from)?;
        let pdu = CancelSm::builder()
            .message_id(self.id_of(taken).parse().ok()?)
            .source_addr_ton(source.ton)
            .source_addr_npi(source.npi)
            .source_addr(source.text)
            .build();
        match self.answer(pdu.into()).await?.status {
            status::ROK => Some(Recall::Stopped),
            status::RINVCMDID => Some(Recall::Unsupported),
            status if status::is_throttle(status) || status == status::RSYSERR => None,
            // It does not have the message any more, or it has gone out.
            _ => Some(Recall::TooLate),
        }
    }

    /// In the SMSC's own spelling, where this process has heard it.
    fn id_of(&self, taken: &Taken<'_>) -> String {
        self.references.message_id(taken.reference).unwrap_or_else(|| taken.provider_id.to_owned())
    }

    async fn state(&self, message_id: &str, from: Option<&str>) -> Option<State> {
        let source = source(from)?;
        let pdu = QuerySm::new(message_id.parse().ok()?, source.ton, source.npi, source.text);
        let reply = self.answer(pdu.into()).await?;
        reply.state.filter(|_| reply.status == status::ROK).and_then(State::by_number)
    }

    async fn answer(&self, pdu: Pdu) -> Option<Reply> {
        match self.ask(pdu, 0, Instant::now() + CALL_TIMEOUT).await {
            Asked::Reply(reply) => Some(reply),
            Asked::NoAnswer | Asked::NotSent(_) => None,
        }
    }
}

fn source(from: Option<&str>) -> Option<Address> {
    from.map_or_else(|| Ok(Address::none()), Address::sender).ok()
}

fn told(state: State) -> Fate {
    let (message_id, recipient) = (None, String::new());
    fate(&Receipt { message_id, reference: None, recipient, state, error: None })
}
