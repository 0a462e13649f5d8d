//! What one order comes to, by how it ends.

use reqwest::Method;
use serde_json::json;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::common;
use crate::common::PRICE;
use crate::common::sums;

async fn orders_cost_what_they_came_to(front: Front) -> anyhow::Result<()> {
    let stack = common::start(front, Backing::Memory, 10 * PRICE, 3_000).await?;
    let client = &stack.client;

    // Verified: it is paid for.
    let phone = fresh_phone();
    let id = client.order(&phone).await?;
    let code = client.code(&phone).await?;
    assert_eq!(client.guess(&id, &code).await?, "verified");
    assert_eq!(sums(&common::settled(&stack, &id).await?), [PRICE, PRICE, 0, 0]);
    let (_, shown) = stack.run_with(&["order", "show", &id], &[("TIFFIN_OPS_URL", &client.core)])?;
    assert!(shown.contains("USD: held 0.0025, charged 0.0025, released 0.00, refunded 0.00"), "{shown}");
    assert!(shown.contains("money: charged 0.0025 for attempt 1"), "{shown}");

    // Called off when it was overdue: it goes back.
    for gateway in ["twilio-sms", "twilio-sms-2"] {
        client.fault_of(gateway, "accept_no_receipt").await?;
    }
    let id = client.order(&fresh_phone()).await?;
    let look = || client.fetch(&id);
    wait::until("an order that may be called off", look, |reply| {
        // Of the last way: a way that is left is taken when the one before is overdue, and closes the window again.
        reply.body["attempts"][1]["state"] == "sent" && reply.body["cancel"]["window"] == "open"
    })
    .await?;
    let cancelled = client.call(Method::POST, &format!("/v1/orders/{id}/cancel"), &[], &json!(null)).await?;
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
    let [held, captured, released, refunded] = sums(&common::settled(&stack, &id).await?);
    assert!(captured >= PRICE && held == captured + released, "{held} {captured} {released}");
    assert_eq!(refunded, captured);

    // Refused by everybody: nothing is charged, and what is held is not held for long.
    for gateway in ["twilio-sms", "twilio-sms-2"] {
        client.fault_of(gateway, "reject").await?;
    }
    let id = client.order(&fresh_phone()).await?;
    client.until_state(&id, "failed").await?;
    let bill = wait::until("its hold back", || common::bill(&stack, &id), |bill| bill["is_posted"] == true);
    let [held, captured, released, _] = sums(&bill.await?);
    assert_eq!((captured, released), (0, held));

    let balance = common::balance(&stack).await?.body;
    assert_eq!((&balance["available_micros"], &balance["held_micros"]), (&json!(9 * PRICE), &json!(0)));
    let sum: i64 = common::entries(&stack)
        .await?
        .iter()
        .flat_map(|entry| entry["lines"].as_array().cloned().unwrap_or_default())
        .filter_map(|line| line["micros"].as_i64())
        .sum();
    assert_eq!(sum, 0, "debits are credits");
    books_say_how_much_in_what(&stack).await
}

/// Without adding up lines: to the unit, by kind.
async fn books_say_how_much_in_what(stack: &Stack) -> anyhow::Result<()> {
    for entry in common::entries(stack).await? {
        let most =
            entry["lines"].as_array().into_iter().flatten().filter_map(|line| line["micros"].as_i64()).max();
        assert_eq!(entry["amount_micros"], most.unwrap_or(0), "{entry}");
        assert!(entry["currency"].as_str().is_some_and(|code| code.len() == 3), "{entry}");
    }
    let csv = common::ask(stack, Method::GET, "export/ledger?tenant=dev&format=csv", None).await?;
    let mut lines = csv.text.lines();
    assert!(
        lines.next().is_some_and(|head| head.starts_with("tenant,row,seq,at,kind,currency,amount_micros,"))
    );
    let captured = format!(",{PRICE},ord_");
    assert!(lines.any(|line| line.contains(",capture,") && line.contains(&captured)), "{csv:?}");
    Ok(())
}

#[tokio::test]
async fn orders_cost_what_they_came_to_at_the_wasm_edge() -> anyhow::Result<()> {
    orders_cost_what_they_came_to(Front::Edge).await
}

#[tokio::test]
async fn orders_cost_what_they_came_to_standalone() -> anyhow::Result<()> {
    orders_cost_what_they_came_to(Front::Standalone).await
}

#[tokio::test]
async fn an_empty_account_refuses_orders_until_an_operator_puts_money_in() -> anyhow::Result<()> {
    let stack = common::start(Front::Standalone, Backing::Memory, PRICE - 1, 12_000).await?;
    let client = &stack.client;
    let create = || async { client.create(&fresh_key(), &login(&fresh_phone())).await };
    let refused = wait::until("a refusal", create, |reply| reply.status == 402).await?;
    assert_eq!(refused.code(), Some("insufficient_balance"), "{refused:?}");
    let credit = |micros: i64| json!({"amount_micros": micros, "reference": "invoice 1", "note": "by bank"});
    let path = "tenants/dev/balance/credit";
    for (result, _) in [("done", 0), ("before", 1)] {
        let done = common::ask(&stack, Method::POST, path, Some(&credit(1))).await?;
        assert_eq!((done.status, &done.body["result"]), (200, &json!(result)), "{done:?}");
        assert_eq!(done.body["funded_micros"], json!(PRICE));
    }
    for (body, status) in [
        (credit(2), 422),
        (json!({"amount_micros": 0, "reference": "x"}), 400),
        (json!({"amount_micros": -1 - PRICE.cast_signed(), "reference": "x"}), 400),
        (json!({"amount_micros": 1, "reference": ""}), 400),
        (json!({"amount_micros": 1}), 400),
    ] {
        let reply = common::ask(&stack, Method::POST, path, Some(&body)).await?;
        assert_eq!(reply.status, status, "{body}: {reply:?}");
    }
    wait::until("an order", create, |reply| reply.status == 202).await?;
    for path in ["tenants/nobody/balance", "tenants/%20/balance"] {
        assert_eq!(common::ask(&stack, Method::GET, path, None).await?.status, 404, "{path}");
    }
    let to_core = [("TIFFIN_OPS_URL", client.core.as_str())];
    let (_, listed) = stack.run_with(&["balance", "list"], &to_core)?;
    assert!(listed.contains("dev") && listed.contains("USD"), "{listed}");
    let (_, entries) = stack.run_with(&["balance", "entries", "dev"], &to_core)?;
    assert!(entries.contains("credit") && entries.contains("invoice 1"), "{entries}");
    Ok(())
}
