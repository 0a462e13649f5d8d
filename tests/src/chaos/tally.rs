//! What became of every order, by the sandbox's inbox and by what core told the edge.

use std::collections::HashMap;
use std::fmt::Write;
use std::time::Duration;

use anyhow::Context;
use reqwest::Method;
use serde_json::Value;
use tiffin_core::host;
use tiffin_shared::order::Attempt;
use tiffin_shared::route::stats::WINDOW_MS_MIN;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::OrderState;

use super::feeder::Ordered;
use super::fleet::Fleet;
use super::show;
use crate::wait;

/// What was on its way when an order's place was taken cannot be called back: a call, and this machine's scheduling.
const ON_ITS_WAY_MS: u64 = 1_500;
/// The shortest time that counts as silence, less what a call may take.
const SILENCE_MS: u64 = WINDOW_MS_MIN - SECOND_MS;
/// How long after the last order everything must have arrived: a claim of a dead worker, a look, the other way.
const SETTLE: Duration = Duration::from_secs(90);

/// A row of the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Orders that core had confirmed.
    pub accepted: usize,
    /// Of these, those whose code came once.
    pub once: usize,
    /// Messages beyond an order's first.
    pub duplicates: usize,
    /// Duplicates that the design allows: no receipt within the usual time, so that another way was taken.
    pub silent: usize,
    /// Orders that were to arrive and did not.
    pub lost: usize,
    /// Messages after expiry, or after another order had taken the place.
    pub stale: usize,
    /// Orders that were over before they could be sent.
    pub over: usize,
    /// Hand-overs that were tried again.
    pub again: usize,
    /// Milliseconds from acceptance to the provider, of 99 in 100.
    pub p99_ms: u64,
}

/// A message that a phone got.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// When.
    pub at: UnixMs,
    /// Through whom.
    pub gateway: String,
}

/// Messages by phone and code, oldest first.
pub type Arrivals = HashMap<(String, String), Vec<Arrival>>;

/// What arrived.
pub async fn arrivals(fleet: &Fleet) -> anyhow::Result<Arrivals> {
    let url = format!("{}/inbox", fleet.client.sandbox);
    let reply = fleet.client.raw(Method::GET, url, &[], Vec::new()).await?;
    let messages = reply.body["messages"].as_array().context("no inbox")?;
    let mut arrivals = Arrivals::new();
    for message in messages.iter().rev() {
        let text = |field: &str| message[field].as_str().unwrap_or_default().to_owned();
        let code = text("text").chars().take(6).collect();
        let arrival = Arrival { at: time(&message["at"])?, gateway: text("gateway") };
        arrivals.entry((text("to"), code)).or_default().push(arrival);
    }
    Ok(arrivals)
}

/// The sandbox's time stamps.
pub fn time(at: &Value) -> anyhow::Result<UnixMs> {
    let at = chrono::DateTime::parse_from_rfc3339(at.as_str().unwrap_or_default())
        .map_err(|error| anyhow::anyhow!("at: {error}"))?;
    Ok(UnixMs(u64::try_from(at.timestamp_millis())?))
}

/// Waits until everything has arrived and core has told the end of it; then counts, shows the row and forgets.
pub async fn settle(fleet: &Fleet, name: &str) -> anyhow::Result<Tally> {
    let look = || async {
        let arrivals = arrivals(fleet).await?;
        let orders = fleet.feeder.orders();
        let is_open = |order: &&Ordered| is_awaited(order) && !is_settled(fleet, order, &arrivals);
        Ok(orders.iter().filter(is_open).count())
    };
    let waited = wait::until_within(SETTLE, name, look, |open| *open == 0).await;
    if let Err(error) = waited {
        show(&format!("{name}: {error}"));
    }
    let tally = count(fleet, name, &fleet.feeder.take(), &arrivals(fleet).await?);
    show(&row(name, &tally));
    Ok(tally)
}

/// Accepted, not yet over, and nobody took its place.
fn is_awaited(order: &Ordered) -> bool {
    order.accepted_at.is_some() && order.superseded_at.is_none() && host::now() < order.expires_at
}

fn is_settled(fleet: &Fleet, order: &Ordered, arrivals: &Arrivals) -> bool {
    let told = fleet.played.told(&order.id).map(|event| event.state);
    let has_ended = matches!(told, Some(OrderState::Delivered | OrderState::Failed));
    has_ended && arrivals.contains_key(&(order.phone.clone(), order.code.clone()))
}

/// Counts.
pub fn count(fleet: &Fleet, name: &str, orders: &[Ordered], arrivals: &Arrivals) -> Tally {
    let mut tally = Tally::default();
    let mut took = Vec::new();
    for order in orders {
        tally.again += usize::try_from(order.tries.saturating_sub(1)).unwrap_or(0);
        let came = arrivals.get(&(order.phone.clone(), order.code.clone())).map_or(&[][..], Vec::as_slice);
        let stale = came.iter().filter(|arrival| is_stale(order, arrival)).count();
        if stale > 0 {
            tally.stale += stale;
            show(&format!("{name}: stale {order:?}: {came:?}: {:?}", fleet.played.told(&order.id)));
        }
        let Some(accepted_at) = order.accepted_at else { continue };
        tally.accepted += 1;
        tally.once += usize::from(came.len() == 1);
        if let Some(first) = came.first() {
            took.push(first.at.since(accepted_at));
        } else if is_awaited(order) {
            tally.lost += 1;
            show(&format!("{name}: lost {order:?}: {:?}", fleet.played.told(&order.id)));
        } else {
            tally.over += 1;
        }
        if came.len() > 1 {
            tally.duplicates += came.len() - 1;
            let is_silent = is_by_silence(fleet, order, came);
            tally.silent += if is_silent { came.len() - 1 } else { 0 };
            show(&format!("{name}: {}", explain(fleet, order, came)));
        }
    }
    took.sort_unstable();
    tally.p99_ms = took.get(took.len() * 99 / 100).copied().unwrap_or(0);
    tally
}

fn is_stale(order: &Ordered, arrival: &Arrival) -> bool {
    let is_taken = order.superseded_at.is_some_and(|at| arrival.at > at.plus(ON_ITS_WAY_MS));
    arrival.at >= order.expires_at || is_taken
}

/// Whether a further way was taken because the first one's receipt did not come: the record says so, and the time has passed.
fn is_by_silence(fleet: &Fleet, order: &Ordered, came: &[Arrival]) -> bool {
    let told = fleet.played.told(&order.id);
    let says = |attempt: &Attempt| attempt.changed.contains("no receipt within");
    let gaps = || came.iter().zip(came.iter().skip(1)).map(|(one, next)| next.at.since(one.at));
    told.is_some_and(|event| event.attempts.iter().any(says)) && gaps().all(|gap| gap >= SILENCE_MS)
}

fn explain(fleet: &Fleet, order: &Ordered, came: &[Arrival]) -> String {
    let mut text = format!("{} came {} times:", order.id, came.len());
    for arrival in came {
        let after_ms = arrival.at.since(order.accepted_at.unwrap_or_default());
        write!(text, " {} +{after_ms} ms", arrival.gateway).ok();
    }
    for attempt in fleet.played.told(&order.id).map(|event| event.attempts).unwrap_or_default() {
        write!(text, "; {} {} {:?} ({})", attempt.n, attempt.gateway, attempt.state, attempt.changed).ok();
    }
    text
}

/// The table's head.
pub const HEAD: &str =
    "| scenario | accepted | once | duplicates | of silence | lost | stale | over | tried again | p99 ms |";

fn row(name: &str, tally: &Tally) -> String {
    let Tally { accepted, once, duplicates, silent, lost, stale, over, again, p99_ms } = tally;
    format!(
        "| {name} | {accepted} | {once} | {duplicates} | {silent} | {lost} | {stale} | {over} | {again} | {p99_ms} |"
    )
}
