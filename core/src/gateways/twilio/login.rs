//! What all of Twilio's interfaces share: the account, how it answers, and the signature of its callbacks.

use serde::Deserialize;
use serde_json::Value;
use tiffin_shared::secret::Secret;

use super::SIGNATURE_HEADER;
use super::is_sid;
use super::signature;
use crate::gateways::account::Secrets;
use crate::gateways::account::check_url;
use crate::gateways::adapter::Answered;
use crate::gateways::adapter::Refusal;
use crate::gateways::call::Answer;
use crate::gateways::call::Auth;
use crate::gateways::call::Body;
use crate::gateways::call::Call;
use crate::gateways::callback::Callback;
use crate::gateways::callback::CallbackError;

/// An account at Twilio.
pub struct Login {
    account_sid: String,
    base_url: String,
    auth_token: Secret<String>,
}

/// What a genuine callback says: names and values.
pub struct Params(Vec<(String, String)>);

#[derive(Deserialize)]
struct Created {
    sid: String,
}

#[derive(Deserialize)]
struct Refused {
    code: Option<u32>,
}

impl Login {
    pub fn new(account_sid: &str, base_url: &str, secrets: &Secrets) -> Result<Self, String> {
        let auth_token = secrets.get("auth_token")?;
        Ok(Self { account_sid: account_sid.to_owned(), base_url: base_url.to_owned(), auth_token })
    }

    /// Whether these keys can be used.
    pub fn check_keys(account_sid: &str, base_url: &str) -> Result<(), String> {
        let digits = account_sid.strip_prefix("AC").unwrap_or_default();
        if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err("account_sid: must be AC and 32 hexadecimal digits".into());
        }
        check_url("base_url", base_url)
    }

    pub fn post(&self, resource: &str, form: Vec<(&'static str, String)>) -> Call {
        Call::post(self.url(resource), self.auth(), Body::Form(form))
    }

    pub fn get(&self, resource: &str, query: &[(&str, String)]) -> Call {
        Call::get(&self.url(resource), query, self.auth())
    }

    fn auth(&self) -> Auth {
        Auth::Basic { user: self.account_sid.clone(), password: self.auth_token.clone() }
    }

    fn url(&self, resource: &str) -> String {
        format!("{}/2010-04-01/Accounts/{}{resource}.json", self.base_url, self.account_sid)
    }

    /// A callback's content, when Twilio signed it for this address, and it is about this account.
    pub fn hear(&self, callback: &Callback<'_>) -> Result<Params, CallbackError> {
        let given = callback.header(SIGNATURE_HEADER).ok_or(CallbackError::Signature)?;
        let token = self.auth_token.expose();
        let params = if signature::has_body_hash(callback.url) {
            if !signature::verify_body(token, callback.url, callback.body(), given) {
                return Err(CallbackError::Signature);
            }
            Params::of_json(callback.body())?
        } else {
            let form = callback.form();
            if !signature::verify(token, callback.url, &form, given) {
                return Err(CallbackError::Signature);
            }
            Params(form)
        };
        match params.get("AccountSid") {
            Some(sid) if sid != self.account_sid => Err(CallbackError::OtherAccount),
            _ => Ok(params),
        }
    }

    pub fn check(&self) -> Call {
        self.get("", &[])
    }
}

impl Params {
    /// The first value of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// One that must be there.
    pub fn need(&self, name: &str) -> Result<&str, CallbackError> {
        self.get(name).ok_or(CallbackError::Malformed)
    }

    /// The SID of this name.
    pub fn sid(&self, name: &str) -> Result<&str, CallbackError> {
        self.need(name).and_then(|sid| if is_sid(sid) { Ok(sid) } else { Err(CallbackError::Malformed) })
    }

    /// The texts at the top of an object.
    fn of_json(body: &[u8]) -> Result<Self, CallbackError> {
        let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
            return Err(CallbackError::Malformed);
        };
        let text = |(name, value)| match value {
            Value::String(text) => Some((name, text)),
            _ => None,
        };
        Ok(Self(fields.into_iter().filter_map(text).collect()))
    }
}

/// What an answer to a creation means.
pub fn classify(answer: &Answer) -> Answered {
    if answer.is_success() {
        return match serde_json::from_slice::<Created>(&answer.body) {
            Ok(created) if is_sid(&created.sid) => Answered::Taken { provider_id: created.sid },
            _ => Answered::Unknown,
        };
    }
    if answer.is_unclear() {
        return Answered::Unknown;
    }
    let code = serde_json::from_slice::<Refused>(&answer.body).ok().and_then(|refused| refused.code);
    // Of its own failures Twilio gives no code that would say more.
    let code = code.filter(|_| answer.status < 500).map(|code| code.to_string());
    Answered::Refused(answer.refusal(code))
}

/// What the answer to [`Login::check`] tells.
pub fn checked(answer: &Answer) -> Result<String, Refusal> {
    let account = answer.json();
    match account.get("status").and_then(Value::as_str) {
        Some("active") if answer.is_success() => Ok("the account is active".into()),
        Some(status) if answer.is_success() => Ok(format!("the account is {status}")),
        _ => Err(answer.refusal(account.get("code").map(ToString::to_string))),
    }
}
