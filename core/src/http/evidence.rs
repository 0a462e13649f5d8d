//! `POST /internal/v1/evidence`: the edge asks for what core knows of an order, on a tenant's behalf.

use std::sync::Arc;

use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::response::Response;
use tiffin_shared::evidence::Answer;
use tiffin_shared::evidence::Form;
use tiffin_shared::http::internal;
use tiffin_shared::http::internal::EVIDENCE_ASK_BYTES_MAX;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;

use super::health;
use super::read;
use crate::app::App;
use crate::evidence;
use crate::host;

/// The edge asks. A replay changes nothing, so its nonce is not kept.
pub async fn ask(State(app): State<Arc<App>>, request: Request) -> Response {
    match find(&app, request).await {
        Ok((form, body)) => written(form, body),
        Err(problem) => health::refuse(&problem),
    }
}

async fn find(app: &App, request: Request) -> Result<(Form, String), Problem> {
    let request = read(request, EVIDENCE_ASK_BYTES_MAX).await?;
    let ask = internal::read_evidence(&request, &app.edges, host::now())?;
    match evidence::answer(app, &ask).await.map_err(|error| refused(&error))? {
        Answer::Found(body) => Ok((ask.form, body)),
        Answer::NotFound => Err(refused(&evidence::Error::NotFound)),
    }
}

/// Why there is no packet.
pub fn refused(error: &evidence::Error) -> Problem {
    match error {
        evidence::Error::NotFound => Problem::new(
            Code::NotFound,
            "Core has no record of this order: its job has not come, or it is over a day old.",
        ),
        evidence::Error::Encode(_) | evidence::Error::Store(_) => {
            tracing::warn!(%error, "an evidence packet cannot be made");
            Problem::unavailable("The store does not answer, or the record cannot be read.")
        }
    }
}

/// A packet in this form.
pub fn written(form: Form, body: String) -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static(form.media_type()))], body).into_response()
}
