//! What a run costs, by process and by command, and how busy the machine was with others.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::figures::cpu_ms;
use crate::figures::rounded;

/// The cores that everything of a run shares.
const CORES: &str = "0,1";

/// Pins this process, and with it all it starts from here on.
pub fn pin() -> anyhow::Result<()> {
    let pid = std::process::id().to_string();
    let pinned = Command::new("taskset").args(["-a", "-c", "-p", CORES, &pid]).output()?;
    anyhow::ensure!(pinned.status.success(), "{}", String::from_utf8_lossy(&pinned.stderr));
    Ok(())
}

/// Processes by what they are called in the results.
pub type Pids = Vec<(&'static str, u32)>;

/// Readings at one moment.
pub struct Reading {
    cpu: Vec<(&'static str, f64)>,
    redis: BTreeMap<String, f64>,
    busy: f64,
}

impl Reading {
    pub async fn take(pids: &Pids, redis_url: Option<&str>) -> anyhow::Result<Self> {
        let cpu = pids.iter().map(|(name, pid)| Ok((*name, cpu_ms(*pid)?))).collect::<anyhow::Result<_>>()?;
        let redis = match redis_url {
            Some(url) => commands(url).await?,
            None => BTreeMap::new(),
        };
        Ok(Self { cpu, redis, busy: busy_ms()? })
    }

    /// What was used from here to `later`, for each of `count`.
    pub fn per(&self, later: &Self, count: f64, seconds: f64) -> Value {
        let mut cpu = BTreeMap::<&str, f64>::new();
        for ((name, from), (_, to)) in self.cpu.iter().zip(&later.cpu) {
            *cpu.entry(name).or_default() += to - from;
        }
        let own: f64 = cpu.values().sum();
        let cpu: BTreeMap<_, _> =
            cpu.into_iter().map(|(name, ms)| (name, rounded(ms * 1_000.0 / count))).collect();
        let since = |(name, to): (&String, &f64)| {
            let calls = to - self.redis.get(name).copied().unwrap_or_default();
            (calls * 20.0 > count).then(|| (name.clone(), rounded(calls / count)))
        };
        let redis: BTreeMap<_, _> = later.redis.iter().filter_map(since).collect();
        let others = (later.busy - self.busy - own).max(0.0) / seconds / 1_000.0;
        json!({ "cpu_us": cpu, "redis_commands": redis, "cores_used_by_others": rounded(others) })
    }
}

/// One, five and fifteen minutes.
pub fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// Processor time that the whole machine has used.
fn busy_ms() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/stat")?;
    let fields: Vec<f64> =
        stat.lines().next().unwrap_or_default().split_whitespace().filter_map(|it| it.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal
    let busy = [0, 1, 2, 5, 6].iter().filter_map(|at| fields.get(*at)).sum::<f64>();
    Ok(busy * 10.0)
}

/// Calls of each command since the server began.
async fn commands(url: &str) -> anyhow::Result<BTreeMap<String, f64>> {
    let mut stream = TcpStream::connect(url.trim_start_matches("redis://")).await?;
    stream.write_all(b"INFO commandstats\r\nQUIT\r\n").await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    let line = |line: &str| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((name.to_owned(), rest.split(',').next()?.parse().ok()?))
    };
    Ok(text.lines().filter_map(line).collect())
}
