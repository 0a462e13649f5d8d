//! Orders in every state that a guess may meet, as many of each: what is asked once is answered slower than what is asked
//! often, and that must not depend on the class.

use std::net::Ipv4Addr;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use anyhow::Context;
use reqwest::Method;
use serde_json::json;
use tiffin_core::host;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_tests::client::Client;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

pub const CLASSES: [&str; 5] = [
    "wrong",
    "unknown: no such order of a known phone",
    "made up: an id that was never given out",
    "locked",
    "expired",
];
/// Guesses at one order: as many as its code allows.
pub const TURNS: usize = 5;
/// The shortest life that settings allow, and the longest.
const SETTINGS: &str = "\n[tenants.dev.services.brief]\nbrand = \"Brief\"\nttl_ms = 60000\nwaiting_ms = 1000\n\
                        [tenants.dev.services.long]\nbrand = \"Long\"\nttl_ms = 600000\n";

static ADDRESSES: AtomicU32 = AtomicU32::new(1);

/// An address that no other call returns: 198.18.0.0/15 is for tests (RFC 2544).
pub fn fresh_ip() -> String {
    let first = u32::from(Ipv4Addr::new(198, 18, 0, 0));
    Ipv4Addr::from(first + ADDRESSES.fetch_add(1, Ordering::Relaxed)).to_string()
}

/// An installation full of orders.
pub struct Ground {
    _stack: Stack,
    server: Client,
    app: Client,
    ip_header: &'static str,
    /// Of each class, the same number.
    ids: Vec<Vec<String>>,
    /// Orders that stand in the ledgers that are asked.
    neighbours: Vec<Vec<String>>,
}

impl Ground {
    pub async fn prepare(front: Front, orders: usize) -> anyhow::Result<Self> {
        let proxy = [("TIFFIN_SERVER_CLIENT_IP_HEADER", "x-real-ip")];
        let stack =
            Stack::launch(front, Backing::Memory, &proxy, |settings| format!("{settings}{SETTINGS}")).await?;
        let ip_header = if front == Front::Edge { "cf-connecting-ip" } else { "x-real-ip" };
        let (server, app) = (stack.client.clone(), stack.client.with_key(&stack.keys.publishable));
        let mut ground =
            Self { _stack: stack, server, app, ip_header, ids: Vec::new(), neighbours: Vec::new() };
        let expired = ground.place("brief", orders).await?;
        let wrong = ground.place("long", orders).await?;
        let known = ground.place("long", orders).await?;
        let locked = ground.place("long", orders).await?;
        for id in &locked {
            for nth in 0..TURNS {
                ground.server.verify(id, &digits(nth)).await?;
            }
        }
        let last = expired.last().context("orders")?;
        let is_expired = |reply: &Reply| reply.body.get("state").is_some_and(|state| state == "expired");
        wait::until_within(2 * wait::DEADLINE, "expiry", || ground.server.fetch(last), is_expired).await?;
        let sibling = |id: &String| -> anyhow::Result<String> {
            Ok(OrderId::new(host::random()?, OrderId::parse(id)?.ledger()).to_string())
        };
        let unknown = known.iter().map(sibling).collect::<anyhow::Result<Vec<_>>>()?;
        let invent = |_| -> anyhow::Result<String> {
            Ok(OrderId::new(host::random()?, LedgerId::new(host::random()?)).to_string())
        };
        let made_up = (0..orders).map(invent).collect::<anyhow::Result<Vec<_>>>()?;
        ground.neighbours = vec![wrong.clone(), known, locked.clone(), expired.clone()];
        ground.ids = vec![wrong, unknown, made_up, locked, expired];
        Ok(ground)
    }

    /// Orders of each class.
    pub fn orders(&self) -> usize {
        self.ids.first().map_or(0, Vec::len)
    }

    /// Lets every ledger of this round be in memory.
    pub async fn warm(&self, at: usize) -> anyhow::Result<()> {
        for id in self.neighbours.iter().filter_map(|ids| ids.get(at)) {
            self.server.fetch(id).await?;
        }
        Ok(())
    }

    /// A stranger's guess, which must be answered as any other.
    pub async fn guess(&self, class: usize, at: usize, turn: usize, ip: &str) -> anyhow::Result<()> {
        let id = self.ids.get(class).and_then(|ids| ids.get(at)).context("an order")?;
        let body = json!({ "code": digits(turn) });
        let path = format!("/v1/orders/{id}/verify");
        let reply = self.app.call(Method::POST, &path, &[(self.ip_header, ip)], &body).await?;
        anyhow::ensure!(reply.text == r#"{"result":"not_verified"}"#, "{:?}: {reply:?}", CLASSES.get(class));
        Ok(())
    }

    async fn place(&self, service: &str, orders: usize) -> anyhow::Result<Vec<String>> {
        let mut ids = Vec::new();
        for _ in 0..orders {
            let body = json!({"to": {"phone": fresh_phone()}, "service": service});
            ids.push(self.server.create(&fresh_key(), &body).await?.id()?);
        }
        Ok(ids)
    }
}

/// Guesses that differ; one in 200,000 is right.
fn digits(nth: usize) -> String {
    format!("{:06}", 271_828 + nth)
}
