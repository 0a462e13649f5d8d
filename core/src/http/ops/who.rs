//! Who asks: by the token in `Authorization`, or by the console's cookie.

use std::sync::Arc;

use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use tiffin_shared::operator::Role;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;

use crate::app::App;
use crate::config::TOKEN_CHARS_MIN;
use crate::config::names::OPERATOR_TOKEN;
use crate::http::console::session;
use crate::http::health;
use crate::operators;
use crate::operators::Who;

/// Says who it is, where several people share the token.
const OPERATOR: &str = "x-operator";

/// Lets in who proves who he is; what he may do, [`demand`] says.
pub(super) async fn admit(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let (method, headers) = (request.method().clone(), request.headers().clone());
    match of(&app, &method, &headers).await {
        Ok(who) => {
            request.extensions_mut().insert(who.by.clone());
            request.extensions_mut().insert(who);
            next.run(request).await
        }
        Err(problem) => health::refuse(&problem),
    }
}

/// Lets through whose role is at least this one.
pub(super) async fn demand(State(least): State<Role>, request: Request, next: Next) -> Response {
    match request.extensions().get::<Who>() {
        Some(who) if who.role >= least => next.run(request).await,
        who => {
            let role = who.map_or("none", |who| who.role.as_str());
            let detail = format!(
                "Your role is {role}; this needs {least}. An operator gives roles: `tiffin operator`."
            );
            health::refuse(&Problem::new(Code::RoleRequired, detail))
        }
    }
}

async fn of(app: &Arc<App>, method: &Method, headers: &HeaderMap) -> Result<Who, Problem> {
    if !operators::is_open(app) {
        let detail = format!(
            "The operators' API is closed: this process has no {OPERATOR_TOKEN}. Set one of at least \
             {TOKEN_CHARS_MIN} characters (`tiffin keys make --missing` makes it) and start again."
        );
        return Err(Problem::new(Code::Unauthenticated, detail));
    }
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let Some(authorization) = header("authorization") else {
        return session::of(app, method, headers).await?.ok_or_else(|| {
            let detail =
                format!("Send an operator's token, `Authorization: Bearer <{OPERATOR_TOKEN}>`, or sign in at /console/.");
            Problem::new(Code::Unauthenticated, detail)
        });
    };
    let token = authorization.strip_prefix("Bearer ").unwrap_or_default();
    let who = operators::by_token(app, token, header(OPERATOR));
    let who = who.map_err(|error| Problem::new(Code::InvalidRequest, format!("X-Operator: {error}.")))?;
    who.ok_or_else(|| {
        let detail = format!("Send an operator's token: `Authorization: Bearer <{OPERATOR_TOKEN}>`.");
        Problem::new(Code::Unauthenticated, detail)
    })
}
