//! A client of the public API and of the sandbox's inbox.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use anyhow::Context;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_core::gateways::call::install_tls;

/// A reply, read whole.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body as text.
    pub text: String,
    /// The body as JSON; null when it is none.
    pub body: Value,
}

/// Talks to one installation.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    /// Public API.
    pub edge: String,
    /// Core.
    pub core: String,
    /// Sandbox.
    pub sandbox: String,
    /// The API key it shows.
    pub key: String,
}

static COUNTER: AtomicU64 = AtomicU64::new(1);

/// A phone number that no other call of this process returns.
pub fn fresh_phone() -> String {
    format!(
        "+9198{:08}",
        COUNTER.fetch_add(1, Ordering::Relaxed) + u64::from(std::process::id() % 1000) * 10_000
    )
}

/// An idempotency key that no other call of this process returns.
pub fn fresh_key() -> String {
    format!("\"test-{}-{}\"", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed))
}

/// The body of an ordinary order.
pub fn login(phone: &str) -> Value {
    json!({"to": {"phone": phone}, "service": "login"})
}

impl Reply {
    /// The header as text, or nothing.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The problem's code, or nothing.
    pub fn code(&self) -> Option<&str> {
        self.body["code"].as_str()
    }

    /// The order's id.
    pub fn id(&self) -> anyhow::Result<String> {
        Ok(self.body["id"].as_str().with_context(|| format!("no id in {self:?}"))?.to_owned())
    }
}

impl Client {
    /// For an installation at these addresses.
    pub fn new(edge: String, core: String, sandbox: String, key: String) -> anyhow::Result<Self> {
        install_tls();
        let http = reqwest::Client::builder().timeout(crate::wait::DEADLINE).build()?;
        Ok(Self { http, edge, core, sandbox, key })
    }

    /// The same installation with another key.
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    /// Any call, with any headers and body.
    pub async fn raw(
        &self,
        method: Method,
        url: String,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> anyhow::Result<Reply> {
        let mut request = self.http.request(method, url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.body(body).send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Reply { status, headers, text, body })
    }

    /// A call of the public API with the key and JSON.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> anyhow::Result<Reply> {
        let authorization = format!("Bearer {}", self.key);
        let mut all = vec![("authorization", authorization.as_str()), ("content-type", "application/json")];
        all.extend(headers);
        let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body)? };
        self.raw(method, format!("{}{path}", self.edge), &all, body).await
    }

    /// `POST /v1/orders`.
    pub async fn create(&self, key: &str, body: &Value) -> anyhow::Result<Reply> {
        self.call(Method::POST, "/v1/orders", &[("idempotency-key", key)], body).await
    }

    /// An order for a login code, which must be accepted. Its id.
    pub async fn order(&self, phone: &str) -> anyhow::Result<String> {
        let reply = self.create(&fresh_key(), &login(phone)).await?;
        anyhow::ensure!(reply.status == 202, "not accepted: {reply:?}");
        reply.id()
    }

    /// `GET /v1/orders/{id}`.
    pub async fn fetch(&self, id: &str) -> anyhow::Result<Reply> {
        self.call(Method::GET, &format!("/v1/orders/{id}"), &[], &Value::Null).await
    }

    /// `POST /v1/orders/{id}/verify`.
    pub async fn verify(&self, id: &str, code: &str) -> anyhow::Result<Reply> {
        self.call(Method::POST, &format!("/v1/orders/{id}/verify"), &[], &json!({ "code": code })).await
    }

    /// The verdict of a guess.
    pub async fn guess(&self, id: &str, code: &str) -> anyhow::Result<String> {
        let reply = self.verify(id, code).await?;
        Ok(reply.body["result"].as_str().with_context(|| format!("no result in {reply:?}"))?.to_owned())
    }

    /// Messages to a phone, newest first.
    pub async fn inbox(&self, phone: &str) -> anyhow::Result<Vec<Value>> {
        let url = format!("{}/inbox?to={}", self.sandbox, phone.replace('+', "%2B"));
        let reply = self.raw(Method::GET, url, &[], Vec::new()).await?;
        reply.body["messages"].as_array().cloned().with_context(|| format!("no inbox: {reply:?}"))
    }

    /// Waits for a message to a phone. The code in it.
    pub async fn code(&self, phone: &str) -> anyhow::Result<String> {
        let messages =
            crate::wait::until("a message", || self.inbox(phone), |messages| !messages.is_empty()).await?;
        let text = messages.first().and_then(|message| message["text"].as_str()).unwrap_or_default();
        let code = text.split(|char: char| !char.is_ascii_digit()).find(|part| part.len() == 6);
        Ok(code.with_context(|| format!("no code in {text:?}"))?.to_owned())
    }

    /// Waits until the order is in a state. The order.
    pub async fn until_state(&self, id: &str, state: &str) -> anyhow::Result<Value> {
        let reply =
            crate::wait::until(state, || self.fetch(id), |reply| reply.body["state"] == state).await?;
        Ok(reply.body)
    }

    /// Sets the sandbox's fault of the first SMS gateway.
    pub async fn fault(&self, mode: &str) -> anyhow::Result<()> {
        self.fault_of("twilio-sms", mode).await
    }

    /// Sets the fault of any gateway.
    pub async fn fault_of(&self, gateway: &str, mode: &str) -> anyhow::Result<()> {
        self.fault_as(gateway, &json!({ "mode": mode })).await
    }

    /// Sets the fault of any gateway, with its details.
    pub async fn fault_as(&self, gateway: &str, script: &Value) -> anyhow::Result<()> {
        let url = format!("{}/faults/{gateway}", self.sandbox);
        let body = serde_json::to_vec(script)?;
        let reply = self.raw(Method::PUT, url, &[("content-type", "application/json")], body).await?;
        anyhow::ensure!((200..300).contains(&reply.status), "{reply:?}");
        Ok(())
    }
}
