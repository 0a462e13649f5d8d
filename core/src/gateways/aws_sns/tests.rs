use tiffin_shared::order::CallOutcome;
use tiffin_shared::route::Sender;
use tiffin_shared::text::dlt::Registration;

use super::*;
use crate::gateways::call::Body;
use crate::gateways::codes::Codes;
use crate::gateways::codes::Corrections;
use crate::gateways::testing::Parts;
use crate::gateways::testing::registered;

fn sns(keys: &str) -> (Account, AwsSns) {
    let base = "name = \"sns\"\nkind = \"aws_sns\"\nregion = \"eu-central-1\"\naccess_key_id = \"AKIAIOSFODNN7EXAMPLE\"\n";
    let account: Account = toml::from_str(&format!("{base}{keys}")).unwrap();
    let sns = AwsSns::new(&account, &Secrets::read(&account, |_| Some("a key".into())).unwrap()).unwrap();
    (account, sns)
}

fn form(call: Call) -> Vec<(String, String)> {
    let Body::Raw(body) = call.body else { panic!("no body") };
    form_urlencoded::parse(&body).into_owned().collect()
}

/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
#[test]
fn a_message_is_published_to_the_number() {
    for (from, name) in [
        ("TIFFIN", Some("AWS.SNS.SMS.SenderID")),
        ("+15005550006", Some("AWS.MM.SMS.OriginationNumber")),
        ("", None),
    ] {
        let parts = Parts { sender: Sender::parse(from).ok(), ..Parts::usual() };
        let call = sns("max_price = \"0.10\"").1.encode(&parts.message()).unwrap();
        assert_eq!(call.url, "https://sns.eu-central-1.amazonaws.com/");
        let form = form(call);
        let param =
            |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        assert_eq!((param("Action"), param("Version")), (Some("Publish"), Some("2010-03-31")));
        assert_eq!(param("PhoneNumber"), Some("+919876543210"));
        assert_eq!(param("Message"), Some("012345 is your Tiffin code."));
        let attribute = |at: u8, part: &str| param(&format!("MessageAttributes.entry.{at}.{part}"));
        assert_eq!(attribute(1, "Name"), Some("AWS.SNS.SMS.SMSType"));
        assert_eq!(attribute(1, "Value.StringValue"), Some("Transactional"));
        let price = if name.is_some() { 3 } else { 2 };
        assert_eq!(attribute(2, "Name"), name.or(Some("AWS.SNS.SMS.MaxPrice")));
        assert_eq!(attribute(price, "Value.DataType"), Some("Number"));
        assert_eq!(attribute(price + 1, "Name"), None);
    }
}

#[test]
fn a_registered_message_says_what_it_is_registered_as() {
    let (dlt, template) = registered();
    let registration = Registration { dlt: &dlt, template: &template, template_id: "1107457532145798767" };
    let parts = Parts::usual();
    let message = Message { registration: Some(&registration), ..parts.message() };
    let form = form(sns("").1.encode(&message).unwrap());
    for (name, value) in [
        ("AWS.SNS.SMS.SenderID", "TIFFIN"),
        ("AWS.MM.SMS.EntityId", "1101456324675322134"),
        ("AWS.MM.SMS.TemplateId", "1107457532145798767"),
    ] {
        let (entry, _) = form.iter().find(|(_, known)| known == name).unwrap();
        let key = entry.replace("Name", "Value.StringValue");
        assert!(form.contains(&(key, value.to_owned())), "{name}");
    }
}

/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Examples>
#[test]
fn answers_lead_to_the_right_next_step() {
    let published = "<PublishResponse xmlns=\"https://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>\n\
                     <MessageId>567910cd-659e-55d4-8ccb-5aaf14679dc0</MessageId></PublishResult></PublishResponse>";
    let error = |code: &str| {
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"
        )
    };
    let failed = CallOutcome::Failed;
    let taken = CallOutcome::Taken { provider_id: "567910cd-659e-55d4-8ccb-5aaf14679dc0".into() };
    let cases = [
        (200, published.to_owned(), taken),
        (200, "<html>".to_owned(), CallOutcome::Unknown),
        (400, error("InvalidParameter"), failed(Reason::Rejected)),
        (400, error("OptedOut"), failed(Reason::OptedOut)),
        (400, error("Throttling"), CallOutcome::Throttled { retry_after_ms: None }),
        (403, error("SignatureDoesNotMatch"), failed(Reason::AuthFailed)),
        (403, error("InvalidClientTokenId"), failed(Reason::AuthFailed)),
        (403, error("AuthorizationError"), failed(Reason::AuthFailed)),
        (500, error("InternalError"), failed(Reason::ProviderDown)),
        (502, String::new(), CallOutcome::Unknown),
    ];
    let codes = Codes::new(Corrections::default()).unwrap();
    let (account, sns) = sns("");
    for (status, body, outcome) in cases {
        let answer = Answer { status, retry_after_s: None, body: body.clone().into_bytes() };
        assert_eq!(codes.outcome(&account.name, "aws", sns.classify(&answer)), outcome, "{status} {body}");
    }
}
