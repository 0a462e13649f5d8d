//! The Durable Object of one phone or mailbox: a shell around its cell, and the hand-over of its outbox.

use std::rc::Rc;
use std::time::Duration;

use tiffin_shared::id::LedgerId;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Command;
use tiffin_shared::ledger::Event;
use tiffin_shared::ledger::Ledger;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::ledger::Reply;
use tiffin_shared::wire::job::Job;
use worker::DurableObject;
use worker::Env;
use worker::Method;
use worker::Request;
use worker::RequestInit;
use worker::Response;
use worker::State;
use worker::console_error;
use worker::console_warn;
use worker::durable_object;

use crate::cell;
use crate::cell::Cell;
use crate::host;
use crate::settings;
use crate::settings::Settings;
use crate::uplink;

/// When an alarm that failed rings again.
const ALARM_RETRY: Duration = Duration::from_secs(10);
/// The binding in `wrangler.toml`.
const BINDING: &str = "LEDGERS";

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Cell(#[from] cell::Error),
    #[error(transparent)]
    Randomness(#[from] host::NoRandomness),
    #[error(transparent)]
    Settings(#[from] settings::Error),
}

/// Asks a ledger.
pub async fn ask(env: &Env, ledger: LedgerId, event: &Event) -> worker::Result<Outcome> {
    let stub = env.durable_object(BINDING)?.get_by_name(&ledger.to_string())?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_body(Some(serde_json::to_string(event)?.into()));
    let mut response = stub.fetch_with_request(Request::new_with_init("https://ledger/", &init)?).await?;
    match response.status_code() {
        200 => Ok(serde_json::from_str(&response.text().await?)?),
        status => Err(worker::Error::RustError(format!("ledger answered {status}"))),
    }
}

/// Hosts the ledger machine. No fields but what the platform hands in.
#[durable_object]
pub struct LedgerObject {
    state: State,
    env: Env,
}

impl DurableObject for LedgerObject {
    fn new(state: State, env: Env) -> Self {
        Self { state, env }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let event: Event = serde_json::from_str(&request.text().await?)?;
        match self.apply(event).await {
            Ok(reply) => {
                self.hand_over(reply.due);
                Response::from_json(&reply.outcome)
            }
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
    async fn apply(&self, event: Event) -> Result<Reply, Error> {
        let settings = Settings::load(&self.env)?;
        apply(&Cell::open(self.state.storage())?, &settings, event).await
    }

    async fn tick(&self) -> Result<Vec<Job>, Error> {
        let now = host::now();
        let reply = self.apply(Event { now, entropy: host::entropy()?, ask: Ask::Tick }).await?;
        if reply.due.is_empty() {
            Cell::open(self.state.storage())?.rest(now).await?;
        }
        Ok(reply.due)
    }

    /// Begins the hand-over without keeping the caller waiting. A failure needs no note: the lease is in the state.
    fn hand_over(&self, due: Vec<Job>) {
        for job in due {
            let (storage, env) = (self.state.storage(), self.env.clone());
            self.state.wait_until(async move {
                let done = async {
                    let settings = Settings::load(&env)?;
                    if let Some(order) = uplink::hand_over(&settings, &job).await {
                        let (now, entropy) = (host::now(), host::entropy()?);
                        let event = Event { now, entropy, ask: Ask::Done(order) };
                        apply(&Cell::open(storage)?, &settings, event).await?;
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
    let Event { now, entropy, ask } = event;
    let command = Command { keys: settings.keys(now)?, entropy, ask };
    Ok(cell.apply::<Ledger>(&command, now).await?)
}
