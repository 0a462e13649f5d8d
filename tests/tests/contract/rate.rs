//! Three orders at once, then one a minute, and the caller is told when.

use std::time::Duration;
use std::time::Instant;

use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

/// A token comes back this long after the first order.
const REFILL: Duration = Duration::from_secs(60);
/// The clocks are read in whole milliseconds, on both sides.
const ROUNDING: Duration = Duration::from_millis(2);
/// The number is watched until it has come down to this.
const WATCHED_TO: u64 = 58;

async fn the_fourth_order_is_told_when_to_come_back(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    let (client, phone, key) = (&stack.client, fresh_phone(), fresh_key());
    let before_first = Instant::now();
    let first = client.create(&key, &login(&phone)).await?;
    let after_first = Instant::now();
    for _ in 0..2 {
        client.order(&phone).await?;
    }
    // Refused orders push nothing back: the number follows the first order, whatever came in between.
    let mut seen = Vec::new();
    while seen.last().is_none_or(|seconds| *seconds > WATCHED_TO) {
        let asked = Instant::now();
        let reply = client.create(&fresh_key(), &login(&phone)).await?;
        assert_eq!((reply.status, reply.code()), (429, Some("rate_limited")), "{reply:?}");
        let seconds: u64 = reply.header("retry-after").unwrap_or_default().parse()?;
        let longest = REFILL.saturating_sub(asked - after_first) + ROUNDING;
        let shortest = REFILL.saturating_sub(before_first.elapsed()).saturating_sub(ROUNDING);
        let allowed = whole_seconds(shortest)..=whole_seconds(longest).min(REFILL.as_secs());
        assert!(allowed.contains(&seconds), "{seconds} s is not in {allowed:?}");
        seen.push(seconds);
        anyhow::ensure!(before_first.elapsed() < wait::DEADLINE, "the number does not come down: {seen:?}");
    }
    assert_eq!(seen.first(), Some(&60));
    let again = client.create(&key, &login(&phone)).await?;
    assert_eq!((again.status, again.header("idempotency-replayed")), (202, Some("true")));
    assert_eq!(again.id()?, first.id()?);
    // Another phone has a bucket of its own.
    client.order(&fresh_phone()).await?;
    Ok(())
}

fn whole_seconds(duration: Duration) -> u64 {
    duration.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX)
}

#[tokio::test]
async fn the_fourth_order_at_the_wasm_edge_is_told_when_to_come_back() -> anyhow::Result<()> {
    the_fourth_order_is_told_when_to_come_back(Front::Edge).await
}

#[tokio::test]
async fn the_fourth_order_standalone_is_told_when_to_come_back() -> anyhow::Result<()> {
    the_fourth_order_is_told_when_to_come_back(Front::Standalone).await
}
