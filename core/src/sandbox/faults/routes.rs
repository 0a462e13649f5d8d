//! The HTTP side of the faults.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::response::Response;
use axum::routing::get;
use axum::routing::put;
use serde_json::json;

use super::script::Script;
use crate::sandbox::clock;
use crate::sandbox::events::Event;
use crate::sandbox::problem;
use crate::sandbox::state::Sandbox;

pub(in crate::sandbox) fn routes() -> Router<Arc<Sandbox>> {
    Router::new().route("/faults", get(list).delete(reset)).route("/faults/{gateway}", put(set))
}

async fn list(State(sandbox): State<Arc<Sandbox>>) -> Response {
    Json(json!({ "faults": sandbox.faults.list(clock::now_ms()) })).into_response()
}

async fn reset(State(sandbox): State<Arc<Sandbox>>) -> StatusCode {
    sandbox.faults.reset();
    sandbox.events.publish(Event::Faults);
    StatusCode::NO_CONTENT
}

async fn set(State(sandbox): State<Arc<Sandbox>>, Path(gateway): Path<String>, body: Bytes) -> Response {
    let script = match Script::parse(&body) {
        Ok(script) => script,
        Err(error) => {
            return problem::of_field(error.field(), &error.to_string());
        }
    };
    let Some(listed) = sandbox.faults.set(&gateway, script, clock::now_ms()) else {
        let detail = "the sandbox plays no such gateway; GET /faults names them";
        return problem::response(StatusCode::NOT_FOUND, "not_found", detail);
    };
    sandbox.events.publish(Event::Faults);
    Json(listed).into_response()
}
