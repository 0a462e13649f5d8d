//! Several core processes behind one door, with a sandbox, a played edge, Redis and RabbitMQ.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use tiffin_core::store::Key;
use tiffin_core::store::Redis;
use tiffin_core::store::Store;
use tiffin_shared::gateway;
use tiffin_shared::gateway::Forced;
use tiffin_shared::id::GatewayId;

use super::feeder::Feeder;
use super::played::Played;
use crate::client::Client;
use crate::keys;
use crate::keys::Keys;
use crate::keys::Variables;
use crate::keys::tiffin;
use crate::process::Process;
use crate::proxy::Proxy;
use crate::registered::registered;
use crate::servers::SHARED_AMQP;
use crate::servers::SHARED_REDIS;
use crate::servers::Server;
use crate::stack::Backing;
use crate::stack::Ports;
use crate::stack::own_unless_shared;
use crate::stack::variables;
use crate::wait;

/// What a process of an ordinary fleet does.
pub const ALL: &str = "ingest,deliver,callbacks,ops";

/// Running, until dropped.
pub struct Fleet {
    /// Talks to the sandbox, and to core by the door.
    pub client: Client,
    /// Hands over jobs by the door.
    pub feeder: Feeder,
    /// What core told.
    pub played: Played,
    /// One process each.
    pub cores: Vec<Core>,
    /// Where there is one of its own.
    pub redis: Option<Server>,
    /// Where there is one of its own.
    pub rabbitmq: Option<Server>,
    /// The way to RabbitMQ.
    pub amqp: Proxy,
    _sandbox: Process,
    _door: Proxy,
    variables: Variables,
    keys: Keys,
    dir: TempDir,
}

/// A core process and how it is started.
pub struct Core {
    /// Nothing while it is dead.
    pub process: Option<Process>,
    /// Where it listens.
    pub port: u16,
    roles: String,
}

impl Fleet {
    /// One process for each of `roles`, with the repository's settings, edited.
    pub async fn start(
        backing: Backing,
        roles: &[&str],
        edit: impl FnOnce(&str) -> String,
    ) -> anyhow::Result<Self> {
        Self::start_on(backing, None, roles, edit).await
    }

    /// On a RabbitMQ that listens on several ports of this machine.
    pub async fn start_on(
        backing: Backing,
        amqp_ports: Option<&[u16]>,
        roles: &[&str],
        edit: impl FnOnce(&str) -> String,
    ) -> anyhow::Result<Self> {
        let dir = TempDir::with_prefix("tiffin-chaos-")?;
        let settings = dir.path().join("settings.toml");
        std::fs::write(&settings, registered(&edit(&std::fs::read_to_string(keys::settings())?))?)?;
        let keys = Keys::make_for(&settings, &dir.path().join("keys"))?;
        let (redis, rabbitmq) = servers(backing, amqp_ports.is_some(), dir.path()).await?;
        let shared = |name| std::env::var(name).ok();
        let redis_url = redis.as_ref().map(Server::url).or_else(|| shared(SHARED_REDIS));
        let amqp = match (amqp_ports, &rabbitmq) {
            (Some(ports), _) => Proxy::over(ports).await?,
            (None, Some(server)) => Proxy::to(server.port()).await?,
            (None, None) => Proxy::to(port_of(&shared(SHARED_AMQP).unwrap_or_default())?).await?,
        };
        let first = wait::free_ports(2 + u16::try_from(roles.len())?)?;
        let (edge, sandbox_port) = (first, first + 1);
        let core_ports: Vec<u16> = (first + 2..).take(roles.len()).collect();
        let door = Proxy::over(&core_ports).await?;
        let door_url = format!("http://{}", door.at);
        let mut variables = variables(&keys, Ports { edge, core: first + 2, sandbox: sandbox_port });
        variables.extend(redis_url.map(|url| ("REDIS_URL".to_owned(), url)));
        variables.insert("AMQP_URL".into(), format!("amqp://{}", amqp.at));
        variables.insert("TIFFIN_SERVER_PUBLIC_URL".into(), door_url.clone());
        if !std::fs::read_to_string(&settings)?.contains("twilio-sms-2") {
            // What is said of a gateway that is not there stops the boot.
            variables.retain(|name, _| !name.contains("TWILIO_SMS_2"));
        }
        let client = Client::new(
            format!("http://127.0.0.1:{edge}"),
            door_url.clone(),
            format!("http://127.0.0.1:{sandbox_port}"),
            keys.secret.clone(),
        )?;
        let mut sandbox = Command::new(tiffin()?);
        sandbox.env_clear().envs(&variables).env("RUST_LOG", "warn").arg("--config").arg(&keys.settings);
        let sandbox = Process::start(sandbox.arg("sandbox"), &dir.path().join("sandbox.log"))?;
        let feeder = Feeder::new(&keys, &door_url)?;
        let core = |(port, roles): (u16, &&str)| Core { process: None, port, roles: (*roles).to_owned() };
        let cores = core_ports.into_iter().zip(roles).map(core).collect();
        let played = Played::listen(edge).await?;
        let mut fleet = Self {
            client,
            feeder,
            played,
            cores,
            redis,
            rabbitmq,
            amqp,
            _sandbox: sandbox,
            _door: door,
            variables,
            keys,
            dir,
        };
        for number in 0..fleet.cores.len() {
            fleet.launch(number)?;
        }
        for number in 0..fleet.cores.len() {
            fleet.until_up(number).await?;
        }
        fleet.until_shared().await?;
        Ok(fleet)
    }

    /// Starts a core process, again if it was killed, and returns when it is up.
    pub async fn start_core(&mut self, number: usize) -> anyhow::Result<()> {
        self.launch(number)?;
        self.until_up(number).await
    }

    /// Does not wait for it.
    pub fn launch(&mut self, number: usize) -> anyhow::Result<()> {
        let log = self.log_path(number);
        let mut command = Command::new(tiffin()?);
        let core = self.core(number)?;
        let (listen, roles) = (format!("127.0.0.1:{}", core.port), core.roles.clone());
        command.env_clear().envs(&self.variables).env("TIFFIN_SERVER_LISTEN", listen).env("NO_COLOR", "1");
        command.arg("--config").arg(&self.keys.settings).args(["serve", "--roles", &roles]);
        self.core(number)?.process = Some(Process::start(&mut command, &log)?);
        Ok(())
    }

    /// Returns when it answers.
    pub async fn until_up(&mut self, number: usize) -> anyhow::Result<()> {
        let (url, log) =
            (format!("http://127.0.0.1:{}/readyz", self.core(number)?.port), self.log_path(number));
        let look = || self.client.raw(reqwest::Method::GET, url.clone(), &[], Vec::new());
        let up = wait::until("core is ready", look, |reply| reply.status == 200).await;
        up.map(drop).map_err(|error| {
            error.context(
                std::fs::read_to_string(log).unwrap_or_default().chars().take(4_000).collect::<String>(),
            )
        })
    }

    /// `kill -9` of a core process.
    pub fn kill_core(&mut self, number: usize) -> anyhow::Result<()> {
        if let Some(mut process) = self.core(number)?.process.take() {
            process.kill();
        }
        Ok(())
    }

    /// A core process.
    pub fn core(&mut self, number: usize) -> anyhow::Result<&mut Core> {
        self.cores.get_mut(number).ok_or_else(|| anyhow::anyhow!("there is no core {number}"))
    }

    /// What a core process printed, from its first start on.
    pub fn log(&self, number: usize) -> String {
        std::fs::read_to_string(self.log_path(number)).unwrap_or_default()
    }

    /// What core has in its environment by this name.
    pub fn variable(&self, name: &str) -> anyhow::Result<&str> {
        self.variables.get(name).map(String::as_str).ok_or_else(|| anyhow::anyhow!("{name} is not set"))
    }

    /// The store of the fleet, as one more process has it.
    pub async fn store(&self) -> anyhow::Result<Store> {
        Ok(Store::Redis(
            Redis::connect(self.variable("REDIS_URL")?, self.variable("TIFFIN_STORE_PREFIX")?).await?,
        ))
    }

    /// Another one, whose orders are not counted.
    pub fn strange_feeder(&self) -> anyhow::Result<Feeder> {
        Feeder::new(&self.keys, &self.client.core)
    }

    /// Holds a gateway's breaker, or lets it go with an empty past.
    pub async fn force(&self, gateway: &str, forced: Option<Forced>) -> anyhow::Result<()> {
        let (store, name) = (self.store().await?, GatewayId::parse(gateway)?);
        let mut asks = vec![gateway::Ask::Force(Some(Forced::Closed))];
        asks.push(gateway::Ask::Force(forced));
        for ask in asks {
            store.apply::<gateway::Gateway>(&Key::gateway(&name), &ask, tiffin_core::host::now()).await?;
        }
        Ok(())
    }

    /// Every worker has heard of every other one.
    async fn until_shared(&self) -> anyhow::Result<()> {
        let workers = self.cores.iter().filter(|core| core.roles.contains("deliver")).count();
        let wanted = format!("workers={workers}");
        let look = || async {
            let logs: Vec<_> = (0..self.cores.len()).map(|number| self.log(number)).collect();
            Ok(logs.iter().filter(|log| log.contains(&wanted)).count())
        };
        wait::until("shares", look, |heard| *heard == workers).await.map(drop)
    }

    fn log_path(&self, number: usize) -> std::path::PathBuf {
        self.dir.path().join(format!("core-{number}.log"))
    }
}

async fn servers(
    backing: Backing,
    has_rabbitmq: bool,
    dir: &Path,
) -> anyhow::Result<(Option<Server>, Option<Server>)> {
    let (redis, rabbitmq) = (dir.join("redis"), dir.join("rabbitmq"));
    let own = backing == Backing::Own;
    let redis = if own {
        Some(Server::redis(&redis).await?)
    } else {
        own_unless_shared(SHARED_REDIS, Server::redis(&redis)).await?
    };
    let rabbitmq = match (has_rabbitmq, own) {
        (true, _) => None,
        (false, true) => Some(Server::rabbitmq(&rabbitmq).await?),
        (false, false) => own_unless_shared(SHARED_AMQP, Server::rabbitmq(&rabbitmq)).await?,
    };
    Ok((redis, rabbitmq))
}

fn port_of(url: &str) -> anyhow::Result<u16> {
    Ok(url.rsplit(':').next().unwrap_or_default().trim_end_matches('/').parse()?)
}
