//! `/ops/v1/orders/{id}/evidence` and `/ops/v1/orders/{id}/uploads`: what speaks for an order, and what support adds to it.

use std::sync::Arc;

use axum::extract::Extension;
use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::header;
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use tiffin_shared::admin::By;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::evidence::Form;
use tiffin_shared::evidence::Media;
use tiffin_shared::http::PAGE_POLICY;
use tiffin_shared::id::OrderId;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;

use super::answer;
use crate::app::App;
use crate::audit;
use crate::desk;
use crate::evidence;
use crate::evidence::upload;
use crate::evidence::upload::IMAGE_BYTES_MAX;
use crate::host;
use crate::http::evidence::refused;
use crate::http::evidence::written;
use crate::http::health;
use crate::http::params::Path;
use crate::http::read;

/// What was kept.
#[derive(Serialize)]
pub struct Added {
    media: Media,
    bytes: u32,
    sha256: Bytes<32>,
}

/// What was removed.
#[derive(Serialize)]
pub struct Gone {
    removed: u32,
}

/// `GET /ops/v1/orders/{id}/evidence`: the packet as JSON, or as a page where `Accept` prefers that.
pub async fn show(State(app): State<Arc<App>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let found = async {
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        let form = Form::accepted(accept).ok_or_else(|| {
            Problem::new(Code::NotAcceptable, "A packet comes as application/json or text/html.")
        })?;
        let packet = evidence::packet(&app, &order(&id)?).await.map_err(|error| refused(&error))?;
        Ok::<_, Problem>((form, packet.written(form)))
    };
    match found.await {
        Ok((form, body)) => {
            let mut response = written(form, body);
            let policy = HeaderValue::from_static(PAGE_POLICY);
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
                .headers_mut()
                .insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            response
        }
        Err(problem) => health::refuse(&problem),
    }
}

/// `POST /ops/v1/orders/{id}/uploads`: a picture or a message as the body, and a note as `?note=`.
pub async fn add(
    State(app): State<Arc<App>>,
    Extension(by): Extension<By>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    answer(keep(&app, &by, &id, request).await)
}

async fn keep(app: &Arc<App>, by: &By, id: &str, request: Request) -> Result<Added, Problem> {
    let order = order(id)?;
    let request = read(request, IMAGE_BYTES_MAX).await?;
    let note = form_urlencoded::parse(request.query.as_bytes()).find(|(name, _)| name == "note");
    let note = note.map(|(_, note)| note.into_owned());
    if request.body.len() > IMAGE_BYTES_MAX {
        let detail = format!("An upload holds at most {IMAGE_BYTES_MAX} bytes.");
        return Err(Problem::new(Code::BodyTooLarge, detail));
    }
    let upload = upload::read(&request.body, note.as_deref(), &by.name, host::now())?;
    there(app, &order).await?;
    let Some(sha256) = upload.sha256 else { return Err(Problem::unavailable("There is no digest.")) };
    let added = Added { media: upload.media, bytes: upload.bytes, sha256 };
    // The digest is not logged: a short text is found from it, and the log outlives the text.
    let what = json!({"media": upload.media, "bytes": upload.bytes});
    // The same picture again is the same upload.
    let id = tiffin_shared::bytes::truncate(sha256.0);
    let adding = async {
        match evidence::add(app, &order, upload, id).await {
            Ok(true) => Ok(added),
            Ok(false) => Err(upload::full()),
            Err(error) => Err(refused(&evidence::Error::Store(error))),
        }
    };
    audit::around(app, by, &format!("evidence.add {order}"), (Value::Null, what), adding).await
}

/// `DELETE /ops/v1/orders/{id}/uploads/{n}`: its content goes, and who took it away and when stays.
pub async fn remove(
    State(app): State<Arc<App>>,
    Extension(by): Extension<By>,
    Path((id, n)): Path<(String, u32)>,
) -> Response {
    let removed = async {
        let order = order(&id)?;
        there(&app, &order).await?;
        let removing = async {
            match evidence::remove(&app, &order, n, &by.name).await {
                Ok(true) => Ok(Gone { removed: n }),
                Ok(false) => {
                    Err(Problem::new(Code::NotFound, "The order has no such upload. They count from 1."))
                }
                Err(error) => Err(refused(&evidence::Error::Store(error))),
            }
        };
        let what = format!("evidence.remove {order}/{n}");
        audit::around(&app, &by, &what, (Value::Null, Value::Null), removing).await
    };
    answer(removed.await)
}

/// Only to an order that there is: else this would be a store for anybody's pictures.
async fn there(app: &App, order: &OrderId) -> Result<(), Problem> {
    match desk::find(app, order).await?.erased_at {
        Some(at) => Err(desk::erased(at)),
        None => Ok(()),
    }
}

fn order(id: &str) -> Result<OrderId, Problem> {
    OrderId::parse(id).map_err(|_| refused(&evidence::Error::NotFound))
}
