//! Lanes: **fifo** per phone, in parallel across phones, bounded in every direction.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use futures::FutureExt;
use tiffin_shared::directory::TTL_MS_MAX;
use tiffin_shared::id::LedgerId;
use tiffin_shared::time::UnixMs;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use tokio::time::sleep;

use super::hold;
use super::work;
use super::work::Awaits;
use super::work::Next;
use super::work::Opened;
use crate::app::App;
use crate::bus::Delivery;
use crate::bus::Target;
use crate::host;
use crate::metrics::Limit;

/// Longest pause between two tries to put a job back.
const RETURN_PAUSE_MAX: Duration = Duration::from_secs(5);
/// A job that cannot be put back is held for as long as any code may live; then it is stale.
const RETURN_MS_MAX: u64 = TTL_MS_MAX;
/// How long a lane waits before it asks again, whatever it waits for: an operator may have changed something.
const BLOCK_MAX: Duration = Duration::from_secs(1);

/// A job in this process.
pub(super) struct Job {
    pub(super) delivery: Delivery,
    /// What the envelope holds, once it was opened.
    pub(super) opened: Option<Arc<Opened>>,
    /// What it waits for.
    pub(super) awaits: Awaits,
    /// Its share of what a process holds.
    _room: OwnedSemaphorePermit,
}

/// Every lane with its jobs.
pub(super) struct Lanes {
    pub(super) app: Arc<App>,
    /// A lane is there as long as its task is.
    jobs: Mutex<HashMap<LedgerId, VecDeque<Job>>>,
    /// Jobs in this process, held ones included.
    room: Arc<Semaphore>,
    /// Jobs worked on at once.
    working: Arc<Semaphore>,
    /// Jobs held in memory while they wait.
    pub(super) held: Arc<Semaphore>,
    /// Jobs that wait for a way, and keep their lanes waiting.
    blocked: Arc<Semaphore>,
    pub(super) stop: watch::Receiver<bool>,
}

impl Lanes {
    pub(super) fn new(app: Arc<App>, stop: watch::Receiver<bool>) -> Self {
        let settings = &app.config.file.delivery;
        let semaphore = |permits: u16| Arc::new(Semaphore::new(usize::from(permits)));
        let (room, working) = (semaphore(settings.jobs), semaphore(settings.lanes));
        // The other half stays free for new jobs.
        let held = semaphore(settings.jobs / 2);
        // Far fewer than a partition may have in hand, wherever they come from.
        let blocked = semaphore((settings.jobs / 8).max(1));
        for (limit, permits) in [
            (Limit::DeliveryBlocked, &blocked),
            (Limit::DeliveryHeld, &held),
            (Limit::DeliveryJobs, &room),
            (Limit::DeliveryLanes, &working),
        ] {
            app.metrics.watch(limit, permits);
        }
        Self { app, jobs: Mutex::default(), room, working, held, blocked, stop }
    }

    /// Room for one more job.
    pub(super) async fn room(&self) -> OwnedSemaphorePermit {
        match self.room.clone().acquire_owned().await {
            Ok(permit) => permit,
            // Never closed.
            Err(_) => std::future::pending().await,
        }
    }

    /// Puts a new job at the end of its phone's lane.
    pub(super) fn take(self: &Arc<Self>, delivery: Delivery, room: OwnedSemaphorePermit) {
        let lane = work::lane_of(&delivery.body);
        self.push(lane, Job { delivery, opened: None, awaits: Awaits::Nothing, _room: room }, false);
    }

    /// What waited goes before what has not begun.
    pub(super) fn push(self: &Arc<Self>, lane: LedgerId, job: Job, is_begun: bool) {
        let mut lanes = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = !lanes.contains_key(&lane);
        let jobs = lanes.entry(lane).or_default();
        if is_begun {
            jobs.push_front(job);
        } else {
            jobs.push_back(job);
        }
        if is_new {
            tokio::spawn(self.clone().run(lane));
        }
    }

    /// The next job of a lane; ends the lane when there is none.
    fn pop(&self, lane: LedgerId) -> Option<Job> {
        let mut lanes = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let job = lanes.get_mut(&lane).and_then(VecDeque::pop_front);
        if job.is_none() {
            lanes.remove(&lane);
        }
        job
    }

    async fn run(self: Arc<Self>, lane: LedgerId) {
        while let Some(mut job) = self.pop(lane) {
            let Ok(working) = self.working.acquire().await else { return };
            if *self.stop.borrow() || !job.delivery.begin() {
                continue;
            }
            let worked = AssertUnwindSafe(work::work(&self.app, &mut job)).catch_unwind().await;
            drop(working);
            match worked.unwrap_or(Next::Dead("the worker panicked")) {
                Next::Ack => job.delivery.ack().await,
                Next::Dead(reason) => {
                    self.app.metrics.died();
                    tracing::error!(reason, "a job cannot be worked on; it is kept as dead");
                    let partition = job.delivery.partition;
                    self.put_back(job, Target::Dead { partition, reason }).await;
                }
                Next::Elsewhere => {
                    let (partition, delay) = (job.delivery.partition, work::ELSEWHERE);
                    self.put_back(job, Target::Later { partition, delay }).await;
                }
                Next::Wait(until) => hold::hold(&self, lane, job, until),
                Next::Away(until) => self.pause(lane, job, until).await,
                Next::Block(until) => self.block(lane, job, until).await,
            }
        }
    }

    /// What has not begun keeps its place before what came later, as long as there are places for it: beyond these it
    /// would be in the way of other phones' jobs, which may have other ways out.
    async fn block(self: &Arc<Self>, lane: LedgerId, job: Job, until: UnixMs) {
        match self.blocked.try_acquire() {
            Ok(_blocked) => self.pause(lane, job, until).await,
            Err(_) => {
                let (partition, left) = (job.delivery.partition, until.since(host::now()));
                let delay = Duration::from_millis(left);
                self.put_back(job, Target::Later { partition, delay }).await;
            }
        }
    }

    /// Keeps its place before what came later.
    async fn pause(self: &Arc<Self>, lane: LedgerId, job: Job, until: UnixMs) {
        let pause = Duration::from_millis(until.since(host::now()).max(10)).min(BLOCK_MAX);
        let mut stop = self.stop.clone();
        tokio::select! {
            () = sleep(pause) => {}
            () = job.delivery.unwanted() => return,
            _ = stop.wait_for(|stop| *stop) => return,
        }
        self.push(lane, job, true);
    }

    /// Only what is safe elsewhere, or stale, leaves the queue: a job let go unacknowledged would come back only when
    /// the channel ends.
    pub(super) async fn put_back(&self, job: Job, target: Target) {
        let delivery = job.delivery;
        let give_up_at = host::now().plus(RETURN_MS_MAX);
        let mut pause = Duration::from_millis(100);
        while host::now() < give_up_at {
            match self.app.bus.publish(target, &delivery.id, &delivery.body).await {
                Ok(()) => break,
                Err(error) => tracing::warn!(%error, "a job could not be put back; trying again"),
            }
            let mut stop = self.stop.clone();
            tokio::select! {
                () = sleep(pause) => {}
                // It comes again.
                _ = stop.wait_for(|stop| *stop) => return,
            }
            pause = (pause * 2).min(RETURN_PAUSE_MAX);
        }
        delivery.ack().await;
    }

    /// Returns when nothing is worked on.
    pub(super) async fn drain(&self) {
        let all = u32::from(self.app.config.file.delivery.lanes);
        self.working.acquire_many(all).await.ok();
    }
}
