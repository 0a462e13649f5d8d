//! Tenants' accounts: the same in memory and in Redis, and no more than there is, whoever races.

use std::sync::Arc;

use tiffin_core::store;
use tiffin_core::store::Key;
use tiffin_shared::directory::Billing;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::TenantId;
use tiffin_shared::money::Account;
use tiffin_shared::money::Answer;
use tiffin_shared::money::Ask;
use tiffin_shared::money::Command;
use tiffin_shared::money::POSTING_MS;
use tiffin_shared::money::Posting;
use tiffin_shared::time::HOUR_MS;
use tiffin_shared::time::UnixMs;
use tokio::task::JoinSet;

use crate::SEED;
use crate::hosts::Hosts;
use crate::script::Script;

const COMMANDS: u64 = 600;
/// Orders of a race, half of them by each process.
const RACERS: u64 = 1_000;
const PRICE: u64 = 2_500;
const START: UnixMs = UnixMs(1_795_082_400_000);

fn command(opening_micros: u64, ask: Ask) -> anyhow::Result<Command> {
    let billing = format!(r#"{{"currency": "USD", "opening_micros": {opening_micros}}}"#);
    let billing: Billing = serde_json::from_str(&billing)?;
    Ok(Command { billing, logged: 0, ask })
}

fn posting(order: u64, n: u32, held_micros: u64, now: UnixMs) -> anyhow::Result<Posting> {
    Ok(Posting {
        tenant: TenantId::parse("dev")?,
        order: OrderId::new(u128::from(order).to_be_bytes(), LedgerId::new([9; 16])),
        n,
        country: None,
        held_micros,
        captured_micros: 0,
        released_micros: 0,
        refunded_micros: 0,
        closes: false,
        until: now.plus(HOUR_MS),
        deadline: now.plus(POSTING_MS),
    })
}

#[tokio::test]
#[ignore = "needs Redis: make test"]
async fn memory_and_redis_keep_accounts_alike() -> anyhow::Result<()> {
    let hosts = Hosts::without_object().await?;
    let (mut script, key) = (Script::new(SEED), Key::account(&TenantId::parse("dev")?));
    let (mut granted, mut refused) = (0, 0);
    for step in 0..COMMANDS {
        let now = script.tick();
        let ask = match script.below(8) {
            0 => Ask::Open,
            1 => Ask::Credit {
                amount_micros: script.below(9_000).cast_signed(),
                reference: script.below(40).to_string(),
                note: None,
            },
            2 => Ask::Tick,
            _ => {
                let (order, n) = (script.below(60), u32::try_from(script.below(4))? + 1);
                let sent =
                    Posting { closes: script.below(3) == 0, ..posting(order, n, script.below(9_000), now)? };
                Ask::Post(vec![Posting { captured_micros: script.below(4_000), ..sent }])
            }
        };
        let logged = command(20_000, ask)?;
        let memory = hosts.memory.apply::<Account>(&key, &logged, now).await?;
        let redis = hosts.redis.apply::<Account>(&key, &logged, now).await?;
        assert_eq!(memory, redis, "step {step}, seed {SEED}");
        for answer in &memory.answers {
            if let Answer::Posted(standing) = answer {
                granted += usize::from(standing.held_micros > 0);
                refused += usize::from(standing.refused.is_some());
            }
        }
    }
    assert!(granted > 10 && refused > 10, "the script reached only {granted} holds and {refused} refusals");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs Redis: make test"]
async fn racing_holds_of_two_processes_spend_what_an_account_has_and_no_more() -> anyhow::Result<()> {
    let hosts = Arc::new(Hosts::without_object().await?);
    let key = Key::account(&TenantId::parse("racers")?);
    let opening = PRICE * (RACERS - 1);
    hosts.redis.apply::<Account>(&key, &command(opening, Ask::Open)?, START).await?;
    let mut racers = JoinSet::new();
    // Each process writes several orders at once, as its host does.
    for batch in 0..RACERS / 10 {
        let postings = (batch * 10..batch * 10 + 10).map(|order| posting(order, 1, PRICE, START));
        let command = command(opening, Ask::Post(postings.collect::<anyhow::Result<_>>()?))?;
        let (hosts, key) = (hosts.clone(), key.clone());
        racers.spawn(async move {
            let store = if batch % 2 == 0 { &hosts.redis } else { &hosts.redis_too };
            // Who is told that others were faster comes again: what was done is not done twice.
            loop {
                match store.apply::<Account>(&key, &command, START).await {
                    Err(store::Error::Contended(_) | store::Error::Timeout) => {}
                    reply => return reply,
                }
            }
        });
    }
    let mut granted = 0;
    for reply in racers.join_all().await {
        let is_granted = |answer: &&Answer| matches!(answer, Answer::Posted(it) if it.held_micros == PRICE);
        granted += reply?.answers.iter().filter(is_granted).count() as u64;
    }
    let stands = hosts.redis.apply::<Account>(&key, &command(opening, Ask::Read)?, START).await?.summary;
    assert_eq!(granted, RACERS - 1);
    assert_eq!((stands.available_micros, stands.held_micros), (0, opening));
    Ok(())
}
