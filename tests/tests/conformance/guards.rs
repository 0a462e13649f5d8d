//! The guards against pumping and their lists of verdicts, in memory and in Redis.

use std::collections::BTreeSet;

use tiffin_core::guard::watched::Watched;
use tiffin_core::guard::watched::What;
use tiffin_core::store::Key;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::country::Country;
use tiffin_shared::guard::Around;
use tiffin_shared::guard::Ask;
use tiffin_shared::guard::Command;
use tiffin_shared::guard::Count;
use tiffin_shared::guard::Guard;
use tiffin_shared::guard::Policy;
use tiffin_shared::guard::verdicts;
use tiffin_shared::guard::verdicts::Verdicts;
use tiffin_shared::id::TenantId;
use tiffin_shared::time::UnixMs;

use crate::SEED;
use crate::hosts::Hosts;
use crate::script::START;
use crate::script::Script;

const COMMANDS: u64 = 3_000;

fn watched(script: &mut Script, tenant: &TenantId, country: Country) -> Watched {
    let what = match script.below(4) {
        0 => What::Country(country),
        1 => What::Guesses,
        n => What::Prefix(country, Bytes(n.to_be_bytes())),
    };
    Watched { tenant: tenant.clone(), what }
}

fn ask(script: &mut Script, step: u64, change: Option<u64>, now: UnixMs) -> Ask {
    match script.below(20) {
        0 => Ask::Tick,
        1 if script.below(20) == 0 => Ask::Release,
        2..8 if change.is_some() => Ask::Told(change.unwrap_or_default()),
        _ => {
            let at = now.minus(script.below(90_000));
            let less = |number| u32::try_from(number).unwrap_or(0);
            let count = Count {
                at,
                sends: less(script.below(9)),
                verified: less(script.below(4) * script.below(2)),
                failed_guesses: less(script.below(9)),
                refused: less(script.below(3)),
            };
            // Some batches come twice.
            let batch = Bytes(u128::from(step - step % 2 * script.below(2)).to_be_bytes());
            Ask::Note { batch, counts: vec![count] }
        }
    }
}

#[tokio::test]
#[ignore = "needs Redis: make test"]
async fn memory_and_redis_keep_guards_and_their_verdicts_alike() -> anyhow::Result<()> {
    let hosts = Hosts::without_object().await?;
    let mut script = Script::new(SEED);
    let (tenant, country) = (TenantId::parse("shop")?, Country::parse("IN")?);
    let around = Around { country: None, sound_since: START };
    let policy = Policy {
        samples_min: 10,
        prefix_floor: 10,
        challenge_below_percent: 60,
        block_below_percent: 50,
        settle_ms: 30_000,
        ..Policy::default()
    };
    let (mut levels, mut put, mut change) = (BTreeSet::new(), BTreeSet::new(), None);
    for step in 0..COMMANDS {
        let now = script.tick();
        let watched = watched(&mut script, &tenant, country);
        let ask = ask(&mut script, step, change, now);
        let command = Command { kind: watched.what.kind(), policy, around, ask };
        let memory = hosts.memory.apply::<Guard>(&Key::guard(&watched), &command, now).await?;
        let redis = hosts.redis.apply::<Guard>(&Key::guard(&watched), &command, now).await?;
        assert_eq!(memory, redis, "step {step}, seed {SEED}");
        levels.insert(memory.verdict.map(|standing| standing.level));
        change = memory.change;
        let command = match memory.change {
            None => verdicts::Command::List,
            Some(_) => verdicts::Command::Set { subject: watched.what.subject(), standing: memory.verdict },
        };
        let memory = hosts.memory.apply::<Verdicts>(&Key::verdicts(&tenant), &command, now).await?;
        let redis = hosts.redis.apply::<Verdicts>(&Key::verdicts(&tenant), &command, now).await?;
        assert_eq!(memory, redis, "step {step}, seed {SEED}");
        put.insert(format!("{:?}", memory.put));
    }
    assert_eq!(levels.len(), 3, "the script reached only {levels:?}");
    assert_eq!(put.len(), 2, "the list was only {put:?}");
    Ok(())
}
