//! Core processes of either version behind two doors, with servers and a sandbox that stay.

use std::path::PathBuf;

use reqwest::Method;
use tempfile::TempDir;

use super::version::Version;
use crate::client::Client;
use crate::edge;
use crate::keys;
use crate::keys::Keys;
use crate::keys::Variables;
use crate::process::Process;
use crate::proxy::Proxy;
use crate::servers::Server;
use crate::stack::Front;
use crate::stack::Ports;
use crate::stack::variables;
use crate::wait;

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Delivers, and takes receipts. Where the edge is the front, jobs too.
    Worker,
    /// The public API of standalone.
    Front,
}

/// Running, until dropped.
pub struct Installation {
    /// Talks to it.
    pub client: Client,
    cores: Vec<Core>,
    edge: Option<Process>,
    _sandbox: Process,
    front: Front,
    core_door: Proxy,
    public_door: Proxy,
    edge_port: u16,
    variables: Variables,
    dir: TempDir,
    _servers: [Server; 2],
}

struct Core {
    kind: Kind,
    process: Process,
    /// Where it listens: core's address, and the public one after it.
    port: u16,
}

impl Installation {
    /// Two workers of `base`, and its front: two processes or the edge. `head` plays the providers.
    pub async fn start(dir: TempDir, front: Front, base: &Version, head: &Version) -> anyhow::Result<Self> {
        let path = dir.path().to_owned();
        let redis = Server::redis(&path.join("redis")).await?;
        let rabbitmq = Server::rabbitmq(&path.join("rabbitmq")).await?;
        // As in the manual: the older version's keys, and what is new in the next one's.
        let keys_dir = path.join("keys").display().to_string();
        base.run(&Variables::new(), &["keys", "make", "--dir", &keys_dir])?;
        head.run(&Variables::new(), &["keys", "make", "--missing", "--dir", &keys_dir])?;
        let keys = Keys::read(&path.join("keys"), &head.settings)?;
        let first = wait::free_ports(2)?;
        let (core_door, public_door) = (Proxy::over(&[]).await?, Proxy::over(&[]).await?);
        let at = |proxy: &Proxy| format!("http://{}", proxy.at);
        let edge_url = match front {
            Front::Edge => format!("http://127.0.0.1:{first}"),
            Front::Standalone => at(&public_door),
        };
        let mut variables = variables(&keys, Ports { edge: first, core: first, sandbox: first + 1 });
        variables.extend(
            [
                ("REDIS_URL", redis.url()),
                ("AMQP_URL", rabbitmq.url()),
                ("TIFFIN_SERVER_PUBLIC_URL", at(&core_door)),
                ("TIFFIN_SERVER_EDGE_URL", edge_url.clone()),
                ("TIFFIN_OPS_URL", at(&core_door)),
                ("TIFFIN_BUS_PARTITIONS", "4".to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        let sandbox = format!("http://127.0.0.1:{}", first + 1);
        let client = Client::new(edge_url, at(&core_door), sandbox, keys.secret)?;
        let mut playing = head.command(&variables);
        let played = Process::start(playing.arg("sandbox"), &path.join("sandbox.log"))?;
        let mut installation = Self {
            client,
            cores: Vec::new(),
            edge: None,
            _sandbox: played,
            front,
            core_door,
            public_door,
            edge_port: first,
            variables,
            dir,
            _servers: [redis, rabbitmq],
        };
        for kind in installation.kinds() {
            installation.add(base, kind).await?;
        }
        if front == Front::Edge {
            installation.start_edge(base).await?;
        }
        Ok(installation)
    }

    /// Every core process: what it does.
    pub fn kinds(&self) -> Vec<Kind> {
        match self.front {
            Front::Edge => vec![Kind::Worker; 2],
            Front::Standalone => vec![Kind::Worker, Kind::Worker, Kind::Front, Kind::Front],
        }
    }

    /// One more process, behind its doors once it is ready.
    pub async fn add(&mut self, version: &Version, kind: Kind) -> anyhow::Result<()> {
        let port = wait::free_ports(2)?;
        let roles = match (kind, self.front) {
            (Kind::Front, _) => "ingest,public",
            (Kind::Worker, Front::Edge) => "ingest,deliver,callbacks,ops",
            (Kind::Worker, Front::Standalone) => "deliver,callbacks,ops",
        };
        let mut command = version.command(&self.variables);
        command.env("TIFFIN_SERVER_LISTEN", format!("127.0.0.1:{port}"));
        command.env("TIFFIN_SERVER_PUBLIC_LISTEN", format!("127.0.0.1:{}", port + 1));
        let log = self.dir.path().join(format!("{}-{kind:?}-{port}.log", version.name));
        let process = Process::start(command.args(["serve", "--roles", roles]), &log)?;
        self.until_ready(port, &log).await?;
        self.cores.push(Core { kind, process, port });
        self.aim();
        Ok(())
    }

    /// The oldest process of this kind leaves its door and is asked to stop. Returns when it is gone.
    pub async fn drop_oldest(&mut self, kind: Kind) -> anyhow::Result<()> {
        let place = self.cores.iter().position(|core| core.kind == kind);
        let mut core = self.cores.remove(place.ok_or_else(|| anyhow::anyhow!("no {kind:?} is left"))?);
        self.aim();
        tokio::task::spawn_blocking(move || core.process.stop()).await?;
        Ok(())
    }

    /// The edge of this version, in place of the one before, on the same Durable Objects.
    pub async fn start_edge(&mut self, version: &Version) -> anyhow::Result<()> {
        if let Some(mut edge) = self.edge.take() {
            tokio::task::spawn_blocking(move || edge.stop()).await?;
        }
        let mut variables = Keys::read(&self.dir.path().join("keys"), &version.settings)?.edge;
        variables.extend(keys::parse(&version.run(&self.variables, &["edge-env"])?));
        let dir = self.dir.path().join("edge");
        self.edge = Some(edge::start_built(&version.edge, &dir, self.edge_port, &variables)?);
        self.until_ready(self.edge_port, &dir.join("edge.log")).await
    }

    /// Dead letters, as the operators of this version see them.
    pub fn dead(&self, version: &Version) -> anyhow::Result<usize> {
        let listed = version.run(&self.variables, &["dead", "list", "--json", "--limit", "1000"])?;
        Ok(listed.matches("\"order\"").count())
    }

    /// What every core process printed, by the file's name.
    pub fn logs(&self) -> anyhow::Result<Vec<(String, String)>> {
        let mut logs = Vec::new();
        for entry in std::fs::read_dir(self.dir.path())? {
            let path: PathBuf = entry?.path();
            if path.extension().is_some_and(|extension| extension == "log") {
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                logs.push((name, std::fs::read_to_string(&path)?));
            }
        }
        Ok(logs)
    }

    fn aim(&self) {
        let ports = |kind, more| {
            let of_kind = self.cores.iter().filter(move |core| core.kind == kind);
            of_kind.map(|core| core.port + more).collect()
        };
        self.core_door.aim(ports(Kind::Worker, 0));
        self.public_door.aim(ports(Kind::Front, 1));
    }

    async fn until_ready(&self, port: u16, log: &std::path::Path) -> anyhow::Result<()> {
        let url = format!("http://127.0.0.1:{port}/readyz");
        let look = || self.client.raw(Method::GET, url.clone(), &[], Vec::new());
        let up = wait::until("a process is ready", look, |reply| reply.status == 200).await;
        up.map(drop).map_err(|error| error.context(std::fs::read_to_string(log).unwrap_or_default()))
    }
}
