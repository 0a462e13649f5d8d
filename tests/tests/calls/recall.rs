//! Calling an order off in each of its windows, with providers that can stop a message and others that cannot. Prints a table of
//! what each came to.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_core::config::names::OPERATOR_TOKEN;
use tiffin_tests::billing::paying;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::common::cancel;
use crate::common::replaced;

/// One way for each country, so that a number decides by which gateway its order goes.
const GATEWAYS: &str = r#"
[[gateways]]
name = "twilio-fr"
kind = "twilio"
account_sid = "AC00000000000000000000000000000001"
from = "+15005550006"
countries = ["FR"]
sandbox = true

[[gateways]]
name = "smsc-de"
kind = "smpp"
host = "127.0.0.1"
port = PORT
system_id = "tiffin"
from = "TIFFIN"
countries = ["DE"]

[[gateways]]
name = "vonage-gb"
kind = "vonage_sms"
api_key = "0a1b2c3d"
from = "TIFFIN"
countries = ["GB"]
sandbox = true

[[gateways]]
name = "voice"
kind = "twilio_voice"
account_sid = "AC00000000000000000000000000000001"
from = "+15005550006"
sandbox = true

"#;

/// When it is called off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// While the gateway refuses, and the order waits for its next try.
    Unsent,
    /// With a message on its way, inside its usual time.
    Early,
    /// After that.
    Overdue,
    /// When it has arrived.
    Arrived,
}

struct Row {
    name: &'static str,
    gateway: &'static str,
    channel: &'static str,
    phone: &'static str,
    /// What the provider does with the message.
    mode: &'static str,
    when: When,
    /// Status of the reply, the order's state after it, the attempt's, and what came of stopping it.
    wanted: (u16, &'static str, &'static str, Option<&'static str>),
    /// What its money came to.
    money: Money,
}

/// Millionths that were put on hold, charged, released and refunded, all in all.
type Money = [u64; 4];

/// What a message costs by any of the gateways.
const PRICE: u64 = 2_500;
const OPENING: u64 = 40 * PRICE;

const RELEASED: Money = [PRICE, 0, PRICE, 0];
const CHARGED: Money = [PRICE, PRICE, 0, 0];
const REFUNDED: Money = [PRICE, PRICE, 0, PRICE];

const ROWS: &[Row] = &[
    Row {
        name: "nothing has left",
        gateway: "twilio-fr",
        channel: "sms",
        phone: "+33612345601",
        mode: "http_500",
        when: When::Unsent,
        wanted: (200, "cancelled", "failed", None),
        money: RELEASED,
    },
    Row {
        name: "inside its usual time",
        gateway: "twilio-fr",
        channel: "sms",
        phone: "+33612345602",
        mode: "queued",
        when: When::Early,
        wanted: (409, "sent", "sent", None),
        money: CHARGED,
    },
    Row {
        name: "overdue, in Twilio's queue",
        gateway: "twilio-fr",
        channel: "sms",
        phone: "+33612345603",
        mode: "queued",
        when: When::Overdue,
        wanted: (200, "cancelled", "failed", Some("stopped")),
        money: REFUNDED,
    },
    Row {
        name: "overdue, left Twilio",
        gateway: "twilio-fr",
        channel: "sms",
        phone: "+33612345604",
        mode: "accept_no_receipt",
        when: When::Overdue,
        wanted: (200, "cancelled", "sent", Some("too_late")),
        money: REFUNDED,
    },
    Row {
        name: "overdue, in the SMSC's queue",
        gateway: "smsc-de",
        channel: "sms",
        phone: "+4915123456701",
        mode: "queued",
        when: When::Overdue,
        wanted: (200, "cancelled", "failed", Some("stopped")),
        money: REFUNDED,
    },
    Row {
        name: "overdue, left the SMSC",
        gateway: "smsc-de",
        channel: "sms",
        phone: "+4915123456702",
        mode: "accept_no_receipt",
        when: When::Overdue,
        wanted: (200, "cancelled", "sent", Some("too_late")),
        money: REFUNDED,
    },
    Row {
        name: "overdue, a call that was not made yet",
        gateway: "voice",
        channel: "voice",
        phone: "+33612345605",
        mode: "queued",
        when: When::Overdue,
        wanted: (200, "cancelled", "failed", Some("stopped")),
        money: REFUNDED,
    },
    Row {
        name: "overdue, a provider that stops nothing",
        gateway: "vonage-gb",
        channel: "sms",
        phone: "+447400123401",
        mode: "accept_no_receipt",
        when: When::Overdue,
        wanted: (200, "cancelled", "sent", Some("unsupported")),
        money: REFUNDED,
    },
    Row {
        name: "arrived, and the receipt is late: asked for",
        gateway: "twilio-fr",
        channel: "sms",
        phone: "+33612345606",
        mode: "late_receipt",
        when: When::Arrived,
        wanted: (409, "delivered", "delivered", None),
        money: CHARGED,
    },
    Row {
        name: "arrived",
        gateway: "smsc-de",
        channel: "sms",
        phone: "+4915123456703",
        mode: "ok",
        when: When::Arrived,
        wanted: (409, "delivered", "delivered", None),
        money: CHARGED,
    },
];

async fn start(front: Front) -> anyhow::Result<Stack> {
    let port = wait::free_ports(1)?;
    let listen = format!("127.0.0.1:{port}");
    let edit = |text: &str| {
        let before = text.split("[[gateways]]").next().unwrap_or_default();
        let before = replaced(before, "brand = \"Tiffin\"\n", "brand = \"Tiffin\"\nwaiting_ms = 4000\n");
        paying(&format!("{before}{}", GATEWAYS.replace("PORT", &port.to_string())), PRICE, OPENING)
    };
    Stack::launch(front, Backing::Memory, &[("TIFFIN_SANDBOX_SMPP_LISTEN", &listen)], edit).await
}

#[expect(clippy::print_stdout, reason = "the table is for who runs it")]
async fn an_order_is_called_off_as_its_window_and_its_provider_allow(front: Front) -> anyhow::Result<()> {
    let stack = start(front).await?;
    let title =
        ["situation", "provider", "reply", "order", "attempt", "stopped", "in inbox", "money", "timeline"];
    let mut table = vec![title.map(str::to_owned).to_vec()];
    for row in ROWS {
        table.push(play(&stack, row).await?);
    }
    let paid: u64 = ROWS.iter().map(|Row { money: [_, charged, _, refunded], .. }| charged - refunded).sum();
    let balance = ops(&stack, "tenants/dev/balance").await?;
    let told = [&balance["available_micros"], &balance["held_micros"], &balance["charged_micros"]];
    assert_eq!(told, [&json!(OPENING - paid), &json!(0), &json!(paid)], "{balance}");
    println!("{front:?}");
    for line in table {
        let cells: Vec<String> = line
            .iter()
            .zip([43, 10, 22, 10, 10, 12, 9, 40, 0])
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        println!("{}", cells.join(" "));
    }
    Ok(())
}

async fn play(stack: &Stack, row: &Row) -> anyhow::Result<Vec<String>> {
    let client = &stack.client;
    let script = match row.mode {
        "late_receipt" => json!({"mode": row.mode, "receipt_after_ms": 60_000}),
        mode => json!({ "mode": mode }),
    };
    client.fault_as(row.gateway, &script).await?;
    let body = json!({"to": {"phone": row.phone}, "service": "login", "channel": row.channel});
    let created = client.create(&fresh_key(), &body).await?;
    anyhow::ensure!(created.status == 202, "{}: {created:?}", row.name);
    let id = created.id()?;
    let look = || client.fetch(&id);
    let is_there = |reply: &Reply| match row.when {
        When::Unsent => reply.body["attempts"][0]["state"] == "failed",
        When::Early => reply.body["state"] == "sent",
        When::Overdue => reply.body["waiting"]["overdue"] == true,
        When::Arrived => reply.body["state"] == "delivered",
    };
    let before = wait::until(row.name, look, is_there).await?;
    let reply = cancel(client, &id).await?;
    let (status, state, attempt_state, recall) = row.wanted;
    assert_eq!(reply.status, status, "{}: {reply:?}", row.name);
    let is_told = |reply: &Reply| {
        let recall = &reply.body["attempts"][0]["recall"];
        *recall != "asked" && (row.wanted.3.is_none() || !recall.is_null())
    };
    let after = wait::until("what came of it", look, is_told).await?.body;
    let attempt = &after["attempts"][0];
    assert_eq!(
        (after["state"].as_str(), attempt["state"].as_str()),
        (Some(state), Some(attempt_state)),
        "{after}"
    );
    assert_eq!(attempt["recall"].as_str(), recall, "{}: {after}", row.name);
    if attempt_state == "failed" && recall.is_some() {
        assert_eq!(attempt["reason"], "called_off", "{after}");
    }
    let arrived = client.inbox(row.phone).await?.len();
    let has_arrived = row.when == When::Arrived;
    assert_eq!(arrived, usize::from(has_arrived), "{}", row.name);
    let window = reply
        .code()
        .map_or_else(|| before.body["cancel"]["window"].as_str().unwrap_or("-").to_owned(), str::to_owned);
    let advice = &before.body["advice"]["do"];
    let wanted = match row.when {
        When::Overdue => &["cancel", "retry", "wait", "escalate"][..],
        When::Arrived | When::Early | When::Unsent => &["wait"][..],
    };
    assert!(wanted.contains(&advice.as_str().unwrap_or_default()), "{}: {}", row.name, before.body);
    Ok(vec![
        row.name.to_owned(),
        row.gateway.to_owned(),
        format!("{} {window}", reply.status),
        state.to_owned(),
        attempt_state.to_owned(),
        recall.unwrap_or("-").to_owned(),
        arrived.to_string(),
        money(stack, row, &id).await?,
        timeline(stack, &id).await?,
    ])
}

async fn ops(stack: &Stack, path: &str) -> anyhow::Result<Value> {
    let bearer = format!("Bearer {}", stack.variable(OPERATOR_TOKEN)?);
    let url = format!("{}/ops/v1/{path}", stack.client.core);
    Ok(stack.client.raw(Method::GET, url, &[("authorization", &bearer)], Vec::new()).await?.body)
}

/// What moved, once the account has confirmed it and the caller's order says so.
async fn money(stack: &Stack, row: &Row, id: &str) -> anyhow::Result<String> {
    let path = format!("orders/{id}");
    let names = ["held", "charged", "released", "refunded"];
    let fields = ["held_micros", "captured_micros", "released_micros", "refunded_micros"];
    let came_to = |order: &Value| fields.map(|field| order["bill"][field].as_u64().unwrap_or(u64::MAX));
    let is_posted = |order: &Value| order["bill"]["is_posted"] == true && came_to(order) == row.money;
    wait::until(row.name, || ops(stack, &path), is_posted).await?;
    let [held, charged, released, refunded] = row.money;
    let cost = json!({
        "currency": "USD",
        "held_micros": held - charged - released,
        "charged_micros": charged,
        "refunded_micros": refunded,
    });
    wait::until("its cost", || stack.client.fetch(id), |reply| reply.body["cost"] == cost).await?;
    let moved = names.into_iter().zip(row.money).filter(|(_, micros)| *micros > 0);
    Ok(moved.map(|(name, micros)| format!("{name} {micros}")).collect::<Vec<_>>().join(", "))
}

/// What happened, by name.
async fn timeline(stack: &Stack, id: &str) -> anyhow::Result<String> {
    let order = ops(stack, &format!("orders/{id}")).await?;
    assert!(order["advice"]["do"].is_string(), "{order}");
    let entries = order["story"]["entries"].as_array().cloned().unwrap_or_default();
    let names = entries.iter().filter_map(|entry| entry["what"].as_object()?.iter().next());
    let word = |(name, what): (&String, &Value)| {
        let said = ["status", "outcome", "state", "what"].iter().find_map(|field| what[*field].as_str());
        said.map_or_else(|| name.clone(), |said| format!("{name} {said}"))
    };
    Ok(names.map(word).collect::<Vec<_>>().join(", "))
}

#[tokio::test]
async fn orders_are_called_off_at_their_providers_at_the_wasm_edge() -> anyhow::Result<()> {
    an_order_is_called_off_as_its_window_and_its_provider_allow(Front::Edge).await
}

#[tokio::test]
async fn orders_are_called_off_at_their_providers_standalone() -> anyhow::Result<()> {
    an_order_is_called_off_as_its_window_and_its_provider_allow(Front::Standalone).await
}
