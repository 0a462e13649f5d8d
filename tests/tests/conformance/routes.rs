//! What the fleet knows of itself and of the ways out, in memory and in Redis.

use std::collections::BTreeSet;

use tiffin_core::store::Key;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::fleet;
use tiffin_shared::fleet::Fleet;
use tiffin_shared::fleet::MEMBERS_MAX;
use tiffin_shared::gateway;
use tiffin_shared::gateway::Calls;
use tiffin_shared::gateway::Forced;
use tiffin_shared::gateway::Gateway;
use tiffin_shared::id::GatewayId;
use tiffin_shared::route::stats;
use tiffin_shared::route::stats::Figures;
use tiffin_shared::route::stats::RouteStats;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;

use crate::SEED;
use crate::hosts::Hosts;
use crate::script::Script;

const COMMANDS: u64 = 3_000;
/// More than there may be at once.
const MEMBERS: u64 = 90;

#[tokio::test]
#[ignore = "needs Redis: make test"]
async fn memory_and_redis_keep_the_fleet_alike() -> anyhow::Result<()> {
    let hosts = Hosts::without_object().await?;
    let mut script = Script::new(SEED);
    let mut sizes = BTreeSet::new();
    let mut now = script.tick();
    for step in 0..COMMANDS {
        // Beats are close together, and now and then the whole fleet is silent.
        now = if script.below(300) == 0 { now.plus(fleet::TTL_MS) } else { now.plus(script.below(150)) };
        let id = Bytes(u128::from(script.below(MEMBERS)).to_be_bytes());
        let command =
            if script.below(20) == 0 { fleet::Command::Leave { id } } else { fleet::Command::Beat { id } };
        let memory = hosts.memory.apply::<Fleet>(&Key::fleet(), &command, now).await?;
        let redis = hosts.redis.apply::<Fleet>(&Key::fleet(), &command, now).await?;
        assert_eq!(memory, redis, "step {step}, seed {SEED}");
        sizes.insert(memory.len());
    }
    assert!(sizes.contains(&MEMBERS_MAX) && sizes.contains(&1), "the script reached only {sizes:?}");
    Ok(())
}

fn ask(script: &mut Script, step: u64, now: UnixMs) -> gateway::Ask {
    let token = |script: &mut Script| Bytes(u128::from(script.below(3)).to_be_bytes());
    match script.below(40) {
        0 => gateway::Ask::Force(Some(Forced::Open)),
        1 => gateway::Ask::Force(Some(Forced::Closed)),
        2..5 => gateway::Ask::Force(None),
        5..10 => gateway::Ask::Look,
        10..18 => gateway::Ask::Probe(token(script)),
        18..24 => {
            let is_well = [None, Some(false), Some(true)]
                .into_iter()
                .nth(usize::try_from(script.below(3)).unwrap_or(0));
            gateway::Ask::Probed { token: token(script), is_well: is_well.flatten() }
        }
        _ => {
            let made = u32::try_from(script.below(12)).unwrap_or(0);
            let failed = made.min(u32::try_from(script.below(4)).unwrap_or(0));
            let second = now.minus(script.below(90_000)).0 / SECOND_MS;
            // Some batches come twice.
            let batch = Bytes(u128::from(step - step % 2 * script.below(2)).to_be_bytes());
            let pause_ms = (script.below(9) == 0).then(|| script.below(600_000));
            gateway::Ask::Note {
                batch,
                calls: vec![Calls { second, made, failed, ..Calls::default() }],
                pause_ms,
            }
        }
    }
}

#[tokio::test]
#[ignore = "needs Redis: make test"]
async fn memory_and_redis_keep_gateways_alike() -> anyhow::Result<()> {
    let hosts = Hosts::without_object().await?;
    let mut script = Script::new(SEED);
    let (mut changes, mut probes) = (BTreeSet::new(), 0);
    for step in 0..COMMANDS {
        let now = script.tick();
        let key = Key::gateway(&GatewayId::parse(if script.below(2) == 0 { "one" } else { "two" })?);
        let ask = ask(&mut script, step, now);
        let memory = hosts.memory.apply::<Gateway>(&key, &ask, now).await?;
        let redis = hosts.redis.apply::<Gateway>(&key, &ask, now).await?;
        assert_eq!(memory, redis, "step {step}, seed {SEED}");
        changes.extend(memory.change.map(|change| format!("{:?}", change.to)));
        probes += usize::from(memory.may_probe);
    }
    assert!(changes.len() == 3 && probes > 10, "the script reached only {changes:?} and {probes} probes");
    Ok(())
}

#[tokio::test]
#[ignore = "needs Redis: make test"]
async fn memory_and_redis_keep_the_figures_of_routes_alike() -> anyhow::Result<()> {
    let hosts = Hosts::without_object().await?;
    let mut script = Script::new(SEED);
    let mut windows = BTreeSet::new();
    for step in 0..COMMANDS {
        let now = script.tick();
        let mut figures =
            Figures { sent: 1, verified: u32::try_from(script.below(2))?, ..Figures::default() };
        for _ in 0..script.below(9) {
            figures.arrived(script.below(40_000));
        }
        let batch = Bytes(u128::from(step - step % 2 * script.below(2)).to_be_bytes());
        let (key, command) = (Key::route("one/sms/IN"), stats::Command { batch, figures });
        let memory = hosts.memory.apply::<RouteStats>(&key, &command, now).await?;
        let redis = hosts.redis.apply::<RouteStats>(&key, &command, now).await?;
        assert_eq!(memory, redis, "step {step}, seed {SEED}");
        windows.insert(memory.window_ms);
    }
    assert!(windows.contains(&None) && windows.len() > 2, "the script reached only {windows:?}");
    Ok(())
}
