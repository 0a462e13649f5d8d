//! A message on its way: each step of its plan is told to the inbox and to the status callback.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc;

use super::API_VERSION;
use super::plan::Plan;
use crate::gateways::twilio::signature;
use crate::sandbox::callbacks::Callback;
use crate::sandbox::clock;
use crate::sandbox::inbox::Message;
use crate::sandbox::inbox::Status;
use crate::sandbox::state::Sandbox;

/// What a message needs on its way; `message` is as it was accepted.
pub(super) struct Journey {
    pub(super) message: Message,
    pub(super) plan: Plan,
    pub(super) callback_url: Option<String>,
    pub(super) auth_token: String,
}

impl Journey {
    /// Goes all the way, or until the sandbox closes; the permit is held as long.
    pub(super) async fn travel(self, sandbox: Arc<Sandbox>, permit: OwnedSemaphorePermit) {
        let closed = sandbox.closed();
        // A receiver that is down must not hold up the message itself, and still hears of each step in order.
        let (steps, news) = mpsc::channel(STEPS_MAX);
        tokio::select! {
            ((), ()) = async { tokio::join!(self.proceed(&sandbox, steps), self.tell(&sandbox, news)) } => {}
            () = closed => {}
        }
        drop(permit);
    }

    async fn proceed(&self, sandbox: &Sandbox, steps: mpsc::Sender<Status>) {
        for (status, after) in self.plan.steps {
            if !after.is_zero() {
                tokio::time::sleep(*after).await;
            }
            if self.plan.remembered {
                self.advance(sandbox, *status);
            }
            let _told = steps.send(*status).await;
        }
    }

    async fn tell(&self, sandbox: &Sandbox, mut news: mpsc::Receiver<Status>) {
        if !self.plan.callbacks_after.is_zero() {
            tokio::time::sleep(self.plan.callbacks_after).await;
        }
        let mut held = Vec::new();
        while let Some(status) = news.recv().await {
            if self.plan.backwards {
                held.push(status);
            } else {
                self.call(sandbox, status).await;
            }
        }
        for status in held.into_iter().rev() {
            self.call(sandbox, status).await;
        }
    }

    async fn call(&self, sandbox: &Sandbox, status: Status) {
        let Some(callback) = self.callback(status) else { return };
        for _time in 0..self.plan.callbacks {
            sandbox.courier.deliver(&self.message.entry.id, &callback).await;
        }
    }

    fn advance(&self, sandbox: &Sandbox, status: Status) {
        let now_ms = clock::now_ms();
        sandbox.inbox.advance(&self.message.entry.id, status, now_ms, |message| {
            message.sent_at_ms.get_or_insert(now_ms);
            message.from.get_or_insert_with(|| POOL_NUMBER.to_owned());
            if status == Status::Undelivered {
                message.error_code = self.plan.error_code;
            }
        });
    }

    fn callback(&self, status: Status) -> Option<Callback> {
        let url = self.callback_url.clone()?;
        let message = &self.message;
        let from = message.from.as_deref().unwrap_or(POOL_NUMBER);
        let failure = self.plan.error_code.filter(|_code| status == Status::Undelivered);
        let failure = failure.map(|code| code.to_string());
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
        if let Some(code) = &failure {
            params.push(("ErrorCode", code));
        }
        let params =
            params.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>();
        let signature = signature::sign(&self.auth_token, &url, &params);
        Some(Callback { url, params, signature_header: "X-Twilio-Signature", signature })
    }
}

/// No plan has more steps.
const STEPS_MAX: usize = 2;

/// The sender that a messaging service picks: Twilio's own number for tests.
const POOL_NUMBER: &str = "+15005550006";
