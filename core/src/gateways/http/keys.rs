//! What an account is configured with, and what can be wrong with it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::header::HeaderName;
use reqwest::header::HeaderValue;
use serde::Deserialize;
use tiffin_shared::secret::Secret;

use super::super::account::Secrets;
use super::Http;
use super::SIGNATURE_SECRET;
use super::answer;
use super::receipt;
use super::receipt::Scheme;
use super::receipt::Seal;
use super::template::Address;
use super::template::Document;

/// Headers that are not the operator's to set.
const OWN_HEADERS: [&str; 6] =
    ["authorization", "connection", "content-length", "content-type", "host", "transfer-encoding"];

/// As it stands in `tiffin.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    url: String,
    #[serde(default)]
    method: Verb,
    #[serde(default)]
    auth: AuthKind,
    /// With `auth = "basic"`.
    user: Option<String>,
    /// With `auth = "header"`: which, `authorization` where none is named.
    auth_header: Option<String>,
    /// What stands before the token in it: `"Bearer "`.
    auth_prefix: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    content_type: Option<String>,
    body: Option<String>,
    success: Option<answer::Success>,
    /// A JSON pointer to the gateway's name for the message, in its answer.
    id: String,
    /// A JSON pointer to its code for a refusal.
    code: Option<String>,
    callback: Option<receipt::Rules>,
    /// The header that a signature of the raw body is in.
    signature_header: Option<String>,
    signature: Option<Scheme>,
    /// What stands before it there: `"sha256="`.
    signature_prefix: Option<String>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Verb {
    Get,
    #[default]
    Post,
    Put,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AuthKind {
    Basic,
    Header,
    #[default]
    None,
}

/// How a request says who we are. No `Debug`: it holds the key.
pub(super) enum Credentials {
    Header(String, Secret<String>),
    None,
}

/// Keys that are all right, without their secrets.
pub(super) struct Read {
    keys: Keys,
    url: Address,
    body: Document,
}

impl Keys {
    /// Checks all that can be checked without the secrets.
    pub(super) fn read(self) -> Result<Read, String> {
        let url = Address::parse(&self.url)?;
        let body = Document::parse(self.content_type.as_deref(), self.body.as_deref())?;
        if matches!((self.method, &body), (Verb::Get, Document::Form(_) | Document::Json(_))) {
            return Err("body: none goes with GET".into());
        }
        let has = |name: &str| url.has(name) || body.has(name);
        if !has("text") && !has("code") {
            return Err("body: has neither {text} nor {code}".into());
        }
        for (name, value) in &self.headers {
            let name = name.to_ascii_lowercase();
            if OWN_HEADERS.contains(&name.as_str()) || HeaderName::from_bytes(name.as_bytes()).is_err() {
                return Err(format!("headers: {name} cannot be set here"));
            }
            if HeaderValue::from_str(value).is_err() {
                return Err(format!("headers: {name} has a value that no header takes"));
            }
        }
        let fits = match self.auth {
            AuthKind::Basic => {
                self.user.is_some() && self.auth_header.is_none() && self.auth_prefix.is_none()
            }
            AuthKind::Header => self.user.is_none(),
            AuthKind::None => self.user.is_none() && self.auth_header.is_none() && self.auth_prefix.is_none(),
        };
        if !fits {
            return Err("auth: user goes with \"basic\", auth_header and auth_prefix with \"header\"".into());
        }
        let own = self.auth_header.iter().chain(&self.signature_header);
        if let Some(name) = own.into_iter().find(|name| HeaderName::from_bytes(name.as_bytes()).is_err()) {
            return Err(format!("{name:?} is no header"));
        }
        check_pointer("id", &self.id)?;
        self.code.as_deref().map_or(Ok(()), |code| check_pointer("code", code))?;
        self.success.as_ref().map_or(Ok(()), answer::Success::check)?;
        self.callback.as_ref().map_or(Ok(()), receipt::Rules::check)?;
        let is_signed = self.signature_header.is_some();
        if is_signed != self.signature.is_some() || (self.signature_prefix.is_some() && !is_signed) {
            return Err("signature_header: goes with signature, and neither alone".into());
        }
        if is_signed && self.callback.as_ref().is_none_or(receipt::Rules::is_query) {
            return Err(
                "signature_header: signs a callback's body, so format must be \"json\" or \"form\"".into()
            );
        }
        Ok(Read { keys: self, url, body })
    }
}

impl Read {
    /// With the secrets. What is configured to be signed is not taken unsigned because a secret is missing.
    pub(super) fn make(self, secrets: &Secrets) -> Result<Http, String> {
        let Self { keys, url, body } = self;
        let missing = |name: &str, key: &str| format!("{key}: the secret {name} is missing");
        let token = secrets.find("token");
        if token.is_none() && (url.has("token") || body.has("token")) {
            return Err(missing("token", "body"));
        }
        let auth = match keys.auth {
            AuthKind::Basic => {
                let password = secrets.find("password").ok_or_else(|| missing("password", "auth"))?;
                let pair = format!("{}:{}", keys.user.unwrap_or_default(), password.expose());
                let value = Secret::new(format!("Basic {}", STANDARD.encode(pair)));
                Credentials::Header("authorization".into(), value)
            }
            AuthKind::Header => {
                let token = token.as_ref().ok_or_else(|| missing("token", "auth"))?;
                let value = format!("{}{}", keys.auth_prefix.unwrap_or_default(), token.expose());
                if HeaderValue::from_str(&value).is_err() {
                    return Err("auth: the token fits no header".into());
                }
                let name = keys.auth_header.unwrap_or_else(|| "authorization".into());
                Credentials::Header(name, Secret::new(value))
            }
            AuthKind::None => Credentials::None,
        };
        let secret = secrets.find(SIGNATURE_SECRET);
        let seal = match (keys.signature_header, keys.signature, secret) {
            (Some(header), Some(scheme), Some(secret)) => {
                let prefix = keys.signature_prefix.unwrap_or_default();
                Some(Seal { header: header.to_ascii_lowercase(), scheme, prefix, secret })
            }
            (Some(_), _, None) => return Err(missing(SIGNATURE_SECRET, "signature_header")),
            (None, _, Some(_)) => {
                return Err(format!("{SIGNATURE_SECRET}: is set, but signature_header is not"));
            }
            _ => None,
        };
        let method = match keys.method {
            Verb::Get => Method::GET,
            Verb::Post => Method::POST,
            Verb::Put => Method::PUT,
        };
        let answers = answer::Rules { success: keys.success, id: keys.id, code: keys.code };
        let headers = keys.headers.into_iter().collect();
        Ok(Http { method, url, body, auth, headers, answers, receipts: keys.callback, seal, token })
    }
}

impl Credentials {
    pub(super) fn header(&self) -> Option<(String, Secret<String>)> {
        match self {
            Self::Header(name, value) => Some((name.clone(), value.clone())),
            Self::None => None,
        }
    }
}

/// `/data/0/id`, as in RFC 6901; the empty one is the whole.
pub(super) fn check_pointer(key: &str, pointer: &str) -> Result<(), String> {
    if pointer.is_empty() || pointer.starts_with('/') {
        return Ok(());
    }
    Err(format!("{key}: must be a JSON pointer, such as /message/id"))
}
