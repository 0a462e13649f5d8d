use std::collections::BTreeMap;

use tiffin_shared::http::Request;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Cost;
use tiffin_shared::text::dlt::Registration;

use super::*;
use crate::gateways::call::Auth;
use crate::gateways::call::Body;
use crate::gateways::callback::Fate;
use crate::gateways::callback::Told;
use crate::gateways::codes::Codes;
use crate::gateways::codes::Corrections;
use crate::gateways::testing::Parts;
use crate::gateways::testing::registered;

const BASE: &str = "name = \"aws\"\nkind = \"aws_sms\"\nregion = \"eu-central-1\"\naccess_key_id = \"AKIAIOSFODNN7EXAMPLE\"\n";

fn aws(keys: &str) -> Result<(Account, AwsSms), String> {
    let account: Account =
        toml::from_str(&format!("{BASE}{keys}")).map_err(|error| error.message().to_owned())?;
    let variable = |name: &str| Some("a key".to_owned()).filter(|_| name.ends_with("SECRET_ACCESS_KEY"));
    let aws = AwsSms::new(&account, &Secrets::read(&account, variable)?)?;
    Ok((account, aws))
}

fn sent(call: Call) -> (BTreeMap<&'static str, String>, Value) {
    let Body::Raw(body) = call.body else { panic!("no body") };
    (call.headers.into_iter().collect(), serde_json::from_slice(&body).unwrap())
}

/// <https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendTextMessage.html>
#[test]
fn a_message_goes_out_signed_with_its_life_and_its_attempt() {
    let parts = Parts::usual();
    let call = aws("").unwrap().1.encode(&parts.message()).unwrap();
    assert_eq!(
        (call.url.as_str(), call.method.as_str()),
        ("https://sms-voice.eu-central-1.amazonaws.com/", "POST")
    );
    let Auth::Authorization(authorization) = &call.auth else { panic!("not signed") };
    let scope = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261119/eu-central-1/sms-voice/aws4_request, \
                 SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=";
    assert!(authorization.expose().starts_with(scope), "{}", authorization.expose());
    let (headers, body) = sent(call);
    assert_eq!(headers["content-type"], "application/x-amz-json-1.0");
    assert_eq!(headers["x-amz-target"], "PinpointSMSVoiceV2.SendTextMessage");
    assert_eq!(headers["x-amz-date"], "20261119T100000Z");
    let expected = json!({
        "DestinationPhoneNumber": "+919876543210", "OriginationIdentity": "+15005550006",
        "MessageBody": "012345 is your Tiffin code.", "MessageType": "TRANSACTIONAL", "TimeToLive": 300,
        "Context": {"attempt": parts.reference.text()},
    });
    assert_eq!(body, expected);
}

#[test]
fn what_an_account_is_configured_with_goes_along() {
    let keys = "configuration_set = \"codes\"\nmax_price = \"0.10\"\nprotect_configuration = \"protect-1\"\n\
                base_url = \"http://127.0.0.1:1/aws\"";
    let parts = Parts { sender: None, ..Parts::usual() };
    let message = Message { valid_s: 1, ..parts.message() };
    let call = aws(keys).unwrap().1.encode(&message).unwrap();
    assert_eq!(call.url, "http://127.0.0.1:1/aws/");
    let (_, body) = sent(call);
    assert_eq!((&body["ConfigurationSetName"], &body["MaxPrice"]), (&json!("codes"), &json!("0.10")));
    assert_eq!((&body["ProtectConfigurationId"], &body["TimeToLive"]), (&json!("protect-1"), &json!(5)));
    assert_eq!(body.get("OriginationIdentity"), None);
}

#[test]
fn a_registered_message_says_what_it_is_registered_as() {
    let (dlt, template) = registered();
    let registration = Registration { dlt: &dlt, template: &template, template_id: "1107457532145798767" };
    let parts = Parts::usual();
    let message = Message { registration: Some(&registration), ..parts.message() };
    let (_, body) = sent(aws("").unwrap().1.encode(&message).unwrap());
    let expected = json!({"IN_ENTITY_ID": "1101456324675322134", "IN_TEMPLATE_ID": "1107457532145798767"});
    assert_eq!(
        (&body["DestinationCountryParameters"], &body["OriginationIdentity"]),
        (&expected, &json!("TIFFIN"))
    );
}

#[test]
fn keys_that_cannot_be_used_stop_the_boot() {
    for (keys, error) in [
        ("topic_arn = \"receipts\"", "topic_arn: must be arn:aws:sns:REGION:ACCOUNT:NAME"),
        ("max_price = \"10 cents\"", "max_price: must be in US dollars"),
        ("base_url = \"sms-voice\"", "base_url: must be an http(s) address"),
        ("profile = \"p\"", "unknown field `profile`"),
    ] {
        assert!(aws(keys).err().unwrap().contains(error), "{keys}");
    }
    assert!(aws::check("eu-central-1/", "AKIAIOSFODNN7EXAMPLE").unwrap_err().starts_with("region: "));
    assert!(aws::check("eu-central-1", "AKIA").unwrap_err().starts_with("access_key_id: "));
}

#[test]
fn answers_lead_to_the_right_next_step() {
    let exception = |name: &str, reason: &str| json!({"__type": format!("com.amazonaws.pinpointsmsvoicev2#{name}"), "Message": "no", "Reason": reason});
    let of_field = |field: &str| {
        let mut body = exception("ValidationException", "FIELD_VALIDATION_FAILED");
        body["Fields"] = json!([{"Name": field, "Message": "no"}]);
        body
    };
    let failed = CallOutcome::Failed;
    let throttled = CallOutcome::Throttled { retry_after_ms: None };
    let taken = CallOutcome::Taken { provider_id: "862a8790-60c0".into() };
    let cases = [
        (200, json!({"MessageId": "862a8790-60c0"}), taken),
        (200, json!({}), CallOutcome::Unknown),
        (400, json!({"__type": "ThrottlingException", "Message": "slow"}), throttled),
        (
            400,
            json!({"__type": "com.amazon.coral.service#UnrecognizedClientException"}),
            failed(Reason::AuthFailed),
        ),
        (400, json!({"__type": "InvalidSignatureException"}), failed(Reason::AuthFailed)),
        (400, exception("AccessDeniedException", "ACCOUNT_DISABLED"), failed(Reason::AuthFailed)),
        (400, exception("ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT"), failed(Reason::OptedOut)),
        (
            400,
            exception("ConflictException", "NO_ORIGINATION_IDENTITIES_FOUND"),
            failed(Reason::SenderUnapproved),
        ),
        (
            400,
            exception("ValidationException", "DESTINATION_COUNTRY_BLOCKED"),
            failed(Reason::CountryDisabled),
        ),
        (400, exception("ValidationException", "NEW_REASON"), failed(Reason::Rejected)),
        (400, of_field("DestinationPhoneNumber"), failed(Reason::InvalidNumber)),
        (400, of_field("OriginationIdentity"), failed(Reason::SenderUnapproved)),
        (400, of_field("MessageBody"), failed(Reason::Rejected)),
        (
            400,
            exception("ServiceQuotaExceededException", "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT"),
            failed(Reason::InsufficientBalance),
        ),
        (
            400,
            json!({"__type": "ServiceQuotaExceededException"}),
            CallOutcome::Throttled { retry_after_ms: None },
        ),
        (500, json!({"__type": "InternalServerException"}), failed(Reason::ProviderDown)),
        (503, json!(null), failed(Reason::ProviderDown)),
        (504, json!(null), CallOutcome::Unknown),
    ];
    let codes = Codes::new(Corrections::default()).unwrap();
    let (account, aws) = aws("").unwrap();
    for (status, body, outcome) in cases {
        let answer = Answer { status, retry_after_s: None, body: body.to_string().into_bytes() };
        assert_eq!(codes.outcome(&account.name, "aws", aws.classify(&answer)), outcome, "{status} {body}");
    }
}

/// <https://docs.aws.amazon.com/sms-voice/latest/userguide/configuration-sets-event-format.html>
fn event(kind: &str, is_final: bool, context: &Value) -> String {
    json!({
        "eventType": kind, "eventVersion": "1.0", "eventTimestamp": 1_686_975_103_470_u64, "isFinal": is_final,
        "originationPhoneNumber": "+12065550152", "destinationPhoneNumber": "+14255550156",
        "isInternationalSend": false, "mcc": "310", "mnc": "800", "messageId": "862a8790-60c0",
        "messageRequestTimestamp": 1_686_975_103_170_u64, "messageEncoding": "GSM", "messageType": "TRANSACTIONAL",
        "messageStatus": "SUCCESSFUL", "messageStatusDescription": "Message has been accepted by phone carrier",
        "context": context, "totalMessageParts": 1, "totalMessagePrice": 0.09582, "totalCarrierFee": 0.0025,
    })
    .to_string()
}

#[test]
fn events_say_what_became_of_our_own_messages() {
    let attempt = Parts::usual().reference;
    let own = json!({CONTEXT_KEY: attempt.text()});
    let codes = Codes::new(Corrections::default()).unwrap();
    let (account, _) = aws("").unwrap();
    let fate = |kind: &str, is_final, accepted_counts| {
        let heard = event::read(&event(kind, is_final, &own), accepted_counts).unwrap();
        let [Told { attempt: Some(told), provider_id, fate, cost }] = heard.told.as_slice() else {
            panic!("{kind}")
        };
        assert_eq!((told, provider_id.as_str()), (&attempt, "862a8790-60c0"));
        assert_eq!(*cost, Cost::parse("0.09832", "USD", false), "the carrier's fee included");
        fate.clone()
    };
    assert_eq!(fate("TEXT_DELIVERED", true, false), Fate::Delivered);
    assert_eq!(fate("TEXT_SUCCESSFUL", true, true), Fate::Delivered);
    assert_eq!(fate("TEXT_SUCCESSFUL", false, true), Fate::Sent);
    assert_eq!(fate("TEXT_SUCCESSFUL", true, false), Fate::Sent);
    assert_eq!(fate("TEXT_PENDING", false, true), Fate::Sent);
    assert_eq!(fate("TEXT_SENT", false, true), Fate::Sent);
    assert_eq!(fate("TEXT_QUEUED", false, true), Fate::Underway);
    for (kind, reason) in [
        ("TEXT_BLOCKED", Reason::Blocked),
        ("TEXT_CARRIER_BLOCKED", Reason::ContentFiltered),
        ("TEXT_CARRIER_UNREACHABLE", Reason::ProviderDown),
        ("TEXT_INVALID", Reason::InvalidNumber),
        ("TEXT_INVALID_MESSAGE", Reason::Rejected),
        ("TEXT_PROTECT_BLOCKED", Reason::FraudBlocked),
        ("TEXT_SPAM", Reason::ContentFiltered),
        ("TEXT_TTL_EXPIRED", Reason::TtlExpired),
        ("TEXT_UNKNOWN", Reason::ProviderDown),
        ("TEXT_UNREACHABLE", Reason::AbsentTemporary),
    ] {
        let Fate::Failed { code, fallback } = fate(kind, true, true) else { panic!("{kind}") };
        assert_eq!(codes.reason(&account.name, "aws", code.as_deref(), fallback), reason, "{kind}");
    }
    for (kind, context) in [
        ("TEXT_DELIVERED", json!({})),
        ("TEXT_DELIVERED", json!({CONTEXT_KEY: "another's"})),
        ("VOICE_COMPLETED", own.clone()),
        ("REGISTRATION_STATUS_CHANGE", own.clone()),
    ] {
        assert_eq!(event::read(&event(kind, true, &context), true), Ok(Heard::default()), "{kind} {context}");
    }
    assert_eq!(event::read("nothing", true), Err(CallbackError::Malformed));
}

#[test]
fn without_a_topic_nothing_is_heard() {
    let request = Request {
        method: "POST".into(),
        path: "/callbacks/aws".into(),
        query: String::new(),
        headers: Vec::new().into_iter().collect(),
        body: b"{}".to_vec(),
    };
    let callback = Callback {
        url: "https://core.example",
        request: &request,
        attempt: None,
        certificate: None,
        now: UnixMs(0),
    };
    let (_, aws) = aws("").unwrap();
    assert_eq!(aws.certificate(&callback), Err(CallbackError::OtherAccount));
    assert_eq!(aws.hear(&callback), Err(CallbackError::OtherAccount));
}
