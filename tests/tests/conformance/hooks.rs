//! What an endpoint is still to be told, and the list of endpoints, in memory and in Redis.

use std::collections::BTreeSet;

use tiffin_core::store::Key;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::id::EndpointId;
use tiffin_shared::id::TenantId;
use tiffin_shared::webhook::book;
use tiffin_shared::webhook::book::Book;
use tiffin_shared::webhook::book::Managed;
use tiffin_shared::webhook::outbox;
use tiffin_shared::webhook::outbox::Begin;
use tiffin_shared::webhook::outbox::Done;
use tiffin_shared::webhook::outbox::Outbox;
use tiffin_shared::webhook::outbox::Outcome;

use crate::SEED;
use crate::hosts::Hosts;
use crate::script::Script;

const COMMANDS: u64 = 3_000;

fn ask(script: &mut Script, step: u64, begun: &mut Vec<Begin>, last: &outbox::Reply) -> outbox::Command {
    let row = |n: u64| (n, Bytes((n % 7).to_be_bytes()));
    match script.below(10) {
        0 => outbox::Command::Notify(step),
        1..4 => {
            let (from, to) = (last.cursor, last.cursor + script.below(4));
            let is_end = script.below(2) == 0;
            outbox::Command::Fill { from, saw: last.news, rows: (from..to).map(row).collect(), to, is_end }
        }
        4 if script.below(9) == 0 => outbox::Command::Replay(vec![row(script.below(last.cursor + 1))]),
        4 => outbox::Command::Enable,
        _ => {
            let outcome = match script.below(12) {
                0 => Outcome::Failed { retry_after_ms: None },
                1 => Outcome::Throttled { retry_after_ms: Some(3_000) },
                2 if script.below(20) == 0 => Outcome::Gone,
                _ => Outcome::Delivered,
            };
            let done = begun.pop().map(|Begin { n, attempt }| Done { n, attempt, outcome });
            let entropy = Entropy::new([u8::try_from(step % 251).unwrap_or(0); 32]);
            outbox::Command::Turn { done: done.into_iter().collect(), room: 4, entropy }
        }
    }
}

#[tokio::test]
#[ignore = "needs Redis: make test"]
async fn memory_and_redis_keep_an_endpoints_outbox_alike() -> anyhow::Result<()> {
    let hosts = Hosts::without_object().await?;
    let mut script = Script::new(SEED);
    let (mut begun, mut last, mut disabled) = (Vec::new(), outbox::Reply::default(), 0);
    let key = Key::hook("acme/main");
    for step in 0..COMMANDS {
        let now = script.tick();
        let command = ask(&mut script, step, &mut begun, &last);
        let memory = hosts.memory.apply::<Outbox>(&key, &command, now).await?;
        let redis = hosts.redis.apply::<Outbox>(&key, &command, now).await?;
        assert_eq!(memory, redis, "step {step}, seed {SEED}");
        begun.extend(&memory.begin);
        disabled += u64::from(memory.view.disabled.is_some());
        last = memory;
    }
    let view = &last.view;
    assert!(
        view.delivered > 100 && disabled > 0,
        "the script reached only {view:?}, disabled {disabled} times"
    );
    Ok(())
}

#[tokio::test]
#[ignore = "needs Redis: make test"]
async fn memory_and_redis_keep_the_list_of_endpoints_alike() -> anyhow::Result<()> {
    let hosts = Hosts::without_object().await?;
    let mut script = Script::new(SEED);
    let mut sizes = BTreeSet::new();
    for step in 0..COMMANDS / 10 {
        let now = script.tick();
        let tenant = TenantId::parse(if script.below(2) == 0 { "acme" } else { "bolt" })?;
        let name = EndpointId::parse(&format!("e{}", script.below(10)))?;
        let command = match script.below(4) {
            0 => book::Command::Remove(tenant, name),
            1 => book::Command::Read,
            _ => book::Command::Add(Box::new(Managed {
                tenant,
                name,
                id: Bytes(script.below(3).to_be_bytes()),
                url: "https://example.com/".into(),
                events: Vec::new(),
                keys: Vec::new(),
                created_at: now,
            })),
        };
        let memory = hosts.memory.apply::<Book>(&Key::hook_book(), &command, now).await?;
        let redis = hosts.redis.apply::<Book>(&Key::hook_book(), &command, now).await?;
        assert_eq!(memory, redis, "step {step}, seed {SEED}");
        sizes.insert(memory.endpoints.len());
    }
    assert!(sizes.len() > 4, "the script reached only {sizes:?}");
    Ok(())
}
