//! AWS End User Messaging SMS: `SendTextMessage` of its API `pinpoint-sms-voice-v2`, and its events by way of an SNS topic.

mod event;

use serde::Deserialize;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use tiffin_shared::directory::Payments;
use tiffin_shared::order::Reason;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;

use super::account::Account;
use super::account::Secrets;
use super::account::check_url;
use super::adapter::Answered;
use super::adapter::HttpAdapter;
use super::adapter::Message;
use super::adapter::Refusal;
use super::aws;
use super::aws::notification::Kind as Post;
use super::aws::notification::Topic;
use super::aws::sigv4::Signer;
use super::call::Answer;
use super::call::Call;
use super::callback::Callback;
use super::callback::CallbackError;
use super::callback::Heard;
use super::kinds::Adapter;
use super::kinds::Door;
use super::kinds::Kind;

/// The service's name in signatures and in its host's.
pub const SERVICE: &str = "sms-voice";
/// The header that names the operation.
pub const TARGET_HEADER: &str = "x-amz-target";
/// What sends a message.
pub const SEND: &str = "PinpointSMSVoiceV2.SendTextMessage";
/// What tells about the account.
pub const DESCRIBE: &str = "PinpointSMSVoiceV2.DescribeAccountAttributes";
/// Our own entry in a message's context, which its events repeat.
pub const CONTEXT_KEY: &str = "attempt";
const CONTENT_TYPE: (&str, &str) = ("content-type", "application/x-amz-json-1.0");
/// AWS takes 5 seconds to three days.
const TTL_S_MIN: u64 = 5;
const TTL_S_MAX: u64 = 259_200;

/// AWS End User Messaging SMS.
pub const KIND: Kind = Kind {
    name: "aws_sms",
    channel: Channel::Sms,
    codes: "aws",
    secrets: aws::SECRETS,
    door: Door::Signed,
    is_indexed: false,
    payments: |_| Payments::Shown,
    check: |account| account.keys::<Keys>()?.check(),
    make: |account, secrets| Ok(Adapter::Http(Box::new(AwsSms::new(account, secrets)?))),
};

/// What its accounts are configured with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// `eu-central-1`.
    region: String,
    /// Of a user or role that may `sms-voice:SendTextMessage`, and for the check `sms-voice:DescribeAccountAttributes`.
    access_key_id: String,
    /// The configuration set whose event destination is the topic.
    configuration_set: Option<String>,
    /// The topic that receipts come through; without it there are none.
    topic_arn: Option<String>,
    /// The most that a part of a message may cost, in US dollars, as `0.10`.
    max_price: Option<String>,
    /// A protect configuration, by its id or ARN.
    protect_configuration: Option<String>,
    /// Whether a final `TEXT_SUCCESSFUL` is a delivery. It says that the carrier took the message, and in many countries no
    /// other event follows.
    #[serde(default = "yes")]
    accepted_counts: bool,
    /// Another host than AWS's: the sandbox, a proxy, or an endpoint of one's own.
    base_url: Option<String>,
}

/// An account.
pub struct AwsSms {
    keys: Keys,
    signer: Signer,
    topic: Option<Topic>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Sent {
    message_id: String,
}

impl Keys {
    fn check(&self) -> Result<(), String> {
        aws::check(&self.region, &self.access_key_id)?;
        self.topic()?;
        let is_price = |text: &str| {
            let (dollars, cents) = text.split_once('.').unwrap_or_default();
            let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            dollars.len() <= 2 && (1..=5).contains(&cents.len()) && is_digits(dollars) && is_digits(cents)
        };
        if !self.max_price.as_deref().is_none_or(is_price) {
            return Err("max_price: must be in US dollars, such as \"0.10\"".into());
        }
        self.base_url.as_deref().map_or(Ok(()), |url| check_url("base_url", url))
    }

    fn topic(&self) -> Result<Option<Topic>, String> {
        self.topic_arn.as_deref().map(|arn| Topic::new(arn, self.base_url.as_deref())).transpose()
    }
}

impl AwsSms {
    /// An account, as configured.
    pub fn new(account: &Account, secrets: &Secrets) -> Result<Self, String> {
        let keys: Keys = account.keys()?;
        let signer = aws::signer(&keys.region, SERVICE, &keys.access_key_id, secrets)?;
        let topic = keys.topic()?;
        Ok(Self { keys, signer, topic })
    }

    fn call(&self, target: &str, body: &Value, now: UnixMs) -> Call {
        let own = || aws::endpoint(SERVICE, &self.keys.region);
        let base_url = self.keys.base_url.clone().unwrap_or_else(own);
        let headers = [CONTENT_TYPE, (TARGET_HEADER, target)];
        aws::post(&self.signer, &base_url, &headers, body.to_string().into_bytes(), now)
    }
}

impl HttpAdapter for AwsSms {
    fn encode(&self, message: &Message<'_>) -> Result<Call, Reason> {
        let mut body = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                body.insert(name.into(), value);
            }
        };
        let text = |text: &Option<String>| text.clone().map(Value::from);
        put("DestinationPhoneNumber", Some(message.phone()?.e164().into()));
        put("OriginationIdentity", Some(message.from()).filter(|from| !from.is_empty()).map(Value::from));
        put("MessageBody", Some(message.text().into()));
        put("MessageType", Some("TRANSACTIONAL".into()));
        put("ConfigurationSetName", text(&self.keys.configuration_set));
        put("MaxPrice", text(&self.keys.max_price));
        put("ProtectConfigurationId", text(&self.keys.protect_configuration));
        put("TimeToLive", Some(message.valid_s.clamp(TTL_S_MIN, TTL_S_MAX).into()));
        put("Context", Some(json!({ CONTEXT_KEY: message.reference.text() })));
        let registered = message
            .registration
            .map(|it| json!({"IN_ENTITY_ID": it.dlt.entity_id, "IN_TEMPLATE_ID": it.template_id}));
        put("DestinationCountryParameters", registered);
        Ok(self.call(SEND, &body.into(), message.now))
    }

    fn classify(&self, answer: &Answer) -> Answered {
        if answer.is_success() {
            return match serde_json::from_slice::<Sent>(&answer.body) {
                Ok(sent) if !sent.message_id.is_empty() => Answered::Taken { provider_id: sent.message_id },
                _ => Answered::Unknown,
            };
        }
        if answer.is_unclear() {
            return Answered::Unknown;
        }
        Answered::Refused(answer.refusal(code(&answer.json())))
    }

    fn hear(&self, callback: &Callback<'_>) -> Result<Heard, CallbackError> {
        let topic = self.topic.as_ref().ok_or(CallbackError::OtherAccount)?;
        let post = topic.read(callback.body(), callback.now)?;
        topic.verify(&post, callback.certificate.ok_or(CallbackError::Signature)?, callback.now)?;
        match post.kind {
            Post::Notification => event::read(&post.message, self.keys.accepted_counts),
            Post::SubscriptionConfirmation => {
                let visit = post.subscribe_url.filter(|url| topic.is_confirmation(url));
                Ok(Heard { visit: Some(visit.ok_or(CallbackError::Malformed)?), ..Heard::default() })
            }
            // Whoever may do it at AWS has done it.
            Post::UnsubscribeConfirmation => Ok(Heard::default()),
        }
    }

    fn certificate(&self, callback: &Callback<'_>) -> Result<Option<String>, CallbackError> {
        let topic = self.topic.as_ref().ok_or(CallbackError::OtherAccount)?;
        topic.read(callback.body(), callback.now).map(|post| Some(post.signing_cert_url))
    }

    fn tells_arrival(&self) -> bool {
        self.keys.topic_arn.is_some()
    }

    fn check(&self, now: UnixMs) -> Option<Call> {
        Some(self.call(DESCRIBE, &json!({}), now))
    }

    fn checked(&self, answer: &Answer) -> Result<String, Refusal> {
        let said = answer.json();
        if !answer.is_success() {
            return Err(answer.refusal(code(&said)));
        }
        let attributes = said.get("AccountAttributes").and_then(Value::as_array);
        let is_tier = |attribute: &&Value| attribute.get("Name").is_some_and(|name| name == "ACCOUNT_TIER");
        let tier =
            attributes.into_iter().flatten().find(is_tier).and_then(|tier| tier.get("Value")?.as_str());
        Ok(match tier {
            Some("SANDBOX") => "accepted; AWS keeps the account in its sandbox: only verified numbers".into(),
            _ => "the credentials are accepted".into(),
        })
    }
}

/// The reason, where the exception has one; of a field that is wrong, which. Otherwise the exception's name.
fn code(said: &Value) -> Option<String> {
    let name = said.get("__type")?.as_str()?;
    let name = name.rsplit('#').next().unwrap_or(name);
    let reason = said.get("Reason").or_else(|| said.get("reason")).and_then(Value::as_str);
    let field = said.pointer("/Fields/0/Name").and_then(Value::as_str);
    Some(match (reason, field) {
        (Some(reason @ ("FIELD_VALIDATION_FAILED" | "INVALID_PARAMETER")), Some(field)) => {
            format!("{reason}.{field}")
        }
        (Some(reason), _) => reason.to_owned(),
        (None, _) => name.to_owned(),
    })
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests;
