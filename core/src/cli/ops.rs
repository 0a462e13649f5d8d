//! The operators' API of a running core, for the subcommands that use it.

use std::sync::OnceLock;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use reqwest::Method;
use reqwest::StatusCode;
use serde_json::Value;

use crate::config::Environment;
use crate::config::names::OPERATOR_TOKEN;
use crate::gateways::call::install_tls;
use crate::host;
use crate::plain;

/// How long core may take: it looks through up to 10,000 messages.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Until something is asked for again whose outcome is not known: another host takes a ledger over within seconds.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Which core, and how to print.
#[derive(Args)]
pub struct Core {
    /// Core's address
    #[arg(long, env = "TIFFIN_OPS_URL", default_value = "http://127.0.0.1:8788")]
    url: String,
    /// As core answers it
    #[arg(long)]
    json: bool,
    /// Who you are: stands beside every change
    #[arg(long = "as", env = "TIFFIN_OPERATOR", value_name = "NAME")]
    operator: Option<String>,
    /// Its connections are used again.
    #[arg(skip)]
    client: OnceLock<reqwest::Client>,
}

/// What goes with a request.
#[derive(Default)]
struct With<'a> {
    body: Option<Value>,
    /// It is for this version and for no other.
    version: Option<u64>,
    /// The same again by this name is done once.
    key: Option<&'a str>,
    accept: Option<&'a str>,
    timeout: Option<Duration>,
}

/// By what name something is done once, however often it is asked for.
#[derive(Args)]
pub struct Once {
    /// As an error told it, when it was not known whether it was done: asked again by it, it is done once
    #[arg(long)]
    key: Option<String>,
}

/// What came of it when it failed.
struct Failed {
    /// Whether it is known that nothing was done.
    is_known: bool,
    error: anyhow::Error,
}

async fn read(response: reqwest::Response, path: &str) -> anyhow::Result<Value> {
    let status = response.status();
    let reply: Value = response.json().await.unwrap_or_default();
    if status.is_success() {
        return Ok(reply);
    }
    let detail = reply.get("detail").and_then(Value::as_str).unwrap_or("no reason given");
    let kind = path.split(['/', '?']).next().unwrap_or_default();
    match (status.as_u16(), kind) {
        (404, "dead") => anyhow::bail!("{detail} `tiffin dead list` shows what there is (404)"),
        (412, _) => anyhow::bail!("core answered 412: {detail} Here that is --version."),
        (status, _) => anyhow::bail!("core answered {status}: {detail}"),
    }
}

async fn succeeded(response: reqwest::Response) -> anyhow::Result<reqwest::Response> {
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status().as_u16();
    let reply: Value = response.json().await.unwrap_or_default();
    let detail = reply.get("detail").and_then(Value::as_str).unwrap_or("no reason given");
    anyhow::bail!("core answered {status}: {detail}")
}

impl Core {
    /// Asks for what stands under `/ops/v1/`. The token is in the environment.
    pub async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        self.ask_at(method, path, body, None).await
    }

    /// The same, for what is at this version and at no other.
    pub async fn ask_at(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        version: Option<u64>,
    ) -> anyhow::Result<Value> {
        let with = With { body, version, timeout: Some(TIMEOUT), ..With::default() };
        read(self.send(method, path, with).await?, path).await
    }

    /// Posts what must not be done twice: by a name, and once more by the same one where it is not known what came of it.
    pub async fn ask_once(&self, path: &str, body: Value, once: Once) -> anyhow::Result<Value> {
        let key = match once.key {
            Some(key) => key,
            None => format!("{:032x}", u128::from_be_bytes(host::random()?)),
        };
        let mut asked = self.post_once(path, &body, &key).await;
        if asked.as_ref().is_err_and(|failed| !failed.is_known) {
            tokio::time::sleep(AGAIN_AFTER).await;
            asked = self.post_once(path, &body, &key).await;
        }
        asked.map_err(|Failed { is_known, error }| match is_known {
            true => error,
            false => anyhow::anyhow!(
                "{error:#}\nWhether it was done is not known. The same command with --key {key} does it once at most"
            ),
        })
    }

    async fn post_once(&self, path: &str, body: &Value, key: &str) -> Result<Value, Failed> {
        let body = Some(body.clone());
        let with = With { body, key: Some(key), timeout: Some(TIMEOUT), ..With::default() };
        let response = self.send(Method::POST, path, with).await.map_err(|error| {
            let is_known = error.downcast_ref().is_none_or(reqwest::Error::is_connect);
            Failed { is_known, error }
        })?;
        let is_known = !response.status().is_server_error();
        read(response, path).await.map_err(|error| Failed { is_known, error })
    }

    /// A document, as it is.
    pub async fn fetch(&self, path: &str, accept: &str) -> anyhow::Result<String> {
        let with = With { accept: Some(accept), timeout: Some(TIMEOUT), ..With::default() };
        Ok(succeeded(self.send(Method::GET, path, with).await?).await?.text().await?)
    }

    /// The same, where there is one.
    pub async fn look_up(&self, path: &str, accept: &str) -> anyhow::Result<Option<String>> {
        let with = With { accept: Some(accept), timeout: Some(TIMEOUT), ..With::default() };
        let response = self.send(Method::GET, path, with).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        Ok(Some(succeeded(response).await?.text().await?))
    }

    /// Whether a program reads what is printed.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// The reply as it comes, however long it is.
    pub async fn stream(&self, path: &str) -> anyhow::Result<reqwest::Response> {
        succeeded(self.send(Method::GET, path, With::default()).await?).await
    }

    fn client(&self) -> anyhow::Result<&reqwest::Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        install_tls();
        let client = reqwest::Client::builder().build()?;
        Ok(self.client.get_or_init(|| client))
    }

    async fn send(&self, method: Method, path: &str, with: With<'_>) -> anyhow::Result<reqwest::Response> {
        let token = Environment::of_process()?.get(OPERATOR_TOKEN).with_context(|| {
            format!("{OPERATOR_TOKEN} is not set. It stands in core.env, where `tiffin keys make` put it: load that file")
        })?;
        let With { body, version, key, accept, timeout } = with;
        let base = self.url.trim_end_matches('/');
        let mut request = self.client()?.request(method, format!("{base}/ops/v1/{path}")).bearer_auth(token);
        if let Some(timeout) = timeout {
            request = request.timeout(timeout);
        }
        if let Some(operator) = &self.operator {
            request = request.header("x-operator", operator);
        }
        if let Some(version) = version {
            request = request.header("if-match", format!("\"{version}\""));
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        if let Some(accept) = accept {
            request = request.header("accept", accept);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.with_context(|| {
            format!("core was not reached at {base}. Is it running? Another address: --url or TIFFIN_OPS_URL")
        })
    }

    /// The reply as it is, or as a person reads it.
    pub fn print(&self, reply: &Value, human: impl FnOnce() -> String) {
        let text = if self.json { reply.to_string() } else { plain::text(&human()) };
        #[expect(clippy::print_stdout, reason = "what was asked for")]
        {
            println!("{text}");
        }
    }
}

/// Names are letters, digits, '-' and '_'; whatever else is typed must not become another path.
pub fn path(parts: &[&str], then: &str) -> String {
    let encoded =
        parts.iter().map(|part| form_urlencoded::byte_serialize(part.as_bytes()).collect::<String>());
    format!("{}{then}", encoded.collect::<Vec<_>>().join("/"))
}

/// A field as it is printed; `-` where there is none.
pub fn text(of: Option<&Value>, name: &str) -> String {
    match of.and_then(|of| of.get(name)) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// A time in milliseconds since 1970, as a person reads it.
pub fn time(of: Option<&Value>, name: &str) -> String {
    let ms = of.and_then(|of| of.get(name)).and_then(Value::as_u64).filter(|ms| *ms > 0);
    ms.map_or("-".to_owned(), |ms| tiffin_shared::time::UnixMs(ms).rfc3339())
}
