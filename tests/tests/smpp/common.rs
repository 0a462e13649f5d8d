//! An SMSC that others wrote, an account with it, and messages.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use anyhow::Context;
use futures::FutureExt as _;
use serde_json::Value;
use tempfile::TempDir;
use tiffin_core::gateways::adapter::Answered;
use tiffin_core::gateways::adapter::Message;
use tiffin_core::gateways::callback::Fate;
use tiffin_core::gateways::callback::Told;
use tiffin_core::gateways::smpp::Handler;
use tiffin_core::gateways::smpp::NotTaken;
use tiffin_core::gateways::smpp::Smpp;
use tiffin_core::gateways::smpp::tls;
use tiffin_shared::id::GatewayId;
use tiffin_shared::order::Found;
use tiffin_shared::route::Sender;
use tiffin_shared::secret::Secret;
use tiffin_tests::message::Parts;
use tiffin_tests::message::reference;
use tiffin_tests::process::Process;
use tiffin_tests::servers::root;
use tiffin_tests::wait;

/// How long a receipt waits for its message's answer to be noted.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whose SMSC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// node-smpp.
    Node,
    /// smpp.twisted3, which is Jasmin's.
    Twisted,
}

pub const MAKERS: [Maker; 2] = [Maker::Node, Maker::Twisted];

/// An SMSC, running.
pub struct Smsc {
    maker: Maker,
    options: Value,
    port: u16,
    dir: TempDir,
    process: Process,
}

impl Smsc {
    pub async fn start(maker: Maker, options: Value) -> anyhow::Result<Self> {
        let (port, dir) = (wait::free_ports(1)?, TempDir::new()?);
        let process = start(maker, &options, port, &dir).await?;
        Ok(Self { maker, options, port, dir, process })
    }

    /// `kill -9`, and again on the same port; it remembers nothing.
    pub async fn crash(&mut self) -> anyhow::Result<()> {
        self.process.kill();
        self.process = start(self.maker, &self.options, self.port, &self.dir).await?;
        Ok(())
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// What happened of this kind, oldest first.
    pub fn events(&self, event: &str) -> Vec<Value> {
        let log = self.process.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line["event"] == event).collect()
    }

    /// Waits until so much happened.
    pub async fn until(&self, event: &str, count: usize) -> anyhow::Result<Vec<Value>> {
        wait::until(event, || async { Ok(self.events(event).len()) }, |seen| *seen >= count).await?;
        Ok(self.events(event))
    }
}

async fn start(maker: Maker, options: &Value, port: u16, dir: &TempDir) -> anyhow::Result<Process> {
    let mut command = match maker {
        Maker::Node => {
            let mut command = Command::new(root().join("edge/node_modules/.bin/node"));
            command.arg(root().join("tests/tests/smpp/smsc.mjs"));
            command.env("SMPP_REQUIRE_FROM", root().join("edge/package.json"));
            command
        }
        Maker::Twisted => {
            let mut command = Command::new(python()?);
            command.arg(root().join("tests/tests/smpp/smsc.py"));
            command
        }
    };
    command.arg(port.to_string()).arg(options.to_string());
    let process = Process::start(&mut command, &dir.path().join("smsc.log"))?;
    let look = || async { Ok(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()) };
    let up = wait::until("the SMSC", look, |answers| *answers).await;
    up.with_context(|| process.log())?;
    Ok(process)
}

fn python() -> anyhow::Result<PathBuf> {
    let versions = std::fs::read_to_string(root().join("scripts/versions.sh"))?;
    let version = versions.lines().find_map(|line| line.strip_prefix("SMPP_TWISTED_VERSION="));
    let tools = std::env::var_os("TIFFIN_TOOLS").map(PathBuf::from).or_else(|| {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
        Some(cache.join("tiffin/tools"))
    });
    let tools = tools.context("HOME is not set")?;
    let program = tools.join(format!("smpp.twisted3-{}/bin/python", version.unwrap_or_default()));
    anyhow::ensure!(program.exists(), "{} is missing: run scripts/setup.sh python", program.display());
    Ok(program)
}

/// An account with sessions, and what it was told.
pub struct Account {
    pub smpp: Arc<Smpp>,
    pub told: Arc<Book>,
}

/// Whose each message is, and the receipts that came.
#[derive(Default)]
pub struct Book {
    by_id: Mutex<HashMap<String, u32>>,
    receipts: Mutex<Vec<(u32, Fate)>>,
    /// Receipts that are left with the SMSC at first.
    pub refuse: Mutex<usize>,
}

impl Book {
    pub fn keep(&self, provider_id: &str, n: u32) {
        lock(&self.by_id).insert(provider_id.to_owned(), n);
    }

    pub fn find(&self, provider_id: &str) -> Option<u32> {
        lock(&self.by_id).get(provider_id).copied()
    }

    /// The receipts so far: message and fate.
    pub fn receipts(&self) -> Vec<(u32, Fate)> {
        lock(&self.receipts).clone()
    }

    async fn take(&self, told: Told) -> Result<(), NotTaken> {
        {
            let mut refuse = lock(&self.refuse);
            if *refuse > 0 {
                *refuse -= 1;
                return Err(NotTaken);
            }
        }
        let begun = tokio::time::Instant::now();
        loop {
            let n = told.attempt.as_ref().map(|attempt| attempt.n).or_else(|| self.find(&told.provider_id));
            if let Some(n) = n {
                lock(&self.receipts).push((n, told.fate));
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                return Err(NotTaken);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Account {
    /// With the SMSC; `keys` are lines of its settings.
    pub fn start(smsc: &Smsc, keys: &str) -> anyhow::Result<Self> {
        Self::with(smsc.port(), "secret08", keys)
    }

    pub fn with(port: u16, password: &str, keys: &str) -> anyhow::Result<Self> {
        let keys = format!("host = '127.0.0.1'\nport = {port}\nsystem_id = 'tiffin'\n{keys}");
        let keys: tiffin_core::gateways::smpp::keys::Keys = toml::from_str(&keys)?;
        keys.check().map_err(anyhow::Error::msg)?;
        let trusted = keys.tls.then(|| tls::config(keys.tls_ca.as_deref())).transpose()?;
        let name = GatewayId::parse("smsc").map_err(|_| anyhow::anyhow!("no name"))?;
        let smpp = Arc::new(Smpp::new(&name, keys, Secret::new(password.to_owned()), trusted));
        let told = Arc::new(Book::default());
        let book = Arc::clone(&told);
        let handler: Handler = Arc::new(move |told| {
            let book = Arc::clone(&book);
            async move { book.take(told).await }.boxed()
        });
        smpp.start(handler);
        Ok(Self { smpp, told })
    }

    /// Sends text `n`, and notes whose it is.
    pub async fn send(&self, n: u32, text: &str) -> anyhow::Result<Answered> {
        let answered = self.act(n, text, async |message| self.smpp.send(message).await).await?;
        if let Answered::Taken { provider_id } = &answered {
            self.told.keep(provider_id, n);
        }
        Ok(answered)
    }

    /// Sends a code.
    pub async fn send_code(&self, n: u32) -> anyhow::Result<Answered> {
        self.send(n, &format!("{n:06} is your code.")).await
    }

    /// What became known of message `n`.
    pub fn look_up(&self, n: u32) -> Found {
        self.smpp.look_up(&reference(n))
    }

    async fn act<T>(
        &self,
        n: u32,
        text: &str,
        act: impl AsyncFnOnce(&Message<'_>) -> T,
    ) -> anyhow::Result<T> {
        let (parts, sender) = (Parts::new(&phone(n), n, text), Sender::parse("ACME")?);
        Ok(act(&Message { sender: Some(&sender), ..parts.message() }).await)
    }
}

/// Message `n` goes to a number of its own.
pub fn phone(n: u32) -> String {
    format!("+9198{n:08}")
}

/// How many messages a test sends: `TIFFIN_SMPP_MESSAGES`.
pub fn messages() -> u32 {
    std::env::var("TIFFIN_SMPP_MESSAGES").ok().and_then(|count| count.parse().ok()).unwrap_or(1_000)
}

pub fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
