//! `/metrics` of real processes: who may look, what is there, and what is not in it.

use std::collections::BTreeSet;

use reqwest::Method;
use tiffin_core::config::names::METRICS_TOKEN;
use tiffin_core::config::names::OPERATOR_TOKEN;
use tiffin_tests::billing::paying;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::common::documented;
use crate::common::samples;
use crate::common::scrape;
use crate::common::scrape_with;
use crate::common::sum;

#[tokio::test]
async fn only_the_scrapers_token_opens_it_and_only_at_cores_own_address() -> anyhow::Result<()> {
    let stack = Stack::start(Front::Standalone, Backing::Memory).await?;
    let (core, token) = (&stack.client.core, stack.variable(METRICS_TOKEN)?);
    for wrong in ["", "x", stack.variable(OPERATOR_TOKEN)?, &token[1..], stack.client.key.as_str()] {
        let reply = scrape_with(&stack, core, wrong).await?;
        assert_eq!((reply.status, reply.code()), (401, Some("unauthenticated")), "{wrong:?}");
        assert!(!reply.text.contains("tiffin_orders"));
    }
    let nothing = stack.client.raw(Method::GET, format!("{core}/metrics"), &[], Vec::new()).await?;
    assert_eq!(nothing.status, 401);
    let reply = scrape_with(&stack, core, token).await?;
    assert_eq!(reply.status, 200);
    let kind = reply.header("content-type").unwrap_or_default();
    assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    // The token opens nothing else, and strangers' door has no such path.
    let bearer = format!("Bearer {token}");
    let ops = format!("{core}/ops/v1/routes");
    let ops = stack.client.raw(Method::GET, ops, &[("authorization", &bearer)], Vec::new()).await?;
    assert_eq!(ops.status, 401);
    for (key, status) in [(token, 401), (stack.client.key.as_str(), 404)] {
        let public = scrape_with(&stack, &stack.client.edge, key).await?;
        assert_eq!(public.status, status, "{public:?}");
    }
    Ok(())
}

#[tokio::test]
async fn without_a_token_it_is_closed_and_a_short_one_stops_the_boot() -> anyhow::Result<()> {
    let stack = Stack::launch(Front::Standalone, Backing::Memory, &[], str::to_owned).await?;
    let (is_well, said) = stack.run_with(&["serve"], &[(METRICS_TOKEN, "short")])?;
    assert!(!is_well && said.contains(METRICS_TOKEN) && !said.contains("short\n"), "{said}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn every_role_shows_what_the_table_says_and_nothing_else() -> anyhow::Result<()> {
    let billed = |settings: &str| paying(settings, 700, 9_000_000);
    let stack = Stack::launch(Front::Standalone, Backing::Shared, &[], billed).await?;
    let known = documented();
    let mut phones = Vec::new();
    for _ in 0..4 {
        let phone = fresh_phone();
        let id = stack.client.order(&phone).await?;
        stack.client.until_state(&id, "delivered").await?;
        assert_eq!(stack.client.guess(&id, &stack.client.code(&phone).await?).await?, "verified");
        phones.push((phone, id));
    }
    let look = || async { Ok(samples(&scrape(&stack).await?)) };
    let is_told = |all: &Vec<_>| {
        sum(all, "tiffin_orders_closed_total", &[("state", "verified")]) >= 4.0
            && sum(all, "tiffin_poll_timestamp_seconds", &[("what", "queues")]) > 0.0
            && all.iter().any(|sample| sample.family == "tiffin_balance_ratio")
    };
    let all = wait::until("four closed orders", look, is_told).await?;
    let once = [("tenant", "dev"), ("channel", "sms")];
    assert!(sum(&all, "tiffin_orders_accepted_total", &once) >= 4.0);
    let fate = |fate| sum(&all, "tiffin_messages_total", &[("gateway", "twilio-sms"), ("fate", fate)]);
    assert!(fate("taken") >= 4.0 && fate("delivered") >= 4.0 && fate("verified") >= 4.0, "{all:?}");
    assert!(sum(&all, "tiffin_receipts_total", &[("trust", "proven")]) >= 4.0);
    assert!(sum(&all, "tiffin_postings_total", &[("outcome", "posted")]) >= 4.0);
    for sample in &all {
        let Some(labels) = known.get(&sample.family) else { panic!("not in the table: {sample:?}") };
        assert!(sample.labels.keys().all(|label| labels.contains(label)), "{sample:?}: only {labels:?}");
    }
    // Where the front door is here, there is no edge to push to; no provider asked to be left alone for good.
    let shown: BTreeSet<_> = all.iter().map(|sample| sample.family.as_str()).collect();
    let not_here = ["tiffin_directory_pushed_timestamp_seconds", "tiffin_order_retries_total"];
    let missing: Vec<_> = known
        .keys()
        .filter(|name| !shown.contains(name.as_str()) && !not_here.contains(&name.as_str()))
        .collect();
    assert!(missing.is_empty(), "in the table and not in /metrics: {missing:?}");
    let text = scrape(&stack).await?;
    for (phone, id) in &phones {
        for part in [&phone[3..], id.trim_start_matches("ord_")] {
            assert!(!text.contains(part), "{part} is in a metric");
        }
    }
    a_process_of_any_role_is_scraped(&stack).await
}

#[tokio::test]
async fn what_is_pushed_to_a_real_edge_is_counted_and_so_is_what_it_hands_over() -> anyhow::Result<()> {
    let stack = Stack::start(Front::Edge, Backing::Memory).await?;
    let phone = fresh_phone();
    let id = stack.client.order(&phone).await?;
    stack.client.until_state(&id, "delivered").await?;
    let look = || async { Ok(samples(&scrape(&stack).await?)) };
    let all = wait::until("a directory and a report", look, |all| {
        let reports = sum(all, "tiffin_push_seconds", &[("kind", "reports")]);
        reports > 0.0 && sum(all, "tiffin_directory_pushed_timestamp_seconds", &[]) > 0.0
    });
    let all = all.await?;
    assert!(sum(&all, "tiffin_ingest_total", &[("kind", "job"), ("outcome", "taken")]) >= 1.0);
    assert_eq!(all.iter().filter(|sample| sample.family == "tiffin_push_failures_total").count(), 3);
    Ok(())
}

async fn a_process_of_any_role_is_scraped(stack: &Stack) -> anyhow::Result<()> {
    for role in ["callbacks", "deliver", "ingest"] {
        let port = wait::free_ports(1)?;
        let _process = stack.start_another_at(port, role)?;
        let base = format!("http://127.0.0.1:{port}");
        let token = stack.variable(METRICS_TOKEN)?;
        let look = || scrape_with(stack, &base, token);
        let reply = wait::until(role, look, |reply| reply.status == 200).await?;
        assert!(reply.text.contains(&format!("tiffin_role{{role=\"{role}\"}} 1.0")), "{}", reply.text);
    }
    Ok(())
}
