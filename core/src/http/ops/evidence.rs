//! `/ops/v1/orders/{id}/evidence` and `/ops/v1/orders/{id}/uploads`: what speaks for an order, and what support adds to it.

use std::sync::Arc;

use axum::extract::Path;
use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::header;
use axum::response::Response;
use serde::Serialize;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::evidence::Form;
use tiffin_shared::evidence::Media;
use tiffin_shared::http::PAGE_POLICY;
use tiffin_shared::id::OrderId;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;

use super::answer;
use crate::app::App;
use crate::desk;
use crate::evidence;
use crate::evidence::upload;
use crate::evidence::upload::IMAGE_BYTES_MAX;
use crate::host;
use crate::http::evidence::refused;
use crate::http::evidence::written;
use crate::http::health;
use crate::http::read;

/// What was kept.
#[derive(Serialize)]
pub struct Added {
    media: Media,
    bytes: u32,
    sha256: Bytes<32>,
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
        }
        Err(problem) => health::refuse(&problem),
    }
}

/// `POST /ops/v1/orders/{id}/uploads`: a picture or a message as the body, and a note as `?note=`.
pub async fn add(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Response {
    answer(keep(&app, &id, request).await)
}

async fn keep(app: &App, id: &str, request: Request) -> Result<Added, Problem> {
    let order = order(id)?;
    let request = read(request, IMAGE_BYTES_MAX).await?;
    let note = form_urlencoded::parse(request.query.as_bytes()).find(|(name, _)| name == "note");
    let note = note.map(|(_, note)| note.into_owned());
    if request.body.len() > IMAGE_BYTES_MAX {
        let detail = format!("An upload holds at most {IMAGE_BYTES_MAX} bytes.");
        return Err(Problem::new(Code::BodyTooLarge, detail));
    }
    let upload = upload::read(&request.body, note.as_deref(), host::now())?;
    // Only to an order that there is: else this would be a store for anybody's pictures.
    if let Some(at) = desk::find(app, &order).await?.erased_at {
        return Err(desk::erased(at));
    }
    let added = Added { media: upload.media, bytes: upload.bytes, sha256: upload.sha256 };
    // The same picture again is the same upload.
    let id = tiffin_shared::bytes::truncate(upload.sha256.0);
    match evidence::add(app, &order, upload, id).await {
        Ok(true) => Ok(added),
        Ok(false) => Err(upload::full()),
        Err(error) => Err(refused(&evidence::Error::Store(error))),
    }
}

fn order(id: &str) -> Result<OrderId, Problem> {
    OrderId::parse(id).map_err(|_| refused(&evidence::Error::NotFound))
}
