//! Objects that do nothing but host a machine.

use tiffin_shared::directory::publication::Publication;
use tiffin_shared::factor;
use tiffin_shared::factor::Factor;
use tiffin_shared::json;
use tiffin_shared::machine::Machine;
use tiffin_shared::visitor::Visitor;
use worker::DurableObject;
use worker::Env;
use worker::Request;
use worker::Response;
use worker::State;
use worker::console_error;
use worker::durable_object;

use crate::cell;
use crate::cell::ALARM_RETRY;
use crate::cell::Cell;
use crate::host;
use crate::settings::Settings;

/// Keeps the latest directory.
#[durable_object(alarm)]
pub struct DirectoryObject {
    state: State,
    cell: Cell,
}

impl DurableObject for DirectoryObject {
    fn new(state: State, _: Env) -> Self {
        Self { cell: Cell::new(state.storage()), state }
    }

    async fn fetch(&self, request: Request) -> worker::Result<Response> {
        answer::<Publication>(&self.cell, request).await
    }

    async fn alarm(&self) -> worker::Result<Response> {
        rest(&self.state, &self.cell).await
    }
}

/// What one client network did lately.
#[durable_object(alarm)]
pub struct VisitorObject {
    state: State,
    cell: Cell,
}

impl DurableObject for VisitorObject {
    fn new(state: State, _: Env) -> Self {
        Self { cell: Cell::new(state.storage()), state }
    }

    async fn fetch(&self, request: Request) -> worker::Result<Response> {
        answer::<Visitor>(&self.cell, request).await
    }

    async fn alarm(&self) -> worker::Result<Response> {
        rest(&self.state, &self.cell).await
    }
}

/// A user's authenticator app.
#[durable_object(alarm)]
pub struct FactorObject {
    state: State,
    env: Env,
    cell: Cell,
}

impl DurableObject for FactorObject {
    fn new(state: State, env: Env) -> Self {
        Self { cell: Cell::new(state.storage()), state, env }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let factor::Event { now, entropy, ask } = json::read(&request.text().await?)?;
        let keys = match Settings::load(&self.env) {
            Ok(settings) => settings.edge.factors.clone(),
            Err(error) => return Response::error(error.to_string(), 500),
        };
        let command = factor::Command { keys, entropy, ask };
        respond(self.cell.apply::<Factor>(&command, now).await)
    }

    async fn alarm(&self) -> worker::Result<Response> {
        rest(&self.state, &self.cell).await
    }
}

async fn answer<M>(cell: &Cell, mut request: Request) -> worker::Result<Response>
where
    M: Machine<Command: serde::de::DeserializeOwned, Reply: serde::Serialize>,
{
    let command = json::read(&request.text().await?)?;
    respond(cell.apply::<M>(&command, host::now()).await)
}

fn respond<R: serde::Serialize>(applied: Result<R, cell::Error>) -> worker::Result<Response> {
    match applied {
        Ok(reply) => Response::from_json(&reply),
        Err(error) => {
            console_error!("object failed: {error}");
            Response::error("object failed", 500)
        }
    }
}

/// The alarm rings when the state is over.
async fn rest(state: &State, cell: &Cell) -> worker::Result<Response> {
    if let Err(error) = cell.rest(host::now()).await {
        console_error!("alarm failed, it rings again: {error}");
        state.storage().set_alarm(ALARM_RETRY).await?;
    }
    Response::empty()
}
