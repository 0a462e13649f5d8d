//! Hosts the guard against SMS pumping: counts what is sent and verified, asks the guards about once a second, and puts
//! their verdicts into the tenants' lists, which ride in the directory to the edge.
//!
//! Nothing waits for it. While the store is away the counts are kept here, bounded, and no conversion is judged until
//! everything has been heard again.

pub mod abuse;
mod consult;
pub mod lists;
pub mod pending;
pub mod watched;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use tiffin_shared::country::Country;
use tiffin_shared::guard::Ask;
use tiffin_shared::guard::Count;
use tiffin_shared::guard::Rates;
use tiffin_shared::id::TenantId;
use tiffin_shared::order::News;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::notice::Notice;
use tokio::sync::watch;

use self::consult::consult;
use self::pending::Batch;
use self::pending::Pending;
use self::watched::Watched;
use self::watched::What;
use crate::app::App;
use crate::host;
use crate::periodic;
use crate::store;
use crate::store::Due;

/// How often counts go into the store. The guards remember batches for this pace.
const PERIOD: Duration = Duration::from_secs(1);
/// Guards asked at once.
const ASKED_AT_ONCE: usize = 16;

/// What each country converts now.
type Countries = BTreeMap<(TenantId, Country), Rates>;

/// What this process has counted and not yet told.
pub struct Guards {
    pending: Mutex<Pending>,
    /// On its way: the same batches again until the store has taken them.
    sealed: tokio::sync::Mutex<Vec<Batch>>,
    /// See [`tiffin_shared::guard::Around::sound_since`].
    sound_since: AtomicU64,
}

impl Guards {
    /// Of a process that starts now: what it did not hear before it does not know.
    pub fn new(now: UnixMs) -> Self {
        Self {
            pending: Mutex::default(),
            sealed: tokio::sync::Mutex::default(),
            sound_since: AtomicU64::new(now.0),
        }
    }

    /// Counts what became known of an order. `notice` is the edge's word on it, where that is how it became known.
    pub fn note(&self, news: &News, notice: Option<&Notice>) {
        let header = news.header.as_ref();
        let of = header
            .map(|it| (&it.tenant, it.country, it.prefix))
            .or_else(|| notice.map(|it| (&it.tenant, it.country, it.prefix)));
        let Some((tenant, country, prefix)) = of else { return };
        if news.is_verified
            && let Some(notice) = notice
        {
            let count = Count { at: notice.at, verified: 1, ..Count::default() };
            self.add(tenant, What::Guesses, count);
        }
        // The edge asks for a prefix and its country together.
        let Some(country) = country else { return };
        let Some(at) = news.sent_at.or_else(|| notice.map(|notice| notice.at)) else { return };
        let (sends, verified) = (u32::from(news.is_sent), u32::from(news.is_verified));
        let count = Count { at, sends, verified, ..Count::default() };
        self.add(tenant, What::Country(country), count);
        if let Some(tag) = prefix {
            self.add(tenant, What::Prefix(country, tag), count);
        }
    }

    /// Counts a wrong guess.
    pub fn note_wrong(&self, notice: &Notice) {
        let count = Count { at: notice.at, failed_guesses: 1, ..Count::default() };
        self.add(&notice.tenant, What::Guesses, count);
    }

    /// Something that should have been counted was not, or is late.
    pub fn missed(&self, now: UnixMs) {
        self.sound_since.fetch_max(now.0, Ordering::Relaxed);
    }

    fn add(&self, tenant: &TenantId, what: What, count: Count) {
        let watched = Watched { tenant: tenant.clone(), what };
        if !self.pending().add(watched, count) {
            tracing::warn!("more to count than is kept until the store takes it; some is lost");
            self.missed(host::now());
        }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sound_since(&self) -> UnixMs {
        UnixMs(self.sound_since.load(Ordering::Relaxed))
    }
}

/// Tells the guards what was counted, until `stop` changes.
pub async fn run(app: Arc<App>, stop: watch::Receiver<bool>) {
    periodic::run(stop, PERIOD, || flush(&app)).await;
}

/// Tells the guards what was counted: countries first, so that a prefix is judged beside what is around it.
pub async fn flush(app: &App) {
    let mut sealed = app.guards.sealed.lock().await;
    if sealed.is_empty() {
        match host::random() {
            Ok(random) => *sealed = app.guards.pending().seal(random),
            Err(error) => tracing::warn!(%error, "counts wait"),
        }
    }
    let is_country = |batch: &Batch| matches!(batch.watched.what, What::Country(_));
    let (countries, others) = std::mem::take(&mut *sealed).into_iter().partition(is_country);
    let mut known = Countries::new();
    let mut kept = send(app, countries, &mut known).await;
    if kept.is_empty() {
        kept = send(app, others, &mut known).await;
    } else {
        kept.extend::<Vec<_>>(others);
    }
    *sealed = kept;
}

/// Hands over batches. Those that the store did not take.
async fn send(app: &App, batches: Vec<Batch>, countries: &mut Countries) -> Vec<Batch> {
    // One failure is enough to know: the others need not wait for theirs.
    let is_away = AtomicBool::new(false);
    let known = countries.clone();
    let mut answers = stream::iter(batches)
        .map(|batch| async {
            if is_away.load(Ordering::Relaxed) {
                return (batch, None);
            }
            let ask = Ask::Note { batch: batch.id, counts: batch.counts.clone() };
            let answer = consult(app, &batch.watched, ask, &known).await;
            is_away.fetch_or(answer.is_err(), Ordering::Relaxed);
            (batch, Some(answer))
        })
        .buffer_unordered(ASKED_AT_ONCE);
    let mut kept = Vec::new();
    while let Some((batch, answer)) = answers.next().await {
        match answer {
            Some(Ok(reply)) => {
                if let What::Country(country) = batch.watched.what {
                    countries.insert((batch.watched.tenant, country), reply.figures.settled);
                }
            }
            Some(Err(error @ store::Error::State { .. })) => {
                tracing::error!(%error, "a guard cannot be read; its counts are dropped");
            }
            Some(Err(error)) => {
                tracing::warn!(%error, "the store is away; counts wait");
                app.guards.missed(host::now());
                kept.push(batch);
            }
            None => kept.push(batch),
        }
    }
    kept
}

/// The alarm of a guard rang. False when it is to ring again.
pub async fn wake(app: &App, due: &Due) -> bool {
    let Some(watched) = Watched::parse(due.key.id()) else { return true };
    let woken = consult(app, &watched, Ask::Tick, &Countries::new()).await;
    let woken = woken.inspect_err(|error| tracing::warn!(%error, "cannot wake a guard"));
    matches!(woken, Ok(_) | Err(store::Error::State { .. }))
}
