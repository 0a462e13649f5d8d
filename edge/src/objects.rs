//! Durable Objects: each hosts one machine under a name of its own.

mod ledger;
mod plain;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tiffin_shared::directory::snapshot;
use tiffin_shared::factor;
use tiffin_shared::http::Hold;
use tiffin_shared::id::LedgerId;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Event;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::region;
use tiffin_shared::visitor;
use tiffin_shared::visitor::VisitorId;
use worker::Env;
use worker::Method;
use worker::Request;
use worker::RequestInit;

/// Bindings in `wrangler.toml`.
const DIRECTORY: &str = "DIRECTORY";
const FACTORS: &str = "FACTORS";
const LEDGERS: &str = "LEDGERS";
const VISITORS: &str = "VISITORS";
/// There is one directory.
const THE_DIRECTORY: &str = "directory";

/// A question to a ledger, and whether to hold the answer until there is news.
#[derive(serde::Serialize, serde::Deserialize)]
struct Held {
    event: Event,
    hold: Option<Hold>,
}

/// Asks a ledger.
pub async fn ledger(
    env: &Env,
    ledger: LedgerId,
    event: Event,
    hold: Option<Hold>,
) -> worker::Result<Outcome> {
    let hint = match &event.ask {
        Ask::Create(create) | Ask::Preflight(create) => create.country.and_then(region::location_hint),
        _ => None,
    };
    ask_near(env, LEDGERS, &ledger.to_string(), hint, &Held { event, hold }).await
}

/// Asks the one place that keeps the latest directory.
pub async fn directory(env: &Env, question: &snapshot::Ask) -> worker::Result<snapshot::Reply> {
    ask(env, DIRECTORY, THE_DIRECTORY, question).await
}

/// Asks a factor.
pub async fn factor(env: &Env, event: &factor::Event) -> worker::Result<factor::Outcome> {
    ask(env, FACTORS, &event.ask.factor().to_string(), event).await
}

/// Asks a client network's limits.
pub async fn visitor(
    env: &Env,
    visitor: VisitorId,
    command: &visitor::Command,
) -> worker::Result<visitor::Reply> {
    ask(env, VISITORS, &visitor.to_string(), command).await
}

async fn ask<R: DeserializeOwned>(
    env: &Env,
    binding: &str,
    name: &str,
    question: &impl Serialize,
) -> worker::Result<R> {
    ask_near(env, binding, name, None, question).await
}

async fn ask_near<R: DeserializeOwned>(
    env: &Env,
    binding: &str,
    name: &str,
    hint: Option<&str>,
    question: &impl Serialize,
) -> worker::Result<R> {
    let namespace = env.durable_object(binding)?;
    let stub = match hint {
        Some(hint) => namespace.get_by_name_with_location_hint(name, hint)?,
        None => namespace.get_by_name(name)?,
    };
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_body(Some(serde_json::to_string(question)?.into()));
    let mut response = stub.fetch_with_request(Request::new_with_init("https://object/", &init)?).await?;
    match response.status_code() {
        200 => Ok(serde_json::from_str(&response.text().await?)?),
        status => Err(worker::Error::RustError(format!("{binding} answered {status}"))),
    }
}
