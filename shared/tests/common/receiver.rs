//! A log, an outbox, a host and a receiver, in virtual time. At every try the order per subject is checked.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use tiffin_shared::bytes::Bytes;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::webhook::outbox::AT_ONCE_MAX;
use tiffin_shared::webhook::outbox::Command;
use tiffin_shared::webhook::outbox::Done;
use tiffin_shared::webhook::outbox::Outbox;
use tiffin_shared::webhook::outbox::Outcome;
use tiffin_shared::webhook::outbox::Reply;
use tiffin_shared::webhook::outbox::View;

use super::fixtures::START;
use super::host::Host;

const PAGE: usize = 64;

/// A try, as the receiver sees it.
pub struct Tried {
    pub n: u64,
    pub attempt: u32,
    pub at: UnixMs,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Fate {
    Answers(Outcome),
    /// The receiver takes it; whoever sent it does not live to say so.
    Dies,
    /// Nothing is sent.
    DiesBefore,
}

type Receiver = Box<dyn FnMut(&Tried, u64) -> Fate>;

pub struct World {
    host: Host,
    now: UnixMs,
    seed: u64,
    receiver: Receiver,
    log: Vec<Bytes<8>>,
    /// Rows to come, and when.
    coming: Vec<(UnixMs, Bytes<8>)>,
    under_way: Vec<(UnixMs, Done)>,
    pub tried: Vec<(u64, UnixMs)>,
    /// Each time the receiver took one.
    pub delivered: Vec<(u64, UnixMs)>,
    /// What was delivered or given up, as far as the host knows.
    over: BTreeSet<u64>,
    pub most_pending: usize,
}

impl World {
    pub fn new(receiver: impl FnMut(&Tried, u64) -> Fate + 'static) -> Self {
        Self {
            host: Host::default(),
            now: START,
            seed: 1,
            receiver: Box::new(receiver),
            log: Vec::new(),
            coming: Vec::new(),
            under_way: Vec::new(),
            tried: Vec::new(),
            delivered: Vec::new(),
            over: BTreeSet::new(),
            most_pending: 0,
        }
    }

    pub fn append(&mut self, at: UnixMs, subject: u64) {
        self.coming.push((at, Bytes(subject.to_be_bytes())));
    }

    pub fn forget_log(&mut self) {
        self.log.clear();
        self.over.clear();
    }

    pub fn group(&self, n: usize) -> Bytes<8> {
        self.log[n]
    }

    pub fn view(&self) -> View {
        self.host.probe::<Outbox>(&Command::Read, self.now).view
    }

    pub fn tries_of(&self, n: u64) -> usize {
        self.tried.iter().filter(|(tried, _)| *tried == n).count()
    }

    pub fn ask(&mut self, command: &Command, now: UnixMs) -> Reply {
        self.now = self.now.max(now);
        if matches!(command, Command::Replay(_)) {
            self.over.clear();
            self.over.extend(0..self.log.len() as u64);
        }
        self.host.ask::<Outbox>(command, self.now)
    }

    /// Until then, or until nothing is left to do. When the last thing was done.
    pub fn run(&mut self, until: UnixMs) -> UnixMs {
        self.coming.sort_by_key(|(at, _)| *at);
        let (mut last, mut idle) = (self.now, 0);
        loop {
            let times = [
                self.coming.first().map(|(at, _)| *at),
                self.under_way.iter().map(|(at, _)| *at).min(),
                self.host.wake_at(),
            ];
            let Some(next) = times.into_iter().flatten().min().filter(|next| *next <= until) else {
                self.now = self.now.max(until);
                return last;
            };
            idle = if next <= self.now { idle + 1 } else { 0 };
            assert!(idle < 10_000, "it is woken again and again, and does nothing: {:?}", self.host.body());
            self.now = self.now.max(next);
            last = self.now;
            self.append_due();
            self.turn();
        }
    }

    fn append_due(&mut self) {
        let due = self.coming.iter().take_while(|(at, _)| *at <= self.now).count();
        for (_, group) in self.coming.drain(..due).collect::<Vec<_>>() {
            self.log.push(group);
            let n = self.log.len() as u64 - 1;
            self.host.ask::<Outbox>(&Command::Notify(n), self.now);
        }
    }

    fn turn(&mut self) {
        let now = self.now;
        let mut done: Vec<Done> =
            self.under_way.iter().filter(|(at, _)| *at <= now).map(|(_, done)| *done).collect();
        self.under_way.retain(|(at, _)| now < *at);
        loop {
            self.seed =
                self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let mut entropy = [0; 32];
            entropy[..8].copy_from_slice(&self.seed.to_be_bytes());
            let ended: Vec<_> = std::mem::take(&mut done);
            let delivered = ended.iter().filter(|done| done.outcome == Outcome::Delivered).map(|done| done.n);
            self.over.extend(delivered);
            let room = AT_ONCE_MAX - self.under_way.len().min(AT_ONCE_MAX);
            let turn = Command::Turn { done: ended, room, entropy: Entropy::new(entropy) };
            let reply = self.host.ask::<Outbox>(&turn, now);
            self.over.extend(&reply.given_up);
            self.most_pending = self.most_pending.max(reply.view.waiting);
            if reply.tell.is_some() {
                self.host.ask::<Outbox>(&Command::Told, now);
            }
            for begin in &reply.begin {
                self.begin(begin.n, begin.attempt);
            }
            if reply.news.is_none() || reply.room == 0 || reply.view.disabled.is_some() {
                return;
            }
            self.fill(&reply);
        }
    }

    fn begin(&mut self, n: u64, attempt: u32) {
        let group = self.log[usize::try_from(n).unwrap()];
        for earlier in (0..n).filter(|earlier| self.log[usize::try_from(*earlier).unwrap()] == group) {
            assert!(self.over.contains(&earlier), "row {n} left before row {earlier} of its order");
        }
        self.tried.push((n, self.now));
        let latency_ms = 20 + self.seed.rotate_left(17) % 180;
        let fate = (self.receiver)(&Tried { n, attempt, at: self.now }, self.seed.rotate_left(31) ^ n);
        if matches!(fate, Fate::Dies | Fate::Answers(Outcome::Delivered)) {
            self.delivered.push((n, self.now));
        }
        if let Fate::Answers(outcome) = fate {
            let latency_ms =
                if outcome == Outcome::Delivered { latency_ms } else { latency_ms.min(SECOND_MS) };
            self.under_way.push((self.now.plus(latency_ms), Done { n, attempt, outcome }));
        }
    }

    fn fill(&mut self, reply: &Reply) {
        let from = usize::try_from(reply.cursor).unwrap();
        let command = if from > self.log.len() {
            Command::Restart { from: reply.cursor }
        } else {
            let to = self.log.len().min(from + PAGE);
            let rows = (from..to).map(|n| (n as u64, self.log[n])).collect();
            Command::Fill {
                from: reply.cursor,
                saw: reply.news,
                rows,
                to: to as u64,
                is_end: to == self.log.len(),
            }
        };
        self.host.ask::<Outbox>(&command, self.now);
    }

    /// Every row once or more, the first times in order per subject.
    pub fn delivered_all_in_order(&self) {
        let mut first = BTreeMap::new();
        for (at, (n, _)) in self.delivered.iter().enumerate() {
            first.entry(*n).or_insert(at);
        }
        assert_eq!(first.len(), self.log.len(), "every event was delivered");
        let mut last: BTreeMap<Bytes<8>, usize> = BTreeMap::new();
        for (n, group) in self.log.iter().enumerate() {
            let at = first[&(n as u64)];
            assert!(
                last.insert(*group, at).is_none_or(|before| before < at),
                "row {n} came before an earlier one"
            );
        }
    }
}
