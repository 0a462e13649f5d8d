//! The sandbox over HTTP, as adapters, tests and the page use it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use self::common::ACCOUNT;
use self::common::PHONE;
use self::common::Receiver;
use self::common::Sandbox;
use self::common::TOKEN;
use self::common::answer;
use self::common::eventually;
use self::common::form;
use self::common::next;

mod aws;
mod bench;
mod calls;
mod common;
mod dates;
mod faults;
mod http;
mod infobip;
mod msg91;
mod plivo;
mod receipts;
mod silence;
mod sim_swap;
mod telegram;
mod twilio;
mod vonage_messages;
mod vonage_sms;
mod whatsapp;

/// The fields of `api.v2010.account.message` in Twilio's OpenAPI description.
const DESCRIBED: &str = "account_sid api_version body date_created date_sent date_updated direction error_code \
    error_message from messaging_service_sid num_media num_segments price price_unit sid status \
    subresource_uris to uri";

#[tokio::test]
async fn a_wrong_or_missing_token_is_refused() {
    let sandbox = Sandbox::start().await;
    let send = || sandbox.client.post(sandbox.messages_url()).form(&form(&[]));
    for request in [send(), send().basic_auth(ACCOUNT, Some("wrong")), send().basic_auth("AC00", Some(TOKEN))]
    {
        let (status, body) = answer(request).await;
        assert_eq!(status, 401);
        assert_eq!(
            body,
            json!({"code": 20003, "message": "Authenticate", "status": 401,
                   "more_info": "https://www.twilio.com/docs/errors/20003"})
        );
    }
    assert_eq!(answer(sandbox.client.get(sandbox.messages_url())).await.0, 401);
    assert!(sandbox.inbox("").await.is_empty());
}

#[tokio::test]
async fn a_message_has_the_whole_shape_of_the_providers_resource() {
    let sandbox = Sandbox::start().await;
    let (status, sent) = sandbox.send(&[]).await;
    assert_eq!(status, 201);
    let mut fields = sent.as_object().unwrap().keys().collect::<Vec<_>>();
    fields.sort();
    assert_eq!(fields, DESCRIBED.split_whitespace().collect::<Vec<_>>());
    assert_eq!(
        (&sent["status"], &sent["num_segments"], &sent["price"]),
        (&json!("queued"), &json!("1"), &Value::Null)
    );
    let sid = sent["sid"].as_str().unwrap();
    assert!(
        sid.len() == 34 && sid.starts_with("SM") && sid[2..].bytes().all(|digit| digit.is_ascii_hexdigit())
    );
    assert!(sent["date_created"].as_str().unwrap().ends_with(" +0000"));

    let url = format!("{}{}", sandbox.base, sent["uri"].as_str().unwrap());
    let fetch = || sandbox.client.get(&url).basic_auth(ACCOUNT, Some(TOKEN));
    eventually("delivered", async || answer(fetch()).await.1["status"] == "delivered").await;
    assert!(answer(fetch()).await.1["date_sent"].is_string());
    let missing = sandbox.client.get(url.replace(sid, "SM00")).basic_auth(ACCOUNT, Some(TOKEN));
    assert_eq!(answer(missing).await.1["code"], 20404);
}

#[tokio::test]
async fn the_list_is_filtered_and_paged() {
    let sandbox = Sandbox::start().await;
    for number in ["+14155550001", PHONE, PHONE, PHONE] {
        assert_eq!(sandbox.send(&[("To", number)]).await.0, 201);
    }
    let list = async |query: &str| {
        let url = format!("{}?{query}", sandbox.messages_url());
        answer(sandbox.client.get(url).basic_auth(ACCOUNT, Some(TOKEN))).await
    };
    assert_eq!(list("").await.1["messages"].as_array().unwrap().len(), 4);
    let first = list("To=%2B919876543210&PageSize=2").await.1;
    assert_eq!((first["start"].as_u64(), first["end"].as_u64()), (Some(0), Some(1)));
    let next = first["next_page_uri"].as_str().unwrap().split_once('?').unwrap().1;
    let second = list(next).await.1;
    assert_eq!(second["messages"].as_array().unwrap().len(), 1);
    assert_eq!(second["next_page_uri"], Value::Null);
    assert_eq!(list("PageSize=many").await.0, 400);
}

#[tokio::test]
async fn bad_messages_are_refused_with_the_providers_codes() {
    let sandbox = Sandbox::start().await;
    let (fits, long) = ("ü".repeat(1_600), "ü".repeat(1_601));
    let cases = [
        ("To", "", 21211),
        ("To", "9876543210", 21211),
        ("To", "+0987654321", 21211),
        ("To", "+1234567890123456", 21211),
        ("From", "", 21603),
        ("Body", "", 21602),
        ("Body", &long, 21617),
        ("StatusCallback", "not a url", 21609),
        ("StatusCallback", "ftp://example.com/", 21609),
        ("StatusCallback", "http://example.com/ü", 21609),
    ];
    for (name, value, code) in cases {
        let (status, body) = sandbox.send(&[(name, value)]).await;
        assert_eq!((status, &body["code"]), (400, &json!(code)), "{name}");
    }
    assert!(sandbox.inbox("").await.is_empty());
    assert_eq!(sandbox.send(&[("Body", &fits)]).await.0, 201);
    let (status, body) = sandbox.send(&[("From", ""), ("MessagingServiceSid", "MG01")]).await;
    assert_eq!((status, &body["from"], &body["messaging_service_sid"]), (201, &Value::Null, &json!("MG01")));
    assert_eq!(sandbox.send(&[("Body", &"a".repeat(70_000))]).await.0, 413);
}

#[tokio::test]
async fn a_message_arrives_and_is_called_back_signed_in_order() {
    let sandbox = Sandbox::start().await;
    let receiver = Receiver::start(1).await;
    let (_, sent) = sandbox.send(&[("StatusCallback", &receiver.url)]).await;
    let entries = sandbox.inbox("?to=%2B919876543210").await;
    let entry = json!({"to": PHONE, "channel": "sms", "gateway": "twilio-sms", "text": "482915 is your code.",
                       "id": sent["sid"], "at": entries[0]["at"]});
    assert_eq!(entries, [entry]);
    assert!(
        entries[0]["at"].as_str().unwrap().ends_with('Z') && entries[0]["at"].as_str().unwrap().len() == 24
    );

    // The receiver refused the first call, so three are made.
    eventually("three callbacks", async || receiver.calls().len() == 3).await;
    let statuses = receiver.calls().iter().map(|call| call["MessageStatus"].clone()).collect::<Vec<_>>();
    assert_eq!(statuses, ["sent", "sent", "delivered"]);
    for call in receiver.calls() {
        assert_eq!(call["verified"], "true");
        assert_eq!(call["SmsStatus"], call["MessageStatus"]);
        assert_eq!(
            (&*call["To"], &*call["From"], &*call["ApiVersion"]),
            (PHONE, "+15005550006", "2010-04-01")
        );
        assert_eq!((&*call["AccountSid"], json!(call["MessageSid"])), (ACCOUNT, sent["sid"].clone()));
        assert_eq!(call["SmsSid"], call["MessageSid"]);
    }
}

#[tokio::test]
async fn the_inbox_is_newest_first_and_can_be_emptied() {
    let sandbox = Sandbox::start().await;
    for (to, text) in [(PHONE, "1111"), ("+14155550001", "2222"), (PHONE, "3333")] {
        sandbox.send(&[("To", to), ("Body", text)]).await;
    }
    let texts = async |query| {
        sandbox.inbox(query).await.iter().map(|entry| entry["text"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(texts("").await, ["3333", "2222", "1111"]);
    assert_eq!(texts("?to=+919876543210").await, ["3333", "1111"]);
    assert_eq!(texts("?to=%2B919876543210").await, ["3333", "1111"]);
    assert!(texts("?to=+919876543211").await.is_empty());
    assert_eq!(sandbox.call(Method::DELETE, "/inbox", "").await.0, 204);
    assert!(texts("").await.is_empty());
}

#[tokio::test]
async fn events_are_live_and_end_with_the_sandbox() {
    let mut sandbox = Sandbox::start().await;
    let mut stream = sandbox.client.get(format!("{}/inbox/events", sandbox.base)).send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let (_, sent) = sandbox.send(&[]).await;
    let id = sent["sid"].as_str().unwrap();
    let mut heard = String::new();
    while !heard.contains(&format!("event: status\ndata: {{\"id\":\"{id}\",\"status\":\"delivered\"}}")) {
        heard.push_str(&next(&mut stream).await.unwrap());
    }
    let message = heard.find("event: message\ndata: {\"to\":\"+919876543210\"").unwrap();
    assert!(message < heard.find("\"status\":\"sent\"").unwrap());
    sandbox.call(Method::DELETE, "/inbox", "").await;
    while !heard.contains("event: cleared") {
        heard.push_str(&next(&mut stream).await.unwrap());
    }
    sandbox.shutdown.take().unwrap().send(()).unwrap();
    while next(&mut stream).await.is_some() {}
}

#[tokio::test]
async fn the_page_is_served_under_a_strict_policy() {
    let sandbox = Sandbox::start().await;
    for (path, kind) in [
        ("/", "text/html"),
        ("/inbox.css", "text/css"),
        ("/inbox.js", "text/javascript"),
        ("/faults.js", "text/javascript"),
    ] {
        let response = sandbox.client.get(format!("{}{path}", sandbox.base)).send().await.unwrap();
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with(kind));
        assert!(
            response.headers()["content-security-policy"]
                .to_str()
                .unwrap()
                .starts_with("default-src 'self';")
        );
        let text = response.text().await.unwrap();
        assert!(
            !text.contains("innerHTML") && !text.contains("https://") && !text.contains(" style="),
            "{path}"
        );
    }
    assert_eq!(sandbox.client.get(format!("{}/healthz", sandbox.base)).send().await.unwrap().status(), 200);
    let nothing = sandbox.client.get(format!("{}/nothing", sandbox.base)).send().await.unwrap();
    assert_eq!(nothing.status(), 404);
    assert_eq!(nothing.headers()["content-type"], "application/problem+json");
}
