//! Challenges end to end: what solves one, and what does not.

use anyhow::Context;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

use crate::caller::ACCEPTED;
use crate::caller::CHALLENGED;
use crate::caller::Caller;
use crate::caller::fresh_ip;
use crate::caller::ip_header;
use crate::caller::solved;
use crate::caller::start;
use crate::caller::told;
use crate::solver::solve;

/// A network that has used up what passes without a challenge.
async fn busy_network(stack: &Stack, front: Front) -> anyhow::Result<Caller> {
    let app = Caller::app(stack, front);
    for _ in 0..3 {
        assert_eq!(told(&app.order(&fresh_phone()).await?), ACCEPTED);
    }
    Ok(app)
}

async fn a_solution_opens_one_order_once(stack: &Stack, front: Front) -> anyhow::Result<()> {
    let app = busy_network(stack, front).await?;
    let (phone, key) = (fresh_phone(), fresh_key());
    let refused = app.create(&key, &login(&phone)).await?;
    assert_eq!(told(&refused), CHALLENGED);
    let solution = solve(&refused).await?;
    let answer = solution.answer.as_str();

    // Before it is used, it is good for nothing else, and trying that does not use it up.
    let elsewhere = app.with(ip_header(front), &fresh_ip());
    let attempts = [
        ("for another phone", app.order_solved(&fresh_phone(), answer).await?),
        ("from another address", elsewhere.order_solved(&phone, answer).await?),
        ("with a letter more", app.order_solved(&phone, &format!("{answer}A")).await?),
        ("with nothing solved", app.order_solved(&phone, "eyJ9").await?),
        ("as an empty text", app.order_solved(&phone, "").await?),
    ];
    for (what, reply) in attempts {
        assert_eq!(told(&reply), CHALLENGED, "{what}: {reply:?}");
        assert_eq!(reply.body["challenge"]["type"], "altcha", "{what}: something to solve comes along");
    }
    let wrong = solution.lazy.iter().map(|lazy| ("without the work", lazy));
    for (what, answer) in wrong.chain(solution.altered.iter().map(|altered| ("altered", altered))) {
        let reply = app.order_solved(&phone, answer).await?;
        assert_eq!(told(&reply), CHALLENGED, "{what}: {reply:?}");
    }
    assert_eq!(stack.client.inbox(&phone).await?.len(), 0);

    // The refused request again, under its own key.
    let accepted = app.create(&key, &solved(&phone, answer)).await?;
    assert_eq!((told(&accepted), accepted.header("idempotency-replayed")), (ACCEPTED, None), "{accepted:?}");
    let again = app.create(&key, &solved(&phone, answer)).await?;
    assert_eq!((told(&again), again.header("idempotency-replayed")), (ACCEPTED, Some("true")));
    assert_eq!(again.id()?, accepted.id()?);
    let spent = app.order_solved(&phone, answer).await?;
    assert_eq!(told(&spent), CHALLENGED, "a solution counts once: {spent:?}");

    let code = stack.client.code(&phone).await?;
    assert_eq!(app.verify(&accepted.id()?, &code).await?.body["result"], "verified");
    assert_eq!(stack.client.inbox(&phone).await?.len(), 1);
    Ok(())
}

/// A stranger's limits do not fall with solving: each solution opens one order.
async fn every_order_beyond_takes_a_solution_of_its_own(stack: &Stack, front: Front) -> anyhow::Result<()> {
    let app = busy_network(stack, front).await?;
    let mut answers = Vec::new();
    for _ in 0..2 {
        let phone = fresh_phone();
        let solution = solve(&app.order(&phone).await?).await?;
        assert_eq!(told(&app.order_solved(&phone, &solution.answer).await?), ACCEPTED);
        answers.push(solution.answer);
        assert_eq!(told(&app.order(&fresh_phone()).await?), CHALLENGED, "without one it stays closed");
    }
    let [first, second] = &answers[..] else { anyhow::bail!("two were solved") };
    assert_ne!(first, second);
    Ok(())
}

/// Nor does one solution, shown forty times, use up what a neighbour behind the same address is entitled to.
async fn a_replayed_solution_takes_nothing_from_a_neighbour(
    stack: &Stack,
    front: Front,
) -> anyhow::Result<()> {
    let app = busy_network(stack, front).await?;
    let phone = fresh_phone();
    let answer = solve(&app.order(&phone).await?).await?.answer;
    assert_eq!(told(&app.order_solved(&phone, &answer).await?), ACCEPTED);
    for nth in 0..40 {
        assert_eq!(told(&app.order_solved(&phone, &answer).await?), CHALLENGED, "{nth}");
    }
    let neighbours = fresh_phone();
    let answer = solve(&app.order(&neighbours).await?).await?.answer;
    let order = app.order_solved(&neighbours, &answer).await?;
    assert_eq!(told(&order), ACCEPTED, "{order:?}");
    Ok(())
}

/// A server that tells of its client passes the challenge on, and the answer is the client's alone.
async fn a_server_passes_its_clients_challenge_on(stack: &Stack) -> anyhow::Result<()> {
    let server = Caller::new(&stack.client, &stack.keys.secret);
    let by = |ip: &str, phone: &str| {
        let mut body = login(phone);
        body["client"]["ip"] = ip.into();
        body
    };
    let (ip, phone) = (fresh_ip(), fresh_phone());
    for _ in 0..3 {
        assert_eq!(told(&server.create(&fresh_key(), &by(&ip, &fresh_phone())).await?), ACCEPTED);
    }
    let refused = server.create(&fresh_key(), &by(&ip, &phone)).await?;
    assert_eq!(told(&refused), CHALLENGED);
    let answer = solve(&refused).await?.answer;
    for (body, expected) in [(by(&fresh_ip(), &phone), CHALLENGED), (by(&ip, &phone), ACCEPTED)] {
        let mut body = body;
        body["challenge"] = answer.as_str().into();
        let reply = server.create(&fresh_key(), &body).await?;
        assert_eq!(told(&reply), expected, "{reply:?}");
    }
    Ok(())
}

async fn challenges(front: Front) -> anyhow::Result<()> {
    let stack = start(front).await?;
    let all = tokio::try_join!(
        a_solution_opens_one_order_once(&stack, front),
        every_order_beyond_takes_a_solution_of_its_own(&stack, front),
        a_replayed_solution_takes_nothing_from_a_neighbour(&stack, front),
        a_server_passes_its_clients_challenge_on(&stack),
    );
    all.map(drop).context("challenges")
}

#[tokio::test]
async fn a_solved_challenge_opens_one_order_once_at_the_wasm_edge() -> anyhow::Result<()> {
    challenges(Front::Edge).await
}

#[tokio::test]
async fn a_solved_challenge_opens_one_order_once_standalone() -> anyhow::Result<()> {
    challenges(Front::Standalone).await
}
