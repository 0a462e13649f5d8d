//! **fifo**: one phone's orders start in the order of acceptance, over two processes, one of which is killed.

use std::collections::HashMap;

use serde_json::Value;
use serde_json::json;
use tiffin_shared::bytes;
use tiffin_shared::code::Code;
use tiffin_shared::text;
use tiffin_shared::text::Locale;
use tiffin_shared::text::Words;
use tiffin_shared::wire::api::Channel;
use tiffin_tests::chaos::feeder::Feeder;
use tiffin_tests::chaos::feeder::Ordered;
use tiffin_tests::chaos::feeder::Wish;
use tiffin_tests::chaos::fleet::ALL;
use tiffin_tests::chaos::fleet::Fleet;
use tiffin_tests::chaos::repeats;
use tiffin_tests::chaos::show;
use tiffin_tests::chaos::tally;
use tiffin_tests::stack::Backing;
use tokio::task::JoinSet;

use crate::common;

const PHONES: usize = 50;
const ORDERS_PER_PHONE: usize = 20;
/// Of one phone's services none supersedes another.
const SERVICES: usize = 20;
const GATEWAY: &str = "twilio-sms";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn one_phones_first_attempts_begin_in_the_order_of_acceptance() -> anyhow::Result<()> {
    let _turn = common::turn().await;
    let mut fleet = Fleet::start(Backing::Shared, &[ALL, ALL], services).await?;
    for round in 0..repeats(1) {
        // Below what opens the only breaker.
        common::fault(&fleet, GATEWAY, &json!({"mode": "http_500", "rate": 0.05, "latency_ms": 5})).await?;
        let mut phones = JoinSet::new();
        for phone in 0..PHONES {
            phones.spawn(order_all(fleet.feeder.clone(), format!("+9196{round:04}{phone:04}")));
        }
        crate::workers::until_served(&fleet, 200).await?;
        fleet.kill_core(1)?;
        fleet.start_core(1).await?;
        let mut accepted = HashMap::new();
        while let Some(phone) = phones.join_next().await {
            let (phone, orders) = phone??;
            accepted.insert(phone, orders);
        }
        let tally = tally::settle(&fleet, "fifo, one of two killed").await?;
        common::holds_once(&tally);
        let calls = common::calls(&fleet, GATEWAY).await?;
        let (mut wrong, mut cut_off) = (0, 0);
        for (phone, orders) in &accepted {
            let of_phone = out_of_order(&fleet, phone, orders).await?;
            (wrong, cut_off) = (wrong + of_phone.0, cut_off + of_phone.1);
        }
        show(&format!(
            "fifo: {} orders of {PHONES} phones, {} calls, {} refused: {wrong} first attempts out of order; \
             {cut_off} of them had a first attempt that died with its worker",
            tally.accepted, calls["received"], calls["refused"]
        ));
        assert_eq!(wrong, 0);
        common::clear(&fleet).await?;
    }
    Ok(())
}

/// One after the other, each accepted before the next.
async fn order_all(feeder: Feeder, phone: String) -> anyhow::Result<(String, Vec<Ordered>)> {
    let mut orders = Vec::new();
    for number in 0..ORDERS_PER_PHONE {
        let service = format!("s{}", number % SERVICES);
        let wish = Wish { service, phone: Some(phone.clone()), ..Wish::default() };
        orders.push(feeder.order(&wish).await?);
    }
    Ok((phone, orders))
}

/// Orders whose first call came before that of an earlier one. Apart from these, those whose first attempt was claimed in its
/// turn, and died with its worker on the way to the provider: the second one waits for the claim's end.
async fn out_of_order(fleet: &Fleet, phone: &str, orders: &[Ordered]) -> anyhow::Result<(usize, usize)> {
    let calls = common::calls(fleet, &format!("{GATEWAY}?to={}", phone.replace('+', "%2B"))).await?;
    let called: Vec<&Value> = calls["messages"].as_array().unwrap().iter().rev().collect();
    let (mut wrong, mut cut_off, mut latest) = (0, 0, 0);
    for order in orders {
        let place = called.iter().position(|message| message["body_sha256"] == digest(order)).unwrap();
        let attempts = fleet.played.told(&order.id).map_or(0, |event| event.attempts.len());
        if called[place]["received"].as_u64() < u64::try_from(attempts).ok() {
            cut_off += 1;
        } else if place >= latest {
            latest = place;
        } else {
            wrong += 1;
            show(&format!("fifo: {} was called as number {place} after {latest}", order.id));
        }
    }
    Ok((wrong, cut_off))
}

/// The message's text as the sandbox knows it.
fn digest(order: &Ordered) -> String {
    let code = Code::parse(&order.code).unwrap();
    let words = Words { brand: "Tiffin", ttl_ms: Wish::default().ttl_ms, approves: None, autofill: None };
    let content = text::render(&code, Channel::Sms, &Locale::english(), &words, &[]);
    bytes::sha256(content.text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn services(settings: &str) -> String {
    let more: String = (0..SERVICES)
        .map(|number| format!("[tenants.dev.services.s{number}]\nbrand = \"Tiffin\"\n"))
        .collect();
    let (before, after) = settings.split_once("[tenants.dev.limits]").unwrap();
    common::one_gateway(&format!("{before}{more}\n[tenants.dev.limits]{after}"))
}
