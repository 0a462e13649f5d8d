//! `SendTextMessage` and `DescribeAccountAttributes`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use super::topic;
use crate::gateways::aws_sms;
use crate::sandbox::Account;
use crate::sandbox::calls::Pair;
use crate::sandbox::clock;
use crate::sandbox::ids;
use crate::sandbox::inbox::Entry;
use crate::sandbox::inbox::Message;
use crate::sandbox::line::Connection;
use crate::sandbox::number::is_number;
use crate::sandbox::state::Sandbox;
use crate::sandbox::taking::Refusal;
use crate::sandbox::taking::Taken;
use crate::sandbox::taking::Taking;

/// AWS's own limits.
const BODY_CHARS_MAX: usize = 1_600;
const CONTEXT_MAX: usize = 5;

/// What a message is made with; other parameters are ignored.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Send {
    destination_phone_number: String,
    origination_identity: Option<String>,
    message_body: String,
    #[serde(default)]
    context: BTreeMap<String, String>,
}

/// A field, and what is wrong with it.
struct Invalid(&'static str, &'static str);

pub(super) async fn call(
    sandbox: &Arc<Sandbox>,
    account: &Account,
    target: &str,
    body: &[u8],
    connection: Connection,
) -> Response {
    match target {
        aws_sms::SEND => send(sandbox, account, body, connection).await,
        aws_sms::DESCRIBE => {
            Json(json!({"AccountAttributes": [{"Name": "ACCOUNT_TIER", "Value": "SANDBOX"}]})).into_response()
        }
        _ => refuse(StatusCode::BAD_REQUEST, "UnknownOperationException", None),
    }
}

/// An exception.
pub(super) fn refuse(status: StatusCode, name: &str, reason: Option<&str>) -> Response {
    let mut body = json!({"__type": name, "Message": "The request was refused."});
    if let (Some(reason), Value::Object(body)) = (reason, &mut body) {
        body.insert("Reason".into(), reason.into());
    }
    (status, Json(body)).into_response()
}

async fn send(sandbox: &Arc<Sandbox>, account: &Account, body: &[u8], connection: Connection) -> Response {
    let send =
        serde_json::from_slice::<Send>(body).map_err(|_| Invalid("MessageBody", "FIELD_VALIDATION_FAILED"));
    let pair = send.as_ref().ok().map(|send| Pair::new(&send.destination_phone_number, &send.message_body));
    let taking = Taking::begin(sandbox, account, pair).await;
    let taken = taking.end(|| {
        let send = send?;
        let teller = topic::teller(account, send.context.clone());
        Ok((send.message(account)?, teller))
    });
    match taken.await {
        Taken::Yes(message) => Json(json!({"MessageId": message.entry.id})).into_response(),
        Taken::No(Refusal::Code(code)) if code.ends_with("Exception") => {
            refuse(StatusCode::BAD_REQUEST, &code, None)
        }
        Taken::No(Refusal::Code(code)) => refuse(StatusCode::BAD_REQUEST, "ConflictException", Some(&code)),
        Taken::No(Refusal::Internal) => {
            refuse(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerException", None)
        }
        Taken::No(Refusal::Invalid(Invalid(field, reason))) => {
            let fields = json!([{"Name": field, "Message": "is not valid"}]);
            let body = json!({"__type": "ValidationException", "Reason": reason, "Fields": fields});
            (StatusCode::BAD_REQUEST, Json(body)).into_response()
        }
        Taken::No(Refusal::TooMany(retry_after_s)) => {
            let mut response = refuse(StatusCode::BAD_REQUEST, "ThrottlingException", None);
            response.headers_mut().insert(header::RETRY_AFTER, retry_after_s.into());
            response
        }
        Taken::Silence(silence) => silence.keep(sandbox, connection).await,
    }
}

impl Send {
    fn message(self, account: &Account) -> Result<Message, Invalid> {
        let invalid = |field| Invalid(field, "FIELD_VALIDATION_FAILED");
        let digits = self.destination_phone_number.trim_start_matches('+');
        if !is_number(digits) {
            return Err(invalid("DestinationPhoneNumber"));
        }
        let chars = self.message_body.chars().count();
        if self.message_body.trim().is_empty() || chars > BODY_CHARS_MAX {
            return Err(invalid("MessageBody"));
        }
        if self.context.len() > CONTEXT_MAX {
            return Err(invalid("Context"));
        }
        let id = ids::uuid().ok_or_else(|| invalid("MessageBody"))?;
        let (channel, gateway) = (account.channel(), account.gateway().to_owned());
        let entry = Entry {
            to: format!("+{digits}"),
            channel,
            gateway,
            at: String::new(),
            text: self.message_body,
            id,
        };
        Ok(Message { from: self.origination_identity, ..Message::queued(entry, clock::now_ms()) })
    }
}
