//! Who waits for news of an order here: how many at once, and one look for all who wait for the same.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use tiffin_shared::http::Crowd;
use tiffin_shared::http::Hold;
use tiffin_shared::http::POLL_MS;
use tiffin_shared::http::Places;
use tiffin_shared::http::Seat;
use tiffin_shared::id::LedgerId;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::time::UnixMs;
use tokio::sync::Notify;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::app::App;
use crate::host;
use crate::ledgers;
use crate::ledgers::Error;

/// Everyone who waits in this process.
#[derive(Default)]
pub struct Watchers(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    crowd: Crowd,
    /// By what is asked: an answer is for who may see it.
    looks: BTreeMap<String, Shared>,
    /// Rung when something happens in a ledger that is looked at, by the numbers of the looks.
    bells: BTreeMap<LedgerId, Vec<(u64, Arc<Notify>)>>,
    looked_for: u64,
}

/// One look for many.
struct Shared {
    n: u64,
    seen: watch::Sender<Look>,
}

#[derive(Clone)]
struct Look {
    /// What is older than what a watcher has seen itself is no news to it.
    began: Instant,
    outcome: Option<Outcome>,
}

/// A place to wait, until dropped.
pub struct Place {
    app: Arc<App>,
    seat: Seat,
}

impl Place {
    /// Nothing when there is none.
    pub fn take(app: &Arc<App>, places: &Places, until: UnixMs, now: UnixMs) -> Option<Self> {
        let seat = app.watchers.lock().crowd.enter(places, until, now)?;
        Some(Self { app: app.clone(), seat })
    }

    /// For longer. False when it was given up for lost meanwhile.
    pub fn stay(&mut self, until: UnixMs) -> bool {
        let seat = self.app.watchers.lock().crowd.stay(self.seat, until);
        seat.map(|seat| self.seat = seat).is_some()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.app.watchers.lock().crowd.leave(self.seat);
    }
}

/// Something happened in a ledger: who waits for news of it here looks at once. Others look by themselves.
pub fn wake(app: &Arc<App>, ledger: LedgerId) {
    for (_, bell) in app.watchers.lock().bells.get(&ledger).into_iter().flatten() {
        bell.notify_one();
    }
}

/// Asks, and asks again until there is news.
pub async fn wait(app: &Arc<App>, ledger: LedgerId, ask: &Ask, mut hold: Hold) -> Result<Outcome, Error> {
    // Before the first question: no change between the two is missed.
    let mut looks = subscribe(app, ledger, ask);
    let mut outcome = look(app, ledger, ask).await?;
    let mut seen_at = Instant::now();
    loop {
        let now = host::now();
        if hold.is_over(&outcome, now) {
            return Ok(outcome);
        }
        tokio::select! {
            changed = looks.changed() => {
                let shared = looks.borrow_and_update().clone();
                outcome = match shared.outcome {
                    Some(outcome) if changed.is_ok() && shared.began >= seen_at => outcome,
                    // Whoever looked for us failed, or began before we looked ourselves.
                    Some(_) | None => {
                        let outcome = look(app, ledger, ask).await?;
                        seen_at = Instant::now();
                        if changed.is_err() {
                            looks = subscribe(app, ledger, ask);
                        }
                        outcome
                    }
                };
            }
            () = tokio::time::sleep(Duration::from_millis(hold.until().since(now))) => {}
        }
    }
}

async fn look(app: &Arc<App>, ledger: LedgerId, ask: &Ask) -> Result<Outcome, Error> {
    ledgers::ask(app, ledger, ask.clone(), host::entropy()?, host::now()).await
}

/// Joins who waits for the same, or begins to look.
fn subscribe(app: &Arc<App>, ledger: LedgerId, ask: &Ask) -> watch::Receiver<Look> {
    // What does not encode is looked for by itself: no text of a question is empty.
    let question = serde_json::to_string(ask).unwrap_or_default();
    let mut inner = app.watchers.lock();
    if let Some(shared) = inner.looks.get(&question).filter(|_| !question.is_empty()) {
        return shared.seen.subscribe();
    }
    inner.looked_for += 1;
    let n = inner.looked_for;
    let (seen, receiver) = watch::channel(Look { began: Instant::now(), outcome: None });
    inner.looks.insert(question.clone(), Shared { n, seen: seen.clone() });
    let bell = Arc::new(Notify::new());
    inner.bells.entry(ledger).or_default().push((n, bell.clone()));
    drop(inner);
    let looker = Looker { app: app.clone(), question, n, of: ledger, bell };
    tokio::spawn(looker.run(ledger, ask.clone(), seen));
    receiver
}

/// Looks for all who wait for one answer. Its entry goes when it ends, however it ends: then they look themselves.
struct Looker {
    app: Arc<App>,
    question: String,
    n: u64,
    of: LedgerId,
    bell: Arc<Notify>,
}

impl Looker {
    async fn run(self, ledger: LedgerId, ask: Ask, seen: watch::Sender<Look>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(POLL_MS)) => {}
                () = self.bell.notified() => {}
            }
            if self.is_alone(&seen) {
                return;
            }
            let began = Instant::now();
            let outcome = match look(&self.app, ledger, &ask).await {
                Ok(outcome) => outcome,
                Err(error) => return tracing::warn!(%error, "a look for waiting clients failed"),
            };
            seen.send_if_modified(|look| {
                // The first one too: who came before it may have seen an older one.
                let is_news = look.outcome.as_ref() != Some(&outcome);
                *look = Look { began, outcome: Some(outcome) };
                is_news
            });
        }
    }

    /// Whether nobody waits any more; then nobody joins any more either.
    fn is_alone(&self, seen: &watch::Sender<Look>) -> bool {
        let mut inner = self.app.watchers.lock();
        let is_alone = seen.receiver_count() == 0;
        if is_alone {
            inner.forget(&self.question, self.of, self.n);
        }
        is_alone
    }
}

impl Drop for Looker {
    fn drop(&mut self) {
        self.app.watchers.lock().forget(&self.question, self.of, self.n);
    }
}

impl Watchers {
    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.lock().crowd.len()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic leaves counts as they were: nothing here is changed half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn forget(&mut self, question: &str, ledger: LedgerId, n: u64) {
        if let Some(bells) = self.bells.get_mut(&ledger) {
            bells.retain(|(looker, _)| *looker != n);
            if bells.is_empty() {
                self.bells.remove(&ledger);
            }
        }
        if self.looks.get(question).is_some_and(|shared| shared.n == n) {
            self.looks.remove(question);
        }
    }
}
