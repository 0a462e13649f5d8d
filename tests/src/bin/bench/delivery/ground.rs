//! Everything that delivery needs, as processes of its own: Redis, RabbitMQ, core, a provider. The client in this process
//! plays the edge, and hears of every order.

use std::collections::HashMap;
use std::process::Command;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use serde_json::json;
use tempfile::TempDir;
use tiffin_shared::http::internal::EVENTS_PATH;
use tiffin_shared::wire::api::OrderState;
use tiffin_shared::wire::event::OrderEvents;
use tiffin_tests::client::Client;
use tiffin_tests::keys::Keys;
use tiffin_tests::keys::Variables;
use tiffin_tests::keys::tiffin;
use tiffin_tests::process::Process;
use tiffin_tests::servers::Server;
use tiffin_tests::wait;

use super::door;
use super::gateway;
use super::gateway::Calls;
use super::meter;
use super::meter::Pids;
use crate::figures::folder;
use crate::peers::first_answer;

/// Each configured account, by its environment variables' name and in the sandbox.
const GATEWAYS: [(&str, &str); 2] = [("TWILIO_SMS", "twilio-sms"), ("TWILIO_SMS_2", "twilio-sms-2")];
/// How long the last receipts may take.
const SETTLE: Duration = Duration::from_secs(120);

/// What the edge was told.
#[derive(Default)]
pub struct Told {
    /// When each order was first told to be delivered.
    pub delivered: HashMap<String, Instant>,
    /// Events in all.
    pub events: usize,
    /// Requests that brought them.
    pub requests: usize,
}

/// The ground.
pub struct Ground {
    pub keys: Keys,
    pub redis: Server,
    pub rabbitmq: Server,
    /// The first takes everything; the others only deliver.
    pub cores: Vec<Process>,
    pub sandbox: Option<Process>,
    /// Where hand-overs go.
    pub port: u16,
    /// When the provider of this process was called.
    pub calls: Calls,
    told: Arc<Mutex<Told>>,
    variables: Variables,
    dir: TempDir,
}

/// Who plays the provider.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Nobody listens.
    Gone,
    /// This process, which notes when it is called.
    Here,
    /// The sandbox, in a process of its own, as fast as it can.
    Sandbox,
}

impl Ground {
    pub async fn start(provider: Provider, workers: usize) -> anyhow::Result<Self> {
        meter::pin()?;
        let dir = folder()?;
        let keys = Keys::make(&dir.path().join("keys"))?;
        let redis = Server::redis(&dir.path().join("redis")).await?;
        let rabbitmq = Server::rabbitmq(&dir.path().join("rabbitmq")).await?;
        let told = Arc::<Mutex<Told>>::default();
        let edge = open_edge(told.clone()).await?;
        let first = wait::free_ports(2)?;
        let (port, sandbox_port) = (first, first + 1);
        let (provider_port, calls) = match provider {
            Provider::Here => gateway::open(tokens(&keys)).await?,
            Provider::Gone | Provider::Sandbox => (sandbox_port, Calls::default()),
        };
        let mut variables = keys.core.clone();
        let at = |port: u16| format!("http://127.0.0.1:{port}");
        let mut set = |name: String, value: String| variables.insert(name, value);
        set("REDIS_URL".into(), redis.url());
        set("AMQP_URL".into(), rabbitmq.url());
        set("TIFFIN_SERVER_PUBLIC_URL".into(), at(port));
        set("TIFFIN_SERVER_EDGE_URL".into(), at(edge));
        set("TIFFIN_SANDBOX_LISTEN".into(), format!("127.0.0.1:{sandbox_port}"));
        // Orders that nobody verifies are all there is.
        set("TIFFIN_GUARD_MODE".into(), "record_only".into());
        for (name, _) in GATEWAYS {
            set(format!("TIFFIN_GATEWAY_{name}_BASE_URL"), at(provider_port));
        }
        let (cores, sandbox) = (Vec::new(), None);
        let mut ground = Self { keys, redis, rabbitmq, cores, sandbox, port, calls, told, variables, dir };
        if provider == Provider::Sandbox {
            ground.start_sandbox(sandbox_port).await?;
        }
        ground.start_core(port, "ingest,deliver,callbacks").await?;
        for _ in 1..workers {
            ground.start_core(wait::free_ports(1)?, "deliver").await?;
        }
        if workers > 1 {
            // Until each has its share.
            tokio::time::sleep(Duration::from_secs(12)).await;
        }
        Ok(ground)
    }

    async fn start_sandbox(&mut self, port: u16) -> anyhow::Result<()> {
        let log = self.dir.path().join("sandbox.log");
        self.sandbox = Some(Process::start(self.tiffin()?.arg("sandbox"), &log)?);
        let at = format!("http://127.0.0.1:{port}");
        let client = Client::new(at.clone(), at.clone(), at.clone(), String::new())?;
        let body = json!({ "mode": "null" }).to_string().into_bytes();
        for (_, gateway) in GATEWAYS {
            let url = format!("{at}/faults/{gateway}");
            let put = || client.raw(reqwest::Method::PUT, url.clone(), &[], body.clone());
            wait::until("the sandbox", put, |reply| (200..300).contains(&reply.status)).await?;
        }
        Ok(())
    }

    async fn start_core(&mut self, port: u16, roles: &str) -> anyhow::Result<()> {
        let log = self.dir.path().join(format!("core-{port}.log"));
        let mut command = self.tiffin()?;
        command.env("TIFFIN_SERVER_LISTEN", format!("127.0.0.1:{port}"));
        self.cores.push(Process::start(command.args(["serve", "--roles", roles]), &log)?);
        first_answer(port).await
    }

    fn tiffin(&self) -> anyhow::Result<Command> {
        let mut command = Command::new(tiffin()?);
        command.env_clear().envs(&self.variables).arg("--config").arg(&self.keys.settings);
        Ok(command)
    }

    /// Waits until the edge has been told that as many orders are delivered. What it was told since the last time.
    pub async fn until_delivered(&self, count: usize) -> anyhow::Result<Told> {
        let look = async || Ok(lock(&self.told).delivered.len());
        wait::until_within(SETTLE, "every receipt", look, |delivered| *delivered >= count).await?;
        Ok(std::mem::take(&mut *lock(&self.told)))
    }

    /// By what they are.
    pub fn pids(&self) -> anyhow::Result<Pids> {
        let mut pids = vec![
            ("client", std::process::id()),
            ("redis", self.redis.pid()?),
            ("rabbitmq", self.rabbitmq.pid()?),
        ];
        pids.extend(self.sandbox.iter().map(|sandbox| ("sandbox", sandbox.pid())));
        pids.extend(self.cores.iter().map(|core| ("core", core.pid())));
        Ok(pids)
    }
}

/// Takes every event and directory.
async fn open_edge(told: Arc<Mutex<Told>>) -> anyhow::Result<u16> {
    door::open(move |head, body| {
        if head.split(' ').nth(1) == Some(EVENTS_PATH) {
            let events =
                serde_json::from_str::<OrderEvents>(body).map(|body| body.events).unwrap_or_default();
            let mut told = lock(&told);
            told.requests += 1;
            told.events += events.len();
            for event in events.iter().filter(|event| event.state == OrderState::Delivered) {
                told.delivered.entry(event.order.to_string()).or_insert_with(Instant::now);
            }
        }
        door::reply("200 OK", r#"{"missed":[]}"#)
    })
    .await
}

fn tokens(keys: &Keys) -> Vec<(String, String)> {
    let token = |name: &str| keys.core.get(&format!("TIFFIN_GATEWAY_{name}_AUTH_TOKEN")).cloned();
    let accounts = GATEWAYS.iter().zip(1..);
    accounts.filter_map(|((name, _), number)| Some((format!("AC{number:032}"), token(name)?))).collect()
}

fn lock(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}
