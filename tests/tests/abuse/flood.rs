//! A victim whose number strangers flood still gets its code.

use std::time::Instant;

use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::caller::ACCEPTED;
use crate::caller::CHALLENGED;
use crate::caller::Caller;
use crate::caller::start;
use crate::caller::told;
use crate::solver::solve;

/// Orders of one wave, each from an address of its own.
const WAVE: usize = 30;
/// The bucket of a phone: so many at once, then one in so many seconds.
const BURST: usize = 3;
const REFILL_S: u64 = 60;

/// A wave of orders from fresh addresses, all at once.
async fn wave(stack: &Stack, front: Front, phone: &str) -> anyhow::Result<Vec<Reply>> {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..WAVE {
        let (app, phone) = (Caller::app(stack, front), phone.to_owned());
        tasks.spawn(async move { app.order(&phone).await });
    }
    tasks.join_all().await.into_iter().collect()
}

fn accepted(replies: &[Reply]) -> usize {
    replies.iter().filter(|reply| told(reply) == ACCEPTED).count()
}

async fn a_flooded_victim_still_gets_its_code(front: Front) -> anyhow::Result<()> {
    let stack = start(front).await?;
    let (phone, begun) = (fresh_phone(), Instant::now());
    let first = wave(&stack, front, &phone).await?;
    assert_eq!(accepted(&first), BURST - 2, "one of the bucket is kept for who solves, one for the server");
    assert!(first.iter().all(|reply| [ACCEPTED, CHALLENGED].contains(&told(reply))), "{first:?}");

    let victim = Caller::app(&stack, front);
    let refused = victim.order(&phone).await?;
    assert_eq!(told(&refused), CHALLENGED);
    let solution = solve(&refused).await?;
    // The flood goes on while the victim solves, and takes nothing of what is kept, with or without guessing answers.
    let second = wave(&stack, front, &phone).await?;
    let lazy = Caller::app(&stack, front).order_solved(&phone, &solution.lazy[0]).await?;
    let stolen = Caller::app(&stack, front).order_solved(&phone, &solution.answer).await?;
    assert_eq!((told(&lazy), told(&stolen)), (CHALLENGED, CHALLENGED));
    let refilled = usize::try_from(begun.elapsed().as_secs() / REFILL_S)?;
    assert!(accepted(&second) <= refilled, "{second:?}");

    let order = victim.order_solved(&phone, &solution.answer).await?;
    assert_eq!(told(&order), ACCEPTED, "{order:?}");
    let id = order.id()?;
    stack.client.until_state(&id, "delivered").await?;
    let code = stack.client.code(&phone).await?;
    let verified = victim.verify(&id, &code).await?;
    assert_eq!(verified.body["result"], "verified", "{verified:?}");

    // Who solves as well finds nothing left until the bucket refills, and the tenant's server does.
    let paid = Caller::app(&stack, front).order(&phone).await?;
    assert!([CHALLENGED, (429, Some("rate_limited"))].contains(&told(&paid)), "{paid:?}");
    let server = Caller::new(&stack.client, &stack.keys.secret).order(&phone).await?;
    assert_eq!(told(&server), ACCEPTED, "{server:?}");
    let third = wave(&stack, front, &phone).await?;
    let refilled = usize::try_from(begun.elapsed().as_secs() / REFILL_S)?;
    assert!(accepted(&third) <= refilled, "{third:?}");
    // What was accepted was sent; wait for the last of it, so that no message comes uncounted.
    let others = accepted(&first) + accepted(&second) + accepted(&third);
    let others_sent = |messages: &Vec<_>| messages.len() <= others + 2;
    let messages = wait::until("messages", || stack.client.inbox(&phone), others_sent).await?;
    let bound = BURST + usize::try_from(begun.elapsed().as_secs() / REFILL_S)?;
    assert!((1..=bound).contains(&messages.len()), "{} messages, {bound} allowed", messages.len());
    Ok(())
}

#[tokio::test]
async fn a_flooded_victim_still_gets_its_code_at_the_wasm_edge() -> anyhow::Result<()> {
    a_flooded_victim_still_gets_its_code(Front::Edge).await
}

#[tokio::test]
async fn a_flooded_victim_still_gets_its_code_standalone() -> anyhow::Result<()> {
    a_flooded_victim_still_gets_its_code(Front::Standalone).await
}
