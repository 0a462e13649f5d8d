//! Workers that note what they do, and jobs that they do it to.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use tempfile::TempDir;
use tiffin_core::bus::Bus;
use tiffin_core::bus::Error;
use tiffin_core::bus::Rabbit;
use tiffin_core::bus::Target;
use tiffin_core::fleet::Fleet;
use tiffin_tests::servers::SHARED_AMQP;
use tiffin_tests::servers::Server;
use tiffin_tests::wait;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

pub const PARTITIONS: u16 = 4;
/// Jobs of one key keep their order. Several share a partition.
pub const KEYS: u32 = 12;
const PREFETCH: u16 = 16;

/// A server, and names of this test alone.
pub struct Broker {
    pub url: String,
    pub prefix: String,
    pub own: Option<Server>,
    _dir: TempDir,
}

/// What was done: by whom, in which order.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<Done>>>);

#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    pub worker: u8,
    pub partition: u16,
    pub job: String,
    pub is_retry: bool,
}

pub struct Worker {
    pub fleet: Fleet,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Broker {
    pub async fn shared() -> anyhow::Result<Self> {
        match std::env::var(SHARED_AMQP) {
            Ok(url) => Self::new(url, None, TempDir::new()?),
            Err(_) => Self::own().await,
        }
    }

    /// To be broken.
    pub async fn own() -> anyhow::Result<Self> {
        let dir = TempDir::with_prefix("tiffin-bus-")?;
        let server = Server::rabbitmq(&dir.path().join("rabbitmq")).await?;
        Self::new(server.url(), Some(server), dir)
    }

    fn new(url: String, own: Option<Server>, dir: TempDir) -> anyhow::Result<Self> {
        let prefix = format!("bus-{}-{}", std::process::id(), wait::free_ports(1)?);
        Ok(Self { url, prefix, own, _dir: dir })
    }

    pub async fn bus(&self) -> anyhow::Result<Bus> {
        self.bus_at(&self.url).await
    }

    /// By another way.
    pub async fn bus_at(&self, url: &str) -> anyhow::Result<Bus> {
        // A server that has only just begun to listen refuses its first guests.
        let look = || async { Ok(Shown(Rabbit::connect(url, &self.prefix, PARTITIONS).await?)) };
        let rabbit = wait::until("rabbitmq", look, |_| true).await?;
        Ok(Bus::Rabbit(rabbit.0))
    }

    pub fn port(&self) -> anyhow::Result<u16> {
        let port = self.url.rsplit(':').next().unwrap_or_default();
        Ok(port.split('/').next().unwrap_or_default().parse()?)
    }
}

struct Shown(Rabbit);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("connected")
    }
}

/// `3:17`: the 17th job of key 3.
pub fn job(key: u32, n: usize) -> String {
    format!("{key}:{n}")
}

pub fn partition(key: u32) -> u16 {
    u16::try_from(key).unwrap_or(0) % PARTITIONS
}

/// The jobs numbered `numbers` of every key, each confirmed; again when the bus is away.
pub async fn publish(bus: &Bus, numbers: std::ops::Range<usize>) -> anyhow::Result<()> {
    for n in numbers {
        for key in 0..KEYS {
            insist(bus, Target::Jobs { partition: partition(key) }, &job(key, n)).await?;
        }
    }
    Ok(())
}

pub async fn insist(bus: &Bus, target: Target, job: &str) -> anyhow::Result<()> {
    let look = || async { Ok::<_, anyhow::Error>(bus.publish(target, job, job.as_bytes()).await?) };
    wait::until("a confirm", look, |()| true).await
}

impl Worker {
    /// Takes jobs one by one, `work` long each.
    pub fn start(name: u8, bus: Bus, log: &Log, work: Duration) -> anyhow::Result<Self> {
        let fleet = Fleet::new(PARTITIONS)?;
        let mut consumer = bus.consume(PREFETCH, fleet.shares());
        let (stop, mut stopped) = watch::channel(false);
        let log = log.clone();
        let task = tokio::spawn(async move {
            loop {
                let delivery = tokio::select! {
                    _ = stopped.wait_for(|stop| *stop) => break,
                    delivery = consumer.next() => delivery,
                };
                let Some(mut delivery) = delivery else { break };
                if !delivery.begin() {
                    continue;
                }
                let job = String::from_utf8_lossy(&delivery.body).into_owned();
                let (partition, is_retry) = (delivery.partition, delivery.is_retry);
                log.0.lock().unwrap().push(Done { worker: name, partition, job, is_retry });
                sleep(work).await;
                delivery.ack().await;
            }
            consumer.close().await;
        });
        Ok(Self { fleet, stop, task })
    }

    pub async fn stop(self) -> anyhow::Result<()> {
        self.stop.send_replace(true);
        Ok(self.task.await?)
    }
}

impl Log {
    pub fn all(&self) -> Vec<Done> {
        self.0.lock().unwrap().clone()
    }

    pub fn of(&self, worker: u8) -> usize {
        self.all().iter().filter(|done| done.worker == worker).count()
    }

    /// Waits until every job numbered below `numbers` was done.
    pub async fn until_all(&self, numbers: usize) -> anyhow::Result<()> {
        let wanted = numbers * usize::try_from(KEYS)?;
        let look = || async {
            let jobs: std::collections::BTreeSet<_> = self.all().into_iter().map(|done| done.job).collect();
            Ok(jobs.len())
        };
        wait::until("all jobs done", look, |jobs| *jobs == wanted).await.map(drop)
    }
}

/// The first time that each job was begun, in the order of its key. Returns how often jobs were done again.
pub fn in_order<'a>(jobs: impl Iterator<Item = &'a str>) -> usize {
    let mut next: BTreeMap<&str, usize> = BTreeMap::new();
    let mut again = 0;
    for job in jobs {
        let (key, n) = job.split_once(':').unwrap();
        let (n, next): (usize, _) = (n.parse().unwrap(), next.entry(key).or_default());
        assert!(n <= *next, "{job} was begun before {key}:{next}");
        again += usize::from(n < *next);
        *next = (*next).max(n + 1);
    }
    again
}

pub fn jobs(log: &[Done]) -> impl Iterator<Item = &str> {
    log.iter().map(|done| done.job.as_str())
}

/// Whether the bus says why it did not take a job.
pub fn is_away(error: &Error) -> bool {
    matches!(
        error,
        Error::Amqp(_) | Error::Blocked | Error::Disconnected | Error::Timeout | Error::Unreachable(_)
    )
}

/// On a server of this test alone.
pub fn rabbitmqctl(server: &Server, port: u16, arguments: &[&str]) -> anyhow::Result<()> {
    let mut command = Command::new("/usr/lib/rabbitmq/bin/rabbitmqctl");
    command.env("HOME", server.dir().join("home")).env("ERL_EPMD_PORT", (port + 2).to_string());
    let output = command.args(["-n", &format!("tiffin-{port}@localhost")]).args(arguments).output()?;
    anyhow::ensure!(output.status.success(), "{output:?}");
    Ok(())
}
