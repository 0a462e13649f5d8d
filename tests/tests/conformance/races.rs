//! Many at once at one key.

use crate::hosts::Hosts;
use crate::script::START;
use crate::script::create;

pub const RACERS: usize = 64;
use std::sync::Arc;
use tiffin_core::store::Key;
use tiffin_shared::code::Code;
use tiffin_shared::directory::Limits;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::TenantId;
use tiffin_shared::ledger;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Create;
use tiffin_shared::ledger::Ledger;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::ledger::Verify;
use tiffin_shared::ledger::Whose;
use tiffin_shared::wire::api::VerifyResult;

async fn race(hosts: &Arc<Hosts>, ask: impl Fn(usize) -> Ask) -> anyhow::Result<Vec<Outcome>> {
    let mut racers = tokio::task::JoinSet::new();
    for racer in 0..RACERS {
        let (hosts, ask) = (hosts.clone(), ask(racer));
        let entropy = Entropy::new([u8::try_from(racer)?; 32]);
        racers.spawn(async move {
            let store = if racer % 2 == 0 { &hosts.redis } else { &hosts.redis_too };
            let command = ledger::Command { keys: hosts.keys.clone(), entropy, ask };
            let key = Key::ledger(LedgerId::new([99; 16]));
            // Running out of tries is an answer to retry, as a client would.
            loop {
                match store.apply::<Ledger>(&key, &command, START).await {
                    Ok(reply) => return Ok::<_, anyhow::Error>(reply.outcome),
                    Err(tiffin_core::store::Error::Contended(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        });
    }
    racers.join_all().await.into_iter().collect()
}

/// Many orders at once for one phone, each with its own key. How many were admitted.
pub async fn race_creates(hosts: &Arc<Hosts>) -> anyhow::Result<usize> {
    let tenant = TenantId::parse("dev")?;
    let ask = |racer| {
        let racer = u64::try_from(racer).unwrap_or(0);
        let ledger = LedgerId::new([99; 16]);
        Ask::Create(Box::new(Create { ledger, ..create(99, racer, 0, &tenant, "login") }))
    };
    let outcomes = race(hosts, ask).await?;
    Ok(outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Created { .. })).count())
}

/// Many wrong guesses at once at one order. How many were evaluated, and how many locked out.
pub async fn race_guesses(hosts: &Arc<Hosts>) -> anyhow::Result<(usize, usize)> {
    let tenant = TenantId::parse("second")?;
    let (entropy, ledger) = (Entropy::new([200; 32]), LedgerId::new([99; 16]));
    let ask = Ask::Create(Box::new(Create { ledger, ..create(99, 0, 0, &tenant, "login") }));
    let command = ledger::Command { keys: hosts.keys.clone(), entropy, ask };
    let reply = hosts.redis.apply::<Ledger>(&Key::ledger(ledger), &command, START).await?;
    let Outcome::Created { order, .. } = reply.outcome else { anyhow::bail!("not created") };
    let order = OrderId::parse(&order.id)?;
    // A code of another length is never right.
    let guess = Code::parse("1234")?;
    let whose = Whose { tenant, order, limits: Limits::default(), scope: Vec::new(), services: Vec::new() };
    let outcomes = race(hosts, |_| {
        Ask::Verify(Verify {
            whose: whose.clone(),
            guess: guess.clone(),
            binding: None,
            solved: None,
            is_stranger: false,
        })
    })
    .await?;
    let count = |verdict| {
        let of =
            |outcome: &&Outcome| matches!(outcome, Outcome::Verified { result, .. } if *result == verdict);
        outcomes.iter().filter(of).count()
    };
    Ok((count(VerifyResult::WrongCode), count(VerifyResult::Locked)))
}
