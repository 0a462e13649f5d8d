//! `/ops/v1/erasure`: one phone is forgotten.

use std::sync::Arc;

use axum::extract::Extension;
use axum::extract::Request;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use tiffin_shared::admin::By;
use tiffin_shared::bytes;
use tiffin_shared::phone::Phone;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;

use super::answer;
use super::orders::invalid;
use crate::app::App;
use crate::erasure;
use crate::http::read_whole;
use crate::operators;

/// A number.
const BODY_BYTES_MAX: usize = 256;

/// No `Debug`: it is a number in clear.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    phone: String,
}

/// `POST /ops/v1/erasure` with `{"phone": "+919876543210"}`.
pub async fn erase(State(app): State<Arc<App>>, Extension(by): Extension<By>, request: Request) -> Response {
    let erased = async {
        let body = read_whole(request, BODY_BYTES_MAX).await?.body;
        let Wanted { phone } =
            bytes::read_json(&body).map_err(|_| invalid("Send {\"phone\": \"+...\"}.".into()))?;
        let phone = Phone::parse(&phone)
            .map_err(|error| Problem::new(Code::InvalidPhone, format!("phone: {error}.")))?;
        let address = operators::audit_hash(&app, phone.e164())?;
        erasure::erase(&app, &by, &phone, &address).await
    };
    answer(erased.await)
}
