//! A call that would send a message, whatever the protocol: what the faults make of it.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::ConnectInfo;
use axum::response::Response;
use tokio::task::JoinHandle;

use super::Account;
use super::calls::Call;
use super::calls::Pair;
use super::clock;
use super::faults::Mode;
use super::faults::Strike;
use super::inbox::Message;
use super::journey::Journey;
use super::journey::Teller;
use super::line::Connection;
use super::plan::Plan;
use super::silence;
use super::state::Sandbox;

/// What a call comes to. The protocol says it in its provider's words.
pub(super) enum Taken<E> {
    /// The message is on its way.
    Yes(Message),
    /// It is refused.
    No(Refusal<E>),
    /// There is no answer.
    Silence(Silence),
}

/// Why a message is refused.
pub(super) enum Refusal<E> {
    /// With this code of the provider's, as the script has it.
    Code(String),
    /// The provider fails.
    Internal,
    /// By the protocol's own rules.
    Invalid(E),
    /// Too many requests: come back after so many seconds.
    TooMany(u64),
}

/// The two ways of not answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// The connection is cut.
    Cut,
    /// The caller is kept waiting.
    Held,
}

impl Silence {
    /// Over HTTP.
    pub(super) async fn keep(self, sandbox: &Sandbox, connection: Connection) -> Response {
        let cut = connection.map(|Extension(ConnectInfo(cut))| cut);
        match self {
            Self::Cut => silence::hang_up(cut.as_ref()),
            Self::Held => silence::hold(sandbox).await,
        }
    }
}

/// A call, counted.
pub(super) struct Taking<'a> {
    sandbox: &'a Arc<Sandbox>,
    call: Call<'a>,
    strike: Strike,
}

impl<'a> Taking<'a> {
    /// A call of an account; `pair` is what makes two of them the same message, where it could be read.
    pub(super) async fn begin(sandbox: &'a Arc<Sandbox>, account: &Account, pair: Option<Pair>) -> Self {
        let now_ms = clock::now_ms();
        let strike = sandbox.faults.strike(account.gateway(), now_ms);
        let call = sandbox.calls.received(account.gateway(), pair, now_ms);
        if strike.latency_ms > 0 {
            tokio::time::sleep(Duration::from_millis(strike.latency_ms)).await;
        }
        Self { sandbox, call, strike }
    }

    /// What becomes of it. `message` reads it, and says how its receipts are told.
    pub(super) async fn end<E>(self, message: impl FnOnce() -> Result<(Message, Teller), E>) -> Taken<E> {
        let refused = |taken| {
            self.call.refused(self.strike.mode.name());
            taken
        };
        match self.strike.mode {
            Mode::Reject => refused(Taken::No(Refusal::Code(self.strike.code.clone()))),
            Mode::Http500 => refused(Taken::No(Refusal::Internal)),
            Mode::Http429 => refused(Taken::No(Refusal::TooMany(self.strike.retry_after_s))),
            Mode::Reset => refused(Taken::Silence(Silence::Cut)),
            Mode::Timeout => refused(Taken::Silence(Silence::Held)),
            Mode::TimeoutTaken => self.take(message, |_| Taken::Silence(Silence::Held)),
            Mode::ResetTaken => self.take(message, |_| Taken::Silence(Silence::Cut)),
            Mode::ReceiptFirst => match self.taken(message) {
                Ok((message, journey)) => {
                    // It fails when the journey panicked, and the caller is owed its answer all the same.
                    let _arrived = journey.await;
                    Taken::Yes(message)
                }
                Err(refusal) => Taken::No(refusal),
            },
            Mode::Ok
            | Mode::Queued
            | Mode::AcceptNoReceipt
            | Mode::FailedReceipt
            | Mode::LateReceipt
            | Mode::DuplicateReceipt
            | Mode::OutOfOrder
            | Mode::Null => self.take(message, Taken::Yes),
        }
    }

    fn take<E>(
        self,
        message: impl FnOnce() -> Result<(Message, Teller), E>,
        answer: impl FnOnce(Message) -> Taken<E>,
    ) -> Taken<E> {
        match self.taken(message) {
            Ok((message, _journey)) => answer(message),
            Err(refusal) => Taken::No(refusal),
        }
    }

    /// Takes the message and sends it on its way, which does not depend on the caller's patience.
    fn taken<E>(
        &self,
        message: impl FnOnce() -> Result<(Message, Teller), E>,
    ) -> Result<(Message, JoinHandle<()>), Refusal<E>> {
        let plan = Plan::of(&self.strike);
        let (message, teller) = message().map_err(|error| {
            self.call.refused("invalid");
            Refusal::Invalid(error)
        })?;
        let permit = self.sandbox.room().ok_or_else(|| {
            self.call.refused("busy");
            Refusal::TooMany(BUSY_RETRY_AFTER_S)
        })?;
        let message = Message { arrives: plan.arrives && plan.queued_for.is_zero(), ..message };
        if plan.remembered {
            self.sandbox.inbox.add(message.clone());
            tracing::info!(
                message.id = message.entry.id,
                gateway = message.entry.gateway,
                "message accepted"
            );
        }
        self.call.taken(clock::now_ms());
        let journey = Journey { message: message.clone(), plan, teller };
        Ok((message, tokio::spawn(journey.travel(Arc::clone(self.sandbox), permit))))
    }
}

/// A message is on its way for less than a second.
const BUSY_RETRY_AFTER_S: u64 = 1;
