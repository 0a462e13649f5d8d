//! A message on its way: each step of its plan is told to the inbox, and to the sender in its provider's way.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc;

use super::callbacks::Callback;
use super::clock;
use super::inbox::Message;
use super::inbox::Status;
use super::plan::Plan;
use super::state::Sandbox;

/// How a provider tells of a step: given the message, the step, and the code of a failure; nothing where nobody asked.
pub(super) type Teller = Box<dyn Fn(&Message, Status, Option<&str>) -> Tell + Send + Sync>;

/// A receipt.
pub(super) enum Tell {
    /// Nobody is told.
    Nobody,
    /// By a call.
    Post(Callback),
    /// By what waits for it, such as an open session; it is on its way when this is made.
    Done,
}

/// What a message needs on its way; `message` is as it was accepted.
pub(super) struct Journey {
    pub(super) message: Message,
    pub(super) plan: Plan,
    pub(super) teller: Teller,
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
        if !self.plan.queued_for.is_zero() && self.leaves_queue(sandbox).await {
            sandbox.inbox.arrive(&self.message.entry.id);
        }
        for (status, after) in self.plan.steps {
            if self.is_stopped(sandbox) {
                let _told = steps.send(Status::Undelivered).await;
                return;
            }
            if !after.is_zero() {
                tokio::time::sleep(*after).await;
            }
            if self.plan.remembered && !self.is_stopped(sandbox) {
                self.advance(sandbox, *status);
                let _told = steps.send(*status).await;
            } else if !self.plan.remembered {
                let _told = steps.send(*status).await;
            }
        }
    }

    /// False where its sender stopped it.
    async fn leaves_queue(&self, sandbox: &Sandbox) -> bool {
        let until = tokio::time::Instant::now() + self.plan.queued_for;
        while tokio::time::Instant::now() < until {
            if self.is_stopped(sandbox) {
                return false;
            }
            tokio::time::sleep(QUEUE_LOOK).await;
        }
        true
    }

    fn is_stopped(&self, sandbox: &Sandbox) -> bool {
        sandbox.inbox.find(&self.message.entry.id).is_some_and(|message| message.is_stopped)
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
        let code = if self.is_stopped(sandbox) { Some(STOPPED) } else { self.plan.error_code.as_deref() };
        let failure = code.filter(|_code| status == Status::Undelivered);
        for _time in 0..self.plan.callbacks {
            match (self.teller)(&self.message, status, failure) {
                Tell::Nobody | Tell::Done => {}
                Tell::Post(callback) => sandbox.courier.deliver(&self.message.entry.id, &callback).await,
            }
        }
    }

    fn advance(&self, sandbox: &Sandbox, status: Status) {
        let now_ms = clock::now_ms();
        sandbox.inbox.advance(&self.message.entry.id, status, now_ms, |message| {
            message.sent_at_ms.get_or_insert(now_ms);
            message.from.get_or_insert_with(|| POOL_NUMBER.to_owned());
            if status == Status::Undelivered {
                message.error_code.clone_from(&self.plan.error_code);
            }
        });
    }
}

/// In place of a provider's code, for a message that its sender stopped.
pub(super) const STOPPED: &str = "canceled";

/// How often a message in the queue looks whether it was stopped.
const QUEUE_LOOK: std::time::Duration = std::time::Duration::from_millis(50);

/// No plan has more steps.
const STEPS_MAX: usize = 2;

/// The sender that a messaging service picks: Twilio's own number for tests.
pub(super) const POOL_NUMBER: &str = "+15005550006";
