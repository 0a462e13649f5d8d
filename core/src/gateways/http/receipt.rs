//! What callbacks mean, and whether they are signed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::Hmac;
use hmac::Mac as _;
use serde::Deserialize;
use serde_json::Value;
use sha2::Sha256;
use tiffin_shared::order::Reason;
use tiffin_shared::reference::Reference;
use tiffin_shared::secret::Secret;

use super::super::callback::Callback;
use super::super::callback::CallbackError;
use super::super::callback::Fate;
use super::super::callback::Heard;
use super::super::callback::Told;
use super::super::mac;
use super::answer::is_code;
use super::answer::is_id;
use super::answer::text;
use super::keys::check_pointer;

/// Where things stand in a callback, and what its statuses mean; one that is in no list tells nothing new.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rules {
    #[serde(default)]
    format: Format,
    /// In JSON, a pointer to the list of receipts, where there may be several; the others then start from each of them.
    list: Option<String>,
    /// The gateway's name for the message: a JSON pointer, or the name of a field.
    id: String,
    status: String,
    code: Option<String>,
    /// Where it repeats `{reference}`.
    reference: Option<String>,
    delivered: Vec<String>,
    #[serde(default)]
    failed: Vec<String>,
    #[serde(default)]
    sent: Vec<String>,
}

/// What a callback is written in.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    Form,
    #[default]
    Json,
    Query,
}

/// How a callback is signed: HMAC-SHA256 of its raw body.
#[derive(Clone, Copy, Deserialize)]
pub(super) enum Scheme {
    #[serde(rename = "hmac-sha256-base64")]
    Base64,
    #[serde(rename = "hmac-sha256-hex")]
    Hex,
}

/// What its signature is checked with. No `Debug`: it holds the key.
pub(super) struct Seal {
    pub(super) header: String,
    pub(super) scheme: Scheme,
    pub(super) prefix: String,
    pub(super) secret: Secret<String>,
}

impl Rules {
    pub(super) fn check(&self) -> Result<(), String> {
        let lists = [&self.delivered, &self.failed, &self.sent];
        let all: Vec<_> = lists.into_iter().flatten().collect();
        if let Some(twice) =
            all.iter().enumerate().find(|(at, status)| all.iter().skip(at + 1).any(|other| other == *status))
        {
            return Err(format!("callback: the status {:?} is there twice", twice.1));
        }
        if self.delivered.is_empty() {
            return Err("callback.delivered: must have a status".into());
        }
        let fields = [
            ("id", Some(&self.id)),
            ("status", Some(&self.status)),
            ("code", self.code.as_ref()),
            ("reference", self.reference.as_ref()),
            ("list", self.list.as_ref()),
        ];
        for (key, value) in fields.into_iter().filter_map(|(key, value)| Some((key, value?))) {
            if self.format == Format::Json {
                check_pointer(&format!("callback.{key}"), value)?;
            } else if key == "list" || value.is_empty() || value.starts_with('/') {
                return Err(format!("callback.{key}: must be the name of a field"));
            }
        }
        Ok(())
    }

    pub(super) fn is_query(&self) -> bool {
        self.format == Format::Query
    }

    /// `attempt` is what our address says, where that can be believed.
    pub(super) fn read(
        &self,
        callback: &Callback<'_>,
        attempt: Option<&Reference>,
    ) -> Result<Heard, CallbackError> {
        let told = match self.format {
            Format::Form => vec![self.told(pair(callback.form()), attempt)?],
            Format::Query => vec![self.told(pair(callback.query()), attempt)?],
            Format::Json => {
                let json: Value =
                    serde_json::from_slice(callback.body()).map_err(|_| CallbackError::Malformed)?;
                let whole = match &self.list {
                    None => std::slice::from_ref(&json),
                    Some(list) => {
                        json.pointer(list).and_then(Value::as_array).ok_or(CallbackError::Malformed)?
                    }
                };
                // One address names one attempt.
                let attempt = attempt.filter(|_| whole.len() == 1);
                let one = |receipt: &Value| self.told(|name| text(receipt.pointer(name)?), attempt);
                whole.iter().map(one).collect::<Result<_, _>>()?
            }
        };
        Ok(Heard { told, ..Heard::default() })
    }

    fn told(
        &self,
        field: impl Fn(&str) -> Option<String>,
        attempt: Option<&Reference>,
    ) -> Result<Told, CallbackError> {
        let provider_id = field(&self.id).filter(|id| is_id(id)).ok_or(CallbackError::Malformed)?;
        let status = field(&self.status).ok_or(CallbackError::Malformed)?;
        let is_in = |list: &[String]| list.contains(&status);
        let fate = if is_in(&self.delivered) {
            Fate::Delivered
        } else if is_in(&self.failed) {
            let code = self.code.as_deref().and_then(&field).filter(|code| is_code(code));
            Fate::Failed {
                code: code.or_else(|| Some(status.clone()).filter(|it| is_code(it))),
                fallback: Reason::Rejected,
            }
        } else if is_in(&self.sent) {
            Fate::Sent
        } else {
            Fate::Underway
        };
        let named = self.reference.as_deref().and_then(&field).and_then(|text| Reference::parse(&text).ok());
        Ok(Told { attempt: named.or_else(|| attempt.cloned()), provider_id, fate, cost: None })
    }
}

impl Seal {
    /// Compares in constant time.
    pub(super) fn verify(&self, callback: &Callback<'_>) -> Result<(), CallbackError> {
        let given = callback.header(&self.header).and_then(|value| value.trim().strip_prefix(&self.prefix));
        let given = given.and_then(|text| self.scheme.decode(text)).ok_or(CallbackError::Signature)?;
        self.mac(callback.body()).verify_slice(&given).map_err(|_| CallbackError::Signature)
    }

    fn mac(&self, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = mac::begin::<Hmac<Sha256>>(self.secret.expose().as_bytes());
        mac.update(body);
        mac
    }
}

impl Scheme {
    fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Base64 => STANDARD.decode(text).ok(),
            Self::Hex => {
                let digits: Option<Vec<_>> = text.chars().map(|digit| digit.to_digit(16)).collect();
                let (pairs, rest) = digits.as_deref()?.as_chunks::<2>();
                let byte = |[high, low]: &[u32; 2]| u8::try_from(high * 16 + low).ok();
                pairs.iter().map(byte).collect::<Option<Vec<_>>>().filter(|_| rest.is_empty())
            }
        }
    }
}

fn pair(form: Vec<(String, String)>) -> impl Fn(&str) -> Option<String> {
    move |name| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}
