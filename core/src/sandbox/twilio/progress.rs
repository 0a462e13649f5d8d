//! A message on its way: `sent`, then `delivered`, each told to the inbox and to the status callback.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc;

use super::API_VERSION;
use crate::gateways::twilio::signature;
use crate::sandbox::callbacks::Callback;
use crate::sandbox::clock;
use crate::sandbox::inbox::Message;
use crate::sandbox::inbox::Status;
use crate::sandbox::state::Sandbox;

/// What a message needs on its way; `message` is as it was accepted.
pub(super) struct Journey {
    pub(super) message: Message,
    pub(super) callback_url: Option<String>,
    pub(super) auth_token: String,
}

impl Journey {
    /// Goes all the way, or until the sandbox closes; the permit is held as long.
    pub(super) async fn travel(self, sandbox: Arc<Sandbox>, permit: OwnedSemaphorePermit) {
        let closed = sandbox.closed();
        // A receiver that is down must not hold up the message itself, and still hears of each step in order.
        let (steps, mut news) = mpsc::channel(STEPS.len());
        let moving = async {
            for (status, after_ms) in STEPS {
                tokio::time::sleep(Duration::from_millis(after_ms)).await;
                self.advance(&sandbox, status);
                let _told = steps.send(status).await;
            }
            drop(steps);
        };
        let telling = async {
            while let Some(status) = news.recv().await {
                if let Some(callback) = self.callback(status) {
                    sandbox.courier.deliver(&self.message.entry.id, &callback).await;
                }
            }
        };
        tokio::select! {
            ((), ()) = async { tokio::join!(moving, telling) } => {}
            () = closed => {}
        }
        drop(permit);
    }

    fn advance(&self, sandbox: &Sandbox, status: Status) {
        let now_ms = clock::now_ms();
        sandbox.inbox.advance(&self.message.entry.id, status, now_ms, |message| {
            message.sent_at_ms.get_or_insert(now_ms);
            message.from.get_or_insert_with(|| POOL_NUMBER.to_owned());
        });
    }

    fn callback(&self, status: Status) -> Option<Callback> {
        let url = self.callback_url.clone()?;
        let message = &self.message;
        let from = message.from.as_deref().unwrap_or(POOL_NUMBER);
        let mut params = vec![
            ("AccountSid", message.account_sid.as_str()),
            ("ApiVersion", API_VERSION),
            ("From", from),
            ("MessageSid", &message.entry.id),
            ("MessageStatus", status.name()),
            ("SmsSid", &message.entry.id),
            ("SmsStatus", status.name()),
            ("To", &message.entry.to),
        ];
        if let Some(sid) = &message.messaging_service_sid {
            params.push(("MessagingServiceSid", sid));
        }
        let params =
            params.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>();
        let signature = signature::sign(&self.auth_token, &url, &params);
        Some(Callback { url, params, signature_header: "X-Twilio-Signature", signature })
    }
}

/// Each status with the pause before it: long enough to be seen on the page, short enough for tests to await.
const STEPS: [(Status, u64); 2] = [(Status::Sent, 250), (Status::Delivered, 450)];

/// The sender that a messaging service picks: Twilio's own number for tests.
const POOL_NUMBER: &str = "+15005550006";
