//! MSG91: `POST /api/v5/flow`, which fills in a template that it keeps, and its unsigned delivery reports.

mod report;

use serde::Deserialize;
use serde_json::Map;
use serde_json::Value;
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

/// The header that carries the account's key.
pub const KEY_HEADER: &str = "authkey";
/// Names of variables: MSG91's own are of letters, digits and `_`.
const NAME_CHARS_MAX: usize = 64;
/// What the request itself means by these.
const TAKEN_NAMES: [&str; 2] = ["mobiles", "short_url"];
const SECONDS_A_MINUTE: u64 = 60;

/// MSG91's Flow API.
pub const KIND: Kind = Kind {
    name: "msg91",
    channel: Channel::Sms,
    codes: "msg91",
    secrets: &[SecretName::new("authkey", "the account's authkey")],
    door: Door::Secret,
    is_indexed: true,
    payments: |account| match account.key("payment_variable") {
        Some(_) => Payments::Shown,
        None => Payments::Hidden,
    },
    check: |account| account.keys::<Keys>()?.check(),
    make: |account, secrets| Ok(Adapter::Http(Box::new(Msg91::new(account, secrets)?))),
};

/// What its accounts are configured with. Variables are those that the templates at MSG91 have, without the `##`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// The template for services that name none.
    template_id: Option<String>,
    /// Where the code goes.
    #[serde(default = "code_variable")]
    code_variable: String,
    /// Where the brand goes.
    brand_variable: Option<String>,
    /// Where the minutes go that the code is good for.
    minutes_variable: Option<String>,
    /// Where the payment goes; without it nothing that approves one is sent: the payer must see which (PSD2 RTS Art. 5).
    payment_variable: Option<String>,
    /// Where our own reference goes, for accounts whose reports repeat it: `CRQID`.
    reference_variable: Option<String>,
    /// Another host than MSG91's: the sandbox, or a proxy.
    #[serde(default = "base_url")]
    base_url: String,
}

/// An account.
pub struct Msg91 {
    keys: Keys,
    authkey: Secret<String>,
}

impl Keys {
    fn check(&self) -> Result<(), String> {
        let variables = [
            ("code_variable", Some(&self.code_variable)),
            ("brand_variable", self.brand_variable.as_ref()),
            ("minutes_variable", self.minutes_variable.as_ref()),
            ("payment_variable", self.payment_variable.as_ref()),
            ("reference_variable", self.reference_variable.as_ref()),
        ];
        let named: Vec<_> = variables.into_iter().filter_map(|(key, name)| Some((key, name?))).collect();
        for (at, (key, name)) in named.iter().enumerate() {
            let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if !is_name || name.is_empty() || name.len() > NAME_CHARS_MAX {
                return Err(format!("{key}: must be a variable's name, without ##"));
            }
            if TAKEN_NAMES.contains(&name.as_str()) || named.iter().take(at).any(|(_, other)| other == name) {
                return Err(format!("{key}: {name} is taken"));
            }
        }
        if self.template_id.as_ref().is_some_and(String::is_empty) {
            return Err("template_id: must not be empty".into());
        }
        check_url("base_url", &self.base_url)
    }

    /// The values of a template's variables.
    fn variables<'a>(&'a self, message: &Message<'_>) -> Result<Vec<(&'a str, String)>, Reason> {
        let mut variables = vec![(self.code_variable.as_str(), message.code.expose().to_owned())];
        let mut fill = |name: &'a Option<String>, value: String| {
            if let Some(name) = name {
                variables.push((name.as_str(), value));
            }
        };
        fill(&self.brand_variable, message.brand.to_owned());
        fill(&self.minutes_variable, message.valid_s.div_ceil(SECONDS_A_MINUTE).to_string());
        fill(&self.reference_variable, message.reference.text());
        if let Some(payment) = message.approves {
            let name = self.payment_variable.as_deref().ok_or(Reason::TemplateUnapproved)?;
            variables.push((name, payment.to_owned()));
        }
        Ok(variables)
    }
}

impl Msg91 {
    /// An account, as configured.
    pub fn new(account: &Account, secrets: &Secrets) -> Result<Self, String> {
        Ok(Self { keys: account.keys()?, authkey: secrets.get("authkey")? })
    }
}

impl HttpAdapter for Msg91 {
    /// MSG91 takes no lifetime: its operators try for as long as they like.
    fn encode(&self, message: &Message<'_>) -> Result<Call, Reason> {
        let template_id = message.template_id.or(self.keys.template_id.as_deref());
        let template_id = template_id.ok_or(Reason::TemplateUnapproved)?;
        let mut recipient = Map::new();
        recipient.insert("mobiles".into(), message.digits()?.into());
        for (name, value) in self.keys.variables(message)? {
            recipient.insert(name.into(), value.into());
        }
        let mut body = Map::new();
        body.insert("template_id".into(), template_id.into());
        body.insert("short_url".into(), "0".into());
        if !message.from().is_empty() {
            body.insert("sender".into(), message.from().into());
        }
        body.insert("recipients".into(), Value::Array(vec![recipient.into()]));
        let auth = Auth::Header(KEY_HEADER, self.authkey.clone());
        Ok(Call::post(format!("{}/api/v5/flow", self.keys.base_url), auth, Body::Json(body.into())))
    }

    /// Every answer is a 200, and says in its body which it is.
    fn classify(&self, answer: &Answer) -> Answered {
        let said = answer.json();
        let text = |name: &str| said.get(name).and_then(report::text);
        match text("type").as_deref() {
            Some("success") => match text("message").filter(|id| report::is_id(id)) {
                Some(provider_id) => Answered::Taken { provider_id },
                None => Answered::Unknown,
            },
            _ if answer.is_unclear() => Answered::Unknown,
            None if answer.is_success() && said.get("hasError").is_none() => Answered::Unknown,
            _ => {
                let code = ["apiError", "code"].into_iter().find_map(text);
                let words = || ["message", "errors"].into_iter().find_map(|name| report::code(&text(name)?));
                let code = code.and_then(|code| report::code(&code)).or_else(words);
                Answered::Refused(Refusal { code, ..answer.refusal(None) })
            }
        }
    }

    fn hear(&self, callback: &Callback<'_>) -> Result<Heard, CallbackError> {
        report::read(callback, self.keys.reference_variable.as_deref())
    }

    /// It has none that is documented and does not put the key into the address.
    fn check(&self, _now: UnixMs) -> Option<Call> {
        None
    }
}

fn code_variable() -> String {
    "OTP".into()
}

fn base_url() -> String {
    "https://control.msg91.com".into()
}

#[cfg(test)]
mod tests;
