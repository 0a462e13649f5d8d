//! Redis and RabbitMQ.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;

use crate::process::Process;
use crate::process::signal;
use crate::wait;

/// Servers that `make test` started for all tests; without them a test starts its own.
pub const SHARED_REDIS: &str = "TIFFIN_TEST_REDIS_URL";
/// See [`SHARED_REDIS`].
pub const SHARED_AMQP: &str = "TIFFIN_TEST_AMQP_URL";

/// The repository.
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_owned()
}

/// A server of this test alone, to be stopped, killed and restarted.
pub struct Server {
    script: &'static str,
    dir: PathBuf,
    port: u16,
    process: Option<Process>,
}

impl Server {
    /// Redis with its data in `dir`.
    pub async fn redis(dir: &Path) -> anyhow::Result<Self> {
        let mut server =
            Self { script: "redis.sh", dir: dir.into(), port: wait::free_ports(1)?, process: None };
        server.start().await?;
        Ok(server)
    }

    /// RabbitMQ with its data in `dir`.
    pub async fn rabbitmq(dir: &Path) -> anyhow::Result<Self> {
        let mut server =
            Self { script: "rabbitmq.sh", dir: dir.into(), port: wait::free_ports(3)?, process: None };
        server.start().await?;
        Ok(server)
    }

    /// Its address.
    pub fn url(&self) -> String {
        let scheme = if self.script == "redis.sh" { "redis" } else { "amqp" };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts it, again if it was stopped, with the data it had.
    pub async fn start(&mut self) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.dir)?;
        let mut command = Command::new(root().join("scripts/serve").join(self.script));
        command.arg(&self.dir).arg(self.port.to_string());
        self.process = Some(Process::start(&mut command, &self.dir.join("out.log"))?);
        let look = || async { Ok(tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_ok()) };
        wait::until(self.script, look, |answers| *answers).await?;
        Ok(())
    }

    /// Stops it in order.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.stop();
        }
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        // RabbitMQ runs below its script, which writes the pid and ends with it.
        match std::fs::read_to_string(self.dir.join("pid")).map(|pid| pid.trim().parse()) {
            Ok(Ok(pid)) => {
                signal("KILL", pid);
                process.stop();
            }
            _ => process.kill(),
        }
    }

    /// The pid of the server itself, while it runs.
    pub fn pid(&self) -> anyhow::Result<u32> {
        // RabbitMQ runs below its script, which writes the pid.
        match std::fs::read_to_string(self.dir.join("pid")) {
            Ok(pid) => Ok(pid.trim().parse()?),
            Err(_) => self.process.as_ref().map(Process::pid).context("the server does not run"),
        }
    }

    /// Where it keeps its data.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}
