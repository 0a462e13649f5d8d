//! Support's retry: by the ledger's rule, with every wish and refusal in the order's story.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::common::cli;
use crate::common::happenings;
use crate::common::ops;
use crate::common::resending;

async fn timeline(stack: &Stack, id: &str) -> anyhow::Result<Value> {
    Ok(ops(stack, Method::GET, &format!("orders/{id}"), &[], &Value::Null).await?.body)
}

async fn support_retries_by_the_ledgers_rule(front: Front, backing: Backing) -> anyhow::Result<()> {
    let stack = resending(front, backing).await?;
    let (client, phone) = (&stack.client, fresh_phone());
    let id = client.order(&phone).await?;
    client.until_state(&id, "delivered").await?;
    let path = format!("orders/{id}/retry");
    let asha = [("x-operator", "asha"), ("idempotency-key", "one")];
    let wish = json!({"channel": "voice", "reason": "says that nothing came"});
    let retried = ops(&stack, Method::POST, &path, &asha, &wish).await?;
    assert_eq!((retried.status, &retried.body["order"]["sends_left"]), (200, &json!(1)), "{retried:?}");
    let again = ops(&stack, Method::POST, &path, &asha, &wish).await?;
    assert_eq!((again.status, &again.body["order"]["sends_left"]), (200, &json!(1)), "{again:?}");
    let calls = || client.inbox(&phone);
    wait::until("the call", calls, |messages| messages.len() == 2).await?;

    // The same way a second time changes nothing, and the refusal says what would.
    let refused = ops(&stack, Method::POST, &path, &[("x-operator", "ravi")], &wish).await?;
    assert_eq!((refused.status, refused.code()), (409, Some("nothing_changed")), "{refused:?}");
    let may_change = refused.body["may_change"].as_array().cloned().unwrap_or_default();
    assert!(may_change.contains(&json!("sms")) && !may_change.contains(&json!("voice")), "{refused:?}");
    let told = timeline(&stack, &id).await?;
    let asked = happenings(&told, "retry_asked");
    assert_eq!(asked.len(), 3, "{told}");
    assert_eq!((&asked[0]["by"], &asked[2]["by"]), (&json!("asha"), &json!("ravi")));
    assert_eq!((&asked[0]["after"]["n"], &asked[0]["after"]["state"]), (&json!(1), &json!("delivered")));
    let taken = happenings(&told, "retried");
    // Asked again by the same name, it went once.
    assert_eq!((taken.len(), &taken[0]["channel"]), (1, &json!("voice")), "{told}");
    assert_eq!(taken[0]["why"], "as asked", "{told}");
    assert!(taken[0]["may_change"].as_array().is_some_and(|all| all.contains(&json!("voice"))), "{told}");
    let no = happenings(&told, "retry_refused");
    assert_eq!((no.len(), &no[0]["code"]), (1, &json!("nothing_changed")), "{told}");
    assert_eq!(no[0]["may_change"], refused.body["may_change"], "{told}");

    by_command_line(&stack, &id).await
}

async fn by_command_line(stack: &Stack, id: &str) -> anyhow::Result<()> {
    let reason = "user says code 889464 does not work";
    let (went, said) = cli(stack, &["order", "retry", id, "--channel", "voice", "--reason", reason])?;
    assert!(!went && said.contains("409") && !said.contains("--key"), "{said}");
    let audit = ops(stack, Method::GET, "audit?newest_first=true", &[], &Value::Null).await?;
    for kept in [audit.text, timeline(stack, id).await?.to_string()] {
        assert!(kept.contains("user says code 000000 does not work") && !kept.contains("889464"), "{kept}");
    }
    let (went, said) = cli(stack, &["order", "cancel", id])?;
    assert!(!went && said.contains("409"), "delivered: {said}");
    let (went, said) = cli(stack, &["order", "show", id])?;
    assert!(went && said.contains("asha asks for a retry (voice)"), "{said}");
    assert!(said.contains("retry refused (nothing_changed)"), "{said}");
    assert!(said.contains("asha calls it off: cancel_too_late"), "{said}");

    for (body, status) in [
        (json!({"channel": "pigeon", "reason": "x"}), 400),
        (json!({"channel": "sms"}), 400),
        (json!({"reason": ""}), 400),
        (json!({"reason": "call +91 98765 43210"}), 400),
        (json!({"reason": "x".repeat(281)}), 400),
    ] {
        let reply = ops(stack, Method::POST, &format!("orders/{id}/retry"), &[], &body).await?;
        assert_eq!(reply.status, status, "{body}: {reply:?}");
    }
    let stranger = format!("ord_{}", "A".repeat(43));
    let (path, body) = (format!("orders/{stranger}/retry"), json!({"reason": "x"}));
    assert_eq!(ops(stack, Method::POST, &path, &[], &body).await?.status, 404);
    let reply = ops(stack, Method::GET, "routes", &[("x-operator", "a<b")], &Value::Null).await?;
    assert_eq!(reply.status, 400, "{reply:?}");
    Ok(())
}

/// Of an order's automatic attempts each says what failed before, and of which class that was.
async fn an_automatic_retry_says_what_it_comes_after(front: Front) -> anyhow::Result<()> {
    let stack = resending(front, Backing::Memory).await?;
    stack.client.fault_of("twilio-sms", "http_500").await?;
    let id = stack.client.order(&fresh_phone()).await?;
    stack.client.until_state(&id, "delivered").await?;
    let told = timeline(&stack, &id).await?;
    let attempts = happenings(&told, "attempt");
    assert!(attempts.len() >= 2 && attempts[0].get("after").is_none(), "{told}");
    let after = &attempts[1]["after"];
    assert_eq!(
        (&after["n"], &after["state"], &after["class"]),
        (&json!(1), &json!("failed"), &json!("transient"))
    );
    assert_eq!(
        (&after["reason"], &after["rules_out"]),
        (&json!("provider_down"), &json!("nothing")),
        "{told}"
    );
    Ok(())
}

#[tokio::test]
async fn support_retries_by_the_ledgers_rule_at_the_edge() -> anyhow::Result<()> {
    support_retries_by_the_ledgers_rule(Front::Edge, Backing::Memory).await
}

#[tokio::test]
async fn support_retries_by_the_ledgers_rule_standalone() -> anyhow::Result<()> {
    support_retries_by_the_ledgers_rule(Front::Standalone, Backing::Memory).await
}

#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn support_retries_by_the_ledgers_rule_on_redis() -> anyhow::Result<()> {
    support_retries_by_the_ledgers_rule(Front::Standalone, Backing::Shared).await
}

#[tokio::test]
async fn an_automatic_retry_says_what_it_comes_after_standalone() -> anyhow::Result<()> {
    an_automatic_retry_says_what_it_comes_after(Front::Standalone).await
}
