//! A receiver that keeps what it is sent and answers as it is told, and the operator's side of an endpoint.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::response::Response;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_core::config::names::METRICS_TOKEN;
use tiffin_core::config::names::OPERATOR_TOKEN;
use tiffin_tests::client::Reply;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;
use tokio::net::TcpListener;

/// A delivery as it came.
#[derive(Clone, Debug)]
pub struct Hook {
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// How to answer.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    pub status: u16,
    pub header: Option<(&'static str, &'static str)>,
    pub after: Duration,
}

type Script = dyn FnMut(usize, &Hook) -> Answer + Send;

struct Inner {
    taken: Vec<Hook>,
    answered: usize,
    script: Box<Script>,
}

#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    inner: Arc<Mutex<Inner>>,
}

pub fn status(status: u16) -> Answer {
    Answer { status, header: None, after: Duration::ZERO }
}

impl Hook {
    pub fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }
}

impl Receiver {
    /// Answers by `script`, which is given the number of the delivery, from 0.
    pub async fn start(script: impl FnMut(usize, &Hook) -> Answer + Send + 'static) -> anyhow::Result<Self> {
        let inner = Arc::new(Mutex::new(Inner { taken: Vec::new(), answered: 0, script: Box::new(script) }));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/hooks", listener.local_addr()?);
        let router = Router::new().fallback(take).with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, inner })
    }

    pub fn taken(&self) -> Vec<Hook> {
        self.inner.lock().unwrap().taken.clone()
    }

    /// Waits until so many were taken.
    pub async fn until(&self, count: usize) -> anyhow::Result<Vec<Hook>> {
        self.until_all(|taken| taken.len() >= count).await
    }

    /// Waits until so many were answered.
    pub async fn until_answered(&self, count: usize) -> anyhow::Result<usize> {
        let look = || async { Ok(self.inner.lock().unwrap().answered) };
        wait::until("answers", look, |answered| *answered >= count).await
    }

    pub async fn until_all(&self, is: impl Fn(&Vec<Hook>) -> bool) -> anyhow::Result<Vec<Hook>> {
        let look = || async { Ok(self.taken()) };
        wait::until_within(Duration::from_secs(60), "deliveries", look, is).await
    }
}

async fn take(State(inner): State<Arc<Mutex<Inner>>>, headers: HeaderMap, body: Bytes) -> Response {
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let headers = headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let hook = Hook { headers, body: String::from_utf8_lossy(&body).into_owned() };
    let answer = {
        let mut inner = inner.lock().unwrap();
        inner.taken.push(hook.clone());
        let n = inner.taken.len() - 1;
        (inner.script)(n, &hook)
    };
    tokio::time::sleep(answer.after).await;
    inner.lock().unwrap().answered += 1;
    let mut response = (StatusCode::from_u16(answer.status).unwrap(), "thanks\u{7}").into_response();
    if let Some((name, value)) = answer.header {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

/// A standalone installation that may call this machine.
pub async fn stack(backing: Backing) -> anyhow::Result<Stack> {
    stack_behind(Front::Standalone, backing).await
}

/// The same behind either front door.
pub async fn stack_behind(front: Front, backing: Backing) -> anyhow::Result<Stack> {
    Stack::start_with(front, backing, &[("TIFFIN_WEBHOOKS_TO_LOOPBACK", "true")]).await
}

/// The operators' API under `/ops/v1/webhooks`.
pub async fn ops(stack: &Stack, method: Method, path: &str, body: &Value) -> anyhow::Result<Reply> {
    let authorization = format!("Bearer {}", stack.variable(OPERATOR_TOKEN)?);
    let url = format!("http://{}/ops/v1/webhooks{path}", stack.variable("TIFFIN_SERVER_LISTEN")?);
    let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body)? };
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    stack.client.raw(method, url, &headers, body).await
}

/// Adds an endpoint. The key that its receiver verifies with.
pub async fn add(stack: &Stack, name: &str, url: &str, more: &Value) -> anyhow::Result<String> {
    let mut body = json!({"name": name, "url": url});
    for (key, value) in more.as_object().into_iter().flatten() {
        body[key] = value.clone();
    }
    let reply = ops(stack, Method::POST, "/dev", &body).await?;
    anyhow::ensure!(reply.status == 200, "{reply:?}");
    Ok(reply.body["key"].as_str().context("no key")?.to_owned())
}

/// How an endpoint stands.
pub async fn view(stack: &Stack, name: &str) -> anyhow::Result<Value> {
    let reply = ops(stack, Method::GET, "", &Value::Null).await?;
    let endpoints = reply.body["endpoints"].as_array().cloned().unwrap_or_default();
    endpoints.into_iter().find(|of| of["name"] == name).context("no such endpoint")
}

/// The figures of its process.
pub async fn metrics(stack: &Stack) -> anyhow::Result<String> {
    let bearer = format!("Bearer {}", stack.variable(METRICS_TOKEN)?);
    let url = format!("{}/metrics", stack.client.core);
    Ok(stack.client.raw(Method::GET, url, &[("authorization", &bearer)], Vec::new()).await?.text)
}

/// Its delivery log.
pub async fn deliveries(stack: &Stack, name: &str) -> anyhow::Result<Vec<Value>> {
    let reply = ops(stack, Method::GET, &format!("/dev/{name}/deliveries"), &Value::Null).await?;
    Ok(reply.body["deliveries"].as_array().cloned().unwrap_or_default())
}
