//! The topic that events come through: posts as SNS makes and signs them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::RSA_PKCS1_SHA256;
use ring::signature::RsaKeyPair;
use serde_json::Value;
use serde_json::json;

use super::key;
use crate::gateways::aws::notification::Kind;
use crate::gateways::aws::notification::Notification;
use crate::sandbox::Account;
use crate::sandbox::callbacks::Callback;
use crate::sandbox::clock;
use crate::sandbox::ids;
use crate::sandbox::inbox::Message;
use crate::sandbox::inbox::Status;
use crate::sandbox::journey::Tell;
use crate::sandbox::journey::Teller;

/// Where the certificate is.
pub(super) const CERTIFICATE_PATH: &str =
    "/aws/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem";
const PEM_LINE_CHARS: usize = 64;

/// An account's topic.
#[derive(Clone)]
pub(super) struct Topic {
    arn: String,
    base_url: String,
    callback_url: String,
}

/// The certificate as a file.
pub(crate) fn pem() -> String {
    let lines: Vec<_> =
        key::CERTIFICATE.as_bytes().chunks(PEM_LINE_CHARS).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// A post, signed; nothing where the machine has no randomness.
pub(crate) fn signed(post: &Notification) -> Option<Notification> {
    let key = RsaKeyPair::from_pkcs8(&STANDARD.decode(key::KEY).ok()?).ok()?;
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), post.to_sign().as_bytes(), &mut signature).ok()?;
    Some(Notification { signature: STANDARD.encode(signature), ..post.clone() })
}

/// Tells the account's topic, where it has one; `context` is what the message was given to repeat.
pub(super) fn teller(account: &Account, context: BTreeMap<String, String>) -> Teller {
    let topic = Topic::of(account);
    Box::new(move |message, status, failure| {
        let event_type = match (status, failure) {
            (Status::Queued, _) => "TEXT_QUEUED",
            (Status::Sent, _) => "TEXT_PENDING",
            (Status::Delivered, _) => "TEXT_DELIVERED",
            (Status::Undelivered, code) => code.unwrap_or("TEXT_UNKNOWN"),
        };
        let is_final = matches!(status, Status::Delivered | Status::Undelivered);
        let told = topic.as_ref().and_then(|topic| topic.event(message, event_type, is_final, &context));
        told.map_or(Tell::Nobody, Tell::Post)
    })
}

impl Topic {
    /// Of an account that has one.
    pub(super) fn of(account: &Account) -> Option<Self> {
        let arn = account.key("topic_arn");
        let (base_url, callback_url) =
            (account.key("base_url").to_owned(), account.callback_url().to_owned());
        (!arn.is_empty()).then(|| Self { arn: arn.to_owned(), base_url, callback_url })
    }

    /// The request to confirm a subscription.
    pub(super) fn confirmation(&self) -> Option<Callback> {
        let token = ids::uuid()?;
        let url =
            format!("{}/?Action=ConfirmSubscription&TopicArn={}&Token={token}", self.base_url, self.arn);
        let message = "You have chosen to subscribe to the topic. To confirm, visit the SubscribeURL.";
        let post = self.post(Kind::SubscriptionConfirmation, message.to_owned())?;
        self.callback(&Notification { token: Some(token), subscribe_url: Some(url), ..post })
    }

    fn event(
        &self,
        message: &Message,
        event_type: &str,
        is_final: bool,
        context: &BTreeMap<String, String>,
    ) -> Option<Callback> {
        let event = json!({
            "eventType": event_type, "eventVersion": "1.0", "eventTimestamp": clock::now_ms(), "isFinal": is_final,
            "originationPhoneNumber": message.from, "destinationPhoneNumber": message.entry.to,
            "messageId": message.entry.id, "messageRequestTimestamp": message.created_at_ms,
            "messageType": "TRANSACTIONAL", "messageStatus": event_type.trim_start_matches("TEXT_"),
            "context": context, "totalMessageParts": 1,
        });
        self.callback(&self.post(Kind::Notification, event.to_string())?)
    }

    fn post(&self, kind: Kind, message: String) -> Option<Notification> {
        Some(Notification {
            kind,
            message_id: ids::uuid()?,
            topic_arn: self.arn.clone(),
            message,
            timestamp: clock::rfc3339(clock::now_ms()),
            subject: None,
            token: None,
            subscribe_url: None,
            signature_version: "2".into(),
            signature: String::new(),
            signing_cert_url: format!("{}{}", self.base_url, CERTIFICATE_PATH.trim_start_matches("/aws")),
        })
    }

    fn callback(&self, post: &Notification) -> Option<Callback> {
        let signed = signed(post)?;
        let mut body = json!({
            "Type": signed.kind.name(), "MessageId": signed.message_id, "TopicArn": signed.topic_arn,
            "Message": signed.message, "Timestamp": signed.timestamp,
            "SignatureVersion": signed.signature_version, "Signature": signed.signature,
            "SigningCertURL": signed.signing_cert_url,
        });
        if let Value::Object(body) = &mut body {
            body.extend(signed.token.map(|token| ("Token".to_owned(), token.into())));
            body.extend(signed.subscribe_url.map(|url| ("SubscribeURL".to_owned(), url.into())));
        }
        let headers = vec![("x-amz-sns-message-type", signed.kind.name().to_owned())];
        let callback = Callback::json(self.callback_url.clone(), &body, headers);
        Some(Callback { content_type: "text/plain; charset=UTF-8", ..callback })
    }
}
