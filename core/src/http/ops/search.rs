//! `/ops/v1/orders/search`: which orders there are.

use std::sync::Arc;

use axum::extract::Extension;
use axum::extract::Request;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use tiffin_shared::bytes;
use tiffin_shared::country::Country;
use tiffin_shared::id::GatewayId;
use tiffin_shared::id::ServiceId;
use tiffin_shared::id::TenantId;
use tiffin_shared::operator::Role;
use tiffin_shared::phone::Phone;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;
use tiffin_shared::search::Cursor;
use tiffin_shared::search::Filter;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;
use tiffin_shared::wire::api::OrderState;

use super::answer;
use super::orders::invalid;
use crate::app::App;
use crate::http::read_whole;
use crate::operators::Who;
use crate::search;
use crate::search::Answer;
use crate::search::LIMIT_MAX;

/// Every filter and a cursor.
const BODY_BYTES_MAX: usize = 2 * 1_024;
/// Of a caller's name for an order, as the public API has it.
const CLIENT_REF_CHARS_MAX: usize = 64;
/// Orders of an answer where nobody says how many.
const LIMIT: usize = 50;
/// What may be asked for.
const FIELDS: &str =
    "phone, client_ref, tenant, service, state, country, gateway, channel, from, to, cursor and limit";

/// How an order may stand for core.
const STATES: &str = "queued, sending, sent, delivered, verified, failed, expired or cancelled";

/// No `Debug`: it may have a number in clear.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    phone: Option<Value>,
    client_ref: Option<Value>,
    tenant: Option<Value>,
    service: Option<Value>,
    state: Option<Value>,
    country: Option<Value>,
    gateway: Option<Value>,
    channel: Option<Value>,
    from: Option<Value>,
    to: Option<Value>,
    cursor: Option<Value>,
    limit: Option<Value>,
}

/// `POST /ops/v1/orders/search` with filters as JSON: a phone never stands in an address.
pub async fn search(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Who>,
    request: Request,
) -> Response {
    answer(find(&app, who.role, request).await)
}

async fn find(app: &Arc<App>, role: Role, request: Request) -> Result<Answer, Problem> {
    let body = read_whole(request, BODY_BYTES_MAX).await?.body;
    // Not the parser's words: they may repeat a number.
    let wanted: Wanted =
        bytes::read_json(&body).map_err(|_| invalid(format!("Send a JSON object. Filters are {FIELDS}.")))?;
    let limit: Option<usize> = field("limit", wanted.limit, "a number from 1 to 100")?;
    let limit = limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(invalid(format!("limit: must be a number from 1 to {LIMIT_MAX}.")));
    }
    let cursor: Option<String> = field("cursor", wanted.cursor, "the next of an earlier answer")?;
    let cursor = cursor.map(|text| {
        Cursor::parse(&text).ok_or_else(|| invalid("cursor: is not the next of an earlier answer.".into()))
    });
    let cursor = cursor.transpose()?;
    let phone: Option<String> = field("phone", wanted.phone, "a number such as +919876543210")?;
    let phone = phone.map(|phone| phone_of(role, &phone)).transpose()?;
    let name = "1 to 40 of a-z, 0-9, '-' and '_'";
    let mut filter = Filter {
        ledger: None,
        client_ref: field("client_ref", wanted.client_ref, "1 to 64 characters")?,
        tenant: field::<TenantId>("tenant", wanted.tenant, name)?,
        service: field::<ServiceId>("service", wanted.service, name)?,
        state: field::<OrderState>("state", wanted.state, STATES)?,
        country: field::<Country>("country", wanted.country, "two capital letters (ISO 3166-1)")?,
        gateway: field::<GatewayId>("gateway", wanted.gateway, name)?,
        channel: field::<Channel>("channel", wanted.channel, "sms, whatsapp, voice, telegram or email")?,
        from: field::<UnixMs>("from", wanted.from, "milliseconds since 1970")?,
        to: field::<UnixMs>("to", wanted.to, "milliseconds since 1970")?,
    };
    // The edge's alone: what core knows of an order begins with its queue.
    if filter.state == Some(OrderState::Accepted) {
        return Err(invalid(format!("state: must be {STATES}.")));
    }
    let has_chars = |text: &String| (1..=CLIENT_REF_CHARS_MAX).contains(&text.chars().count());
    if !filter.client_ref.as_ref().is_none_or(has_chars) {
        return Err(invalid(format!("client_ref: must be 1 to {CLIENT_REF_CHARS_MAX} characters.")));
    }
    if filter.from.zip(filter.to).is_some_and(|(from, to)| to <= from) {
        return Err(invalid("to: must be later than from.".into()));
    }
    if let Some(phone) = phone {
        filter.ledger = Some(search::ledger_of(app, phone).await?);
    }
    search::search(app, filter, cursor, limit).await.map_err(|error| match error {
        search::Error::Outgrown => invalid(format!("cursor: {error}.")),
        error @ (search::Error::Ending(_) | search::Error::Store(_)) => {
            tracing::warn!(%error, "orders cannot be searched");
            Problem::unavailable("The store does not answer.")
        }
    })
}

/// Whoever asks for a number has its orders confirmed.
fn phone_of(role: Role, phone: &str) -> Result<Phone, Problem> {
    if role < Role::Support {
        let detail = format!("phone: your role is {}; this needs support.", role.as_str());
        return Err(Problem::new(Code::RoleRequired, detail));
    }
    Phone::parse(phone).map_err(|error| Problem::new(Code::InvalidPhone, format!("phone: {error}.")))
}

/// A field, or what it must be.
fn field<T: serde::de::DeserializeOwned>(
    name: &str,
    value: Option<Value>,
    must_be: &str,
) -> Result<Option<T>, Problem> {
    let parsed = value.map(serde_json::from_value).transpose();
    parsed.map_err(|_| invalid(format!("{name}: must be {must_be}.")))
}
