//! The object of one phone or mailbox: a shell around its cell, and the hand-over of its outbox.

use std::rc::Rc;
use std::time::Duration;

use tiffin_shared::http::POLL_MS;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Command;
use tiffin_shared::ledger::Event;
use tiffin_shared::ledger::Ledger;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::ledger::Parcel;
use tiffin_shared::ledger::Reply;
use worker::Delay;
use worker::DurableObject;
use worker::Env;
use worker::Request;
use worker::Response;
use worker::State;
use worker::console_error;
use worker::console_warn;
use worker::durable_object;

use super::Held;
use crate::cell;
use crate::cell::ALARM_RETRY;
use crate::cell::Cell;
use crate::host;
use crate::settings;
use crate::settings::Settings;
use crate::uplink;

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Cell(#[from] cell::Error),
    #[error(transparent)]
    Randomness(#[from] host::NoRandomness),
    #[error(transparent)]
    Settings(#[from] settings::Error),
}

/// Hosts the ledger machine.
#[durable_object]
pub struct LedgerObject {
    state: State,
    env: Env,
    cell: Rc<Cell>,
}

impl DurableObject for LedgerObject {
    fn new(state: State, env: Env) -> Self {
        Self { cell: Rc::new(Cell::new(state.storage())), state, env }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let held: Held = serde_json::from_str(&request.text().await?)?;
        match self.answer(held).await {
            Ok(outcome) => Response::from_json(&outcome),
            Err(error) => {
                console_error!("ledger failed: {error}");
                Response::error("ledger failed", 500)
            }
        }
    }

    async fn alarm(&self) -> worker::Result<Response> {
        match self.tick().await {
            Ok(due) => {
                self.hand_over(due);
                Response::empty()
            }
            // The platform would ring a failing alarm again a few times only, and the outbox must outlast that.
            Err(error) => {
                console_error!("alarm failed, it rings again: {error}");
                self.state.storage().set_alarm(ALARM_RETRY).await?;
                Response::empty()
            }
        }
    }
}

impl LedgerObject {
    async fn answer(&self, Held { event, hold }: Held) -> Result<Outcome, Error> {
        let Some(mut hold) = hold else { return self.ask(event).await };
        let mut outcome = self.ask(event.clone()).await?;
        while !hold.is_over(&outcome, host::now()) {
            Delay::from(Duration::from_millis(POLL_MS)).await;
            outcome = self.ask(Event { now: host::now(), ..event.clone() }).await?;
        }
        Ok(outcome)
    }

    async fn ask(&self, event: Event) -> Result<Outcome, Error> {
        let Reply { outcome, due } = self.apply(event).await?;
        self.hand_over(due);
        Ok(outcome)
    }

    async fn apply(&self, event: Event) -> Result<Reply, Error> {
        let settings = Settings::load(&self.env)?;
        apply(&self.cell, &settings, event).await
    }

    async fn tick(&self) -> Result<Vec<Parcel>, Error> {
        let now = host::now();
        let reply = self.apply(Event { now, entropy: host::entropy()?, ask: Ask::Tick }).await?;
        if reply.due.is_empty() {
            self.cell.rest(now).await?;
        }
        Ok(reply.due)
    }

    /// Begins the hand-over without keeping the caller waiting. A failure needs no note: the lease is in the state.
    fn hand_over(&self, due: Vec<Parcel>) {
        for parcel in due {
            let (cell, env) = (self.cell.clone(), self.env.clone());
            self.state.wait_until(async move {
                let done = async {
                    let settings = Settings::load(&env)?;
                    if uplink::hand_over(&settings, &parcel).await {
                        let (now, entropy) = (host::now(), host::entropy()?);
                        let event = Event { now, entropy, ask: Ask::Done(parcel.id) };
                        apply(&cell, &settings, event).await?;
                    }
                    Ok::<(), Error>(())
                };
                if let Err(error) = done.await {
                    console_warn!("hand-over not noted, it comes again: {error}");
                }
            });
        }
    }
}

async fn apply(cell: &Cell, settings: &Rc<Settings>, event: Event) -> Result<Reply, Error> {
    let now = event.at(host::now());
    let Event { entropy, ask, .. } = event;
    let command = Command { keys: settings.keys(now)?, entropy, ask };
    Ok(cell.apply::<Ledger>(&command, now).await?)
}
