//! `/ops/v1/operators`: people with tokens of their own. A token is shown once, when it is made.

use std::sync::Arc;

use axum::extract::Extension;
use axum::extract::Request;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;
use tiffin_shared::admin::By;
use tiffin_shared::admin::Change;
use tiffin_shared::admin::Wish;
use tiffin_shared::bytes;
use tiffin_shared::id::OperatorId;
use tiffin_shared::operator::Operator;
use tiffin_shared::operator::Role;
use tiffin_shared::operator::TokenDigest;
use tiffin_shared::operator::write_token;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;

use super::answer;
use super::orders::invalid;
use crate::admin;
use crate::app::App;
use crate::host;
use crate::http::params::Path;
use crate::http::read_whole;

/// A name and a role.
const BODY_BYTES_MAX: usize = 1_024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    name: OperatorId,
    role: Role,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changed {
    /// As before where it is missing.
    role: Option<Role>,
    /// A new token in place of the old one, which opens nothing any more.
    #[serde(default)]
    new_token: bool,
}

/// `GET /ops/v1/operators`: names, roles and which token each has; tokens and digests never.
pub async fn list(State(app): State<Arc<App>>) -> Response {
    let settled = app.settled.current();
    let rows: Vec<_> = settled.operators.iter().map(|(name, kept)| shown(name, &kept.value, None)).collect();
    answer(Ok(json!({"operators": rows})))
}

/// `POST /ops/v1/operators` with `{"name", "role"}`.
pub async fn add(State(app): State<Arc<App>>, Extension(by): Extension<By>, request: Request) -> Response {
    let added = async {
        let body = read_whole(request, BODY_BYTES_MAX).await?.body;
        let New { name, role } = bytes::read_json(&body).map_err(|_| {
            let detail = "Send {\"name\": \"ann\", \"role\": \"viewer\" | \"support\" | \"operator\"}; a name is lower-case \
                          letters, digits, '-' and '_'.";
            invalid(detail.into())
        })?;
        let token = token()?;
        let operator = Operator { role, digest: TokenDigest::of(&token) };
        let reply = shown(&name, &operator, Some(&token));
        set(&app, by, name, Some(operator), None).await.map(|()| reply)
    };
    answer(added.await)
}

/// `PUT /ops/v1/operators/{name}` with `{"role"?, "new_token"?}`.
pub async fn put(
    State(app): State<Arc<App>>,
    Extension(by): Extension<By>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let changed = async {
        let body = read_whole(request, BODY_BYTES_MAX).await?.body;
        let Changed { role, new_token } = bytes::read_json(&body).map_err(|_| {
            invalid("Send {\"role\": \"support\"}, or {\"new_token\": true}, or both.".into())
        })?;
        let (name, old, version) = known(&app, &name)?;
        let token = new_token.then(token).transpose()?;
        let digest = token.as_ref().map_or(old.digest, |token| TokenDigest::of(token));
        let operator = Operator { role: role.unwrap_or(old.role), digest };
        let reply = shown(&name, &operator, token.as_deref());
        set(&app, by, name, Some(operator), Some(version)).await.map(|()| reply)
    };
    answer(changed.await)
}

/// `DELETE /ops/v1/operators/{name}`: his token and his sign-ins open nothing any more.
pub async fn remove(
    State(app): State<Arc<App>>,
    Extension(by): Extension<By>,
    Path(name): Path<String>,
) -> Response {
    let removed = async {
        let (name, _, version) = known(&app, &name)?;
        let reply = json!({"name": name, "removed": true});
        set(&app, by, name, None, Some(version)).await.map(|()| reply)
    };
    answer(removed.await)
}

async fn set(
    app: &Arc<App>,
    by: By,
    name: OperatorId,
    operator: Option<Operator>,
    expected: Option<u64>,
) -> Result<(), Problem> {
    let wish = Wish { by, change: Change::PutOperator(name, operator), expected };
    admin::change(app, wish).await.map(drop)
}

fn known(app: &App, name: &str) -> Result<(OperatorId, Operator, u64), Problem> {
    let unknown =
        || Problem::new(Code::NotFound, "No operator has this name. `tiffin operator list` shows them.");
    let name = OperatorId::parse(name).map_err(|_| unknown())?;
    let kept = app.settled.current().operators.get(&name).cloned().ok_or_else(unknown)?;
    Ok((name, kept.value, kept.version))
}

fn token() -> Result<String, Problem> {
    let random = host::random().map_err(|_| Problem::unavailable("There is no randomness."))?;
    Ok(write_token(random))
}

fn shown(name: &OperatorId, operator: &Operator, token: Option<&str>) -> Value {
    let mut shown = json!({"name": name, "role": operator.role, "token_id": operator.digest.id()});
    if let (Some(token), Some(fields)) = (token, shown.as_object_mut()) {
        fields.insert("token".into(), token.into());
    }
    shown
}
