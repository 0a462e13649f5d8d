//! Forgetting one phone on its owner's request: everywhere, or what is left is known to be left.

use std::sync::Arc;

use futures::future::try_join_all;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use tiffin_shared::admin::By;
use tiffin_shared::directory::SENDS_PER_ORDER_MAX;
use tiffin_shared::evidence;
use tiffin_shared::evidence::Shelf;
use tiffin_shared::http::desk::ERASE_ORDERS_MAX;
use tiffin_shared::http::desk::Errand;
use tiffin_shared::id::OrderId;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::order::ATTEMPTS_MAX;
use tiffin_shared::order::Ask;
use tiffin_shared::order::Desk;
use tiffin_shared::order::Read;
use tiffin_shared::phone::Phone;
use tiffin_shared::problem::Problem;
use tiffin_shared::reference;
use tiffin_shared::reference::Index;

use crate::app::App;
use crate::audit;
use crate::bus::dead::Act;
use crate::bus::dead::LOOK_MAX;
use crate::bus::dead::Meant;
use crate::desk;
use crate::host;
use crate::orders;
use crate::search;
use crate::store;
use crate::store::Key;

/// Rounds of [`ERASE_ORDERS_MAX`] orders: more than one phone can have in the day that they are kept.
const ROUNDS_MAX: usize = 32;
/// The highest number of an attempt: they run on from one sending of an order to the next.
const ATTEMPT_N_MAX: usize = ATTEMPTS_MAX * SENDS_PER_ORDER_MAX as usize;

/// What was erased, and what is kept and why.
#[derive(Default, Serialize)]
pub struct Report {
    /// Orders that the phone's ledger had.
    orders: usize,
    /// Records of core, with attempts, story, what was said to providers and by them, and the provider's names of the messages.
    records: usize,
    /// Providers' message ids that led to them.
    references: usize,
    /// Dead letters, each with the sealed number and code.
    letters: usize,
    /// What is not erased.
    kept: Vec<&'static str>,
}

const KEPT: [&str; 5] = [
    "limits: when this phone was sent and guessed at, without what; at most 30 days",
    "logs of closed orders and money: order ids, their callers' names for them (client_ref) and routes, no number; as long as [retention] says",
    "events for the tenant's webhooks: with the number masked, as they were signed; thirty days",
    "figures of routes, prefixes, countries and tenants: counts of many phones",
    "what providers keep: ask them, with the evidence of each order taken before",
];

const KEPT_LETTERS: &str = "dead letters beyond the oldest 10,000, which are not looked through, with number and code sealed: replay or discard the older ones, and ask again";

/// Erases it, and says what was there. `address` is a keyed hash, for the audit.
pub async fn erase(app: &Arc<App>, by: &By, phone: &Phone, address: &str) -> Result<Report, Problem> {
    let (what, named) = (format!("erase {address}"), Value::Null);
    audit::around(app, by, &what, (named, json!("erased")), all(app, phone)).await
}

async fn all(app: &Arc<App>, phone: &Phone) -> Result<Report, Problem> {
    let mut report = Report { kept: KEPT.to_vec(), ..Report::default() };
    let mut forget = Vec::new();
    for _ in 0..ROUNDS_MAX {
        let errand = Errand::Erase { phone: phone.clone(), forget };
        let left = match desk::outcome(app, errand).await? {
            Outcome::Erased { orders } => orders,
            _ => return Err(Problem::unavailable("The ledger answered something else.")),
        };
        if left.is_empty() {
            letters(app, phone, &mut report).await?;
            return Ok(report);
        }
        forget = left.into_iter().take(ERASE_ORDERS_MAX).collect();
        for order in &forget {
            // First here, then there: who dies in between is asked again, and finds the order still listed.
            record(app, order, &mut report).await.map_err(|error| {
                tracing::warn!(%error, %order, "an order is not erased");
                Problem::unavailable("Not everything is erased yet. Ask again.")
            })?;
            report.orders += 1;
        }
    }
    Err(Problem::unavailable(
        "There are more orders than a phone can have; not everything is erased. Ask again.",
    ))
}

/// Forgets what core knows of an order.
async fn record(app: &Arc<App>, order: &OrderId, report: &mut Report) -> anyhow::Result<()> {
    let known = app.store.apply::<Read>(&Key::order(order), &(), host::now()).await?;
    let attempts = known.iter().flat_map(|timeline| &timeline.attempts);
    for tried in attempts {
        if let Some(id) = &tried.provider_id {
            forget(app, &Key::reference(&tried.attempt.gateway, id)).await?;
            report.references += 1;
        }
    }
    // Those of attempts to come too: one may have begun since the look above.
    let last = known.iter().flat_map(|timeline| &timeline.attempts).map(|tried| tried.attempt.n).max();
    let to = u32::try_from(ATTEMPT_N_MAX)?.max(last.unwrap_or_default());
    let keys: Vec<Key> = (0..=to).map(|n| Key::exhibits(order, n)).collect();
    let forgotten =
        keys.iter().map(|key| app.store.apply::<Shelf>(key, &evidence::Command::Forget, host::now()));
    try_join_all(forgotten).await?;
    report.records += usize::from(known.is_some_and(|timeline| timeline.job.is_some()));
    orders::apply(app, order, Ask::Desk(Desk::Erase)).await?;
    Ok(())
}

/// Discards what waits in vain to be sent to it, of orders that its ledger has forgotten by itself too. Once the orders are
/// erased: a job that comes now is over, and not buried.
async fn letters(app: &Arc<App>, phone: &Phone, report: &mut Report) -> Result<(), Problem> {
    let ledger = search::ledger_of(app, phone.clone()).await?;
    let failed = |error| {
        tracing::warn!(%error, "dead letters are not erased");
        Problem::unavailable("The bus did not discard the phone's dead letters. Ask again.")
    };
    let discarded = app.bus.dead_act(Act::Discard, Meant::Ledger(ledger), LOOK_MAX).await.map_err(failed)?;
    report.letters = discarded.discarded;
    let depths = app.bus.depths().await.map_err(failed)?;
    if depths.iter().any(|depth| depth.queue == "dead" && depth.messages > LOOK_MAX) {
        report.kept.push(KEPT_LETTERS);
    }
    Ok(())
}

async fn forget(app: &App, key: &Key) -> Result<(), store::Error> {
    app.store.apply::<Index>(key, &reference::Command::Forget, host::now()).await.map(drop)
}
