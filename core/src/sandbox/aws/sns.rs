//! `Publish` to a number, and `GetSMSSandboxAccountStatus`.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;

use crate::sandbox::Account;
use crate::sandbox::calls::Pair;
use crate::sandbox::clock;
use crate::sandbox::ids;
use crate::sandbox::inbox::Entry;
use crate::sandbox::inbox::Message;
use crate::sandbox::journey::Tell;
use crate::sandbox::line::Connection;
use crate::sandbox::number::is_number;
use crate::sandbox::state::Sandbox;
use crate::sandbox::taking::Refusal;
use crate::sandbox::taking::Taken;
use crate::sandbox::taking::Taking;

const XMLNS: &str = "http://sns.amazonaws.com/doc/2010-03-31/";

pub(super) async fn call(
    sandbox: &Arc<Sandbox>,
    account: &Account,
    body: &[u8],
    connection: Connection,
) -> Response {
    let form: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    let param = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    match param("Action") {
        Some("GetSMSSandboxAccountStatus") => {
            answer("GetSMSSandboxAccountStatus", "<IsInSandbox>true</IsInSandbox>")
        }
        Some("Publish") => {
            let (to, text) = (param("PhoneNumber").unwrap_or_default(), param("Message").unwrap_or_default());
            publish(sandbox, account, to, text, connection).await
        }
        _ => refuse(StatusCode::BAD_REQUEST, "InvalidAction"),
    }
}

/// An error.
pub(super) fn refuse(status: StatusCode, code: &str) -> Response {
    let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>refused</Message></Error>");
    let xml = format!("<ErrorResponse xmlns=\"{XMLNS}\">{error}</ErrorResponse>");
    (status, [(header::CONTENT_TYPE, "text/xml")], xml).into_response()
}

fn answer(action: &str, result: &str) -> Response {
    let result = format!("<{action}Result>{result}</{action}Result>");
    let xml = format!("<{action}Response xmlns=\"{XMLNS}\">{result}</{action}Response>");
    ([(header::CONTENT_TYPE, "text/xml")], xml).into_response()
}

async fn publish(
    sandbox: &Arc<Sandbox>,
    account: &Account,
    to: &str,
    text: &str,
    connection: Connection,
) -> Response {
    let taking = Taking::begin(sandbox, account, Some(Pair::new(to, text))).await;
    let taken = taking.end(|| {
        let digits = to.strip_prefix('+').unwrap_or_default();
        let id = ids::uuid().filter(|_| is_number(digits) && !text.is_empty()).ok_or("InvalidParameter")?;
        let (channel, gateway) = (account.channel(), account.gateway().to_owned());
        let entry =
            Entry { to: to.to_owned(), channel, gateway, at: String::new(), text: text.to_owned(), id };
        Ok::<_, &str>((
            Message::queued(entry, clock::now_ms()),
            Box::new(|_: &_, _, _: Option<&str>| Tell::Nobody) as _,
        ))
    });
    match taken.await {
        Taken::Yes(message) => answer("Publish", &format!("<MessageId>{}</MessageId>", message.entry.id)),
        Taken::No(Refusal::Code(code)) => refuse(StatusCode::BAD_REQUEST, &code),
        Taken::No(Refusal::Internal) => refuse(StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
        Taken::No(Refusal::Invalid(code)) => refuse(StatusCode::BAD_REQUEST, code),
        Taken::No(Refusal::TooMany(retry_after_s)) => {
            let mut response = refuse(StatusCode::BAD_REQUEST, "Throttling");
            response.headers_mut().insert(header::RETRY_AFTER, retry_after_s.into());
            response
        }
        Taken::Silence(silence) => silence.keep(sandbox, connection).await,
    }
}
