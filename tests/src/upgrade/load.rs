//! What applications do: order, get the code, verify it. A request that fails is made again with its key.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio::time::interval;
use tokio::time::sleep;
use tokio::time::timeout;

use crate::client::Client;
use crate::client::Reply;
use crate::client::fresh_key;
use crate::client::fresh_phone;
use crate::client::login;
use crate::wait;

/// One code of so many is kept and verified at the end: by another version than made it.
const KEPT_EVERY: usize = 5;
/// Orders under way at once: an installation that answers late gets fewer.
const AT_ONCE: usize = 500;
/// A caller that was not served comes again after this.
const PAUSE: Duration = Duration::from_millis(200);
/// A code that has not come by then is lost to its user, though not yet over.
const ARRIVES_WITHIN: Duration = Duration::from_secs(120);

/// What became of an order.
#[derive(Clone, Debug, Default)]
pub struct Ordered {
    /// Its id; none while it was not accepted.
    pub id: Option<String>,
    /// Whose.
    pub phone: String,
    /// The code that came.
    pub code: Option<String>,
    /// What its verification came to.
    pub result: Option<String>,
    /// From the answer 202 to the message.
    pub took: Option<Duration>,
}

/// What the load has seen so far.
#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    orders: Vec<Ordered>,
    requests: usize,
    failed: BTreeMap<String, usize>,
}

/// Under way, until stopped.
pub struct Load {
    /// So far.
    pub seen: Seen,
    client: Client,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Load {
    /// So many orders a second.
    pub fn start(client: &Client, per_second: u32) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let (seen, client) = (Seen::default(), client.clone());
        let (of, by) = (seen.clone(), client.clone());
        let task = tokio::spawn(async move {
            let mut pace = interval(Duration::from_secs(1) / per_second);
            pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let places = Arc::new(Semaphore::new(AT_ONCE));
            let mut under_way = JoinSet::new();
            loop {
                tokio::select! {
                    _ = stopped.wait_for(|stop| *stop) => break,
                    _ = pace.tick() => {}
                }
                let Ok(place) = places.clone().acquire_owned().await else { break };
                let order = one(by.clone(), of.clone());
                under_way.spawn(async move {
                    order.await;
                    drop(place);
                });
            }
            under_way.join_all().await;
        });
        Self { seen, client, stop, task }
    }

    /// Returns when so many more orders were accepted.
    pub async fn until_accepted(&self, more: usize) -> anyhow::Result<()> {
        let before = self.seen.accepted();
        let look = || std::future::ready(Ok(self.seen.accepted()));
        wait::until("orders are accepted", look, |now| *now >= before + more).await.map(drop)
    }

    /// Orders nothing more, waits for what is under way, and verifies the codes that were kept.
    pub async fn stop(self) -> anyhow::Result<Seen> {
        self.stop.send_replace(true);
        timeout(ARRIVES_WITHIN * 2, self.task).await??;
        for (place, order) in self.seen.orders().into_iter().enumerate() {
            if let (Some(id), Some(code), None) = (order.id, order.code, order.result) {
                let result = verify(&self.client, &self.seen, &id, &code).await;
                self.seen.change(place, |order| order.result = result);
            }
        }
        Ok(self.seen)
    }
}

impl Seen {
    /// Every order that was begun.
    pub fn orders(&self) -> Vec<Ordered> {
        self.with(|inner| inner.orders.clone())
    }

    /// Orders answered with 202.
    pub fn accepted(&self) -> usize {
        self.with(|inner| inner.orders.iter().filter(|order| order.id.is_some()).count())
    }

    /// How many requests there were, and how those that failed did.
    pub fn requests(&self) -> (usize, BTreeMap<String, usize>) {
        self.with(|inner| (inner.requests, inner.failed.clone()))
    }

    /// Counts a request. Whether it was served.
    fn served(&self, what: &str, reply: &anyhow::Result<Reply>, wanted: u16) -> bool {
        let failure = match reply {
            Ok(reply) if reply.status == wanted => None,
            Ok(reply) => Some(format!("{what}: {} {}", reply.status, reply.code().unwrap_or_default())),
            Err(error) => Some(format!("{what}: {}", error.root_cause())),
        };
        self.with(|inner| {
            inner.requests += 1;
            if let Some(failure) = &failure {
                *inner.failed.entry(failure.clone()).or_default() += 1;
            }
        });
        failure.is_none()
    }

    fn change(&self, place: usize, change: impl FnOnce(&mut Ordered)) {
        self.with(|inner| inner.orders.get_mut(place).map(change));
    }

    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn one(client: Client, seen: Seen) {
    let (phone, key) = (fresh_phone(), fresh_key());
    let place = seen.with(|inner| {
        inner.orders.push(Ordered { phone: phone.clone(), ..Ordered::default() });
        inner.orders.len() - 1
    });
    let create = async {
        loop {
            let reply = client.create(&key, &login(&phone)).await;
            if seen.served("create", &reply, 202) {
                return reply.ok().and_then(|reply| reply.id().ok());
            }
            sleep(PAUSE).await;
        }
    };
    let Ok(Some(id)) = timeout(wait::DEADLINE, create).await else { return };
    seen.change(place, |order| order.id = Some(id.clone()));
    let accepted = tokio::time::Instant::now();
    let look = async {
        while !client.inbox(&phone).await.is_ok_and(|all| !all.is_empty()) {
            sleep(PAUSE).await;
        }
    };
    if timeout(ARRIVES_WITHIN, look).await.is_err() {
        return;
    }
    let (code, took) = (client.code(&phone).await.ok(), accepted.elapsed());
    seen.change(place, |order| (order.code, order.took) = (code.clone(), Some(took)));
    if let Some(code) = code.filter(|_| !place.is_multiple_of(KEPT_EVERY)) {
        let result = verify(&client, &seen, &id, &code).await;
        seen.change(place, |order| order.result = result);
    }
}

async fn verify(client: &Client, seen: &Seen, id: &str, code: &str) -> Option<String> {
    let ask = async {
        loop {
            let reply = client.verify(id, code).await;
            if seen.served("verify", &reply, 200) {
                return reply.ok().and_then(|reply| reply.body["result"].as_str().map(str::to_owned));
            }
            sleep(PAUSE).await;
        }
    };
    timeout(wait::DEADLINE, ask).await.ok().flatten()
}
