//! What one client network may order: three at once, then only with a challenge, and nothing beyond ten times that.

use std::time::Instant;

use reqwest::Method;
use serde_json::json;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

use crate::caller::ACCEPTED;
use crate::caller::CHALLENGED;
use crate::caller::Caller;
use crate::caller::fresh_ip;
use crate::caller::ip_header;
use crate::caller::start;
use crate::caller::told;
use crate::quotas;

/// Orders that one network may ask for unsolved before it is blocked, and how often one more becomes possible.
const BLOCKED_AFTER: usize = 30;
const BLOCK_REFILL_S: u64 = 6;
/// Refusals looked at: the time in them is jittered.
const LOOKS: usize = 20;

async fn neighbours_share_a_network(stack: &Stack, front: Front) -> anyhow::Result<()> {
    let app = Caller::app(stack, front);
    let at = |ip: &str| app.with(ip_header(front), ip);
    for (left, ip) in [(2, "2001:db8:1:2::1"), (1, "2001:DB8:1:2:ffff::9"), (0, "2001:db8:1:2::7")] {
        let reply = at(ip).order(&fresh_phone()).await?;
        assert_eq!(told(&reply), ACCEPTED, "{reply:?}");
        let quota = quotas::read(&reply)?;
        assert_eq!((quota.name.as_str(), quota.quota, quota.window_s), ("ip", 3, 180));
        assert_eq!(quota.remaining, left);
        assert!((1..=66).contains(&quota.reset_s), "{quota:?}");
    }
    let refused = at("2001:db8:1:2::8").order(&fresh_phone()).await?;
    assert_eq!(told(&refused), CHALLENGED, "{refused:?}");
    assert_eq!(refused.body["challenge"]["type"], "altcha");
    assert_eq!(quotas::read(&refused)?.remaining, 0);
    let other = at("2001:db8:1:3::1").order(&fresh_phone()).await?;
    assert_eq!((told(&other), quotas::read(&other)?.remaining), (ACCEPTED, 2));
    // One client however its address is written; its neighbour is another.
    for (left, ip) in [(2, "192.0.2.7"), (1, "::ffff:192.0.2.7"), (0, "192.0.2.7"), (2, "192.0.2.8")] {
        let reply = at(ip).order(&fresh_phone()).await?;
        assert_eq!((told(&reply), quotas::read(&reply)?.remaining), (ACCEPTED, left), "{ip}");
    }
    assert_eq!(told(&at("192.0.2.7").order(&fresh_phone()).await?), CHALLENGED);
    Ok(())
}

async fn a_replay_costs_nothing(stack: &Stack, front: Front) -> anyhow::Result<()> {
    let (app, phone, key) = (Caller::app(stack, front), fresh_phone(), fresh_key());
    let first = app.create(&key, &login(&phone)).await?;
    let mut left = vec![quotas::read(&first)?.remaining];
    for _ in 0..5 {
        let again = app.create(&key, &login(&phone)).await?;
        assert_eq!((again.status, again.header("idempotency-replayed")), (202, Some("true")), "{again:?}");
        assert_eq!(again.id()?, first.id()?);
        left.push(quotas::read(&again)?.remaining);
    }
    assert_eq!(left, [2; 6]);
    // Nor does it stand for another order: the key under which one was admitted is no ticket for other phones.
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(told(&app.create(&key, &login(&fresh_phone())).await?).0);
    }
    assert_eq!(others, [202, 202, 403], "one key, many phones");
    Ok(())
}

/// A server is trusted, until it says that it speaks for a client.
async fn servers_are_limited_by_whom_they_speak_for(stack: &Stack, front: Front) -> anyhow::Result<()> {
    let server = Caller::new(&stack.client, &stack.keys.secret).with(ip_header(front), &fresh_ip());
    for _ in 0..8 {
        let reply = server.order(&fresh_phone()).await?;
        assert_eq!((told(&reply), reply.header("ratelimit")), (ACCEPTED, None));
    }
    let client = fresh_ip();
    let mut seen = Vec::new();
    for _ in 0..4 {
        let mut body = login(&fresh_phone());
        body["client"] = json!({ "ip": client });
        let reply = server.create(&fresh_key(), &body).await?;
        seen.push((reply.status, quotas::read(&reply)?.remaining));
    }
    assert_eq!(seen, [(202, 2), (202, 1), (202, 0), (403, 0)]);
    Ok(())
}

async fn a_flood_is_blocked(stack: &Stack, front: Front) -> anyhow::Result<()> {
    let (app, begun) = (Caller::app(stack, front), Instant::now());
    let mut replies: Vec<Reply> = Vec::new();
    let refused = loop {
        let reply = app.order(&fresh_phone()).await?;
        if reply.status == 429 {
            break reply;
        }
        replies.push(reply);
        anyhow::ensure!(replies.len() < 3 * BLOCKED_AFTER, "never blocked");
    };
    let refilled = usize::try_from(begun.elapsed().as_secs() / BLOCK_REFILL_S)?;
    let passed = replies.len();
    assert!((BLOCKED_AFTER..=BLOCKED_AFTER + refilled).contains(&passed), "{passed} passed");
    let accepted = replies.iter().filter(|reply| reply.status == 202).count();
    assert!((3..=4).contains(&accepted), "{accepted} were accepted");
    assert!(replies.iter().all(|reply| reply.status == 202 || told(reply) == CHALLENGED));
    let mut looks = vec![refused];
    while looks.len() < LOOKS {
        let reply = app.order(&fresh_phone()).await?;
        // A token came back meanwhile: an honest answer, and not the one to look at.
        if reply.status == 429 {
            looks.push(reply);
        }
    }
    for reply in looks {
        assert_eq!(told(&reply), (429, Some("rate_limited")));
        let (quota, wait_s) = (quotas::read(&reply)?, quotas::retry_after_s(&reply)?);
        assert_eq!((quota.name.as_str(), quota.remaining), ("ip", 0));
        assert!(wait_s >= quota.reset_s.max(1), "Retry-After {wait_s} is before {quota:?}");
        assert_eq!(reply.body["challenge"]["type"], "altcha", "who solves goes on");
    }
    Ok(())
}

/// A stranger hears that a challenge is due for a phone that somebody just used, and not by whom.
async fn a_stranger_sees_nothing_of_a_phones_bucket(stack: &Stack, front: Front) -> anyhow::Result<()> {
    let server = Caller::new(&stack.client, &stack.keys.secret);
    let (other, used) = (fresh_phone(), fresh_phone());
    assert_eq!(told(&server.order(&used).await?), ACCEPTED);
    assert_eq!(told(&Caller::app(stack, front).order(&other).await?), ACCEPTED);
    let mut seen = Vec::new();
    for phone in [&other, &used] {
        let reply = Caller::app(stack, front).order(phone).await?;
        assert_eq!(told(&reply), CHALLENGED);
        let names: Vec<_> = reply.headers.keys().map(|name| name.as_str().to_owned()).collect();
        let fields: Vec<_> =
            reply.body.as_object().into_iter().flat_map(|body| body.keys().cloned()).collect();
        seen.push((names, fields, quotas::read(&reply)?.remaining));
    }
    assert_eq!(seen[0], seen[1]);
    // Now the number is as used as can be, and asking what would happen must not tell.
    while server.order(&used).await?.status == 202 {}
    let mut reports = Vec::new();
    for phone in [&fresh_phone(), &used] {
        let app = Caller::app(stack, front);
        let reply = app.post("/v1/preflight", Some(&fresh_key()), &login(phone)).await?;
        reports.push((reply.status, reply.header("retry-after").map(str::to_owned), reply.body));
    }
    assert_eq!(reports[0], reports[1]);
    Ok(())
}

async fn networks(front: Front) -> anyhow::Result<()> {
    let stack = start(front).await?;
    neighbours_share_a_network(&stack, front).await?;
    a_replay_costs_nothing(&stack, front).await?;
    servers_are_limited_by_whom_they_speak_for(&stack, front).await?;
    a_stranger_sees_nothing_of_a_phones_bucket(&stack, front).await?;
    a_flood_is_blocked(&stack, front).await?;
    let health = stack.client.raw(Method::GET, format!("{}/healthz", stack.client.edge), &[], vec![]).await?;
    assert_eq!(health.status, 200);
    Ok(())
}

#[tokio::test]
async fn one_network_orders_three_and_then_solves_at_the_wasm_edge() -> anyhow::Result<()> {
    networks(Front::Edge).await
}

#[tokio::test]
async fn one_network_orders_three_and_then_solves_standalone() -> anyhow::Result<()> {
    networks(Front::Standalone).await
}
