//! Durable Objects: each hosts one machine under a name of its own.

mod ledger;
mod plain;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tiffin_shared::directory::publication;
use tiffin_shared::factor;
use tiffin_shared::http::Hold;
use tiffin_shared::id::LedgerId;
use tiffin_shared::json;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Event;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::region;
use tiffin_shared::visitor;
use tiffin_shared::visitor::VisitorId;
use worker::Env;
use worker::wasm_bindgen::JsCast;
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::Request;
use worker::web_sys::RequestInit;
use worker::web_sys::Response;
use worker::worker_sys::DurableObject;

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

/// A ledger's answer, and whether it came at once because there was no place to hold it at.
#[derive(serde::Serialize, serde::Deserialize)]
pub struct Told {
    /// The answer.
    pub outcome: Outcome,
    /// Whether it was not held though it should have been.
    pub is_full: bool,
}

/// Asks a ledger.
pub async fn ledger(env: &Env, ledger: LedgerId, event: Event, hold: Option<Hold>) -> worker::Result<Told> {
    let hint = match &event.ask {
        Ask::Create(create) | Ask::Preflight(create) => create.country.and_then(region::location_hint),
        _ => None,
    };
    ask_near(env, LEDGERS, &ledger.to_string(), hint, &Held { event, hold }).await
}

/// Asks the one place that keeps the latest directory.
pub async fn directory(env: &Env, question: &publication::Ask) -> worker::Result<publication::Reply> {
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
    // By hand: the library's request and response read a dozen properties on the way that nobody asks for here, and
    // the body piece by piece.
    let stub: DurableObject = stub.into_rpc();
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(&serde_json::to_string(question)?.into());
    let request = Request::new_with_str_and_init("https://object/", &init)?;
    let response: Response = JsFuture::from(stub.fetch_with_request(&request)?).await?.dyn_into()?;
    match response.status() {
        200 => {
            let text = JsFuture::from(response.text()?).await?.as_string().unwrap_or_default();
            Ok(json::read(&text)?)
        }
        status => Err(worker::Error::RustError(format!("{binding} answered {status}"))),
    }
}
