//! A stranger's wrong guess looks the same whatever became of the order, and whether there ever was one.

use anyhow::Context;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;
use serde_json::json;
use tiffin_core::host;
use tiffin_shared::directory::KeyKind;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::keys::Variables;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::caller::CHALLENGED;
use crate::caller::Caller;
use crate::caller::fresh_ip;
use crate::caller::ip_header;
use crate::caller::told;
use crate::fleet;
use crate::fleet::Key;
use crate::solver::solve;

/// The shortest life and wait that settings allow.
const SETTINGS: &str = "[tenants.shop]\ncountries = \"all\"\n[tenants.shop.services.login]\nbrand = \"Shop\"\n\
                        ttl_ms = 60000\nwaiting_ms = 1000\n";

/// What a network may guess before it must solve.
const GUESSES_FREE: u32 = 10;
/// Networks that are tried, should one be slow enough to get a guess back.
const NETWORKS: usize = 5;

/// Orders in every state that refuses, by name, with a guess each.
struct Ground<'a> {
    stack: &'a Stack,
    front: Front,
    server: Caller,
    app: Caller,
    guesses: Vec<(&'static str, String, String)>,
}

impl Ground<'_> {
    /// A delivered order and its code.
    async fn order(&self, phone: &str) -> anyhow::Result<(String, String)> {
        let before = self.stack.client.inbox(phone).await?.len();
        let id = self.server.order(phone).await?.id()?;
        let look = || self.stack.client.inbox(phone);
        wait::until("a message", look, |messages| messages.len() > before).await?;
        Ok((id, self.stack.client.code(phone).await?))
    }

    fn add(&mut self, what: &'static str, id: &str, code: &str) {
        self.guesses.push((what, id.to_owned(), code.to_owned()));
    }

    /// By an app, each time from another address: it is the order's state that is compared, not the network's.
    async fn verify(&self, id: &str, code: &str) -> anyhow::Result<Reply> {
        self.app.with(ip_header(self.front), &fresh_ip()).verify(id, code).await
    }

    async fn unknown(&mut self) -> anyhow::Result<()> {
        let phone = fresh_phone();
        let (id, code) = self.order(&phone).await?;
        let known = OrderId::parse(&id)?.ledger();
        self.add("no such order of a known phone", &OrderId::new(host::random()?, known).to_string(), &code);
        let index = self.stack.keys.config(&Variables::new())?.edge()?.front.index;
        let unused = index.ledger("phone", &fresh_phone());
        self.add(
            "no such order of a phone never used",
            &OrderId::new(host::random()?, unused).to_string(),
            &code,
        );
        let invented = LedgerId::new(host::random()?);
        self.add("no such phone", &OrderId::new(host::random()?, invented).to_string(), &code);
        self.add("a wrong code", &id, &other(&code, 1));
        Ok(())
    }

    async fn over(&mut self) -> anyhow::Result<()> {
        let (locked, code) = self.order(&fresh_phone()).await?;
        for at in 1..=5 {
            let reply = self.server.verify(&locked, &other(&code, at)).await?;
            assert_eq!(reply.body["result"], "wrong_code");
        }
        self.add("the right code of a locked order", &locked, &code);
        self.add("a wrong code of a locked order", &locked, &other(&code, 6));

        let (verified, code) = self.order(&fresh_phone()).await?;
        assert_eq!(self.server.verify(&verified, &code).await?.body["result"], "verified");
        self.add("the right code once more", &verified, &code);

        let phone = fresh_phone();
        let (superseded, code) = self.order(&phone).await?;
        self.order(&phone).await?;
        self.add("the right code of a superseded order", &superseded, &code);
        Ok(())
    }

    /// Called off while no gateway takes it. Its code is the server's own, so that a right guess can be made.
    async fn cancelled(&mut self) -> anyhow::Result<()> {
        faults(self.stack, "http_500").await?;
        let (mut body, code) = (login(&fresh_phone()), "271828");
        body["code"] = code.into();
        let id = self.server.create(&fresh_key(), &body).await?.id()?;
        let path = format!("/v1/orders/{id}/cancel");
        let cancel = || self.server.post(&path, None, &Value::Null);
        wait::until("the window to open", cancel, |reply| reply.body["state"] == "cancelled").await?;
        faults(self.stack, "ok").await?;
        self.add("the right code of a cancelled order", &id, code);
        Ok(())
    }
}

/// Sets the fault of every gateway.
async fn faults(stack: &Stack, mode: &str) -> anyhow::Result<()> {
    for gateway in ["twilio-sms", "twilio-sms-2"] {
        let url = format!("{}/faults/{gateway}", stack.client.sandbox);
        let body = json!({ "mode": mode }).to_string().into_bytes();
        let reply = stack.client.raw(Method::PUT, url, &[("content-type", "application/json")], body).await?;
        anyhow::ensure!((200..300).contains(&reply.status), "{reply:?}");
    }
    Ok(())
}

fn other(code: &str, by: u32) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap_or_default() + by) % 1_000_000)
}

/// The headers but for the request's own.
fn common(reply: &Reply) -> HeaderMap {
    let mut headers = reply.headers.clone();
    for own in ["x-request-id", "date"] {
        headers.remove(own);
    }
    headers
}

async fn refusals_look_the_same(front: Front) -> anyhow::Result<()> {
    let keys = [Key::of("shop", KeyKind::Secret)?, Key::of("shop", KeyKind::Publishable)?];
    let stack = fleet::start(front, SETTINGS, &keys).await?;
    let [server, app] = keys.each_ref().map(|key| key.caller(&stack));
    let mut ground = Ground { stack: &stack, front, server, app, guesses: Vec::new() };
    let (expiring, code) = ground.order(&fresh_phone()).await?;
    ground.unknown().await?;
    ground.over().await?;
    ground.cancelled().await?;
    let look = || ground.server.fetch(&expiring);
    let is_expired = |reply: &Reply| reply.body["state"] == "expired";
    wait::until_within(2 * wait::DEADLINE, "the order to expire", look, is_expired).await?;
    ground.add("the right code of an expired order", &expiring, &code);

    let mut replies = Vec::new();
    for (what, id, code) in &ground.guesses {
        replies.push((*what, ground.verify(id, code).await?));
    }
    assert_eq!(replies.len(), 10);
    let (_, first) = replies.first().context("replies")?;
    for (what, reply) in &replies {
        assert_eq!((reply.status, reply.text.as_str()), (200, r#"{"result":"not_verified"}"#), "{what}");
        assert_eq!(common(reply), common(first), "{what}");
        assert_eq!(
            common(reply).keys().collect::<Vec<_>>(),
            common(first).keys().collect::<Vec<_>>(),
            "{what}"
        );
    }
    with_a_solution_they_do_too(&ground).await?;
    // The one guess that is right is told apart by its result alone.
    let phone = fresh_phone();
    let (id, code) = ground.order(&phone).await?;
    let right = ground.verify(&id, &code).await?;
    assert_eq!((right.status, right.text.as_str()), (200, r#"{"result":"verified"}"#));
    let fetched = ground.server.fetch(&id).await?;
    assert_eq!(fetched.body["state"], "verified");
    Ok(())
}

/// Of a network that must solve: the second time the solution is used up, whatever it was a guess at.
async fn with_a_solution_they_do_too(ground: &Ground<'_>) -> anyhow::Result<()> {
    for (what, id, code) in &ground.guesses {
        let (app, refused) = challenged(ground, id, code).await?;
        let answer = solve(&refused).await?.answer;
        let first = app.verify_solved(id, code, &answer).await?;
        assert_eq!((first.status, first.text.as_str()), (200, r#"{"result":"not_verified"}"#), "{what}");
        let second = app.verify_solved(id, code, &answer).await?;
        assert_eq!(told(&second), CHALLENGED, "{what}: {second:?}");
        assert_eq!(second.body["detail"], refused.body["detail"], "{what}");
    }
    Ok(())
}

/// Somebody who has guessed as often as a network may, and what this guess is refused with.
async fn challenged(ground: &Ground<'_>, id: &str, code: &str) -> anyhow::Result<(Caller, Reply)> {
    let nobodys = OrderId::new(host::random()?, LedgerId::new(host::random()?)).to_string();
    for _ in 0..NETWORKS {
        let app = ground.app.with(ip_header(ground.front), &fresh_ip());
        for nth in 0..GUESSES_FREE {
            app.verify(&nobodys, &other(code, nth)).await?;
        }
        let refused = app.verify(id, code).await?;
        if told(&refused) == CHALLENGED {
            return Ok((app, refused));
        }
        // A guess came back meanwhile.
    }
    anyhow::bail!("no network was challenged")
}

/// Both hosts side by side: most of the time is spent waiting for a code to expire.
#[tokio::test]
async fn every_wrong_guess_of_a_stranger_gets_the_same_bytes() -> anyhow::Result<()> {
    let edge = async { refusals_look_the_same(Front::Edge).await.context("the wasm edge") };
    let standalone = async { refusals_look_the_same(Front::Standalone).await.context("standalone") };
    tokio::try_join!(edge, standalone).map(drop)
}
