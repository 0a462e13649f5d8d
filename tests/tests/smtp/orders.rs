//! Whole orders by mail: through the gateway, to the sandbox's mail server, and back as delivery reports.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_core::gateways::smtp::tag::Tags;
use tiffin_shared::id::OrderId;
use tiffin_shared::reference::Reference;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

const GATEWAY: &str = r#"
[[gateways]]
name = "mail"
kind = "smtp"
sandbox = true
user = "tiffin"
from = "Tiffin <codes@shop.example>"
report_success = true
"#;
const TO: &str = "user@mail.example";

async fn start() -> anyhow::Result<Stack> {
    let port = format!("127.0.0.1:{}", wait::free_ports(1)?);
    let more = [("TIFFIN_SANDBOX_SMTP_LISTEN", port.as_str())];
    Stack::launch(Front::Standalone, Backing::Memory, &more, |text| format!("{text}\n{GATEWAY}")).await
}

async fn order(stack: &Stack, body: &Value) -> anyhow::Result<String> {
    let reply = stack.client.create(&fresh_key(), body).await?;
    anyhow::ensure!(reply.status == 202, "not accepted: {reply:?}");
    reply.id()
}

fn by_mail() -> Value {
    json!({ "to": { "email": TO }, "service": "login" })
}

/// A bounce in its shortest form, piped to the gateway's address; the status of the answer.
async fn bounce(stack: &Stack, secret: &str, tag: &str, action: &str, code: &str) -> anyhow::Result<u16> {
    let text = format!(
        "To: <bounces+{tag}@shop.example>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n\
         Final-Recipient: rfc822; {TO}\r\nAction: {action}\r\nStatus: {code}\r\n\r\n--b--\r\n"
    );
    let url = format!("{}/callbacks/mail{secret}", stack.client.core);
    let headers = [("content-type", "message/rfc822")];
    Ok(stack.client.raw(Method::POST, url, &headers, text.into_bytes()).await?.status)
}

fn variable<'a>(stack: &'a Stack, name: &str) -> &'a str {
    stack.keys.core.get(name).map_or("", String::as_str)
}

#[tokio::test]
async fn a_code_arrives_by_mail_and_verifies() -> anyhow::Result<()> {
    let stack = start().await?;
    let id = order(&stack, &by_mail()).await?;
    let code = stack.client.code(TO).await?;
    let delivered = stack.client.until_state(&id, "delivered").await?;
    assert_eq!(delivered["attempts"][0]["gateway"], "mail");
    assert_eq!(stack.client.guess(&id, &code).await?, "verified");
    let order = stack.client.fetch(&id).await?.body;
    assert_eq!(order["verified_channel"], "email");
    let said = stack.core.as_ref().map(|core| core.log()).unwrap_or_default();
    assert!(!said.contains(&code) && !said.contains(TO), "the code or the address is in the log");
    Ok(())
}

#[tokio::test]
async fn an_order_fails_over_to_mail_and_from_it() -> anyhow::Result<()> {
    let stack = start().await?;
    let (client, phone) = (&stack.client, fresh_phone());
    for gateway in ["twilio-sms", "twilio-sms-2"] {
        client.fault_of(gateway, "reject").await?;
    }
    let both =
        |phone: &str| json!({ "to": { "phone": phone, "email": TO }, "service": "login", "channel": "auto" });
    let id = order(&stack, &both(&phone)).await?;
    let code = client.code(TO).await?;
    assert_eq!(client.guess(&id, &code).await?, "verified");
    // A message may be there before its order tells of it.
    let is_told = |reply: &Reply| {
        let attempts = reply.body["attempts"].as_array();
        attempts.and_then(|all| all.last()).is_some_and(|last| last["channel"] == "email")
    };
    let told = wait::until("an attempt by mail", || client.fetch(&id), is_told).await?;
    assert_ne!(told.body["attempts"][0]["channel"], "email", "{told:?}");
    Ok(())
}

#[tokio::test]
async fn a_refused_mailbox_ends_an_order_that_has_no_other_way() -> anyhow::Result<()> {
    let stack = start().await?;
    stack.client.fault_of("mail", "reject").await?;
    let id = order(&stack, &by_mail()).await?;
    let failed = stack.client.until_state(&id, "failed").await?;
    assert_eq!(failed["attempts"][0]["reason"], "invalid_address");
    Ok(())
}

#[tokio::test]
async fn a_late_bounce_turns_a_sent_attempt_to_failed() -> anyhow::Result<()> {
    let stack = start().await?;
    stack.client.fault_of("mail", "failed_receipt").await?;
    let id = order(&stack, &by_mail()).await?;
    let failed = stack.client.until_state(&id, "failed").await?;
    let attempts = failed["attempts"].as_array().map_or(0, Vec::len);
    assert_eq!((attempts, &failed["attempts"][0]["reason"]), (1, &json!("invalid_address")), "{failed}");
    Ok(())
}

#[tokio::test]
async fn a_greylisted_message_is_delivered_in_the_end() -> anyhow::Result<()> {
    let stack = start().await?;
    let client = &stack.client;
    let fault = json!({ "mode": "reject", "code": "4.7.1", "for_ms": 1_500 });
    let url = format!("{}/faults/mail", client.sandbox);
    let headers = [("content-type", "application/json")];
    let reply = client.raw(Method::PUT, url, &headers, serde_json::to_vec(&fault)?).await?;
    anyhow::ensure!(reply.status < 300, "{reply:?}");
    let id = order(&stack, &by_mail()).await?;
    let delivered = client.until_state(&id, "delivered").await?;
    let attempts = delivered["attempts"].as_array().map_or(0, Vec::len);
    assert!(attempts > 1, "{delivered}");
    assert_eq!(delivered["attempts"][0]["reason"], "absent_temporary");
    Ok(())
}

#[tokio::test]
async fn forged_and_replayed_bounces_change_nothing() -> anyhow::Result<()> {
    let stack = start().await?;
    let client = &stack.client;
    client.fault_of("mail", "accept_no_receipt").await?;
    let id = order(&stack, &by_mail()).await?;
    let sent = client.until_state(&id, "sent").await?;
    let secret = format!("/{}", variable(&stack, "TIFFIN_GATEWAY_MAIL_CALLBACK_SECRET"));
    let key = variable(&stack, "TIFFIN_GATEWAY_MAIL_BOUNCE_KEY");
    assert!(secret.len() > 16 && key.len() > 16);
    let attempt = Reference { order: OrderId::parse(&id)?, n: 1 };
    let tag = |key: &str, gateway: &str| Tags::new(gateway, key).make(&attempt).unwrap_or_default();
    let right = tag(key, "mail");
    // Through no door, the wrong door, or with a check that is not ours.
    assert_eq!(bounce(&stack, "", &right, "failed", "5.1.1").await?, 404);
    assert_eq!(bounce(&stack, "/guessed-guessed-guessed", &right, "failed", "5.1.1").await?, 404);
    assert_eq!(bounce(&stack, &secret, &tag("guess", "mail"), "failed", "5.1.1").await?, 401);
    assert_eq!(bounce(&stack, &secret, &tag(key, "other"), "failed", "5.1.1").await?, 401);
    let still = client.fetch(&id).await?.body;
    assert_eq!((&still["state"], &still["attempts"]), (&sent["state"], &sent["attempts"]));
    // A delay tells nothing new; the real one does, once.
    assert_eq!(bounce(&stack, &secret, &right, "delayed", "4.4.1").await?, 204);
    assert_eq!(client.fetch(&id).await?.body["state"], "sent");
    assert_eq!(bounce(&stack, &secret, &right, "failed", "5.1.1").await?, 204);
    let failed = client.until_state(&id, "failed").await?;
    for _ in 0..2 {
        assert_eq!(bounce(&stack, &secret, &right, "failed", "5.7.1").await?, 204);
    }
    let replayed = client.fetch(&id).await?.body;
    assert_eq!((&replayed["state"], &replayed["attempts"]), (&failed["state"], &failed["attempts"]));
    Ok(())
}

#[tokio::test]
async fn the_sandbox_misbehaves_by_mail_as_by_other_ways() -> anyhow::Result<()> {
    let stack = start().await?;
    let client = &stack.client;
    let to = |mode: &str| format!("{mode}@mail.example");
    let body = |mode: &str| json!({ "to": { "email": to(mode) }, "service": "login" });
    for mode in ["duplicate_receipt", "out_of_order", "receipt_first"] {
        client.fault_of("mail", mode).await?;
        let id = order(&stack, &body(mode)).await?;
        client.until_state(&id, "delivered").await?;
    }
    for (mode, reason) in [
        ("http_500", "provider_down"),
        ("http_429", "throttled"),
        ("reset", "unknown_outcome"),
        ("reset_taken", "unknown_outcome"),
    ] {
        client.fault_of("mail", mode).await?;
        let id = order(&stack, &body(mode)).await?;
        let has_reason = |reply: &Reply| reply.body["attempts"][0]["reason"] == reason;
        wait::until(mode, || client.fetch(&id), has_reason).await?;
        let arrived = client.inbox(&to(mode)).await?.len();
        assert_eq!(arrived, usize::from(mode == "reset_taken"), "{mode}");
    }
    Ok(())
}
