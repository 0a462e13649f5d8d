//! Sign-ins at the console and attempts to, in memory and in Redis.

use tiffin_core::store::Key;
use tiffin_shared::operator::Attempts;
use tiffin_shared::operator::Command;
use tiffin_shared::operator::Session;
use tiffin_shared::operator::SignedIn;
use tiffin_shared::operator::TokenDigest;
use tiffin_shared::time::MINUTE_MS;

use crate::SEED;
use crate::hosts::Hosts;
use crate::script::Script;

const COMMANDS: u64 = 2_000;

#[tokio::test]
#[ignore = "needs Redis: make test"]
async fn memory_and_redis_keep_sign_ins_alike() -> anyhow::Result<()> {
    let hosts = Hosts::without_object().await?;
    let mut script = Script::new(SEED);
    let (mut now, mut known, mut unknown) = (script.tick(), 0, 0);
    for step in 0..COMMANDS {
        now = now.plus(script.below(10 * MINUTE_MS));
        let name = format!("operator {}", script.below(3));
        let command = match script.below(30) {
            0..3 => Command::Begin(SignedIn { digest: TokenDigest::of(&name), name }),
            3 => Command::End,
            4..8 => Command::Look,
            _ => Command::Use,
        };
        let key = Key::session(&format!("s{}", script.below(4)));
        let memory = hosts.memory.apply::<Session>(&key, &command, now).await?;
        let redis = hosts.redis.apply::<Session>(&key, &command, now).await?;
        assert_eq!(memory, redis, "step {step}, seed {SEED}");
        *if memory.is_some() { &mut known } else { &mut unknown } += 1;
    }
    assert!(known > 200 && unknown > 200, "the script found {known} and missed {unknown}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs Redis: make test"]
async fn memory_and_redis_keep_attempts_to_sign_in_alike() -> anyhow::Result<()> {
    let hosts = Hosts::without_object().await?;
    let mut script = Script::new(SEED);
    let (mut now, mut refused) = (script.tick(), 0);
    for step in 0..COMMANDS {
        now = now.plus(script.below(MINUTE_MS));
        let key = Key::sign_ins(&format!("n{}", script.below(2)));
        let memory = hosts.memory.apply::<Attempts>(&key, &(), now).await?;
        let redis = hosts.redis.apply::<Attempts>(&key, &(), now).await?;
        assert_eq!(memory, redis, "step {step}, seed {SEED}");
        refused += usize::from(memory.is_err());
    }
    assert!(refused > 20, "the script was refused only {refused} times");
    Ok(())
}
