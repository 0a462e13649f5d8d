//! Infobip's SMS API: `POST /sms/3/messages`, its log (of two days, `GET /sms/3/logs`), and its delivery reports, which it does not sign.
//! <https://www.infobip.com/docs/api/channels/sms>

pub mod receipt;

use serde::Deserialize;
use serde_json::json;
use tiffin_shared::directory::Payments;
use tiffin_shared::order::Found;
use tiffin_shared::order::Reason;
use tiffin_shared::secret::Secret;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;

use self::receipt::Group;
use self::receipt::Standing;
use self::receipt::Status;
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
use super::callback::Fate;
use super::callback::Heard;
use super::kinds::Adapter;
use super::kinds::Door;
use super::kinds::Kind;
use super::kinds::SecretName;

/// Infobip keeps a message for two days at the most.
const VALIDITY_S_MAX: u64 = 172_800;
/// How often Infobip is asked after an unknown outcome.
const LOOKS_MAX: u8 = 2;

/// Infobip's SMS API.
pub const KIND: Kind = Kind {
    name: "infobip",
    channel: Channel::Sms,
    codes: "infobip",
    secrets: &[SecretName::new("api_key", "the account's API key")],
    door: Door::Secret,
    is_indexed: false,
    payments: |_| Payments::Shown,
    check: |account| account.keys::<Keys>()?.check(account),
    make: |account, secrets| Ok(Adapter::Http(Box::new(Infobip::new(account, secrets)?))),
};

/// What its accounts are configured with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// The account's own host, such as `https://xyz123.api.infobip.com`.
    base_url: String,
    /// For messages to India, where a telemarketer sends them for another.
    telemarketer_id: Option<String>,
}

/// An account.
pub struct Infobip {
    keys: Keys,
    api_key: Secret<String>,
}

#[derive(Deserialize)]
struct Accepted {
    messages: Vec<Sent>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    message_id: Option<String>,
    status: Status,
}

#[derive(Deserialize)]
struct Log {
    results: Vec<Logged>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Logged {
    message_id: String,
    #[serde(flatten)]
    standing: Option<Standing>,
}

impl Keys {
    fn check(&self, account: &Account) -> Result<(), String> {
        if account.settings.senders.is_empty() {
            return Err("from: must be a number, a short code or a name".into());
        }
        check_url("base_url", &self.base_url)
    }
}

impl Infobip {
    /// An account, as configured.
    pub fn new(account: &Account, secrets: &Secrets) -> Result<Self, String> {
        Ok(Self { keys: account.keys()?, api_key: secrets.get("api_key")? })
    }

    fn auth(&self) -> Auth {
        Auth::Authorization(Secret::new(format!("App {}", self.api_key.expose())))
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.keys.base_url)
    }

    fn india(&self, message: &Message<'_>) -> Option<serde_json::Value> {
        let registration = message.registration?;
        let mut dlt = json!({
            "principalEntityId": registration.dlt.entity_id,
            "contentTemplateId": registration.template_id,
        });
        if let (Some(id), Some(dlt)) = (&self.keys.telemarketer_id, dlt.as_object_mut()) {
            dlt.insert("telemarketerId".into(), id.as_str().into());
        }
        Some(json!({ "indiaDlt": dlt }))
    }
}

impl HttpAdapter for Infobip {
    /// Under an id of ours: Infobip refuses a second message with it, and knows the first one by it.
    fn encode(&self, message: &Message<'_>) -> Result<Call, Reason> {
        let reference = message.reference.text();
        let validity = json!({ "amount": message.valid_s.clamp(1, VALIDITY_S_MAX), "timeUnit": "SECONDS" });
        let mut options = json!({ "validityPeriod": validity });
        if let (Some(india), Some(options)) = (self.india(message), options.as_object_mut()) {
            options.insert("regional".into(), india);
        }
        let body = json!({
            "messages": [{
                "sender": message.from().trim_start_matches('+'),
                "destinations": [{ "to": message.digits()?, "messageId": reference }],
                "content": { "text": message.text() },
                "options": options,
                "webhooks": {
                    "delivery": { "url": message.plain_callback_url(), "notify": true },
                    "contentType": "application/json",
                    "callbackData": reference,
                },
            }],
        });
        Ok(Call::post(self.url("/sms/3/messages"), self.auth(), Body::Json(body)))
    }

    fn classify(&self, answer: &Answer) -> Answered {
        if answer.is_success() {
            let accepted = serde_json::from_slice::<Accepted>(&answer.body).ok();
            let sent = accepted.and_then(|accepted| accepted.messages.into_iter().next());
            return match sent.map(|sent| (sent.status.group_name, sent)) {
                Some((Group::Expired | Group::Rejected | Group::Undeliverable, sent)) => {
                    Answered::Refused(answer.refusal(Some(sent.status.name)))
                }
                Some((_, Sent { message_id: Some(provider_id), .. })) if !provider_id.is_empty() => {
                    Answered::Taken { provider_id }
                }
                _ => Answered::Unknown,
            };
        }
        if answer.is_unclear() {
            return Answered::Unknown;
        }
        // Of its own failures Infobip gives no code that would say more.
        Answered::Refused(answer.refusal(code(&answer.json()).filter(|_| answer.status < 500)))
    }

    fn looks_max(&self) -> u8 {
        LOOKS_MAX
    }

    /// Its log, by our id.
    fn query(&self, message: &Message<'_>) -> Option<Call> {
        self.status(&message.reference.text())
    }

    fn found(&self, answer: &Answer, message: &Message<'_>, _called_at: UnixMs) -> Found {
        let log = serde_json::from_slice::<Log>(&answer.body).ok().filter(|_| answer.status == 200);
        let Some(log) = log else { return Found::Unclear };
        let provider_id = message.reference.text();
        match log.results.first() {
            None => Found::Missing,
            Some(_) if log.results.iter().any(|logged| logged.message_id == provider_id) => {
                Found::Taken { provider_id }
            }
            Some(_) => Found::Unclear,
        }
    }

    /// Its log: unlike the list of reports, which gives each of them once, it is there for everybody who asks.
    fn status(&self, provider_id: &str) -> Option<Call> {
        let query = [("messageId", provider_id.to_owned())];
        Some(Call::get(&self.url("/sms/3/logs"), &query, self.auth()))
    }

    /// Nothing where the log does not have it yet. Another's message is not in our log, but we ask for one alone.
    fn fares(&self, answer: &Answer) -> Option<(String, Fate)> {
        let log = serde_json::from_slice::<Log>(&answer.body).ok().filter(|_| answer.is_success())?;
        let [Logged { standing: Some(standing), .. }] = log.results.as_slice() else { return None };
        Some((standing.status.name.clone(), standing.fate()))
    }

    /// Proved by the address alone.
    fn hear(&self, callback: &Callback<'_>) -> Result<Heard, CallbackError> {
        Ok(Heard { told: receipt::told(callback.body())?, ..Heard::default() })
    }

    /// The balance.
    fn check(&self, _now: UnixMs) -> Option<Call> {
        Some(Call::get(&self.url("/account/1/balance"), &[], self.auth()))
    }

    fn checked(&self, answer: &Answer) -> Result<String, Refusal> {
        let body = answer.json();
        let balance = body.get("balance").and_then(serde_json::Value::as_f64);
        let currency = body.get("currency").and_then(serde_json::Value::as_str).unwrap_or_default();
        match balance {
            Some(balance) if answer.is_success() => {
                Ok(format!("the balance is {balance:.2} {currency}").trim_end().to_owned())
            }
            _ => Err(answer.refusal(code(&body))),
        }
    }
}

/// The code of a refused request, in its present form or the older one.
fn code(body: &serde_json::Value) -> Option<String> {
    let code = body.get("errorCode").or_else(|| body.pointer("/requestError/serviceException/messageId"))?;
    code.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests;
