//! Amazon SNS: `Publish` to a number. It tells nothing of a message afterwards: what became of one stands in CloudWatch alone,
//! which is not read.

use serde::Deserialize;
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
pub const SERVICE: &str = "sns";
const CONTENT_TYPE: (&str, &str) = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
const VERSION: (&str, &str) = ("Version", "2010-03-31");

/// Amazon SNS.
pub const KIND: Kind = Kind {
    name: "aws_sns",
    channel: Channel::Sms,
    codes: "aws",
    secrets: aws::SECRETS,
    // There are no callbacks to let in.
    door: Door::Signed,
    is_indexed: false,
    payments: |_| Payments::Shown,
    check: |account| account.keys::<Keys>()?.check(),
    make: |account, secrets| Ok(Adapter::Http(Box::new(AwsSns::new(account, secrets)?))),
};

/// What its accounts are configured with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// `eu-central-1`.
    region: String,
    /// Of a user or role that may `sns:Publish`, and for the check `sns:GetSMSSandboxAccountStatus`.
    access_key_id: String,
    /// The most that a message may cost, in US dollars, as `0.10`.
    max_price: Option<String>,
    /// Another host than AWS's: the sandbox, a proxy, or an endpoint of one's own.
    base_url: Option<String>,
}

/// An account.
pub struct AwsSns {
    keys: Keys,
    signer: Signer,
}

impl Keys {
    fn check(&self) -> Result<(), String> {
        aws::check(&self.region, &self.access_key_id)?;
        if self.max_price.as_deref().is_some_and(|price| price.parse().is_ok_and(|price: f64| price <= 0.0)) {
            return Err("max_price: must be in US dollars, such as \"0.10\"".into());
        }
        self.base_url.as_deref().map_or(Ok(()), |url| check_url("base_url", url))
    }
}

impl AwsSns {
    /// An account, as configured.
    pub fn new(account: &Account, secrets: &Secrets) -> Result<Self, String> {
        let keys: Keys = account.keys()?;
        let signer = aws::signer(&keys.region, SERVICE, &keys.access_key_id, secrets)?;
        Ok(Self { keys, signer })
    }

    fn call(&self, action: &str, params: &[(String, &str)], now: UnixMs) -> Call {
        let own = || aws::endpoint(SERVICE, &self.keys.region);
        let base_url = self.keys.base_url.clone().unwrap_or_else(own);
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs([("Action", action), VERSION]).extend_pairs(params);
        aws::post(&self.signer, &base_url, &[CONTENT_TYPE], form.finish().into_bytes(), now)
    }
}

impl HttpAdapter for AwsSns {
    fn tells_arrival(&self) -> bool {
        false
    }

    /// SNS takes no lifetime.
    fn encode(&self, message: &Message<'_>) -> Result<Call, Reason> {
        let from = message.from();
        let is_number = from.bytes().all(|byte| byte.is_ascii_digit() || byte == b'+');
        let sender = if is_number { "AWS.MM.SMS.OriginationNumber" } else { "AWS.SNS.SMS.SenderID" };
        let entity = message.registration.map(|it| it.dlt.entity_id.as_str());
        let template = message.registration.map(|it| it.template_id);
        let attributes = [
            ("AWS.SNS.SMS.SMSType", "String", Some("Transactional")),
            (sender, "String", Some(from).filter(|from| !from.is_empty())),
            ("AWS.SNS.SMS.MaxPrice", "Number", self.keys.max_price.as_deref()),
            ("AWS.MM.SMS.EntityId", "String", entity),
            ("AWS.MM.SMS.TemplateId", "String", template),
        ];
        let mut params =
            vec![("PhoneNumber".to_owned(), message.phone()?.e164()), ("Message".to_owned(), message.text())];
        let attributes = attributes.into_iter().filter_map(|(name, kind, value)| Some((name, kind, value?)));
        for (at, (name, kind, value)) in attributes.enumerate() {
            let entry = format!("MessageAttributes.entry.{}", at + 1);
            params.push((format!("{entry}.Name"), name));
            params.push((format!("{entry}.Value.DataType"), kind));
            params.push((format!("{entry}.Value.StringValue"), value));
        }
        Ok(self.call("Publish", &params, message.now))
    }

    fn classify(&self, answer: &Answer) -> Answered {
        if answer.is_success() {
            return match element(answer, "MessageId") {
                Some(provider_id) => Answered::Taken { provider_id },
                None => Answered::Unknown,
            };
        }
        if answer.is_unclear() {
            return Answered::Unknown;
        }
        Answered::Refused(answer.refusal(element(answer, "Code")))
    }

    /// SNS posts nothing about messages to numbers.
    fn hear(&self, _callback: &Callback<'_>) -> Result<Heard, CallbackError> {
        Err(CallbackError::Signature)
    }

    fn check(&self, now: UnixMs) -> Option<Call> {
        Some(self.call("GetSMSSandboxAccountStatus", &[], now))
    }

    fn checked(&self, answer: &Answer) -> Result<String, Refusal> {
        match element(answer, "IsInSandbox").as_deref() {
            _ if !answer.is_success() => Err(answer.refusal(element(answer, "Code"))),
            Some("true") => {
                Ok("accepted; AWS keeps the account in its sandbox: only verified numbers".into())
            }
            _ => Ok("the credentials are accepted".into()),
        }
    }
}

/// The text of the first element of this name: ids and codes have nothing in them that XML would escape.
fn element(answer: &Answer, name: &str) -> Option<String> {
    let body = std::str::from_utf8(&answer.body).ok()?;
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (!text.is_empty() && text.bytes().all(is_plain)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests;
