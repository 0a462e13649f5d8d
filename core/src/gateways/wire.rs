//! What goes over the wire, as an order's evidence tells it: requests without their keys, and sessions in their commands.

use tiffin_shared::evidence::Field;
use tiffin_shared::order::CallOutcome;

use super::Gateway;
use super::adapter::Answered;
use super::adapter::Message;
use super::adapter::To;
use super::call::Answer;
use super::call::Auth;
use super::call::Body;
use super::call::Call;
use super::call::Client;
use super::call::Seen;
use super::kinds::Adapter;
use crate::host;

/// A request as it is put together, before anything is taken out of it. No `Debug`: it holds the number.
pub struct Outline {
    /// Method and address, or the command.
    pub line: String,
    /// How we say who we are, without the key.
    pub auth: Option<String>,
    /// Those that hold no key.
    pub headers: Vec<Field>,
    /// The body, before it is put on the wire.
    pub body: Content,
}

/// A body by what it is. No `Debug`: it holds the number.
pub enum Content {
    /// Names and values.
    Form(Vec<(String, String)>),
    /// JSON.
    Json(serde_json::Value),
    /// None.
    Nothing,
    /// Bytes, of which nothing more is known.
    Raw(Vec<u8>),
}

impl Gateway {
    /// The request that a message makes, or the look-up of it; nothing where it makes none.
    pub fn outline(&self, message: &Message<'_>, is_look: bool) -> Option<Outline> {
        match &self.adapter {
            Adapter::Http(adapter) => {
                let call = if is_look { adapter.query(message)? } else { adapter.encode(message).ok()? };
                Some(Outline::of(&call))
            }
            Adapter::Smpp(_) => Some(Outline {
                line: format!("submit_sm from {} to {}", from(message), to(message)),
                auth: Some("the session's bind".into()),
                headers: Vec::new(),
                body: Content::Nothing,
            }),
            Adapter::Smtp(_) => Some(Outline {
                line: format!("MAIL, RCPT TO:<{}>, DATA as {}", to(message), from(message)),
                auth: Some("the session's AUTH, where the account has a user".into()),
                headers: Vec::new(),
                body: Content::Nothing,
            }),
        }
    }
}

/// A question to a provider about a message that it has, and what came back. No `Debug`, like its parts.
pub struct Talk {
    /// `status`, `recall`, `erase`.
    pub purpose: &'static str,
    /// The question.
    pub outline: Outline,
    /// What was seen of it.
    pub seen: Seen,
}

impl Outline {
    fn of(call: &Call) -> Self {
        let headers = call.headers.iter().filter(|(name, _)| is_plain(name));
        let headers = headers.map(|(name, value)| Field { name: (*name).to_owned(), value: value.clone() });
        Self {
            line: format!("{} {}", call.method, call.url),
            auth: auth(&call.auth),
            headers: headers.collect(),
            body: content(&call.body),
        }
    }
}

/// Calls once, and notes what was said.
pub(super) async fn talk(
    client: &Client,
    purpose: &'static str,
    call: Call,
    talks: &mut Vec<Talk>,
) -> Result<Answer, CallOutcome> {
    let outline = Outline::of(&call);
    let (seen, answered) = client.exchange(call).await;
    talks.push(Talk { purpose, outline, seen });
    answered
}

/// A message over a session: the protocol's reply, as the session has read it.
pub(super) async fn seen(
    sending: impl Future<Output = Answered>,
) -> (Result<Answered, CallOutcome>, Option<Seen>) {
    let began_at = host::now();
    let answered = sending.await;
    let code = |code: &Option<String>| code.clone().unwrap_or_else(|| "no code".into());
    let (reply, failure) = match &answered {
        Answered::Taken { provider_id } => {
            (Some(("taken".to_owned(), provider_id.clone().into_bytes())), None)
        }
        Answered::Refused(refusal) => (Some((format!("refused: {}", code(&refusal.code)), Vec::new())), None),
        Answered::Unknown => (None, Some("no clear answer: the message may have arrived")),
    };
    let seen = Seen { began_at, ended_at: host::now(), headers: Vec::new(), reply, failure };
    (Ok(answered), Some(seen))
}

/// Of our own headers those that say what the body is; the others may be signatures.
fn is_plain(name: &str) -> bool {
    matches!(name, "accept" | "content-type" | "x-amz-date" | "x-amz-target")
}

fn auth(auth: &Auth) -> Option<String> {
    match auth {
        Auth::Basic { .. } => Some("HTTP Basic".into()),
        Auth::Authorization(value) => {
            let scheme = value.expose().split(' ').next().unwrap_or_default();
            // Some providers want the key alone.
            let is_scheme = value.expose().contains(' ') && scheme.len() <= 24;
            Some(if is_scheme { format!("Authorization: {scheme} …") } else { "Authorization: …".into() })
        }
        Auth::Header(name, _) => Some(format!("{name}: …")),
        Auth::Headers(headers) => {
            let names: Vec<_> = headers.iter().map(|(name, _)| format!("{name}: …")).collect();
            (!names.is_empty()).then(|| names.join(", "))
        }
        Auth::None => None,
    }
}

fn content(body: &Body) -> Content {
    match body {
        Body::Form(form) => {
            let pair = |(name, value): &(&'static str, String)| ((*name).to_owned(), value.clone());
            Content::Form(form.iter().map(pair).collect())
        }
        Body::Json(json) => Content::Json(json.clone()),
        Body::None => Content::Nothing,
        Body::Raw(bytes) => Content::Raw(bytes.clone()),
    }
}

fn to<'a>(message: &Message<'a>) -> &'a str {
    match message.to {
        To::Email(address) => address,
        To::Phone(phone) => phone.e164(),
    }
}

fn from<'a>(message: &Message<'a>) -> &'a str {
    Some(message.from()).filter(|from| !from.is_empty()).unwrap_or("the account's own sender")
}
