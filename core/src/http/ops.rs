//! `/ops/v1`: the operators' API, opened by tokens and by the console's sign-in; what each role may do stands in three lists.

mod abuse;
mod admin;
mod audit;
mod balances;
mod dead;
mod erasure;
mod escalations;
mod evidence;
mod export;
mod operators;
pub(crate) mod orders;
mod overview;
mod places;
mod route;
mod routes;
mod said;
mod search;
mod webhooks;
mod who;

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::response::Response;
use axum::routing::delete;
use axum::routing::get;
use axum::routing::post;
use axum::routing::put;
use serde::Serialize;
use tiffin_shared::http;
use tiffin_shared::http::BODY_BYTES_MAX;
use tiffin_shared::operator::Role;
use tiffin_shared::problem::Problem;

use super::health;
use super::respond;
use crate::app::App;
use crate::host;

/// Whether what is sent there is longer than any other request.
pub fn is_upload(path: &str) -> bool {
    path.starts_with("/ops/v1/orders/") && path.ends_with("/uploads")
}

/// How much of a body is read there.
pub fn body_bytes_max(path: &str) -> usize {
    if path.starts_with("/ops/v1/tenants/") { admin::BODY_BYTES_MAX } else { BODY_BYTES_MAX }
}

/// Every path under `/ops`, each behind the role that it needs.
pub fn router(app: &Arc<App>) -> Router<Arc<App>> {
    let behind = |role, router: Router<Arc<App>>| {
        router.route_layer(middleware::from_fn_with_state(role, who::demand))
    };
    behind(Role::Viewer, viewer())
        .merge(behind(Role::Support, support()))
        .merge(behind(Role::Operator, operator()))
        .route_layer(middleware::from_fn_with_state(places::Room::default(), places::take))
        .route_layer(middleware::from_fn_with_state(app.clone(), who::admit))
}

/// Looks.
fn viewer() -> Router<Arc<App>> {
    Router::new()
        .route("/ops/v1/abuse", get(abuse::list))
        .route("/ops/v1/audit", get(audit::list))
        .route("/ops/v1/balances", get(balances::list))
        .route("/ops/v1/dead", get(dead::list))
        .route("/ops/v1/escalations", get(escalations::list))
        .route("/ops/v1/escalations/{id}", get(escalations::show))
        .route("/ops/v1/keys", get(admin::keys))
        .route("/ops/v1/orders/search", post(search::search))
        .route("/ops/v1/orders/{id}", get(orders::show))
        .route("/ops/v1/overview", get(overview::show))
        .route("/ops/v1/routes", get(routes::list))
        .route("/ops/v1/routes/{gateway}", get(route::show))
        .route("/ops/v1/routes/{gateway}/settings", get(admin::route))
        .route("/ops/v1/tenants", get(admin::tenants))
        .route("/ops/v1/tenants/{id}", get(admin::tenant))
        .route("/ops/v1/tenants/{id}/balance", get(balances::show))
        .route("/ops/v1/tenants/{id}/ledger", get(balances::ledger))
        .route("/ops/v1/webhooks", get(webhooks::list))
        .route("/ops/v1/webhooks/{tenant}/{name}/deliveries", get(webhooks::deliveries))
}

/// Helps customers.
fn support() -> Router<Arc<App>> {
    Router::new()
        .route("/ops/v1/abuse/network", post(abuse::network))
        .route("/ops/v1/dead/{id}", get(dead::show))
        .route("/ops/v1/escalations", post(escalations::open))
        .route("/ops/v1/escalations/{id}/{verb}", post(escalations::act))
        .route("/ops/v1/evidence", get(export::evidence))
        .route("/ops/v1/export/{what}", get(export::export))
        .route("/ops/v1/orders/{id}/cancel", post(orders::cancel))
        .route("/ops/v1/orders/{id}/evidence", get(evidence::show))
        .route("/ops/v1/orders/{id}/retry", post(orders::retry))
        .route("/ops/v1/orders/{id}/uploads", post(evidence::add))
        .route("/ops/v1/orders/{id}/uploads/{n}", delete(evidence::remove))
        .route("/ops/v1/phones/unlock", post(abuse::unlock))
        .route("/ops/v1/webhooks/{tenant}/{name}/replay", post(webhooks::replay))
        .route("/ops/v1/webhooks/{tenant}/{name}/test", post(webhooks::test))
}

/// Runs the installation.
fn operator() -> Router<Arc<App>> {
    Router::new()
        .route("/ops/v1/abuse/network/release", post(abuse::release_network))
        .route("/ops/v1/abuse/release", post(abuse::release))
        .route("/ops/v1/dead/replay", post(dead::replay_all))
        .route("/ops/v1/dead/{id}/discard", post(dead::discard))
        .route("/ops/v1/dead/{id}/replay", post(dead::replay))
        .route("/ops/v1/erasure", post(erasure::erase))
        .route("/ops/v1/keys", post(admin::make_key))
        .route("/ops/v1/keys/{id}/revoke", post(admin::revoke_key))
        .route("/ops/v1/operators", get(operators::list).post(operators::add))
        .route("/ops/v1/operators/{name}", put(operators::put).delete(operators::remove))
        .route("/ops/v1/routes/{gateway}/{hand}", post(routes::hold))
        .route("/ops/v1/routes/{gateway}/settings", put(admin::put_route).delete(admin::remove_route))
        .route("/ops/v1/tenants/{id}", put(admin::put_tenant).delete(admin::remove_tenant))
        .route("/ops/v1/tenants/{id}/balance/credit", post(balances::credit))
        .route(
            "/ops/v1/tenants/{id}/services/{service}",
            put(admin::put_service).delete(admin::remove_service),
        )
        .route("/ops/v1/webhooks/{tenant}", post(webhooks::add))
        .route("/ops/v1/webhooks/{tenant}/{name}", delete(webhooks::remove))
        .route("/ops/v1/webhooks/{tenant}/{name}/enable", post(webhooks::enable))
        .route("/ops/v1/webhooks/{tenant}/{name}/rotate", post(webhooks::rotate))
}

pub(crate) fn answer(reply: Result<impl Serialize, Problem>) -> Response {
    let body = reply.and_then(|reply| {
        serde_json::to_string(&reply).map_err(|_| Problem::unavailable("The reply does not encode."))
    });
    match (body, host::entropy()) {
        (Ok(body), Ok(entropy)) => respond(http::Response::ready(&body, &entropy)),
        (Err(problem), _) => health::refuse(&problem),
        (Ok(_), Err(_)) => health::no_randomness(),
    }
}
