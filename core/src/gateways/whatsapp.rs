//! WhatsApp by Meta's Cloud API: authentication templates with a button that copies the code, and signed status webhooks.
//!
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp>. The text of such a template is Meta's; ours
//! is left out. How long a message is worth delivering is a setting of the template (`message_send_ttl_seconds`).

mod languages;
mod webhook;

use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;
use tiffin_shared::directory::Payments;
use tiffin_shared::order::Reason;
use tiffin_shared::secret::Secret;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;

use super::account::Account;
use super::account::Secrets;
use super::account::check_url;
use super::adapter::Answered;
use super::adapter::HttpAdapter;
use super::adapter::Message;
use super::adapter::Refusal;
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

pub use self::webhook::SIGNATURE_HEADER;
pub use self::webhook::sign;

/// The longest name of a template: Meta's limit.
const TEMPLATE_CHARS_MAX: usize = 512;
/// Languages that a template is kept in.
const LANGUAGES_MAX: usize = 80;
/// The longest id of a message that is taken; Meta's have some 60 characters.
const ID_CHARS_MAX: usize = 256;
/// What the check of an account asks of its number.
const CHECKED_FIELDS: &str = "display_phone_number,verified_name,quality_rating";

/// WhatsApp Cloud API.
pub const KIND: Kind = Kind {
    name: "whatsapp_cloud",
    channel: Channel::Whatsapp,
    codes: "whatsapp_cloud",
    secrets: &[
        SecretName::new("access_token", "a system user's token with whatsapp_business_messaging"),
        SecretName::new("app_secret", "the app's secret, which signs the webhooks"),
        SecretName::new("verify_token", "any text, entered with the webhook's address"),
    ],
    door: Door::Signed,
    is_indexed: false,
    payments: |_| Payments::Hidden,
    check: |account| account.keys::<Keys>()?.check(account),
    make: |account, secrets| Ok(Adapter::Http(Box::new(Whatsapp::new(account, secrets)?))),
};

/// What its accounts are configured with. The senders are phone number ids.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// The template's name, for services that name none of their own.
    template: String,
    /// In which languages it is approved, as Meta writes them (`en`, `pt_BR`), the usual one first.
    #[serde(default = "languages")]
    languages: Vec<String>,
    /// Of the Graph API. Meta keeps each for two years.
    #[serde(default = "api_version")]
    api_version: String,
    /// The WhatsApp Business Account; where it is set, webhooks about another are refused.
    business_account_id: Option<String>,
    /// Another host than Meta's: the sandbox or a proxy.
    #[serde(default = "base_url")]
    base_url: String,
}

/// An account.
pub struct Whatsapp {
    keys: Keys,
    /// Ids of our numbers.
    numbers: Vec<String>,
    access_token: Secret<String>,
    app_secret: Secret<String>,
    verify_token: Secret<String>,
}

#[derive(Deserialize)]
struct Sent {
    messages: Vec<SentMessage>,
}

#[derive(Deserialize)]
struct SentMessage {
    id: String,
    message_status: Option<String>,
}

#[derive(Deserialize)]
struct Failed {
    error: Error,
}

#[derive(Deserialize)]
struct Error {
    code: i64,
}

impl Keys {
    fn check(&self, account: &Account) -> Result<(), String> {
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let senders = &account.settings.senders;
        if senders.is_empty() || !senders.iter().all(|sender| is_digits(sender.id.as_str())) {
            return Err("from: must be the number's id at Meta (digits), not the number itself".into());
        }
        if !is_template(&self.template) {
            return Err("template: must be 1 to 512 lower-case letters, digits and underscores".into());
        }
        if !(1..=LANGUAGES_MAX).contains(&self.languages.len()) {
            return Err(format!("languages: must be 1 to {LANGUAGES_MAX}"));
        }
        if let Some(language) = self.languages.iter().find(|language| !languages::is_code(language)) {
            return Err(format!("languages: {language:?} is none of Meta's, such as \"en\" or \"pt_BR\""));
        }
        let version = self.api_version.strip_prefix('v').and_then(|version| version.split_once('.'));
        if !version.is_some_and(|(major, minor)| is_digits(major) && is_digits(minor)) {
            return Err("api_version: must be like \"v24.0\"".into());
        }
        if self.business_account_id.as_deref().is_some_and(|id| !is_digits(id)) {
            return Err("business_account_id: must be digits".into());
        }
        check_url("base_url", &self.base_url)
    }
}

impl Whatsapp {
    /// An account, as configured.
    pub fn new(account: &Account, secrets: &Secrets) -> Result<Self, String> {
        let senders = account.settings.senders.iter();
        Ok(Self {
            keys: account.keys()?,
            numbers: senders.map(|sender| sender.id.as_str().to_owned()).collect(),
            access_token: secrets.get("access_token")?,
            app_secret: secrets.get("app_secret")?,
            verify_token: secrets.get("verify_token")?,
        })
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{}/{path}", self.keys.base_url, self.keys.api_version)
    }

    fn auth(&self) -> Auth {
        Auth::Authorization(Secret::new(format!("Bearer {}", self.access_token.expose())))
    }

    /// Name and language: of the service's template (`name`, or `name/language`), else of the account's.
    fn template<'a>(&'a self, message: &Message<'a>) -> (&'a str, &'a str) {
        let named = message.template_id.unwrap_or(&self.keys.template);
        match named.split_once('/') {
            Some(template) => template,
            None => (named, languages::pick(&self.keys.languages, &message.content.locale)),
        }
    }
}

impl HttpAdapter for Whatsapp {
    fn encode(&self, message: &Message<'_>) -> Result<Call, Reason> {
        // An authentication template cannot name a payment, and the payer must see it (PSD2 RTS Art. 5).
        if message.approves.is_some() {
            return Err(Reason::TemplateUnapproved);
        }
        let code = message.code.expose();
        let (name, language) = self.template(message);
        if !is_template(name) || !languages::is_code(language) {
            return Err(Reason::TemplateUnapproved);
        }
        let text = json!([{ "type": "text", "text": code }]);
        // Of an authentication template the button is kept as one with an address, whose variable is the code.
        let body = json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": message.phone()?.e164(),
            "type": "template",
            "template": {
                "name": name,
                "language": { "code": language },
                "components": [
                    { "type": "body", "parameters": text },
                    { "type": "button", "sub_type": "url", "index": "0", "parameters": text },
                ],
            },
            "biz_opaque_callback_data": message.reference.text(),
        });
        Ok(Call::post(self.url(&format!("{}/messages", message.from())), self.auth(), Body::Json(body)))
    }

    fn classify(&self, answer: &Answer) -> Answered {
        if answer.is_success() {
            let sent = serde_json::from_slice::<Sent>(&answer.body).ok();
            return match sent.and_then(|sent| sent.messages.into_iter().next()) {
                // The other statuses are "accepted" and "held_for_quality_assessment", and it may still be sent.
                Some(SentMessage { message_status: Some(status), .. }) if status == "paused" => {
                    Answered::Refused(Refusal {
                        code: Some(status),
                        ..Refusal::of(Reason::TemplateUnapproved)
                    })
                }
                Some(message) if is_message_id(&message.id) => Answered::Taken { provider_id: message.id },
                _ => Answered::Unknown,
            };
        }
        if answer.is_unclear() {
            return Answered::Unknown;
        }
        Answered::Refused(refusal(answer))
    }

    fn hear(&self, callback: &Callback<'_>) -> Result<Heard, CallbackError> {
        if callback.request.method == Method::GET.as_str() {
            return webhook::subscribe(callback, self.verify_token.expose());
        }
        webhook::verify(callback, self.app_secret.expose())?;
        webhook::read(callback.body(), &self.numbers, self.keys.business_account_id.as_deref())
    }

    fn check(&self, _now: UnixMs) -> Option<Call> {
        let number = self.numbers.first()?;
        Some(Call::get(&self.url(number), &[("fields", CHECKED_FIELDS.to_owned())], self.auth()))
    }

    fn checked(&self, answer: &Answer) -> Result<String, Refusal> {
        if !answer.is_success() {
            return Err(refusal(answer));
        }
        let number = answer.json();
        let text = |name: &str| number.get(name).and_then(Value::as_str).unwrap_or("unknown").to_owned();
        let (shown, name) = (text("display_phone_number"), text("verified_name"));
        Ok(format!("the number is {shown}, as {name:?}; quality: {}", text("quality_rating")))
    }
}

fn refusal(answer: &Answer) -> Refusal {
    let failed = serde_json::from_slice::<Failed>(&answer.body).ok();
    answer.refusal(failed.map(|failed| failed.error.code.to_string()))
}

fn is_template(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=TEMPLATE_CHARS_MAX).contains(&name.len()) && name.bytes().all(is_plain)
}

/// `wamid.` and base64.
fn is_message_id(id: &str) -> bool {
    (1..=ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

fn languages() -> Vec<String> {
    vec!["en".into()]
}

fn api_version() -> String {
    "v24.0".into()
}

fn base_url() -> String {
    "https://graph.facebook.com".into()
}

#[cfg(test)]
mod tests;
