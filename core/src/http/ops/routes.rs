//! `/ops/v1/routes`: how every gateway stands, and the operator's hand on its breaker.

use std::sync::Arc;

use axum::extract::Extension;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::response::Response;
use serde::Deserialize;
use serde::Serialize;
use serde_json::json;
use tiffin_shared::admin::By;
use tiffin_shared::country::Country;
use tiffin_shared::gateway::Forced;
use tiffin_shared::gateway::View;
use tiffin_shared::id::GatewayId;
use tiffin_shared::price::Money;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;
use tiffin_shared::route::stats;
use tiffin_shared::wire::api::Channel;

use super::answer;
use super::orders::invalid;
use crate::admin;
use crate::app::App;
use crate::audit;
use crate::gateways::Gateway;
use crate::http::params::Path;
use crate::routes;

#[derive(Serialize)]
struct Routes {
    /// In the operator's order.
    routes: Vec<Route>,
}

#[derive(Serialize)]
pub(super) struct Route {
    gateway: GatewayId,
    channel: Channel,
    /// Whether orders go through it as a matter of course.
    up: bool,
    priority: u16,
    /// Its share of the orders of its priority, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<u16>,
    /// Of what operators set over the file's, where they did.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    /// In the operator's own currency, to the country that is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    price_micros: Option<u64>,
    /// The same in every currency that has a list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    prices: Vec<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_second: Option<u32>,
    #[serde(flatten)]
    view: View,
    /// How messages fared on it of late, to one country or all.
    pub(super) fared: Fared,
}

/// Of the last half hour to hour.
#[derive(Default, Serialize)]
pub(super) struct Fared {
    /// Messages that the provider took.
    sent: u32,
    delivered: u32,
    failed: u32,
    verified: u32,
    /// Arrived, of those whose fate is known, in thousandths.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<u32>,
    /// Verified, of those whose codes are checked here, in thousandths.
    #[serde(skip_serializing_if = "Option::is_none")]
    conversion: Option<u32>,
    /// In which half of the receipts came, and 95 %; while there are enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    p50_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p95_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// ISO 3166-1 alpha-2.
    country: Option<String>,
}

/// `GET /ops/v1/routes`: as the fleet found each at most a second ago; `?country=IN` for how messages fare there, and
/// what they cost.
pub async fn list(State(app): State<Arc<App>>, wanted: Result<Query<Wanted>, QueryRejection>) -> Response {
    let wanted = wanted.map_err(|_| invalid("The one parameter is country.".into()));
    answer(wanted.and_then(|Query(Wanted { country })| routes(&app, country.as_deref())))
}

fn routes(app: &App, country: Option<&str>) -> Result<Routes, Problem> {
    let country = country.map(Country::parse).transpose();
    let country =
        country.map_err(|error| Problem::new(Code::InvalidRequest, format!("country: {error}.")))?;
    let of = |gateway: &Gateway| Route {
        fared: Fared::of(&app.routes.fared(gateway, country)),
        ..route(app, gateway, (country, app.routes.view(gateway.name())))
    };
    Ok(Routes { routes: app.gateways.all().iter().map(of).collect() })
}

impl Fared {
    pub(super) fn of(view: &stats::View) -> Self {
        Self {
            sent: view.sent,
            delivered: view.delivered,
            failed: view.failed,
            verified: view.verified,
            delivery: view.delivery(),
            conversion: view.conversion(),
            p50_ms: view.p50_ms,
            p95_ms: view.p95_ms,
        }
    }
}

/// `POST /ops/v1/routes/{gateway}/open|close|release`: no calls; calls whatever they come to; or as the breaker finds.
pub async fn hold(
    State(app): State<Arc<App>>,
    Extension(by): Extension<By>,
    Path((gateway, hand)): Path<(String, String)>,
) -> Response {
    answer(force(&app, &by, &gateway, &hand).await)
}

async fn force(app: &Arc<App>, by: &By, gateway: &str, hand: &str) -> Result<Route, Problem> {
    let forced = match hand {
        "open" => Some(Forced::Open),
        "close" => Some(Forced::Closed),
        "release" => None,
        _ => return Err(Problem::new(Code::NotFound, "open, close or release.")),
    };
    let gateway = named(app, gateway)?;
    let changed = (json!(app.routes.view(gateway.name()).forced), json!(forced));
    let hold = async {
        routes::force(app, gateway.name(), forced).await.map_err(|error| {
            tracing::warn!(%error, "a breaker cannot be held");
            Problem::unavailable("The store does not answer: the breaker is as it was.")
        })
    };
    let view = audit::around(app, by, &format!("route.{hand} {}", gateway.name()), changed, hold).await?;
    tracing::info!(gateway = %gateway.name(), hand, "an operator's hand on a breaker");
    Ok(route(app, gateway, (None, view)))
}

pub(super) fn named<'a>(app: &'a App, name: &str) -> Result<&'a Gateway, Problem> {
    app.gateways.named(name).ok_or_else(|| {
        let names: Vec<_> = app.gateways.all().iter().map(|known| known.name().as_str()).collect();
        Problem::new(Code::NotFound, format!("The gateways are: {}.", names.join(", ")))
    })
}

pub(super) fn route(app: &App, gateway: &Gateway, (country, view): (Option<Country>, View)) -> Route {
    let (settings, settled) = (gateway.settings(), app.settled.current());
    let directory = app.directory.current();
    let prices = admin::prices(&settled, &directory, gateway);
    Route {
        gateway: gateway.name().clone(),
        channel: gateway.channel(),
        up: view.is_closed(),
        priority: admin::priority(&settled, gateway),
        weight: admin::weight(&settled, gateway),
        version: settled.routes.get(gateway.name()).map(|kept| kept.version),
        price_micros: prices.unit_micros(directory.currency, country),
        prices: prices.units(country),
        per_second: settings.per_second,
        view,
        fared: Fared::default(),
    }
}
