//! Every key is replaced while customers order and verify; nobody notices, and the old keys open nothing afterwards.
#![expect(clippy::panic_in_result_fn, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod factor;
mod load;
mod retired;

use anyhow::Context;
use tiffin_core::config::Config;
use tiffin_tests::client::Client;
use tiffin_tests::keys::Variables;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use self::factor::App;
use self::load::Held;
use self::load::Load;
use self::retired::Challenge;

/// All that `tiffin keys` rotates, but for API keys.
const RINGS: [&str; 6] = ["pepper", "seal", "edge-signing", "core-signing", "challenge", "factor"];
const ROLES: &str = "ingest,deliver,callbacks";
/// Orders that wait through each deployment.
const HELD: usize = 3;

/// What is deployed first: whichever it is, the other still has the keys of the stage before.
#[derive(Clone, Copy)]
enum First {
    Core,
    Edge,
}

fn config(stack: &Stack) -> anyhow::Result<Config> {
    stack.keys.config(&Variables::new())
}

async fn deploy(stack: &mut Stack, load: &Load, first: First) -> anyhow::Result<()> {
    stack.reload_keys()?;
    let (core_turn, edge_turn) = match first {
        First::Core => (0, 1),
        First::Edge => (1, 0),
    };
    for turn in 0..2 {
        if turn == core_turn {
            stack.core = None;
            stack.start_core(ROLES).await?;
        }
        if turn == edge_turn {
            stack.edge = None;
            stack.start_edge().await?;
        }
        load.go_on(2).await?;
    }
    Ok(())
}

/// One stage of all rings, with orders that were placed before it and are verified after it.
async fn stage(stack: &mut Stack, load: &Load, command: &str, first: First) -> anyhow::Result<()> {
    let held = hold(&stack.client).await?;
    for ring in RINGS {
        stack.change_keys(&[command, ring])?;
    }
    deploy(stack, load, first).await?;
    release(&stack.client, &held).await
}

async fn hold(client: &Client) -> anyhow::Result<Vec<Held>> {
    let mut held = Vec::new();
    for _ in 0..HELD {
        held.push(load::place(client, None).await?);
    }
    Ok(held)
}

async fn release(client: &Client, held: &[Held]) -> anyhow::Result<()> {
    for held in held {
        load::verify(client, held, None).await?;
    }
    Ok(())
}

/// The old keys before they are retired, and after: only then do they open nothing.
async fn old_keys_open(stack: &Stack, old: &Config, challenge: &Challenge) -> anyhow::Result<Vec<String>> {
    let (client, app) = (&stack.client, stack.client.with_key(&stack.keys.publishable));
    let now = config(stack)?;
    Ok(vec![
        retired::hand_over(client, &now, old).await?.status.to_string(),
        retired::tell(client, old).await?.status.to_string(),
        challenge.answer(&app).await?,
    ])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis, RabbitMQ and the edge's wasm: make test"]
async fn every_ring_is_rotated_under_load_and_no_order_is_lost_or_refused() -> anyhow::Result<()> {
    let mut stack = Stack::start(Front::Edge, Backing::Shared).await?;
    let old = config(&stack)?;
    let challenge = Challenge::ask(&stack.client.with_key(&stack.keys.publishable)).await?;
    let app = App::enrol(&stack.client).await?;
    app.use_at(&stack.client, -1).await?;
    let late = load::place(&stack.client, None).await?;
    let load = Load::start(&stack.client);
    load.go_on(1).await?;

    stage(&mut stack, &load, "stage", First::Edge).await?;
    stage(&mut stack, &load, "promote", First::Core).await?;
    // The documented waits, as what they are for: nothing that an old key made is alive, but for one code.
    app.use_at(&stack.client, 0).await?;
    load.go_on(1).await?;
    let before = old_keys_open(&stack, &old, &challenge).await?;
    assert_eq!(before[..2], ["202", "200"]);
    assert!(before[2].contains("solution is wrong"), "{before:?}");
    for ring in RINGS {
        stack.change_keys(&["retire", ring])?;
    }
    deploy(&mut stack, &load, First::Edge).await?;
    let after = old_keys_open(&stack, &old, &challenge).await?;
    assert_eq!(after[..2], ["401", "401"]);
    assert!(after[2].contains("key that is not in use"), "{after:?}");
    assert_eq!(stack.client.guess(&late.id, &late.code).await?, "expired", "its pepper is gone");
    app.use_at(&stack.client, 1).await?;

    load.go_on(2).await?;
    let tally = load.stop();
    assert_eq!(tally.failed, [""; 0]);
    println!("{:?} orders verified, {} requests repeated", tally.verified, tally.retried);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis, RabbitMQ and the edge's wasm: make test"]
async fn an_api_key_is_replaced_under_load_and_the_old_one_is_refused() -> anyhow::Result<()> {
    let mut stack = Stack::start(Front::Edge, Backing::Shared).await?;
    let load = Load::start(&stack.client);
    let printed =
        stack.change_keys(&["stage", "api", "--tenant", "dev", "--kind", "secret", "--id", "fresh"])?;
    let fresh = printed.split('\'').nth(1).context("a key")?.to_owned();
    deploy(&mut stack, &load, First::Core).await?;
    let (old, new) = (stack.client.clone(), stack.client.with_key(&fresh));
    let status = |client: Client| async move { Ok(client.fetch("ord_none").await?.status) };
    wait::until("the new key to be known", || status(new.clone()), |status| *status == 404).await?;
    let held = hold(&old).await?;
    load.go_on(1).await?;
    assert_eq!(load.stop().failed, [""; 0]);

    let load = Load::start(&new);
    stack.change_keys(&["retire", "api", "--id", "dev-secret"])?;
    deploy(&mut stack, &load, First::Core).await?;
    wait::until("the old key to be refused", || status(old.clone()), |status| *status == 401).await?;
    release(&new, &held).await?;
    load.go_on(1).await?;
    assert_eq!(load.stop().failed, [""; 0]);
    Ok(())
}
