//! A thousand orders at once, and money for all of them but one.

use std::collections::BTreeSet;

use futures::StreamExt;
use futures::stream;
use serde_json::Value;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;

use crate::common;
use crate::common::PRICE;

const ORDERS: u64 = 1_000;
/// Requests at once.
const AT_ONCE: usize = 250;

async fn a_thousand_orders_spend_what_is_there_and_no_more(backing: Backing) -> anyhow::Result<()> {
    // However busy the machine, no order has a second message, which would cost as much again: nothing is overdue meanwhile,
    // and there is no other gateway to go to when a call is slow.
    let edit = |toml: &str| {
        let toml = toml.replace("brand = \"Tiffin\"\n", "brand = \"Tiffin\"\nwaiting_ms = 240000\n");
        toml.replace("from = \"+15005550007\"\n", "from = \"+15005550007\"\ncountries = [\"DE\"]\n")
    };
    let stack = common::start_with(Front::Standalone, backing, (ORDERS - 1) * PRICE, edit).await?;
    let mut others = Vec::new();
    if backing != Backing::Memory {
        for _ in 0..2 {
            others.push(stack.start_another("deliver")?);
        }
    }
    let client = &stack.client;
    let create = |_| async { client.create(&fresh_key(), &login(&fresh_phone())).await };
    let replies: Vec<Reply> = stream::iter(0..ORDERS)
        .map(create)
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>()
        .await
        .into_iter()
        .collect::<anyhow::Result<_>>()?;
    // Late ones may meet a front door that knows.
    assert!(replies.iter().all(|reply| matches!(reply.status, 202 | 402)), "{:?}", replies.first());
    let accepted: Vec<&Reply> = replies.iter().filter(|reply| reply.status == 202).collect();
    assert!(accepted.len() as u64 >= ORDERS - 1, "{} were accepted", accepted.len());

    let mut failed = 0;
    for reply in &accepted {
        let id = reply.id()?;
        let look = || client.fetch(&id);
        let is_decided = |reply: &Reply| {
            let state = reply.body["state"].as_str().unwrap_or_default();
            !matches!(state, "accepted" | "queued")
        };
        let decided = tiffin_tests::wait::until("a decision", look, is_decided).await?;
        if decided.body["state"] == "failed" {
            assert_eq!(decided.body["reason"], "balance_too_low", "{decided:?}");
            failed += 1;
        }
    }
    assert_eq!(accepted.len() as u64 - failed, ORDERS - 1, "as many as there is money for");

    let balance = common::balance(&stack).await?.body;
    let number = |name: &str| balance[name].as_u64();
    assert_eq!(number("available_micros"), Some(0), "no overdraft, and nothing left: {balance}");
    assert_eq!(
        number("held_micros").zip(number("charged_micros")).map(|(held, charged)| held + charged),
        Some((ORDERS - 1) * PRICE)
    );
    let entries = common::entries(&stack).await?;
    let holds: Vec<&Value> = entries.iter().filter(|entry| entry["kind"] == "hold").collect();
    let orders: BTreeSet<_> = holds.iter().filter_map(|entry| entry["order"].as_str()).collect();
    assert_eq!((holds.len() as u64, orders.len() as u64), (ORDERS - 1, ORDERS - 1));
    assert!(entries.iter().all(|entry| entry["available_micros"].as_i64() >= Some(0)));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_orders_spend_what_is_there_and_no_more_in_memory() -> anyhow::Result<()> {
    a_thousand_orders_spend_what_is_there_and_no_more(Backing::Memory).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn a_thousand_orders_spend_what_is_there_and_no_more_on_redis() -> anyhow::Result<()> {
    a_thousand_orders_spend_what_is_there_and_no_more(Backing::Shared).await
}
