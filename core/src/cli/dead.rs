//! `tiffin dead`: dead letters, through the operators' API of a running core.

use std::time::Duration;

use anyhow::Context;
use clap::Args;
use clap::Subcommand;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::config::Environment;
use crate::config::names::OPERATOR_TOKEN;
use crate::gateways::call::install_tls;

/// How long core may take: it looks through up to 10,000 messages.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What to do about jobs that could not be worked on.
#[derive(Subcommand)]
pub enum Command {
    /// Oldest first
    List {
        /// At most so many: 1-1000
        #[arg(long, default_value_t = 100)]
        limit: u16,
        #[command(flatten)]
        to: Core,
    },
    /// One, by its order's id
    Show {
        /// As `list` shows it
        id: String,
        #[command(flatten)]
        to: Core,
    },
    /// Give them back to the workers; those whose codes are over stay
    Replay {
        /// As `list` shows it
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        id: Option<String>,
        /// The oldest ones
        #[arg(long)]
        all: bool,
        /// At most so many: 1-1000
        #[arg(long, default_value_t = 100, requires = "all")]
        max: u16,
        #[command(flatten)]
        to: Core,
    },
    /// Forget one for good
    Discard {
        /// As `list` shows it
        id: String,
        #[command(flatten)]
        to: Core,
    },
}

/// Which core, and how to print.
#[derive(Args)]
pub struct Core {
    /// Core's address
    #[arg(long, env = "TIFFIN_OPS_URL", default_value = "http://127.0.0.1:8788")]
    url: String,
    /// As core answers it
    #[arg(long)]
    json: bool,
}

/// Runs one of them. The token is in the environment.
pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { limit, to } => {
            let reply = to.ask(Method::GET, &format!("?limit={limit}"), None).await?;
            to.print(&reply, || table(&reply));
        }
        Command::Show { id, to } => {
            let reply = to.ask(Method::GET, &path(&id, ""), None).await?;
            to.print(&reply, || details(&reply));
        }
        Command::Replay { id: Some(id), to, .. } => {
            let reply = to.ask(Method::POST, &path(&id, "/replay"), None).await?;
            to.print(&reply, || report(&reply));
            if count(&reply, "replayed") == 0 {
                let why = if count(&reply, "stale") > 0 {
                    "its code's life is over"
                } else {
                    "this version of core cannot read it"
                };
                anyhow::bail!("{id} was not replayed: {why}. `tiffin dead discard {id}` forgets it");
            }
        }
        Command::Replay { id: None, max, to, .. } => {
            let reply = to.ask(Method::POST, "/replay", Some(json!({"max": max}))).await?;
            to.print(&reply, || report(&reply));
        }
        Command::Discard { id, to } => {
            let reply = to.ask(Method::POST, &path(&id, "/discard"), None).await?;
            to.print(&reply, || report(&reply));
        }
    }
    Ok(())
}

impl Core {
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let token = Environment::of_process()?.get(OPERATOR_TOKEN).with_context(|| {
            format!("{OPERATOR_TOKEN} is not set. It stands in core.env, where `tiffin keys make` put it: load that file")
        })?;
        install_tls();
        let client = reqwest::Client::builder().timeout(TIMEOUT).build()?;
        let base = self.url.trim_end_matches('/');
        let mut request = client.request(method, format!("{base}/ops/v1/dead{path}")).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.with_context(|| {
            format!("core was not reached at {base}. Is it running? Another address: --url or TIFFIN_OPS_URL")
        })?;
        let status = response.status();
        let reply: Value = response.json().await.unwrap_or_default();
        if status.is_success() {
            return Ok(reply);
        }
        let detail = reply.get("detail").and_then(Value::as_str).unwrap_or("no reason given");
        match status.as_u16() {
            404 => anyhow::bail!("{detail} `tiffin dead list` shows what there is (404)"),
            _ => anyhow::bail!("core answered {}: {detail}", status.as_u16()),
        }
    }

    fn print(&self, reply: &Value, human: impl FnOnce() -> String) {
        let text = if self.json { reply.to_string() } else { human() };
        #[expect(clippy::print_stdout, reason = "what was asked for")]
        {
            println!("{text}");
        }
    }
}

/// Ids are letters, digits, '-' and '_'; whatever else is typed must not become another path.
fn path(id: &str, then: &str) -> String {
    let id: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
    format!("/{id}{then}")
}

fn letters(reply: &Value) -> impl Iterator<Item = &Value> {
    reply.get("letters").and_then(Value::as_array).into_iter().flatten()
}

fn table(reply: &Value) -> String {
    let mut lines = vec![format!("{:<24}  {:<47}  {:<16}  {:<9}  REASON", "SINCE", "ID", "TENANT", "CODE")];
    for letter in letters(reply) {
        let job = letter.get("job");
        let tenant = text(job, "tenant");
        let code = match (job.is_some_and(Value::is_object), letter.get("stale")) {
            (false, _) => "unknown",
            (true, Some(Value::Bool(true))) => "over",
            (true, _) => "alive",
        };
        let (since, id, reason) =
            (text(Some(letter), "dead_at"), text(Some(letter), "id"), text(Some(letter), "reason"));
        lines.push(format!("{since:<24}  {id:<47}  {tenant:<16}  {code:<9}  {reason}"));
    }
    if lines.len() == 1 {
        return "no dead letters".to_owned();
    }
    lines.join("\n")
}

fn details(reply: &Value) -> String {
    let mut lines = Vec::new();
    for letter in letters(reply) {
        for name in ["id", "reason", "dead_at", "partition", "bytes", "stale"] {
            lines.push(format!("{name:<10}  {}", text(Some(letter), name)));
        }
        for name in ["order", "tenant", "service", "channel", "created_at", "expires_at"] {
            lines.push(format!("{name:<10}  {}", text(letter.get("job"), name)));
        }
    }
    lines.join("\n")
}

fn report(reply: &Value) -> String {
    let counts = ["replayed", "discarded", "stale", "unreadable"].map(|name| (name, count(reply, name)));
    let told = counts.into_iter().filter(|(_, count)| *count > 0);
    let told: Vec<_> = told.map(|(name, count)| format!("{count} {name}")).collect();
    if told.is_empty() { "nothing to do".to_owned() } else { told.join(", ") }
}

fn count(reply: &Value, name: &str) -> u64 {
    reply.get(name).and_then(Value::as_u64).unwrap_or(0)
}

fn text(of: Option<&Value>, name: &str) -> String {
    match of.and_then(|of| of.get(name)) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
