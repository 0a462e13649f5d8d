//! One installation: edge or standalone, core, sandbox, on memory or on real servers.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use tempfile::TempDir;

use crate::client::Client;
use crate::edge;
use crate::keys;
use crate::keys::Keys;
use crate::keys::Variables;
use crate::keys::tiffin;
use crate::process::Process;
use crate::registered::registered;
use crate::servers::SHARED_AMQP;
use crate::servers::SHARED_REDIS;
use crate::servers::Server;
use crate::wait;

/// Where the public API runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// The wasm, under workerd.
    Edge,
    /// Core itself.
    Standalone,
}

/// Where state and jobs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backing {
    /// In core's memory.
    Memory,
    /// Redis and RabbitMQ of this test alone, to be broken.
    Own,
    /// Redis and RabbitMQ that tests share, under a prefix of this test's own.
    Shared,
}

/// Running, until dropped.
pub struct Stack {
    /// Talks to it.
    pub client: Client,
    /// Its keys.
    pub keys: Keys,
    /// Core, or the one process of standalone.
    pub core: Option<Process>,
    /// workerd.
    pub edge: Option<Process>,
    /// The providers.
    pub sandbox: Option<Process>,
    /// Where there is one of its own.
    pub redis: Option<Server>,
    /// Where there is one of its own.
    pub rabbitmq: Option<Server>,
    front: Front,
    ports: Ports,
    variables: Variables,
    dir: TempDir,
}

/// Where the parts of an installation listen.
#[derive(Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) edge: u16,
    pub(crate) core: u16,
    pub(crate) sandbox: u16,
}

static STACKS: AtomicU32 = AtomicU32::new(0);

impl Stack {
    /// Starts everything, and returns when it is ready.
    pub async fn start(front: Front, backing: Backing) -> anyhow::Result<Self> {
        Self::start_with(front, backing, &[]).await
    }

    /// With more in core's environment.
    pub async fn start_with(front: Front, backing: Backing, more: &[(&str, &str)]) -> anyhow::Result<Self> {
        Self::launch(front, backing, more, str::to_owned).await
    }

    /// With the repository's settings, edited: what no environment variable sets.
    pub async fn start_with_settings(
        front: Front,
        backing: Backing,
        edit: impl FnOnce(&str) -> String,
    ) -> anyhow::Result<Self> {
        Self::launch(front, backing, &[], edit).await
    }

    /// With both.
    pub async fn launch(
        front: Front,
        backing: Backing,
        more: &[(&str, &str)],
        edit: impl FnOnce(&str) -> String,
    ) -> anyhow::Result<Self> {
        let dir = TempDir::with_prefix("tiffin-stack-")?;
        let first = wait::free_ports(3)?;
        let ports = Ports { edge: first, core: first + 1, sandbox: first + 2 };
        let settings = dir.path().join("settings.toml");
        std::fs::write(&settings, registered(&edit(&std::fs::read_to_string(keys::settings())?))?)?;
        let keys = Keys::make_for(&settings, &dir.path().join("keys"))?;
        let (redis, rabbitmq) = match backing {
            Backing::Memory => (None, None),
            Backing::Own => (
                Some(Server::redis(&dir.path().join("redis")).await?),
                Some(Server::rabbitmq(&dir.path().join("rabbitmq")).await?),
            ),
            Backing::Shared => (
                own_unless_shared(SHARED_REDIS, Server::redis(&dir.path().join("redis"))).await?,
                own_unless_shared(SHARED_AMQP, Server::rabbitmq(&dir.path().join("rabbitmq"))).await?,
            ),
        };
        let mut variables = variables(&keys, ports);
        if backing != Backing::Memory {
            let url = |own: &Option<Server>, shared| match own {
                Some(server) => Some(server.url()),
                None => std::env::var(shared).ok(),
            };
            variables.extend(url(&redis, SHARED_REDIS).map(|url| ("REDIS_URL".to_owned(), url)));
            variables.extend(url(&rabbitmq, SHARED_AMQP).map(|url| ("AMQP_URL".to_owned(), url)));
        }
        variables.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let at = |port| format!("http://127.0.0.1:{port}");
        let client = Client::new(at(ports.edge), at(ports.core), at(ports.sandbox), keys.secret.clone())?;
        let (core, edge, sandbox) = (None, None, None);
        let mut stack =
            Self { client, keys, core, edge, sandbox, redis, rabbitmq, front, ports, variables, dir };
        stack.start_sandbox().await?;
        stack.start_core("ingest,deliver,callbacks,ops").await?;
        if front == Front::Edge {
            stack.start_edge().await?;
        }
        Ok(stack)
    }

    /// Starts core, or starts it again, with these roles.
    pub async fn start_core(&mut self, roles: &str) -> anyhow::Result<()> {
        let public = if self.front == Front::Standalone { ",public" } else { "" };
        let mut command = self.tiffin()?;
        command.args(["serve", "--roles"]).arg(format!("{roles}{public}"));
        self.core = Some(Process::start(&mut command, &self.log("core"))?);
        self.answers("core", self.ports.core).await
    }

    /// Another process beside core, with these roles, on the same servers.
    pub fn start_another(&self, roles: &str) -> anyhow::Result<Process> {
        self.start_another_at(wait::free_ports(1)?, roles)
    }

    /// At this port, to be asked itself.
    pub fn start_another_at(&self, port: u16, roles: &str) -> anyhow::Result<Process> {
        let mut command = self.tiffin()?;
        command.env("TIFFIN_SERVER_LISTEN", format!("127.0.0.1:{port}"));
        command.args(["serve", "--roles", roles]);
        Process::start(&mut command, &self.log(&format!("another-{port}")))
    }

    /// Starts the edge, or starts it again, with the ledgers it had.
    pub async fn start_edge(&mut self) -> anyhow::Result<()> {
        let edge_dir = self.dir.path().join("edge");
        self.edge =
            Some(edge::start(&edge_dir, self.ports.edge, &edge_variables(&self.keys, self.ports.core)?)?);
        self.answers("edge", self.ports.edge).await
    }

    /// Starts the providers, or starts them again: with an empty inbox and without faults.
    pub async fn start_sandbox(&mut self) -> anyhow::Result<()> {
        let mut command = self.tiffin()?;
        self.sandbox = Some(Process::start(command.arg("sandbox"), &self.log("sandbox"))?);
        self.answers("sandbox", self.ports.sandbox).await
    }

    /// Everything this installation wrote: logs, Durable Objects, and its own servers' data.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Where the keys are.
    pub fn keys_dir(&self) -> PathBuf {
        self.dir.path().join("keys")
    }

    /// Runs `tiffin keys` with these arguments on the keys. What it printed; what runs keeps what it was started with.
    pub fn change_keys(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.tiffin()?.arg("keys").args(arguments).arg("--dir").arg(self.keys_dir()).output()?;
        anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Runs `tiffin` with these arguments, as an operator of this installation would. Whether it went well, and all it said.
    pub fn run(&self, arguments: &[&str]) -> anyhow::Result<(bool, String)> {
        self.run_with(arguments, &[])
    }

    /// With other variables.
    pub fn run_with(&self, arguments: &[&str], more: &[(&str, &str)]) -> anyhow::Result<(bool, String)> {
        let output = self.tiffin()?.envs(more.iter().copied()).args(arguments).output()?;
        let said = [output.stdout, output.stderr].concat();
        Ok((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
    }

    /// Takes the keys as they are now: for what is started from here on.
    pub fn reload_keys(&mut self) -> anyhow::Result<()> {
        self.keys = Keys::read(&self.keys_dir(), &self.keys.settings)?;
        self.variables.extend(self.keys.core.clone());
        self.variables.extend(self.keys.edge.clone());
        Ok(())
    }

    /// What core and the sandbox have in their environment by this name.
    pub fn variable(&self, name: &str) -> anyhow::Result<&str> {
        let value = self.variables.get(name).map(String::as_str);
        value.ok_or_else(|| anyhow::anyhow!("{name} is not set"))
    }

    /// Core's process, which must run.
    pub fn core(&mut self) -> anyhow::Result<&mut Process> {
        self.core.as_mut().ok_or_else(|| anyhow::anyhow!("core does not run"))
    }

    fn tiffin(&self) -> anyhow::Result<Command> {
        let mut command = Command::new(tiffin()?);
        command.env_clear().envs(&self.variables).arg("--config").arg(&self.keys.settings);
        Ok(command)
    }

    fn log(&self, name: &str) -> PathBuf {
        self.dir.path().join(format!("{name}.log"))
    }

    async fn answers(&self, name: &str, port: u16) -> anyhow::Result<()> {
        let url = format!("http://127.0.0.1:{port}/healthz");
        let look = || self.client.raw(reqwest::Method::GET, url.clone(), &[], Vec::new());
        wait::until(name, look, |reply| reply.status == 200).await.map(drop).map_err(|error| {
            let log = std::fs::read_to_string(self.log(name)).unwrap_or_default();
            error.context(format!("{name} did not start: {log}"))
        })
    }
}

/// What the edge's worker is given.
pub fn edge_variables(keys: &Keys, core_port: u16) -> anyhow::Result<Variables> {
    let mut variables = keys.edge.clone();
    let directory = keys.config(&Variables::new())?.directory()?;
    variables.insert(tiffin_shared::config::DIRECTORY.into(), serde_json::to_string(&directory)?);
    variables.insert(tiffin_shared::config::CORE_URL.into(), format!("http://127.0.0.1:{core_port}"));
    Ok(variables)
}

pub(crate) async fn own_unless_shared(
    variable: &str,
    own: impl Future<Output = anyhow::Result<Server>>,
) -> anyhow::Result<Option<Server>> {
    if std::env::var(variable).is_ok() { Ok(None) } else { own.await.map(Some) }
}

pub(crate) fn variables(keys: &Keys, ports: Ports) -> Variables {
    let mut variables = keys.core.clone();
    variables.extend(keys.edge.clone());
    let prefix = format!("t{}-{}", std::process::id(), STACKS.fetch_add(1, Ordering::Relaxed));
    let at = |port| format!("127.0.0.1:{port}");
    variables.extend(
        [
            ("TIFFIN_SERVER_LISTEN", at(ports.core)),
            ("TIFFIN_SERVER_PUBLIC_LISTEN", at(ports.edge)),
            ("TIFFIN_SERVER_PUBLIC_URL", format!("http://{}", at(ports.core))),
            ("TIFFIN_SERVER_EDGE_URL", format!("http://{}", at(ports.edge))),
            ("TIFFIN_SANDBOX_LISTEN", at(ports.sandbox)),
            ("TIFFIN_STORE_PREFIX", prefix.clone()),
            ("TIFFIN_BUS_PREFIX", prefix),
            ("TIFFIN_BUS_PARTITIONS", "2".to_owned()),
            // Orders that nobody verifies, to numbers that differ little, are what most tests are made of.
            ("TIFFIN_GUARD_MODE", "record_only".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    variables
}
