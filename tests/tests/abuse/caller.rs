//! Somebody who calls from an address, as the front door is told of it.

use std::net::Ipv4Addr;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_tests::client::Client;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::login;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

/// Where the standalone process learns the address: as if a proxy were in front.
pub const PROXY: [(&str, &str); 1] = [("TIFFIN_SERVER_CLIENT_IP_HEADER", "x-real-ip")];

static ADDRESSES: AtomicU32 = AtomicU32::new(1);

/// An address that no other call of this process returns: 198.18.0.0/15 is for tests (RFC 2544).
pub fn fresh_ip() -> String {
    let first = u32::from(Ipv4Addr::new(198, 18, 0, 0));
    Ipv4Addr::from(first + ADDRESSES.fetch_add(1, Ordering::Relaxed)).to_string()
}

/// The header by which a host learns the address.
pub fn ip_header(front: Front) -> &'static str {
    match front {
        Front::Edge => "cf-connecting-ip",
        Front::Standalone => "x-real-ip",
    }
}

/// An installation behind a proxy, or behind Cloudflare.
pub async fn start(front: Front) -> anyhow::Result<Stack> {
    Stack::start_with(front, Backing::Memory, &PROXY).await
}

/// Shows a key, and comes from somewhere.
#[derive(Clone)]
pub struct Caller {
    pub client: Client,
    headers: Vec<(&'static str, String)>,
}

impl Caller {
    /// Without an address.
    pub fn new(client: &Client, key: &str) -> Self {
        Self { client: client.with_key(key), headers: Vec::new() }
    }

    /// An app's user, at an address of its own.
    pub fn app(stack: &Stack, front: Front) -> Self {
        Self::new(&stack.client, &stack.keys.publishable).with(ip_header(front), &fresh_ip())
    }

    /// With one header more, or another value of it.
    pub fn with(&self, name: &'static str, value: &str) -> Self {
        let mut caller = self.clone();
        caller.headers.retain(|(known, _)| *known != name);
        caller.headers.push((name, value.to_owned()));
        caller
    }

    /// A call with a body.
    pub async fn post(&self, path: &str, key: Option<&str>, body: &Value) -> anyhow::Result<Reply> {
        let own = self.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let headers: Vec<_> = own.chain(key.map(|key| ("idempotency-key", key))).collect();
        self.client.call(Method::POST, path, &headers, body).await
    }

    /// An order under an idempotency key.
    pub async fn create(&self, key: &str, body: &Value) -> anyhow::Result<Reply> {
        self.post("/v1/orders", Some(key), body).await
    }

    /// An order for a login code.
    pub async fn order(&self, phone: &str) -> anyhow::Result<Reply> {
        self.create(&fresh_key(), &login(phone)).await
    }

    /// The same with the answer to a challenge.
    pub async fn order_solved(&self, phone: &str, answer: &str) -> anyhow::Result<Reply> {
        self.create(&fresh_key(), &solved(phone, answer)).await
    }

    /// A guess.
    pub async fn verify(&self, id: &str, code: &str) -> anyhow::Result<Reply> {
        self.post(&format!("/v1/orders/{id}/verify"), None, &json!({ "code": code })).await
    }

    /// The same with the answer to a challenge.
    pub async fn verify_solved(&self, id: &str, code: &str, answer: &str) -> anyhow::Result<Reply> {
        let body = json!({ "code": code, "challenge": answer });
        self.post(&format!("/v1/orders/{id}/verify"), None, &body).await
    }

    /// An order as this key sees it.
    pub async fn fetch(&self, id: &str) -> anyhow::Result<Reply> {
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.client.call(Method::GET, &format!("/v1/orders/{id}"), &headers, &Value::Null).await
    }
}

/// The body of an ordinary order with the answer to a challenge.
pub fn solved(phone: &str, answer: &str) -> Value {
    let mut body = login(phone);
    body["challenge"] = answer.into();
    body
}

/// Status and code of a reply, for comparing.
pub fn told(reply: &Reply) -> (u16, Option<&str>) {
    (reply.status, reply.code())
}

/// What a challenged order is told.
pub const CHALLENGED: (u16, Option<&str>) = (403, Some("challenge_required"));
/// What an accepted order is told.
pub const ACCEPTED: (u16, Option<&str>) = (202, None);
