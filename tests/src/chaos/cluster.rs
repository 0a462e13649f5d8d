//! Three RabbitMQ nodes in one cluster, each to be killed.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::process::Process;
use crate::process::signal;
use crate::servers::root;
use crate::wait;

/// Three servers start one after the other.
const START: Duration = Duration::from_secs(120);

/// Running, until dropped.
pub struct Cluster {
    /// Where the nodes listen.
    pub ports: [u16; 3],
    dir: PathBuf,
    _process: Process,
}

impl Cluster {
    /// Starts it in `dir`, and returns when the nodes are one cluster.
    pub async fn start(dir: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let port = wait::free_ports(7)?;
        let mut command = Command::new(root().join("scripts/serve/rabbitmq-cluster.sh"));
        command.arg(dir).arg(port.to_string());
        let process = Process::start(&mut command, &dir.join("out.log"))?;
        let ports = [port, port + 1, port + 2];
        let cluster = Self { ports, dir: dir.to_owned(), _process: process };
        let look = || std::future::ready(Ok(cluster.dir.join("ready").exists()));
        wait::until_within(START, "the cluster", look, |ready| *ready).await?;
        let running = cluster.running()?;
        anyhow::ensure!(running == 3, "{running} nodes are in the cluster");
        Ok(cluster)
    }

    /// `kill -9` of a node.
    pub fn kill(&self, node: usize) -> anyhow::Result<()> {
        let pid = std::fs::read_to_string(self.dir.join(node.to_string()).join("pid"))?;
        signal("KILL", pid.trim().parse()?);
        Ok(())
    }

    /// What `rabbitmqctl` prints, asked of a node.
    pub fn ctl(&self, node: usize, arguments: &[&str]) -> anyhow::Result<String> {
        let [port, ..] = self.ports;
        let mut command = Command::new("/usr/lib/rabbitmq/bin/rabbitmqctl");
        command.env("HOME", self.dir.join("home")).env("ERL_EPMD_PORT", (port + 6).to_string());
        let output = command
            .args(["-n", &format!("tiffin-{port}-{node}@localhost"), "-q"])
            .args(arguments)
            .output()?;
        anyhow::ensure!(output.status.success(), "{output:?}");
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Which node leads a queue.
    pub fn leader(&self, ask: usize, queue: &str) -> anyhow::Result<usize> {
        let listed = self.ctl(ask, &["list_queues", "name", "leader", "--no-table-headers"])?;
        let line = listed.lines().find(|line| line.split('\t').next() == Some(queue));
        let leader = line.and_then(|line| line.split('\t').nth(1)).unwrap_or_default();
        let node = leader.trim_end_matches("@localhost").rsplit('-').next().unwrap_or_default();
        node.parse().map_err(|_| anyhow::anyhow!("{queue} has no leader: {line:?}"))
    }

    /// Queues of this prefix by how many members they have.
    pub fn members(&self, ask: usize, prefix: &str) -> anyhow::Result<Vec<usize>> {
        let listed = self.ctl(ask, &["list_queues", "name", "members", "--no-table-headers"])?;
        let ours = listed.lines().filter(|line| line.starts_with(&format!("{prefix}.")));
        Ok(ours.map(|line| line.matches("@localhost").count()).collect())
    }

    fn running(&self) -> anyhow::Result<usize> {
        let status = std::fs::read(self.dir.join("status.json"))?;
        let status: serde_json::Value = serde_json::from_slice(&status)?;
        Ok(status["running_nodes"].as_array().map_or(0, Vec::len))
    }
}
