//! `/ops/v1`: the operators' API, opened by one token.

mod admin;
mod audit;
mod balances;
mod dead;
mod erasure;
mod escalations;
mod evidence;
mod export;
pub(crate) mod orders;
mod routes;
mod webhooks;
mod who;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::middleware;
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::delete;
use axum::routing::get;
use axum::routing::post;
use axum::routing::put;
use serde::Serialize;
use subtle::ConstantTimeEq;
use tiffin_shared::bytes;
use tiffin_shared::http;
use tiffin_shared::http::BODY_BYTES_MAX;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;

use super::health;
use super::respond;
use crate::app::App;
use crate::config;
use crate::config::Environment;
use crate::config::names::OPERATOR_TOKEN;
use crate::host;

/// Shorter ones can be guessed. `tiffin keys make` makes 43 characters.
const TOKEN_CHARS_MIN: usize = 32;

/// Who may use `/ops`: the digest of the token, which itself is not kept.
pub struct Operator([u8; 32]);

impl Operator {
    /// The token from the environment, where there is one.
    pub fn read(environment: &Environment) -> Result<Option<Self>, config::Error> {
        let Some(token) = environment.get(OPERATOR_TOKEN) else { return Ok(None) };
        if token.chars().count() < TOKEN_CHARS_MIN {
            let reason = format!(
                "shorter than {TOKEN_CHARS_MIN} characters. `tiffin keys make --missing` makes one where there is none"
            );
            return Err(config::Error::Invalid { place: OPERATOR_TOKEN.to_owned(), reason });
        }
        Ok(Some(Self(bytes::sha256(token.as_bytes()))))
    }

    /// A keyed hash of something that must not stand in the audit: with the token, the same again is recognised.
    pub fn hash(&self, of: &str) -> String {
        let hash: [u8; 12] =
            bytes::truncate(bytes::hmac_sha256(&self.0, &[b"tiffin-audit-v1", of.as_bytes()]));
        bytes::encode(&hash)
    }

    fn knows(&self, token: &str) -> bool {
        self.0.ct_eq(&bytes::sha256(token.as_bytes())).into()
    }
}

/// Whether what is sent there is longer than any other request.
pub fn is_upload(path: &str) -> bool {
    path.starts_with("/ops/v1/orders/") && path.ends_with("/uploads")
}

/// How much of a body is read there.
pub fn body_bytes_max(path: &str) -> usize {
    if path.starts_with("/ops/v1/tenants/") { admin::BODY_BYTES_MAX } else { BODY_BYTES_MAX }
}

/// Every path under `/ops`.
pub fn router(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/ops/v1/balances", get(balances::list))
        .route("/ops/v1/tenants/{id}/balance", get(balances::show))
        .route("/ops/v1/tenants/{id}/balance/credit", post(balances::credit))
        .route("/ops/v1/tenants/{id}/ledger", get(balances::ledger))
        .route("/ops/v1/dead", get(dead::list))
        .route("/ops/v1/dead/replay", post(dead::replay_all))
        .route("/ops/v1/dead/{id}", get(dead::show))
        .route("/ops/v1/dead/{id}/replay", post(dead::replay))
        .route("/ops/v1/dead/{id}/discard", post(dead::discard))
        .route("/ops/v1/orders/{id}", get(orders::show))
        .route("/ops/v1/orders/{id}/evidence", get(evidence::show))
        .route("/ops/v1/orders/{id}/uploads", post(evidence::add))
        .route("/ops/v1/orders/{id}/uploads/{n}", delete(evidence::remove))
        .route("/ops/v1/orders/{id}/cancel", post(orders::cancel))
        .route("/ops/v1/orders/{id}/retry", post(orders::retry))
        .route("/ops/v1/audit", get(audit::list))
        .route("/ops/v1/erasure", post(erasure::erase))
        .route("/ops/v1/escalations", get(escalations::list).post(escalations::open))
        .route("/ops/v1/escalations/{id}", get(escalations::show))
        .route("/ops/v1/escalations/{id}/{verb}", post(escalations::act))
        .route("/ops/v1/evidence", get(export::evidence))
        .route("/ops/v1/export/{what}", get(export::export))
        .route("/ops/v1/keys", get(admin::keys).post(admin::make_key))
        .route("/ops/v1/keys/{id}/revoke", post(admin::revoke_key))
        .route("/ops/v1/tenants", get(admin::tenants))
        .route("/ops/v1/tenants/{id}", get(admin::tenant).put(admin::put_tenant).delete(admin::remove_tenant))
        .route(
            "/ops/v1/tenants/{id}/services/{service}",
            put(admin::put_service).delete(admin::remove_service),
        )
        .route(
            "/ops/v1/routes/{gateway}/settings",
            get(admin::route).put(admin::put_route).delete(admin::remove_route),
        )
        .route("/ops/v1/routes", get(routes::list))
        .route("/ops/v1/routes/{gateway}/{hand}", post(routes::hold))
        .route("/ops/v1/webhooks", get(webhooks::list))
        .route("/ops/v1/webhooks/{tenant}", post(webhooks::add))
        .route("/ops/v1/webhooks/{tenant}/{name}", delete(webhooks::remove))
        .route("/ops/v1/webhooks/{tenant}/{name}/deliveries", get(webhooks::deliveries))
        .route("/ops/v1/webhooks/{tenant}/{name}/enable", post(webhooks::enable))
        .route("/ops/v1/webhooks/{tenant}/{name}/replay", post(webhooks::replay))
        .route("/ops/v1/webhooks/{tenant}/{name}/rotate", post(webhooks::rotate))
        .route("/ops/v1/webhooks/{tenant}/{name}/test", post(webhooks::test))
        .route_layer(middleware::from_fn_with_state(app.clone(), admit))
}

async fn admit(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let Some(operator) = &app.operator else {
        let detail = format!(
            "The operators' API is closed: this process has no {OPERATOR_TOKEN}. Set one of at least \
             {TOKEN_CHARS_MIN} characters (`tiffin keys make --missing` makes it) and start again."
        );
        return health::refuse(&Problem::new(Code::Unauthenticated, detail));
    };
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    if !operator.knows(token) {
        let detail = format!("Send the operators' token: `Authorization: Bearer <{OPERATOR_TOKEN}>`.");
        return health::refuse(&Problem::new(Code::Unauthenticated, detail));
    }
    match who::read(&request, token) {
        Ok(who) => {
            request.extensions_mut().insert(who);
            next.run(request).await
        }
        Err(problem) => health::refuse(&problem),
    }
}

fn answer(reply: Result<impl Serialize, Problem>) -> Response {
    let body = reply.and_then(|reply| {
        serde_json::to_string(&reply).map_err(|_| Problem::unavailable("The reply does not encode."))
    });
    match (body, host::entropy()) {
        (Ok(body), Ok(entropy)) => respond(http::Response::ready(&body, &entropy)),
        (Err(problem), _) => health::refuse(&problem),
        (Ok(_), Err(_)) => health::no_randomness(),
    }
}
