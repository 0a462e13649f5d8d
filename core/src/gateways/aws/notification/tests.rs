use rcgen::CertificateParams;
use rcgen::DnType;
use rcgen::KeyPair;
use rcgen::PKCS_RSA_SHA256;
use rcgen::date_time_ymd;

use super::*;
use crate::sandbox::aws::key::KEY;
use crate::sandbox::aws::topic;

const ARN: &str = "arn:aws:sns:eu-central-1:123456789012:receipts";
/// 2026-11-19T10:00:00Z.
const NOW: UnixMs = UnixMs(1_795_082_400_000);
/// Of [`post`] without a subject, by `openssl dgst -sha1 -sign` with the sandbox's key.
const SHA1: &str = "r8zpyJ36TrmlxQROxK+gFGP2WTFX20hNCUjQMlbJWPW+4YPix2o0zI19yoQRx5fsrVZ30yOE1kwsUKOibNA++oHKgdc+ORI7qUAYR2TMQCjpR\
                    kbO5wrOBT2T+35Nu/ACKOiMbWFBX7X2+MQ32Q1c1aViLLDEeqKW6omIRh/X26J85sgklpIzksIN1MQ9s9PplplTFbjh6AokL7UuptOyYaYWmx\
                    Ndf7dl2s36kPjj5fVVT1qRYKXSve4HL2A5YyY2XLrpgSpSHDWcfBfUI68P2HQMtFbObUmF6s5Z78iZ8woC3fNrnCr9Ptomft4f7YFXf0D4Lng\
                    cqFQiYFW/3qVdCQ==";

fn topic_at(base_url: Option<&str>) -> Topic {
    Topic::new(ARN, base_url).unwrap()
}

fn post() -> Notification {
    Notification {
        kind: Kind::Notification,
        message_id: "6f1".into(),
        topic_arn: ARN.into(),
        message: "hello".into(),
        timestamp: "2026-11-19T10:00:00.000Z".into(),
        subject: None,
        token: None,
        subscribe_url: None,
        signature_version: "2".into(),
        signature: String::new(),
        signing_cert_url: "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0a1b.pem".into(),
    }
}

fn verify(post: &Notification) -> Result<(), CallbackError> {
    topic_at(None).verify(post, topic::pem().as_bytes(), NOW)
}

/// A certificate for the sandbox's key, good in 2026 alone.
fn pem(names: &[&str], common_name: &str) -> String {
    let key = STANDARD.decode(KEY).unwrap();
    let key = KeyPair::from_pkcs8_der_and_sign_algo(&key.into(), &PKCS_RSA_SHA256).unwrap();
    let mut params =
        CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
    params.distinguished_name.push(DnType::CommonName, common_name);
    (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2027, 1, 1));
    params.self_signed(&key).unwrap().pem()
}

#[test]
fn both_versions_of_signatures_verify() {
    let signed = topic::signed(&post()).unwrap();
    assert_eq!(verify(&signed), Ok(()));
    let old = Notification { signature_version: "1".into(), signature: SHA1.into(), ..post() };
    assert_eq!(verify(&old), Ok(()));
    for version in ["1", "3", ""] {
        let other = Notification { signature_version: version.into(), ..signed.clone() };
        assert_eq!(verify(&other), Err(CallbackError::Signature), "{version}");
    }
}

#[test]
fn any_change_is_refused() {
    let subject = Some("a subject".to_owned());
    let signed = topic::signed(&Notification { subject, ..post() }).unwrap();
    assert_eq!(verify(&signed), Ok(()));
    let changes: [fn(&mut Notification); 7] = [
        |post| post.message.push('!'),
        |post| post.message_id.push('!'),
        |post| post.timestamp = "2026-11-19T10:00:00.001Z".into(),
        |post| post.topic_arn.push('2'),
        |post| post.subject = None,
        |post| post.kind = Kind::UnsubscribeConfirmation,
        |post| post.signature = "no base64".into(),
    ];
    for change in changes {
        let mut forged = signed.clone();
        change(&mut forged);
        assert_eq!(verify(&forged), Err(CallbackError::Signature), "{forged:?}");
    }
    let (token, subscribe_url) = (Some("token".to_owned()), Some("https://sns".to_owned()));
    let confirmation = Notification { kind: Kind::SubscriptionConfirmation, token, subscribe_url, ..post() };
    let signed = topic::signed(&confirmation).unwrap();
    assert_eq!(verify(&signed), Ok(()));
    let forged = Notification { subscribe_url: Some("https://evil".into()), ..signed.clone() };
    assert_eq!(verify(&forged), Err(CallbackError::Signature));
    assert_eq!(
        verify(&Notification { token: Some("other".into()), ..signed }),
        Err(CallbackError::Signature)
    );
}

/// The names are those that AWS's SDK for Java expects, and of a certificate of `af-south-1` as it is served.
#[test]
fn a_certificate_counts_in_its_time_and_with_snss_name() {
    let signed = topic::signed(&post()).unwrap();
    let at = |pem: &str, now| topic_at(None).verify(&signed, pem.as_bytes(), now);
    let no = Err(CallbackError::Signature);
    let good = pem(&["sns.amazonaws.com"], "any");
    assert_eq!(at(&good, NOW), Ok(()));
    assert_eq!(at(&good, UnixMs(1_767_225_599_000)), no, "a second before 2026");
    assert_eq!(at(&good, UnixMs(1_798_761_601_000)), no, "a second after it");
    assert_eq!(at(&pem(&["sns-signing.eu-central-1.amazonaws.com"], "any"), NOW), Ok(()));
    assert_eq!(at(&pem(&["sns.eu-central-1.amazonaws.com"], "any"), NOW), Ok(()));
    assert_eq!(at(&pem(&[], "sns.amazonaws.com"), NOW), Ok(()), "by its common name alone");
    assert_eq!(at(&pem(&["sns.eu-west-1.amazonaws.com"], "any"), NOW), no, "of another region");
    assert_eq!(at(&pem(&["evil.example"], "sns.amazonaws.com"), NOW), no, "alternative names go first");
    assert_eq!(at(&pem(&["sns.amazonaws.com.evil.example"], "any"), NOW), no);
    assert_eq!(at("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", NOW), no);
    assert_eq!(at("", NOW), no);
}

fn read(topic: &Topic, change: impl Fn(&mut serde_json::Value)) -> Result<Notification, CallbackError> {
    let post = post();
    let mut body = serde_json::json!({
        "Type": "Notification", "MessageId": post.message_id, "TopicArn": post.topic_arn, "Message": post.message,
        "Timestamp": post.timestamp, "SignatureVersion": "2", "Signature": "AAAA",
        "SigningCertURL": post.signing_cert_url, "UnsubscribeURL": "https://sns.eu-central-1.amazonaws.com/?x",
    });
    change(&mut body);
    topic.read(body.to_string().as_bytes(), NOW)
}

#[test]
fn certificates_come_from_the_topics_own_host() {
    let topic = topic_at(None);
    assert!(read(&topic, |_| {}).is_ok());
    let own = topic_at(Some("http://127.0.0.1:8789/aws"));
    let sandbox = "http://127.0.0.1:8789/aws/SimpleNotificationService-0a1b.pem";
    assert!(read(&own, |body| body["SigningCertURL"] = sandbox.into()).is_ok());
    for url in [
        sandbox,
        "http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0a1b.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b.pem",
        "https://sns.eu-central-1.amazonaws.com.evil.example/SimpleNotificationService-0a1b.pem",
        "https://sns.eu-central-1.amazonaws.com@evil.example/SimpleNotificationService-0a1b.pem",
        "https://evil.example/SimpleNotificationService-0a1b.pem",
        "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-../0a1b.pem",
        "https://sns.eu-central-1.amazonaws.com/other/SimpleNotificationService-0a1b.pem",
        "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0a1b.pem?x=.pem",
        "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-.pem",
    ] {
        let read = read(&topic, |body| body["SigningCertURL"] = url.into());
        assert_eq!(read.err(), Some(CallbackError::Signature), "{url}");
    }
    let elsewhere = "http://127.0.0.1:8789/aws/uploads/SimpleNotificationService-0a1b.pem";
    assert!(
        read(&own, |body| body["SigningCertURL"] = elsewhere.into()).is_err(),
        "one path of base_url serves"
    );
}

#[test]
fn posts_of_other_topics_and_other_hours_are_refused() {
    let topic = topic_at(None);
    let other = "arn:aws:sns:eu-central-1:999999999999:receipts";
    let read = |name: &str, value: &str| read(&topic, |body| body[name] = value.into()).map(|_| ());
    assert_eq!(read("TopicArn", other), Err(CallbackError::OtherAccount));
    assert_eq!(read("Timestamp", "2026-11-19T09:00:00.000Z"), Ok(()));
    assert_eq!(read("Timestamp", "2026-11-19T08:59:59.999Z"), Err(CallbackError::Stale));
    assert_eq!(read("Timestamp", "2026-11-19T10:05:00.000Z"), Ok(()));
    assert_eq!(read("Timestamp", "2026-11-19T10:05:00.001Z"), Err(CallbackError::Stale));
    assert_eq!(read("Timestamp", "yesterday"), Err(CallbackError::Malformed));
    assert_eq!(read("Type", "Invitation"), Err(CallbackError::Malformed));
    assert_eq!(topic.read(b"nothing", NOW).err(), Some(CallbackError::Malformed));
}

#[test]
fn only_confirmations_of_the_topics_own_host_are_visited() {
    let topic = topic_at(None);
    let confirm = "/?Action=ConfirmSubscription&TopicArn=arn&Token=t";
    assert!(topic.is_confirmation(&format!("https://sns.eu-central-1.amazonaws.com{confirm}")));
    assert!(
        topic_at(Some("http://sandbox:1/aws")).is_confirmation(&format!("http://sandbox:1/aws{confirm}"))
    );
    for url in [
        format!("http://sns.eu-central-1.amazonaws.com{confirm}"),
        format!("https://sns.eu-west-1.amazonaws.com{confirm}"),
        format!("https://sns.eu-central-1.amazonaws.com.evil.example{confirm}"),
        format!("http://127.0.0.1{confirm}"),
        "https://sns.eu-central-1.amazonaws.com/?Action=DeleteTopic&TopicArn=arn".into(),
    ] {
        assert!(!topic.is_confirmation(&url), "{url}");
    }
}

#[test]
fn a_topic_is_an_arn() {
    for arn in
        ["receipts", "arn:aws:sqs:eu-central-1:1:q", "arn:aws:sns:evil.example/:1:t", "arn:aws:sns::1:t"]
    {
        assert!(Topic::new(arn, None).is_err(), "{arn}");
    }
    let china = Topic::new("arn:aws-cn:sns:cn-north-1:1:t", None).unwrap();
    assert_eq!(china.places, ["https://sns.cn-north-1.amazonaws.com.cn"]);
    assert!(china.names().contains(&"sns-cn-north-1.amazonaws.com.cn".to_owned()));
    let gov = Topic::new("arn:aws-us-gov:sns:us-gov-east-1:1:t", None).unwrap();
    assert!(gov.names().contains(&"sns-us-gov-west-1.amazonaws.com".to_owned()));
}
