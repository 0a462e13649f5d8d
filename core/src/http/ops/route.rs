//! `GET /ops/v1/routes/{gateway}`: one gateway by country, by how long its receipts take, and by what went wrong.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use tiffin_shared::country::Country;
use tiffin_shared::order::Class;
use tiffin_shared::order::Reason;
use tiffin_shared::price::Money;
use tiffin_shared::problem::Problem;
use tiffin_shared::route::stats;

use super::answer;
use super::routes;
use super::routes::Fared;
use super::routes::Route;
use crate::admin;
use crate::app::App;
use crate::http::params::Path;
use crate::routes::by_country;

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    route: Route,
    /// Most sent first.
    countries: Vec<ToCountry>,
    /// Receipts of all countries by how long they took after the call, shortest first.
    receipts: Vec<Receipts>,
    /// Most frequent first.
    errors: Vec<Errors>,
    /// Messages that failed because nothing was heard within their usual time.
    silent: u32,
}

/// Of the last half hour to hour.
#[derive(Serialize)]
struct ToCountry {
    /// Null for mailboxes, and for numbers of no country.
    country: Option<Country>,
    /// Of one message or segment, in every currency that has a list.
    prices: Vec<Money>,
    /// How long it is waited for a receipt; null while the receipts have not taught it.
    window_ms: Option<u64>,
    fared: Fared,
}

#[derive(Serialize)]
struct Receipts {
    /// Within so long, and longer than the one before. The last of 32 has all that took longer too.
    within_ms: u64,
    count: u32,
}

#[derive(Serialize)]
struct Errors {
    reason: Reason,
    class: Class,
    /// Messages that were not taken, or did not arrive.
    count: u32,
}

pub async fn show(State(app): State<Arc<App>>, Path(gateway): Path<String>) -> Response {
    answer(shown(&app, &gateway).await)
}

async fn shown(app: &App, gateway: &str) -> Result<Shown, Problem> {
    let gateway = routes::named(app, gateway)?;
    let countries = by_country(app, gateway).await.map_err(|error| {
        tracing::warn!(%error, "how messages fare was not read");
        Problem::unavailable("The store does not answer.")
    })?;
    let all = stats::View::sum(countries.iter().map(|(_, view)| view.clone()));
    let prices = admin::prices(&app.settled.current(), &app.directory.current(), gateway);
    let to = |(country, view): &(Option<Country>, stats::View)| ToCountry {
        country: *country,
        prices: prices.units(*country),
        window_ms: view.window_ms,
        fared: Fared::of(view),
    };
    let error =
        |(reason, count): (&Reason, &u32)| Errors { reason: *reason, class: reason.class(), count: *count };
    let mut errors: Vec<_> = all.errors.iter().map(error).collect();
    errors.sort_by_key(|error| std::cmp::Reverse(error.count));
    let count = |slot: usize| all.times.get(slot).copied().unwrap_or_default();
    let receipts = |slot| Receipts { within_ms: stats::slot_ms(slot), count: count(slot) };
    let mut route = routes::route(app, gateway, (None, app.routes.view(gateway.name())));
    route.fared = Fared::of(&all);
    Ok(Shown {
        route,
        countries: countries.iter().map(to).collect(),
        receipts: (0..stats::TIMES).map(receipts).collect(),
        errors,
        silent: all.silent,
    })
}
