//! Any gateway with an HTTP API, by configuration alone: where a request goes, what stands in it, and what answers and
//! callbacks mean.

mod answer;
mod keys;
mod receipt;
mod template;

use reqwest::Method;
use tiffin_shared::directory::Payments;
use tiffin_shared::order::Reason;
use tiffin_shared::secret::Secret;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;

use self::keys::Credentials;
use self::keys::Keys;
use self::receipt::Seal;
use self::template::Filled;
use self::template::Values;
use super::account::Account;
use super::account::Secrets;
use super::adapter::Answered;
use super::adapter::HttpAdapter;
use super::adapter::Message;
use super::call::Answer;
use super::call::Auth;
use super::call::Body;
use super::call::Call;
use super::callback::Callback;
use super::callback::CallbackError;
use super::callback::Heard;
use super::kinds::Adapter;
use super::kinds::Door;
use super::kinds::Kind;
use super::kinds::SecretName;

/// The secret that callbacks are signed with.
const SIGNATURE_SECRET: &str = "signature_secret";

/// A gateway by configuration.
pub const KIND: Kind = Kind {
    name: "http",
    channel: Channel::Sms,
    codes: "http",
    secrets: &[
        SecretName::usual("password", "the password that belongs to user"),
        SecretName::usual("token", "the key that goes into auth_header, or where {token} stands"),
        SecretName::optional(SIGNATURE_SECRET, "the key that the gateway signs its callbacks with"),
    ],
    door: Door::SignedWith(SIGNATURE_SECRET),
    is_indexed: true,
    payments: |_| Payments::Shown,
    check: |account| account.keys::<Keys>()?.read().map(|_| ()),
    make: |account, secrets| Ok(Adapter::Http(Box::new(Http::new(account, secrets)?))),
};

/// An account.
pub struct Http {
    method: Method,
    url: template::Address,
    body: template::Document,
    auth: Credentials,
    headers: Vec<(String, String)>,
    answers: answer::Rules,
    receipts: Option<receipt::Rules>,
    seal: Option<Seal>,
    token: Option<Secret<String>>,
}

impl Http {
    /// An account, as configured: every template is read here, and what cannot be filled in is refused.
    pub fn new(account: &Account, secrets: &Secrets) -> Result<Self, String> {
        account.keys::<Keys>()?.read()?.make(secrets)
    }

    fn auth(&self) -> Auth {
        let mut headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (name.clone(), Secret::new(value.clone()))).collect();
        headers.extend(self.auth.header());
        Auth::Headers(headers)
    }
}

impl HttpAdapter for Http {
    fn encode(&self, message: &Message<'_>) -> Result<Call, Reason> {
        let values = Values::new(message, self.token.as_ref())?;
        let (body, content_type) = match self.body.fill(&values) {
            Filled::Form(form) => (Body::Raw(form.into_bytes()), Some("application/x-www-form-urlencoded")),
            Filled::Json(json) => (Body::Json(json), None),
            Filled::Nothing => (Body::None, None),
        };
        let headers = content_type.map(|kind| ("content-type", kind.to_owned())).into_iter().collect();
        Ok(Call {
            method: self.method.clone(),
            url: self.url.fill(&values),
            auth: self.auth(),
            headers,
            body,
        })
    }

    fn classify(&self, answer: &Answer) -> Answered {
        self.answers.classify(answer)
    }

    /// A signature covers the body and not the address, so that the attempt which the address names counts only where the
    /// secret in it is all the proof there is.
    fn hear(&self, callback: &Callback<'_>) -> Result<Heard, CallbackError> {
        if let Some(seal) = &self.seal {
            seal.verify(callback)?;
        }
        let rules = self.receipts.as_ref().ok_or(CallbackError::Malformed)?;
        rules.read(callback, callback.attempt.filter(|_| self.seal.is_none()))
    }

    /// What would send nothing is not known of it.
    fn check(&self, _now: UnixMs) -> Option<Call> {
        None
    }
}

#[cfg(test)]
mod tests;
