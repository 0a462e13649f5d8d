//! What a topic of Amazon SNS posts to us: signed with the key of a certificate that it names.
//!
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html>

mod certificate;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use ring::signature::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY;
use ring::signature::RSA_PKCS1_2048_8192_SHA256;
use serde::Deserialize;
use tiffin_shared::time::HOUR_MS;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::time::UnixMs;

use super::super::callback::CallbackError;
use super::domain;

/// SNS tries for about an hour, and a code lives ten minutes.
const PAST_MS_MAX: u64 = HOUR_MS;
/// Clocks differ.
const AHEAD_MS_MAX: u64 = 5 * MINUTE_MS;
/// The name of a certificate file: `SimpleNotificationService-` and 32 hexadecimal digits.
const CERTIFICATE_FILE: &str = "SimpleNotificationService-";
const CERTIFICATE_DIGITS_MAX: usize = 64;

/// The topic that is listened to.
pub struct Topic {
    arn: String,
    region: String,
    /// Where its pages are: `https://sns.<region>.amazonaws.com`, and with another `base_url` that one too.
    places: Vec<String>,
}

/// A post, as it is signed.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Notification {
    /// What it is.
    #[serde(rename = "Type")]
    pub kind: Kind,
    /// A UUID.
    pub message_id: String,
    /// Whose.
    pub topic_arn: String,
    /// What is said.
    pub message: String,
    /// RFC 3339.
    pub timestamp: String,
    /// Of a message that was published with one.
    pub subject: Option<String>,
    /// Of a confirmation.
    pub token: Option<String>,
    /// Of a confirmation: what is visited to confirm.
    #[serde(rename = "SubscribeURL")]
    pub subscribe_url: Option<String>,
    /// `1` with SHA-1, `2` with SHA-256.
    pub signature_version: String,
    /// Base64.
    pub signature: String,
    /// Where the certificate is.
    #[serde(rename = "SigningCertURL")]
    pub signing_cert_url: String,
}

/// What a post is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Kind {
    /// A message.
    Notification,
    /// Somebody, we it is hoped, subscribed our address.
    SubscriptionConfirmation,
    /// Somebody took it off.
    UnsubscribeConfirmation,
}

impl Topic {
    /// `arn:aws:sns:eu-central-1:123456789012:receipts`. `base_url` where it is another than AWS's.
    ///
    /// Whoever answers at `base_url` is sent every code in clear and says what became of it, so that the certificate adds no
    /// trust to what it has. Only one path of it serves: not everything that somebody may have put there.
    pub fn new(arn: &str, base_url: Option<&str>) -> Result<Self, String> {
        let parts: Vec<_> = arn.split(':').collect();
        let ["arn", partition, "sns", region, account, name] = parts.as_slice() else {
            return Err("topic_arn: must be arn:aws:sns:REGION:ACCOUNT:NAME".into());
        };
        super::check_region("topic_arn", region)?;
        if !partition.starts_with("aws") || account.is_empty() || name.is_empty() {
            return Err("topic_arn: must be arn:aws:sns:REGION:ACCOUNT:NAME".into());
        }
        let own = base_url.map(str::to_owned);
        let places = [Some(super::endpoint("sns", region)), own].into_iter().flatten().collect();
        Ok(Self { arn: arn.to_owned(), region: (*region).to_owned(), places })
    }

    /// Reads a post that may be the topic's: of its name, of this hour, with a certificate where AWS keeps them.
    pub fn read(&self, body: &[u8], now: UnixMs) -> Result<Notification, CallbackError> {
        let post: Notification = serde_json::from_slice(body).map_err(|_| CallbackError::Malformed)?;
        if post.topic_arn != self.arn {
            return Err(CallbackError::OtherAccount);
        }
        if !self.is_certificate(&post.signing_cert_url) {
            return Err(CallbackError::Signature);
        }
        let at = DateTime::parse_from_rfc3339(&post.timestamp).map_err(|_| CallbackError::Malformed)?;
        let at = UnixMs(u64::try_from(at.timestamp_millis()).map_err(|_| CallbackError::Stale)?);
        if now.since(at) > PAST_MS_MAX || at.since(now) > AHEAD_MS_MAX {
            return Err(CallbackError::Stale);
        }
        Ok(post)
    }

    /// Whether it is signed with the key of a certificate of SNS's, given as PEM.
    pub fn verify(&self, post: &Notification, pem: &[u8], now: UnixMs) -> Result<(), CallbackError> {
        let key = certificate::key(pem, &self.names(), now).ok_or(CallbackError::Signature)?;
        let algorithm = match post.signature_version.as_str() {
            "1" => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            "2" => &RSA_PKCS1_2048_8192_SHA256,
            _ => return Err(CallbackError::Signature),
        };
        let signature = STANDARD.decode(&post.signature).map_err(|_| CallbackError::Signature)?;
        let key = ring::signature::UnparsedPublicKey::new(algorithm, key);
        key.verify(post.to_sign().as_bytes(), &signature).map_err(|_| CallbackError::Signature)
    }

    /// Whether visiting it confirms a subscription, and does nothing else.
    pub fn is_confirmation(&self, url: &str) -> bool {
        let starts = |place: &String| {
            url.strip_prefix(place.as_str())
                .is_some_and(|rest| rest.starts_with("/?Action=ConfirmSubscription&"))
        };
        self.places.iter().any(starts)
    }

    fn is_certificate(&self, url: &str) -> bool {
        let file = |place: &String| url.strip_prefix(place.as_str())?.strip_prefix('/')?.strip_suffix(".pem");
        let is_one = |file: &str| {
            file.strip_prefix(CERTIFICATE_FILE).is_some_and(|digits| {
                (1..=CERTIFICATE_DIGITS_MAX).contains(&digits.len())
                    && digits.bytes().all(|byte| byte.is_ascii_alphanumeric())
            })
        };
        self.places.iter().filter_map(file).any(is_one)
    }

    /// Whom a certificate must name: by AWS's SDK for Java (`SnsHostProvider`), which differs between regions.
    fn names(&self) -> [String; 4] {
        let (region, domain) = (self.region.as_str(), domain(&self.region));
        let joint = if region.starts_with("us-gov-") { "us-gov-west-1" } else { region };
        [
            format!("sns.{domain}"),
            format!("sns.{region}.{domain}"),
            format!("sns-signing.{region}.{domain}"),
            format!("sns-{joint}.{domain}"),
        ]
    }
}

impl Notification {
    /// Names and values, each on a line of its own.
    pub fn to_sign(&self) -> String {
        let message = ("Message", Some(self.message.as_str()));
        let id = ("MessageId", Some(self.message_id.as_str()));
        let timestamp = ("Timestamp", Some(self.timestamp.as_str()));
        let topic = ("TopicArn", Some(self.topic_arn.as_str()));
        let kind = ("Type", Some(self.kind.name()));
        let fields = match self.kind {
            Kind::Notification => {
                vec![message, id, ("Subject", self.subject.as_deref()), timestamp, topic, kind]
            }
            Kind::SubscriptionConfirmation | Kind::UnsubscribeConfirmation => {
                let url = ("SubscribeURL", self.subscribe_url.as_deref());
                vec![message, id, url, timestamp, ("Token", self.token.as_deref()), topic, kind]
            }
        };
        let line = |(name, value): (&str, Option<&str>)| value.map(|value| format!("{name}\n{value}\n"));
        fields.into_iter().filter_map(line).collect()
    }
}

impl Kind {
    /// As it stands in a post.
    pub fn name(self) -> &'static str {
        match self {
            Self::Notification => "Notification",
            Self::SubscriptionConfirmation => "SubscriptionConfirmation",
            Self::UnsubscribeConfirmation => "UnsubscribeConfirmation",
        }
    }
}

#[cfg(test)]
mod tests;
