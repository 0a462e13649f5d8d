//! What the handlers share.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::watch;

use super::Account;
use super::aws;
use super::callbacks::Courier;
use super::calls::Calls;
use super::camara;
use super::camara::SimSwapClient;
use super::cast::Cast;
use super::clock;
use super::events::Events;
use super::faults::Board;
use super::faults::Usual;
use super::http;
use super::inbox::Inbox;
use super::infobip;
use super::msg91;
use super::plivo;
use super::smpp;
use super::smtp;
use super::telegram;
use super::twilio;
use super::vonage_messages;
use super::vonage_sms;
use super::whatsapp;

pub(super) struct Sandbox {
    pub(super) accounts: Vec<Account>,
    pub(super) calls: Calls,
    pub(super) courier: Courier,
    pub(super) events: Events,
    pub(super) faults: Board,
    pub(super) inbox: Inbox,
    /// Who may ask about SIMs, and its tokens.
    pub(super) sim_swap: Option<SimSwapClient>,
    pub(super) sim_swap_tokens: camara::Tokens,
    /// The sessions that are bound.
    pub(super) smpp: smpp::Lines,
    closing: watch::Sender<bool>,
    travelling: Arc<Semaphore>,
}

impl Sandbox {
    pub(super) fn new(cast: Cast) -> Self {
        let events = Events::new();
        let Cast { accounts, sim_swap } = cast;
        let own = accounts.iter().map(|account| (account.gateway().to_owned(), usual(account)));
        let played: Vec<_> =
            own.chain(sim_swap.iter().map(|_| (camara::GATEWAY.to_owned(), camara::USUAL))).collect();
        Self {
            calls: Calls::new(played.iter().map(|(name, _)| name.clone()), clock::now_ms()),
            courier: Courier::new(),
            faults: Board::new(played.into_iter()),
            sim_swap,
            sim_swap_tokens: camara::Tokens::default(),
            inbox: Inbox::new(events.clone()),
            smpp: smpp::Lines::default(),
            closing: watch::Sender::new(false),
            travelling: Arc::new(Semaphore::new(MESSAGES_TRAVELLING_MAX)),
            events,
            accounts,
        }
    }

    /// Ends event streams, held requests and callbacks.
    pub(super) fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Resolves when [`Sandbox::close`] is called.
    pub(super) fn closed(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut closing = self.closing.subscribe();
        async move {
            // An error means that the sandbox itself is gone, which is closed too.
            let _closed = closing.wait_for(|closing| *closing).await;
        }
    }

    /// Room for one more message between `queued` and its last callback; the message's task owns it.
    pub(super) fn room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.travelling).try_acquire_owned().ok()
    }
}

/// What a gateway refuses with, and fails with, where a script names no code.
fn usual(account: &Account) -> Usual {
    match account.kind() {
        "aws_sms" => aws::USUAL,
        "aws_sns" => aws::USUAL_SNS,
        "http" => http::USUAL,
        "infobip" => infobip::USUAL,
        "msg91" => msg91::USUAL,
        "plivo" => plivo::USUAL,
        "smpp" => smpp::USUAL,
        "smtp" => smtp::USUAL,
        "telegram" => telegram::USUAL,
        "twilio" => twilio::USUAL,
        "twilio_voice" => twilio::USUAL_OF_CALLS,
        "twilio_whatsapp" => twilio::USUAL_OF_WHATSAPP,
        "vonage_messages" => vonage_messages::USUAL,
        "vonage_sms" => vonage_sms::USUAL,
        "whatsapp_cloud" => whatsapp::USUAL,
        _ => Usual { reject: "rejected", failed_receipt: "failed" },
    }
}

/// Each is a task of some 2 KiB; as many as the inbox remembers. Beyond it a sender is told to slow down.
const MESSAGES_TRAVELLING_MAX: usize = 10_000;
