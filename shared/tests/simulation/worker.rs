//! Worker processes: a lane per phone, partitions that come and go, crashes.

use std::collections::BTreeMap;

use tiffin_shared::gateway;
use tiffin_shared::gateway::Calls;
use tiffin_shared::route::stats;
use tiffin_shared::route::stats::Figures;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;

use crate::broker::Message;
use crate::event::Event;
use crate::plan::Plan;
use crate::plan::Planted;
use crate::random::Random;
use crate::world::World;

/// How long a partition waits for what its owner has begun.
const LEASE_MS: u64 = 15 * SECOND_MS;

/// A job in a worker's hands.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    pub message: Message,
    pub partition: usize,
    pub lease: u64,
    pub ready_at: UnixMs,
    /// The phone's later jobs wait behind it.
    pub blocks: bool,
    /// What it waits for is word of a message.
    pub awaits_receipt: bool,
    /// It was worked on before, by whomever.
    pub was_begun: bool,
}

/// One phone's jobs, in the order they came.
#[derive(Default)]
pub struct Lane {
    pub jobs: Vec<Job>,
    pub is_busy: bool,
    wakes_at: Option<UnixMs>,
}

/// Calls that wait to be handed over, and those that are being.
#[derive(Default)]
pub struct Known {
    pub calls: Vec<Calls>,
    pub pause_ms: Option<u64>,
    pub unsent: Option<gateway::Ask>,
    pub flush_at: Option<UnixMs>,
    pub seen: Option<(UnixMs, gateway::View)>,
    pub figures: Figures,
    pub unsent_figures: Option<stats::Command>,
    pub stats: stats::View,
}

pub struct Worker {
    pub skew_ms: i64,
    /// When within its period it looks at the gateways.
    pub phase_ms: u64,
    /// Counts its lives.
    pub epoch: u32,
    pub is_up: bool,
    pub lanes: BTreeMap<usize, Lane>,
    pub known: Vec<Known>,
    pub flushes_figures: bool,
}

impl Worker {
    pub fn new(skew_ms: i64, plan: &Plan, random: &mut Random) -> Self {
        Self {
            skew_ms,
            phase_ms: random.below(1_000),
            epoch: 0,
            is_up: true,
            lanes: BTreeMap::new(),
            known: plan.accounts.iter().map(|_| Known::default()).collect(),
            flushes_figures: false,
        }
    }
}

impl World {
    /// Somebody who is up takes a partition that is free.
    pub fn own(&mut self, partition: usize) {
        let it = &self.broker.partitions[partition];
        if let Some(until) = it.ends_at {
            let begun =
                self.tasks.values().any(|task| task.job.partition == partition && task.job.lease == it.lease);
            if begun && self.now < until {
                self.after(50, Event::Own { partition });
                return;
            }
            self.broker.release(partition);
        }
        if self.broker.partitions[partition].owner.is_some() {
            return;
        }
        let up: Vec<usize> = (0..self.workers.len()).filter(|worker| self.workers[*worker].is_up).collect();
        if up.is_empty() {
            self.after(500, Event::Own { partition });
            return;
        }
        self.broker.partitions[partition].owner = Some(self.random.pick(&up));
        self.pump(partition);
    }

    /// Gives the owner what it may have.
    pub fn pump(&mut self, partition: usize) {
        let it = &self.broker.partitions[partition];
        let (Some(worker), None, lease) = (it.owner, it.ends_at, it.lease) else { return };
        for message in self.broker.take(partition) {
            let (ready_at, was_begun) = (self.now, message.is_retry);
            let awaits_receipt = false;
            let job = Job { message, partition, lease, ready_at, blocks: true, awaits_receipt, was_begun };
            let (order, _) = message.job;
            let phone = self.edge.orders[order].phone;
            self.workers[worker].lanes.entry(phone).or_default().jobs.push(job);
            self.run_lane(worker, phone);
        }
    }

    fn is_wanted(&self, job: &Job) -> bool {
        let it = &self.broker.partitions[job.partition];
        it.lease == job.lease && it.ends_at.is_none()
    }

    /// Begins the first job of a phone that is ready, unless one before it holds it up.
    pub fn run_lane(&mut self, worker: usize, phone: usize) {
        let Some(mut lane) = self.workers[worker].lanes.remove(&phone) else { return };
        if !lane.is_busy {
            lane.jobs.retain(|job| self.is_wanted(job));
            let (mut ready, mut next_at) = (None, None::<UnixMs>);
            for job in &lane.jobs {
                next_at = Some(next_at.map_or(job.ready_at, |at| at.min(job.ready_at)));
                if job.ready_at <= self.now {
                    ready = Some(*job);
                }
                if ready.is_some() || job.blocks {
                    break;
                }
            }
            lane.is_busy = ready.is_some();
            if let Some(job) = ready {
                self.begin(worker, phone, job);
            } else if let Some(at) = next_at {
                self.wake_lane(worker, phone, &mut lane, at.max(self.now.plus(1)));
            }
        }
        if !lane.jobs.is_empty() || lane.is_busy {
            self.workers[worker].lanes.insert(phone, lane);
        }
    }

    fn wake_lane(&mut self, worker: usize, phone: usize, lane: &mut Lane, at: UnixMs) {
        if lane.wakes_at.is_some_and(|wakes_at| self.now < wakes_at && wakes_at <= at) {
            return;
        }
        lane.wakes_at = Some(at);
        let epoch = self.workers[worker].epoch;
        self.after(at.since(self.now), Event::LaneWakes { worker, epoch, phone });
    }

    fn begin(&mut self, worker: usize, phone: usize, job: Job) {
        let (order, _) = job.message.job;
        let is_early = self.plan.planted == Some(Planted::AcksBeforeItClaims);
        if is_early && self.broker.ack(job.partition, job.lease, job.message) {
            self.check_acked(worker, job.message.job);
        }
        self.trace.tell(order, "is taken", worker as u64, || format!("by {worker}: {:?}", job.message));
        self.begin_task(worker, phone, job);
    }

    /// The job waits in its lane.
    pub fn put_down(&mut self, worker: usize, phone: usize, job: &Job, wait_ms: u64, blocks: bool) {
        let ready_at = self.now.plus(wait_ms);
        let lane = self.workers[worker].lanes.entry(phone).or_default();
        lane.is_busy = false;
        let held = lane.jobs.iter_mut().find(|held| held.is_same(job));
        if let Some(held) = held {
            (held.ready_at, held.blocks, held.was_begun) = (ready_at, blocks, true);
            held.awaits_receipt = job.awaits_receipt;
        }
        self.run_lane(worker, phone);
    }

    /// The job is done with, as far as this worker goes.
    pub fn ack(&mut self, worker: usize, phone: usize, job: &Job) {
        let is_acked = self.broker.ack(job.partition, job.lease, job.message);
        let (order, _) = job.message.job;
        self.trace.tell(order, "is acknowledged", u64::from(is_acked), || format!("by {worker}: {is_acked}"));
        let lane = self.workers[worker].lanes.entry(phone).or_default();
        lane.is_busy = false;
        lane.jobs.retain(|held| !held.is_same(job));
        if is_acked {
            self.check_acked(worker, job.message.job);
        }
        self.pump(job.partition);
        self.run_lane(worker, phone);
    }

    pub fn crash(&mut self, worker: usize) {
        if !self.workers[worker].is_up {
            return;
        }
        self.trace.count("crashes");
        let it = &mut self.workers[worker];
        (it.is_up, it.flushes_figures) = (false, false);
        it.epoch += 1;
        it.lanes.clear();
        it.known.iter_mut().for_each(|known| *known = Known::default());
        let lost: Vec<u64> =
            self.tasks.iter().filter(|(_, task)| task.worker == worker).map(|(id, _)| *id).collect();
        for id in lost {
            if let Some(task) = self.tasks.remove(&id) {
                let (order, _) = task.job.message.job;
                self.trace.count(&format!("crashed {}", task.phase.name()));
                self.trace.tell(order, "its worker dies", worker as u64, || task.phase.name().to_owned());
                self.checker.call_ended(id);
            }
        }
        for partition in 0..self.broker.partitions.len() {
            if self.broker.partitions[partition].owner == Some(worker) {
                self.broker.release(partition);
                let wait_ms = self.random.pick(&[1, 20, 500, 3_000]);
                self.after(wait_ms, Event::Own { partition });
            }
        }
        let wait_ms = self.random.between(500, 10_000);
        self.after(wait_ms, Event::Restart { worker });
    }

    pub fn restart(&mut self, worker: usize) {
        self.workers[worker].is_up = true;
    }

    /// A partition goes to whoever. Abruptly: its owner lives on, and finishes what it began behind the other's back.
    pub fn move_partition(&mut self, is_abrupt: bool) {
        let partition = self.random.index(self.broker.partitions.len());
        let it = &mut self.broker.partitions[partition];
        if it.owner.is_none() || it.ends_at.is_some() {
            return;
        }
        self.trace.count(if is_abrupt { "take-overs, abrupt" } else { "take-overs" });
        it.ends_at = Some(if is_abrupt { self.now } else { self.now.plus(LEASE_MS) });
        self.after(0, Event::Own { partition });
    }
}

impl Job {
    pub fn is_same(&self, other: &Self) -> bool {
        self.message.place == other.message.place && self.lease == other.lease
    }
}
