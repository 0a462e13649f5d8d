//! Races of guesses: five are evaluated, one succeeds, however many come at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use tiffin_tests::client::Client;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

/// How often each race is run: an error in a race shows in one run of many.
pub const REPETITIONS: usize = 3;
const WRONG: usize = 200;
const RIGHT: usize = 50;

/// So many other codes than this one, all different.
pub fn wrong_codes(code: &str, count: usize) -> Vec<String> {
    let right: usize = code.parse().unwrap_or_default();
    (1..=count).map(|n| format!("{:06}", (right + n) % 1_000_000)).collect()
}

/// How often each of the results came.
pub type Tally = BTreeMap<String, usize>;

/// Sends all guesses at once, spread over the clients. A refusal is told by its status.
pub async fn guess_all(clients: &[Client], id: &str, guesses: Vec<String>) -> anyhow::Result<Tally> {
    let mut tasks = JoinSet::new();
    let start = Arc::new(Barrier::new(guesses.len()));
    for (guess, client) in guesses.into_iter().zip(clients.iter().cycle()) {
        let (client, id, start) = (client.clone(), id.to_owned(), start.clone());
        tasks.spawn(async move {
            start.wait().await;
            client.verify(&id, &guess).await
        });
    }
    let mut tally = Tally::new();
    while let Some(reply) = tasks.join_next().await {
        let reply = reply??;
        let result = match (reply.status, reply.body["result"].as_str()) {
            (200, Some(result)) => result.to_owned(),
            _ => format!("{} {}", reply.status, reply.text),
        };
        *tally.entry(result).or_default() += 1;
    }
    Ok(tally)
}

/// What a race must come to.
pub fn tally(results: &[(&str, usize)]) -> Tally {
    results.iter().map(|(result, count)| ((*result).to_owned(), *count)).collect()
}

/// 200 wrong guesses at once: five count, and then even the right code is refused.
pub async fn wrong_guesses_race(clients: &[Client]) -> anyhow::Result<()> {
    let (client, phone) = (&clients[0], fresh_phone());
    let id = client.order(&phone).await?;
    let code = client.code(&phone).await?;
    let seen = guess_all(clients, &id, wrong_codes(&code, WRONG)).await?;
    assert_eq!(seen, tally(&[("wrong_code", 5), ("locked", WRONG - 5)]));
    for client in clients {
        let reply = client.verify(&id, &code).await?;
        assert_eq!((&reply.body["result"], &reply.body["guesses_left"]), (&"locked".into(), &0.into()));
        assert_eq!(client.fetch(&id).await?.body["verified_channel"], serde_json::Value::Null);
    }
    Ok(())
}

/// 50 right guesses at once: one verifies.
pub async fn right_guesses_race(clients: &[Client]) -> anyhow::Result<()> {
    let (client, phone) = (&clients[0], fresh_phone());
    let id = client.order(&phone).await?;
    let code = client.code(&phone).await?;
    let seen = guess_all(clients, &id, vec![code; RIGHT]).await?;
    assert_eq!(seen, tally(&[("verified", 1), ("already_verified", RIGHT - 1)]));
    assert_eq!(client.fetch(&id).await?.body["state"], "verified");
    Ok(())
}

/// 200 wrong and 50 right guesses at once: at most five are evaluated, and what was decided stays decided.
pub async fn mixed_guesses_race(clients: &[Client]) -> anyhow::Result<()> {
    let (client, phone) = (&clients[0], fresh_phone());
    let id = client.order(&phone).await?;
    let code = client.code(&phone).await?;
    let mut guesses = wrong_codes(&code, WRONG);
    for at in 0..RIGHT {
        guesses.insert(at * (WRONG / RIGHT), code.clone());
    }
    let seen = guess_all(clients, &id, guesses).await?;
    let wrong = seen.get("wrong_code").copied().unwrap_or_default();
    let (expected, state) = if seen.contains_key("verified") {
        assert!(wrong <= 4, "{seen:?}");
        (
            vec![("verified", 1), ("already_verified", WRONG + RIGHT - 1 - wrong), ("wrong_code", wrong)],
            "verified",
        )
    } else {
        (vec![("wrong_code", 5), ("locked", WRONG + RIGHT - 5)], "locked")
    };
    let expected = expected.into_iter().filter(|(_, count)| *count > 0).collect::<Vec<_>>();
    assert_eq!(seen, tally(&expected));
    let after = if state == "verified" { "already_verified" } else { "locked" };
    assert_eq!(client.guess(&id, &code).await?, after);
    Ok(())
}

async fn races(front: Front, backing: Backing) -> anyhow::Result<()> {
    let stack = Stack::start(front, backing).await?;
    let clients = std::slice::from_ref(&stack.client);
    for _ in 0..REPETITIONS {
        wrong_guesses_race(clients).await?;
        right_guesses_race(clients).await?;
        mixed_guesses_race(clients).await?;
    }
    Ok(())
}

#[tokio::test]
async fn parallel_guesses_at_the_wasm_edge_count_five_and_succeed_once() -> anyhow::Result<()> {
    races(Front::Edge, Backing::Memory).await
}

#[tokio::test]
async fn parallel_guesses_standalone_count_five_and_succeed_once() -> anyhow::Result<()> {
    races(Front::Standalone, Backing::Memory).await
}

#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn parallel_guesses_on_redis_count_five_and_succeed_once() -> anyhow::Result<()> {
    races(Front::Standalone, Backing::Shared).await
}
