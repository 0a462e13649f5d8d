//! A wish whose answer is lost on its way back: asked for again by its name, it is done once.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use anyhow::Context;
use axum::Router;
use axum::body::Body;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::response::Response;
use reqwest::Method;
use serde_json::Value;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;
use tokio::net::TcpListener;

use crate::common::happenings;
use crate::common::ops;
use crate::common::resending;

const BODY_BYTES_MAX: usize = 1 << 20;

/// Stands before core, and loses answers.
struct Lossy {
    core: String,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// How many more are lost.
    lose: usize,
    /// Of each post that came.
    keys: Vec<String>,
}

impl Lossy {
    async fn start(core: &str) -> anyhow::Result<(Arc<Self>, String)> {
        let lossy = Arc::new(Self { core: core.to_owned(), inner: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(pass).with_state(lossy.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok((lossy, url))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lose(&self, count: usize) {
        *self.inner() = Inner { lose: count, keys: Vec::new() };
    }

    fn keys(&self) -> Vec<String> {
        self.inner().keys.clone()
    }
}

async fn pass(State(lossy): State<Arc<Lossy>>, request: Request) -> Response {
    let reply = forward(&lossy, request).await;
    let mut inner = lossy.inner();
    let is_lost = inner.lose > 0;
    inner.lose = inner.lose.saturating_sub(1);
    match reply {
        Ok(reply) if !is_lost => reply,
        Ok(_) => (StatusCode::SERVICE_UNAVAILABLE, "lost").into_response(),
        Err(error) => (StatusCode::IM_A_TEAPOT, error.to_string()).into_response(),
    }
}

async fn forward(lossy: &Lossy, request: Request) -> anyhow::Result<Response> {
    let (parts, body) = request.into_parts();
    let key = parts.headers.get("idempotency-key").context("a wish without a key")?.to_str()?.to_owned();
    lossy.inner().keys.push(key);
    let path = parts.uri.path_and_query().context("no path")?;
    let mut forwarded = reqwest::Client::new().request(parts.method, format!("{}{path}", lossy.core));
    for (name, value) in parts.headers.iter().filter(|(name, _)| *name != "host") {
        forwarded = forwarded.header(name, value);
    }
    let reply = forwarded.body(to_bytes(body, BODY_BYTES_MAX).await?).send().await?;
    let status = reply.status();
    Ok((status, Body::from(reply.bytes().await?)).into_response())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_asks_again_and_it_is_done_once() -> anyhow::Result<()> {
    let stack = resending(Front::Standalone, Backing::Memory).await?;
    let (lossy, url) = Lossy::start(&stack.client.core).await?;
    let run = |arguments: &[&str]| stack.run_with(arguments, &[("TIFFIN_OPS_URL", &url)]);
    let phone = fresh_phone();
    let id = stack.client.order(&phone).await?;
    stack.client.until_state(&id, "delivered").await?;
    let retry = ["order", "retry", id.as_str(), "--channel", "voice"];

    lossy.lose(1);
    let (went, said) = run(&retry)?;
    assert!(went && said.contains("is sent once more"), "{said}");
    let keys = lossy.keys();
    assert!(keys.len() == 2 && keys[0] == keys[1], "{keys:?}");
    wait::until("the call", || stack.client.inbox(&phone), |messages| messages.len() == 2).await?;
    let told = ops(&stack, Method::GET, &format!("orders/{id}"), &[], &Value::Null).await?.body;
    assert_eq!(happenings(&told, "retried").len(), 1, "{told}");

    // What is refused is refused: it is not asked for again.
    lossy.lose(0);
    let (went, said) = run(&retry)?;
    assert!(!went && said.contains("409") && !said.contains("--key"), "{said}");
    assert_eq!((lossy.keys().len(), lossy.keys() == keys[..1]), (1, false), "another wish has another key");

    gives_up_and_tells_the_key(&stack, &lossy, &run).await
}

async fn gives_up_and_tells_the_key(
    stack: &Stack,
    lossy: &Lossy,
    run: &impl Fn(&[&str]) -> anyhow::Result<(bool, String)>,
) -> anyhow::Result<()> {
    let open = ["escalation", "open", "--kind", "abuse", "--subject", "one shop", "--text", "all unverified"];
    lossy.lose(2);
    let (went, said) = run(&open)?;
    assert!(!went && said.contains("503") && said.contains("not known"), "{said}");
    let key = lossy.keys().first().cloned().context("no key")?;
    assert!(lossy.keys() == [key.clone(), key.clone()] && said.contains(&format!("--key {key}")), "{said}");
    let (went, said) = run(&[&open[..], &["--key", &key]].concat())?;
    assert!(went, "{said}");
    let listed = ops(stack, Method::GET, "escalations", &[], &Value::Null).await?.body;
    assert_eq!(listed["escalations"].as_array().map(Vec::len), Some(1), "{listed}");
    Ok(())
}
