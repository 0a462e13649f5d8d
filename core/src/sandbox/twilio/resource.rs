//! The Message resource and its list, in Twilio's shape.

use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use tiffin_shared::text::segment;

use super::API_VERSION;
use super::codes;
use super::list::List;
use super::request::WHATSAPP;
use crate::sandbox::clock;
use crate::sandbox::inbox::Message;
use crate::sandbox::journey::STOPPED;

/// `api.v2010.account.message` of Twilio's description, every field of it.
#[derive(Serialize)]
pub(super) struct Resource {
    account_sid: String,
    api_version: &'static str,
    body: String,
    date_created: String,
    date_sent: Option<String>,
    date_updated: String,
    direction: &'static str,
    error_code: Option<u32>,
    error_message: Option<&'static str>,
    from: Option<String>,
    messaging_service_sid: Option<String>,
    num_media: &'static str,
    num_segments: String,
    price: Option<String>,
    price_unit: &'static str,
    sid: String,
    status: &'static str,
    subresource_uris: Value,
    to: String,
    uri: String,
}

impl Resource {
    pub(super) fn new(account_sid: &str, message: &Message) -> Self {
        let resource = format!("{}/{}", folder(account_sid), message.entry.id);
        let error_code = message.error_code.as_deref().and_then(|code| code.parse().ok());
        Self {
            account_sid: account_sid.to_owned(),
            api_version: API_VERSION,
            body: if message.is_erased { String::new() } else { message.entry.text.clone() },
            date_created: clock::rfc2822(message.created_at_ms),
            date_sent: message.sent_at_ms.map(clock::rfc2822),
            date_updated: clock::rfc2822(message.updated_at_ms),
            direction: "outbound-api",
            error_code,
            error_message: error_code.map(codes::message),
            from: message.from.as_deref().map(|from| address(message, from)),
            messaging_service_sid: message.messaging_service_sid.clone(),
            num_media: "0",
            num_segments: segment::count(&message.entry.text).count.to_string(),
            price: None,
            price_unit: "USD",
            sid: message.entry.id.clone(),
            status: if message.is_stopped { STOPPED } else { message.status.name() },
            subresource_uris: json!({ "media": format!("{resource}/Media.json") }),
            to: address(message, &message.entry.to),
            uri: format!("{resource}.json"),
        }
    }
}

/// `ListMessageResponse` of Twilio's description.
#[derive(Serialize)]
pub(super) struct Page {
    end: usize,
    first_page_uri: String,
    messages: Vec<Resource>,
    next_page_uri: Option<String>,
    page: usize,
    page_size: usize,
    previous_page_uri: Option<String>,
    start: usize,
    uri: String,
}

impl Page {
    /// The page that `list` asks for, out of all `messages` it wants.
    pub(super) fn new(account_sid: &str, list: &List, messages: &[Message]) -> Self {
        let (page, page_size) = (list.page(), list.page_size());
        let start = page.saturating_mul(page_size);
        let shown = messages.iter().skip(start).take(page_size);
        let shown = shown.map(|message| Resource::new(account_sid, message)).collect::<Vec<_>>();
        let after = start.saturating_add(shown.len());
        let filters = list.filters();
        let uri =
            |page: usize| format!("{}.json?{filters}PageSize={page_size}&Page={page}", folder(account_sid));
        Self {
            end: after.saturating_sub(1),
            first_page_uri: uri(0),
            messages: shown,
            next_page_uri: (after < messages.len()).then(|| uri(page.saturating_add(1))),
            page,
            page_size,
            previous_page_uri: page.checked_sub(1).map(uri),
            start,
            uri: uri(page),
        }
    }
}

/// As Twilio writes it on the message's channel.
pub(super) fn address(message: &Message, number: &str) -> String {
    if message.entry.channel == "whatsapp" { format!("{WHATSAPP}{number}") } else { number.to_owned() }
}

fn folder(account_sid: &str) -> String {
    format!("/{API_VERSION}/Accounts/{account_sid}/Messages")
}
