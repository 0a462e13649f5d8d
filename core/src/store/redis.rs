//! Compare-and-set in Redis.
//!
//! `{prefix}:{space}:{shard}:{id}` holds a state as JSON, with an expiry; `{prefix}:wake:{space}:{shard}` is a sorted set
//! of ids by wake-up time. Both are written in one step.
//!
//! What is stored is guessed before it is asked: it is what this process wrote last, or nothing. A guess that would change
//! something is proven by the compare-and-set, which answers what is stored instead where it was wrong; one that would
//! change nothing is proven by reading. So a new order, and the next step of one's own, cost one call each.

use std::collections::BTreeSet;
use std::future::Future;
use std::hash::BuildHasher;
use std::hash::RandomState;
use std::sync::Arc;
use std::time::Duration;

use redis::Client;
use redis::Script;
use redis::aio::ConnectionManager;
use redis::aio::ConnectionManagerConfig;
use tiffin_shared::bytes;
use tiffin_shared::machine;
use tiffin_shared::machine::Commit;
use tiffin_shared::machine::Machine;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::timeout;

use super::Due;
use super::Error;
use super::Key;
use super::Space;
use super::recent::Recent;
use crate::metrics::StoreMeter;

/// Writers of this process take turns per key: without it two thirds of 64 writers to one key give up.
const LANES: usize = 256;
/// Tries against writers of other processes. Giving up is retryable, never an admission.
const TRIES_MAX: u32 = 24;
/// Longest pause between two tries, in milliseconds.
const PAUSE_MS_MAX: u64 = 20;
/// How long a whole command may take, its turn included: the caller can retry, a hung one cannot.
const APPLY_TIMEOUT: Duration = Duration::from_millis(3_000);
/// How long one call may take.
const CALL_TIMEOUT: Duration = Duration::from_millis(1_000);
/// Redis expires by its own clock: keep a state this much longer than the machine asked.
const EXPIRY_SLACK_MS: u64 = 60 * SECOND_MS;
/// How long a set of wake-ups is kept after the last one was put in: longer than any of them lies ahead. Of an
/// installation that is gone, nothing stays.
const WAKES_KEEP_MS: u64 = 30 * DAY_MS;
/// Keys that one call of a scan looks at: a millisecond or so, between which others are served.
const SCAN_KEYS: usize = 1_000;
/// Shards per space: no key is shared by all traffic.
const SHARDS: usize = 16;

/// States in Redis.
#[derive(Clone)]
pub struct Redis {
    connection: ConnectionManager,
    prefix: Arc<str>,
    lanes: Arc<[Mutex<()>]>,
    hasher: RandomState,
    recent: Arc<Recent>,
    swap: Arc<Script>,
    rest: Arc<Script>,
    meter: StoreMeter,
}

impl Redis {
    /// Connects, or says why not.
    pub async fn connect(url: &str, prefix: &str) -> Result<Self, Error> {
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(2)
            .set_max_delay(Duration::from_millis(500))
            .set_connection_timeout(Some(CALL_TIMEOUT))
            .set_response_timeout(Some(CALL_TIMEOUT));
        let connection = Client::open(url)?.get_connection_manager_with_config(config).await?;
        Ok(Self {
            connection,
            prefix: prefix.into(),
            lanes: (0..LANES).map(|_| Mutex::new(())).collect(),
            hasher: RandomState::new(),
            recent: Arc::default(),
            swap: Arc::new(Script::new(include_str!("swap.lua"))),
            rest: Arc::new(Script::new(include_str!("rest.lua"))),
            meter: StoreMeter::default(),
        })
    }

    pub(super) async fn apply<M: Machine>(
        &self,
        key: &Key,
        command: &M::Command,
        now: UnixMs,
    ) -> Result<M::Reply, Error> {
        let began_at = Instant::now();
        let applied = timeout(APPLY_TIMEOUT, self.apply_in_turn::<M>(key, command, now)).await;
        let applied = applied.unwrap_or(Err(Error::Timeout));
        self.meter.applied(key.space, began_at.elapsed(), &applied);
        applied
    }

    pub(super) fn meter(&self) -> StoreMeter {
        self.meter.clone()
    }

    async fn apply_in_turn<M: Machine>(
        &self,
        key: &Key,
        command: &M::Command,
        now: UnixMs,
    ) -> Result<M::Reply, Error> {
        let _turn = self.lane(key).lock().await;
        let name = self.name(key);
        let mut old = self.recent.take(&name);
        let mut is_guess = true;
        for attempt in 0..TRIES_MAX {
            let (reply, commit) = machine::run::<M>(old.as_deref(), command, now)
                .map_err(|error| Error::State { key: key.clone(), error })?;
            let Some(commit) = commit else {
                if !is_guess {
                    return Ok(reply);
                }
                (old, is_guess) = (self.get(&name).await?, false);
                continue;
            };
            let Some(held) = self.swap(key, &name, old.as_deref(), &commit).await? else {
                self.remember(key, name, commit);
                return Ok(reply);
            };
            old = Some(held).filter(|held| !held.is_empty());
            if !is_guess {
                self.meter.conflicted();
                let spread = self.hasher.hash_one((key, attempt)) % (1 << attempt.min(4)).min(PAUSE_MS_MAX);
                sleep(Duration::from_millis(spread)).await;
                old = self.get(&name).await?;
            }
            is_guess = false;
        }
        Err(Error::Contended(key.clone()))
    }

    fn remember(&self, key: &Key, name: String, commit: Commit) {
        match key.space {
            // Written once.
            Space::Exchanges | Space::LogPage | Space::Nonce | Space::Reference | Space::Tallied => {}
            Space::Account
            | Space::Admin
            | Space::Escalations
            | Space::Factor
            | Space::Fleet
            | Space::Gateway
            | Space::Guard
            | Space::Hook
            | Space::HookBook
            | Space::Ledger
            | Space::Log
            | Space::Order
            | Space::Route
            | Space::Series
            | Space::Session
            | Space::SignIns
            | Space::Tally
            | Space::Verdicts
            | Space::Visitor => self.recent.put(name, commit.body),
        }
    }

    pub(super) async fn due(&self, space: Space, now: UnixMs, max: usize) -> Result<Vec<Due>, Error> {
        let mut pipe = redis::pipe();
        for shard in 0..SHARDS {
            pipe.cmd("ZRANGEBYSCORE").arg(self.wake_name(space, shard)).arg("-inf").arg(now.0);
            pipe.arg("WITHSCORES").arg("LIMIT").arg(0).arg(max);
        }
        let mut connection = self.connection.clone();
        let shards: Vec<Vec<(String, u64)>> = within(pipe.query_async(&mut connection)).await?;
        let mut due: Vec<_> = shards
            .into_iter()
            .flatten()
            .map(|(id, wake_at)| Due { key: Key { space, id }, wake_at: UnixMs(wake_at) })
            .collect();
        due.sort_by_key(|due| due.wake_at);
        due.truncate(max);
        Ok(due)
    }

    /// `prefix` holds no character that means something in a pattern.
    pub(super) async fn named(&self, space: Space, prefix: &str) -> Result<Vec<String>, Error> {
        let (space, mut connection) = (space.as_str(), self.connection.clone());
        let pattern = format!("{}:{space}:{{*}}:{prefix}*", self.prefix);
        let (mut ids, mut cursor) = (BTreeSet::new(), 0_u64);
        loop {
            let mut call = redis::cmd("SCAN");
            call.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(SCAN_KEYS);
            let (next, names): (u64, Vec<String>) = within(call.query_async(&mut connection)).await?;
            let id = |name: &String| name.split_once("}:").map(|(_, id)| id.to_owned());
            ids.extend(names.iter().filter_map(id));
            cursor = next;
            if cursor == 0 {
                return Ok(ids.into_iter().collect());
            }
        }
    }

    pub(super) async fn rest(&self, due: &Due) -> Result<(), Error> {
        let mut connection = self.connection.clone();
        let mut call = self.rest.key(self.wake_of(&due.key));
        within(call.arg(due.key.id()).arg(due.wake_at.0).invoke_async::<()>(&mut connection)).await
    }

    pub(super) async fn ping(&self) -> Result<(), Error> {
        let mut connection = self.connection.clone();
        within(redis::cmd("PING").query_async::<()>(&mut connection)).await
    }

    async fn get(&self, name: &str) -> Result<Option<String>, Error> {
        let mut connection = self.connection.clone();
        within(redis::cmd("GET").arg(name).query_async(&mut connection)).await
    }

    /// What is stored, where that is not `old`.
    async fn swap(
        &self,
        key: &Key,
        name: &str,
        old: Option<&str>,
        commit: &Commit,
    ) -> Result<Option<String>, Error> {
        let mut connection = self.connection.clone();
        let keep_until = commit.expires_at.plus(EXPIRY_SLACK_MS);
        let wake_at = commit.wake_at.map(|wake_at| wake_at.0.to_string()).unwrap_or_default();
        let mut call = self.swap.key(name);
        let call = call.key(self.wake_of(key)).arg(old.unwrap_or_default()).arg(&commit.body);
        let call = call.arg(keep_until.0).arg(key.id()).arg(wake_at).arg(WAKES_KEEP_MS);
        within(call.invoke_async(&mut connection)).await
    }

    fn lane(&self, key: &Key) -> &Mutex<()> {
        let lane = usize::try_from(self.hasher.hash_one(key) % LANES as u64).unwrap_or(0);
        match self.lanes.get(lane) {
            Some(lane) => lane,
            None => unreachable!("a remainder of LANES is below LANES"),
        }
    }

    /// The braces are a hash tag: a state shares its cluster slot with its wake-up.
    fn name(&self, key: &Key) -> String {
        format!("{}:{}:{{{}}}:{}", self.prefix, key.space.as_str(), shard(key), key.id())
    }

    fn wake_of(&self, key: &Key) -> String {
        self.wake_name(key.space, shard(key))
    }

    fn wake_name(&self, space: Space, shard: usize) -> String {
        format!("{}:wake:{}:{{{shard}}}", self.prefix, space.as_str())
    }
}

/// The same in every process.
fn shard(key: &Key) -> usize {
    let hash = bytes::sha256(key.id().as_bytes());
    usize::from(hash.first().copied().unwrap_or(0)) % SHARDS
}

/// Reconnecting can block a call for longer than its own time-out.
async fn within<T>(call: impl Future<Output = redis::RedisResult<T>>) -> Result<T, Error> {
    Ok(timeout(CALL_TIMEOUT, call).await.map_err(|_| Error::Timeout)??)
}
