//! An attacker who knows a victim's number, has an app's key, and pays with solved challenges: the victim still gets in.

use tiffin_shared::directory::KeyKind;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::caller::ACCEPTED;
use crate::caller::CHALLENGED;
use crate::caller::Caller;
use crate::caller::fresh_ip;
use crate::caller::ip_header;
use crate::caller::told;
use crate::fleet;
use crate::fleet::Key;
use crate::solver::solve;

/// The default limits, with a bucket that refills in a second: an attack of an hour fits into a test.
const LIMITS: &str = "countries = \"all\"\nlimits = { bucket = { capacity = 3, refill_ms = 1000 } }";
/// Of ten orders an hour, what who solves can have.
const SOLVED_AN_HOUR: usize = 7;

/// An installation, the tenant's server, and its app.
struct Scene {
    stack: Stack,
    server: Caller,
    app: Key,
    front: Front,
}

impl Scene {
    async fn start(front: Front) -> anyhow::Result<Self> {
        let keys = [Key::of("quick", KeyKind::Secret)?, Key::of("quick", KeyKind::Publishable)?];
        let stack = fleet::start(front, &fleet::tenant("quick", LIMITS), &keys).await?;
        let [secret, app] = keys;
        Ok(Self { server: secret.caller(&stack), stack, app, front })
    }

    /// Somebody at an address of his own.
    fn anyone(&self) -> Caller {
        self.app.caller(&self.stack).with(ip_header(self.front), &fresh_ip())
    }

    /// An order that solves what it must, and as often as it must.
    async fn order_at_any_cost(&self, caller: &Caller, phone: &str) -> anyhow::Result<Reply> {
        let mut reply = caller.order(phone).await?;
        for _ in 0..4 {
            if told(&reply) != CHALLENGED {
                break;
            }
            reply = caller.order_solved(phone, &solve(&reply).await?.answer).await?;
        }
        Ok(reply)
    }

    async fn verify_at_any_cost(&self, caller: &Caller, id: &str, code: &str) -> anyhow::Result<Reply> {
        let reply = caller.verify(id, code).await?;
        if told(&reply) != CHALLENGED {
            return Ok(reply);
        }
        caller.verify_solved(id, code, &solve(&reply).await?.answer).await
    }

    /// The code of the newest message, once there are so many.
    async fn code(&self, phone: &str, messages: usize) -> anyhow::Result<String> {
        let look = || self.stack.client.inbox(phone);
        wait::until("the message", look, |inbox| inbox.len() >= messages).await?;
        self.stack.client.code(phone).await
    }
}

fn wrong(code: &str) -> &'static str {
    if code == "000000" { "111111" } else { "000000" }
}

/// Orders codes for the victim and guesses them wrong, from ever new addresses, for nothing.
async fn guessing_locks_nobody_out(scene: &Scene) -> anyhow::Result<()> {
    let (phone, mut evaluated) = (fresh_phone(), 0);
    for round in 0..6 {
        let order = scene.anyone().order(&phone).await?;
        if told(&order) == ACCEPTED {
            let id = order.id()?;
            for _ in 0..5 {
                scene.anyone().verify(&id, "0000").await?;
            }
            evaluated += 5 - scene.server.fetch(&id).await?.body["guesses_left"].as_u64().unwrap_or(0);
        } else {
            assert_eq!(told(&order), CHALLENGED, "round {round}: {order:?}");
        }
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    }
    assert!((1..=10).contains(&evaluated), "{evaluated} guesses");

    let before = scene.stack.client.inbox(&phone).await?.len();
    let order = scene.server.order(&phone).await?;
    assert_eq!(told(&order), ACCEPTED, "{order:?}");
    let code = scene.code(&phone, before + 1).await?;
    let verified = scene.server.verify(&order.id()?, &code).await?;
    assert_eq!(verified.body["result"], "verified", "by the tenant's server: {verified:?}");

    let victim = scene.anyone();
    let order = scene.order_at_any_cost(&victim, &phone).await?;
    assert_eq!(told(&order), ACCEPTED, "{order:?}");
    let code = scene.code(&phone, before + 2).await?;
    assert_eq!(
        scene.verify_at_any_cost(&victim, &order.id()?, wrong(&code)).await?.body["result"],
        "not_verified"
    );
    let verified = scene.verify_at_any_cost(&victim, &order.id()?, &code).await?;
    assert_eq!(verified.body["result"], "verified", "by the app, with a challenge: {verified:?}");
    Ok(())
}

/// Solves as many challenges as there are orders to be had.
async fn solving_locks_nobody_out(scene: &Scene) -> anyhow::Result<()> {
    let phone = fresh_phone();
    let first = scene.server.order(&phone).await?;
    assert_eq!(told(&first), ACCEPTED);
    let code = scene.code(&phone, 1).await?;
    let (mut bought, mut seconds, mut victims) = (0, Vec::new(), 0);
    // The bucket refills between two: what ends it is the hour.
    for _ in 0..3 * SOLVED_AN_HOUR {
        let begun = std::time::Instant::now();
        let reply = scene.order_at_any_cost(&scene.anyone(), &phone).await?;
        if told(&reply) == (429, Some("rate_limited")) {
            let wait_s: u64 = reply.header("retry-after").and_then(|text| text.parse().ok()).unwrap_or(0);
            if wait_s > 60 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
            continue;
        }
        assert_eq!(told(&reply), ACCEPTED, "{reply:?}");
        (bought, seconds) = (bought + 1, [seconds, vec![begun.elapsed().as_secs_f32()]].concat());
        if bought == 2 {
            tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
            let victim = scene.anyone();
            let sent = scene.stack.client.inbox(&phone).await?.len();
            let order = scene.order_at_any_cost(&victim, &phone).await?;
            assert_eq!(told(&order), ACCEPTED, "the flooded victim, by a challenge: {order:?}");
            let code = scene.code(&phone, sent.max(4)).await?;
            let verified = scene.verify_at_any_cost(&victim, &order.id()?, &code).await?;
            assert_eq!(verified.body["result"], "verified", "{verified:?}");
            victims += 1;
        }
    }
    assert_eq!(victims, 1, "{bought} orders were bought, at {seconds:.1?} s each");
    // One of the hour is the server's, and one the victim's.
    assert!(bought <= SOLVED_AN_HOUR - 2, "{bought} bought");
    let verified = scene.server.verify(&first.id()?, &code).await?;
    assert_eq!(verified.body["result"], "verified", "its code still lives: {verified:?}");
    for nth in 0..2 {
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
        let order = scene.server.order(&phone).await?;
        assert_eq!(told(&order), ACCEPTED, "the server's own part, {nth}: {order:?}");
    }
    Ok(())
}

async fn lockout(front: Front) -> anyhow::Result<()> {
    let scene = Scene::start(front).await?;
    guessing_locks_nobody_out(&scene).await?;
    solving_locks_nobody_out(&scene).await
}

#[tokio::test]
async fn neither_guessing_nor_solving_locks_a_victim_out_at_the_wasm_edge() -> anyhow::Result<()> {
    lockout(Front::Edge).await
}

#[tokio::test]
async fn neither_guessing_nor_solving_locks_a_victim_out_standalone() -> anyhow::Result<()> {
    lockout(Front::Standalone).await
}
