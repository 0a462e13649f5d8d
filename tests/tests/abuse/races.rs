//! Races, a hundred of each: the counts are exact, whatever comes at once.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use reqwest::Method;
use serde_json::json;
use tiffin_tests::client::Client;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tokio::sync::Barrier;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How often each race is run, and how many run at once, each with a phone of its own.
const REPETITIONS: usize = 100;
const AT_ONCE: usize = 6;
const WRONG: usize = 40;
const RIGHT: usize = 20;
const ORDERS: usize = 10;

/// How often each result came.
type Tally = BTreeMap<String, usize>;

/// One request of a race.
struct Shot {
    path: String,
    key: String,
    body: serde_json::Value,
}

impl Shot {
    fn guess(id: &str, code: &str) -> Self {
        Self { path: format!("/v1/orders/{id}/verify"), key: fresh_key(), body: json!({ "code": code }) }
    }

    fn order(phone: &str, key: String) -> Self {
        Self { path: "/v1/orders".to_owned(), key, body: login(phone) }
    }
}

/// Sends all at once.
async fn race(client: &Client, shots: Vec<Shot>) -> anyhow::Result<Vec<Reply>> {
    let start = Arc::new(Barrier::new(shots.len()));
    let mut tasks = JoinSet::new();
    for Shot { path, key, body } in shots {
        let (client, start) = (client.clone(), start.clone());
        tasks.spawn(async move {
            start.wait().await;
            client.call(Method::POST, &path, &[("idempotency-key", &key)], &body).await
        });
    }
    tasks.join_all().await.into_iter().collect()
}

fn tally(replies: &[Reply]) -> Tally {
    let mut tally = Tally::new();
    for reply in replies {
        let what = match (reply.status, reply.body["result"].as_str(), reply.header("idempotency-replayed")) {
            (200, Some(result), _) => result.to_owned(),
            (202, _, Some("true")) => "replayed".to_owned(),
            (202, _, _) => "accepted".to_owned(),
            (429, _, _) => "rate_limited".to_owned(),
            _ => format!("{} {}", reply.status, reply.text),
        };
        *tally.entry(what).or_default() += 1;
    }
    tally
}

fn expected(results: &[(&str, usize)]) -> Tally {
    results.iter().map(|(result, count)| ((*result).to_owned(), *count)).collect()
}

/// **five-guesses**, and the right code is no use any more.
async fn wrong_guesses(client: Client) -> anyhow::Result<Tally> {
    let phone = fresh_phone();
    let (id, code) = (client.order(&phone).await?, client.code(&phone).await?);
    let right: usize = code.parse()?;
    let wrong = (1..=WRONG).map(|by| format!("{:06}", (right + by) % 1_000_000));
    let seen = tally(&race(&client, wrong.map(|code| Shot::guess(&id, &code)).collect()).await?);
    anyhow::ensure!(seen == expected(&[("wrong_code", 5), ("locked", WRONG - 5)]), "{seen:?}");
    anyhow::ensure!(client.guess(&id, &code).await? == "locked");
    Ok(seen)
}

/// **one-success**.
async fn right_guesses(client: Client) -> anyhow::Result<Tally> {
    let phone = fresh_phone();
    let (id, code) = (client.order(&phone).await?, client.code(&phone).await?);
    let seen = tally(&race(&client, (0..RIGHT).map(|_| Shot::guess(&id, &code)).collect()).await?);
    anyhow::ensure!(seen == expected(&[("verified", 1), ("already_verified", RIGHT - 1)]), "{seen:?}");
    Ok(seen)
}

/// **bucket**: three at once.
async fn different_orders(client: Client) -> anyhow::Result<Tally> {
    let phone = fresh_phone();
    let replies = race(&client, (0..ORDERS).map(|_| Shot::order(&phone, fresh_key())).collect()).await?;
    let seen = tally(&replies);
    anyhow::ensure!(seen == expected(&[("accepted", 3), ("rate_limited", ORDERS - 3)]), "{seen:?}");
    Ok(seen)
}

/// **one-send-per-key**.
async fn duplicate_orders(client: Client) -> anyhow::Result<Tally> {
    let (phone, key) = (fresh_phone(), fresh_key());
    let replies = race(&client, (0..ORDERS).map(|_| Shot::order(&phone, key.clone())).collect()).await?;
    let seen = tally(&replies);
    anyhow::ensure!(seen == expected(&[("accepted", 1), ("replayed", ORDERS - 1)]), "{seen:?}");
    let ids = replies.iter().map(Reply::id).collect::<anyhow::Result<BTreeSet<_>>>()?;
    let [id] = ids.iter().collect::<Vec<_>>()[..] else { anyhow::bail!("{} orders", ids.len()) };
    let order = client.until_state(id, "delivered").await?;
    anyhow::ensure!(order["attempts"].as_array().map(Vec::len) == Some(1), "{order}");
    let messages = client.inbox(&phone).await?.len();
    anyhow::ensure!(messages == 1, "{messages} messages");
    Ok(seen)
}

/// A race over and over, and what all of them came to together.
async fn repeat<F>(client: &Client, name: &str, one: fn(Client) -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<Tally>> + Send + 'static,
{
    let (begun, lanes) = (Instant::now(), Arc::new(Semaphore::new(AT_ONCE)));
    let mut tasks = JoinSet::new();
    for _ in 0..REPETITIONS {
        let (client, lanes) = (client.clone(), lanes.clone());
        tasks.spawn(async move {
            let _lane = lanes.acquire_owned().await?;
            one(client).await
        });
    }
    let mut total = Tally::new();
    let mut failed = Vec::new();
    while let Some(done) = tasks.join_next().await {
        match done? {
            Ok(seen) => seen.into_iter().for_each(|(what, count)| *total.entry(what).or_default() += count),
            Err(error) => failed.push(format!("{error:#}")),
        }
    }
    #[expect(clippy::print_stdout, reason = "figures for whoever runs it")]
    {
        println!("{name}: {REPETITIONS} races in {:.1} s: {total:?}", begun.elapsed().as_secs_f64());
    }
    anyhow::ensure!(failed.is_empty(), "{name}: {} of {REPETITIONS} failed: {failed:?}", failed.len());
    Ok(())
}

async fn races(front: Front, backing: Backing) -> anyhow::Result<()> {
    let stack = Stack::start(front, backing).await?;
    let client = &stack.client;
    repeat(client, "wrong guesses", wrong_guesses).await?;
    repeat(client, "right guesses", right_guesses).await?;
    repeat(client, "different orders", different_orders).await?;
    repeat(client, "duplicate orders", duplicate_orders).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_races_of_each_kind_count_exactly_at_the_wasm_edge() -> anyhow::Result<()> {
    races(Front::Edge, Backing::Memory).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn a_hundred_races_of_each_kind_count_exactly_on_redis() -> anyhow::Result<()> {
    races(Front::Standalone, Backing::Shared).await
}
