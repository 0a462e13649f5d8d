//! One job in a worker's hands, step by step: between any two of them its process may die.

use tiffin_shared::bytes::Bytes;
use tiffin_shared::money::Answer;
use tiffin_shared::money::Posting;
use tiffin_shared::order::Ask;
use tiffin_shared::order::CLAIM_MS;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Decision;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;

use crate::broker::rung_ms;
use crate::event::Event;
use crate::plan::Planted;
use crate::provider;
use crate::worker::Job;
use crate::world::World;

/// How often a command is sent again when its answer does not come.
const STORE_TRIES_MAX: u32 = 6;

#[derive(Clone)]
pub enum Phase {
    Ack,
    /// A command to the record, sent until it is answered.
    Ask {
        ask: Ask,
        tries: u32,
    },
    Call {
        n: u32,
        account: usize,
    },
    Called {
        n: u32,
        account: usize,
        outcome: CallOutcome,
    },
    /// The record's answer; nothing when the store stays away.
    Hear {
        is_claim: bool,
        decision: Option<Decision>,
    },
    /// A posting to the account, before it claims again.
    Fund {
        posting: Box<Posting>,
    },
    Look {
        n: u32,
        look: u8,
        account: usize,
    },
    Probe {
        account: usize,
    },
}

pub struct Task {
    pub worker: usize,
    pub phone: usize,
    pub job: Job,
    pub phase: Phase,
    /// Which account's probe it holds.
    pub probe: Option<(usize, Bytes<16>)>,
    /// Which of the order's records it was claimed in.
    pub record: u32,
    /// When its offers were made.
    pub offered_at: UnixMs,
}

impl Phase {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ack => "before it acknowledged",
            Self::Ask { ask: Ask::Claim { .. }, .. } => "before it claimed",
            Self::Ask { ask: Ask::Looked { .. }, .. } => "before it told of a look",
            Self::Ask { .. } => "before it told of a call",
            Self::Call { .. } => "before it called",
            Self::Called { .. } => "during a call",
            Self::Fund { .. } => "before it posted",
            Self::Hear { .. } => "before it heard of the record",
            Self::Look { .. } => "before it looked",
            Self::Probe { .. } => "before it asked for a probe",
        }
    }
}

impl World {
    pub fn begin_task(&mut self, worker: usize, phone: usize, job: Job) {
        let (order, _) = job.message.job;
        self.tasks_begun += 1;
        let id = self.tasks_begun;
        let (phase, record) = (Phase::Ack, self.checker.record(order));
        let mut task = Task { worker, phone, job, phase, probe: None, record, offered_at: self.now };
        // **never-stale**, before anything is asked of the store; a record must see to it by itself.
        if !self.plan.looks_at_clock || self.clock(worker) < self.edge.orders[order].header.expires_at {
            task.phase = self.probe_or_claim(&mut task);
        }
        self.next(id, task);
    }

    fn probe_or_claim(&mut self, task: &mut Task) -> Phase {
        let (order, dispatch) = task.job.message.job;
        let is_sound = !task.job.was_begun || self.plan.planted != Some(Planted::ProbesOnlyAtFirst);
        let may_probe = is_sound && !task.job.awaits_receipt;
        match self.wants_probe(task.worker, order, dispatch).filter(|_| may_probe) {
            Some(account) => Phase::Probe { account },
            None => self.claim(task),
        }
    }

    fn next(&mut self, id: u64, task: Task) {
        let wait_ms = self.random.between(1, 6);
        self.next_after(wait_ms, id, task);
    }

    fn next_after(&mut self, wait_ms: u64, id: u64, task: Task) {
        self.tasks.insert(id, task);
        self.after(wait_ms, Event::Task(id));
    }

    fn claim(&mut self, task: &mut Task) -> Phase {
        let (order, dispatch) = task.job.message.job;
        let probed = task.probe.map(|(account, _)| account);
        let offers = self.offers(task.worker, order, dispatch, probed);
        task.offered_at = self.now;
        let ask = Ask::Claim {
            taken_at: None,
            token: self.random.bytes(),
            header: Box::new(self.edge.orders[order].header.clone()),
            dispatch: self.dispatch(task.job.message.job),
            offers,
            terms: self.terms(),
        };
        Phase::Ask { ask, tries: 0 }
    }

    pub fn step_task(&mut self, id: u64) {
        if !self.is_calm()
            && self.random.chance(self.plan.fatal_permille)
            && let Some(task) = self.tasks.get(&id)
        {
            return self.crash(task.worker);
        }
        let Some(mut task) = self.tasks.remove(&id) else { return };
        let (order, _) = task.job.message.job;
        match task.phase.clone() {
            Phase::Ack => self.ack(task.worker, task.phone, &task.job),
            Phase::Ask { ask, tries } => self.ask(id, task, ask, tries),
            Phase::Call { n, account } => self.call(id, task, n, account),
            Phase::Fund { posting } => self.fund(id, task, *posting),
            Phase::Called { n, account, outcome } => {
                self.checker.call_ended(id);
                self.note_call(task.worker, account, &outcome);
                if let Some((account, token)) = task.probe.take() {
                    let is_well = Some(!outcome.blames_gateway());
                    self.after(2, Event::GiveBack { worker: task.worker, gateway: account, token, is_well });
                }
                task.phase = Phase::Ask { ask: Ask::Result { n, outcome }, tries: 0 };
                self.next(id, task);
            }
            Phase::Hear { is_claim, decision } => self.hear_decision(id, task, is_claim, decision),
            Phase::Look { n, look, account } => {
                let name = (account, order, task.record, n);
                let mode = provider::mode(&self.plan.accounts[account], self.now, &mut self.random);
                let found = self.providers.look(name, mode, self.now, &mut self.random);
                self.checker.found(order, n, &found, self.providers.has(name), &mut self.trace);
                task.phase = Phase::Ask { ask: Ask::Looked { n, look, found }, tries: 0 };
                let wait_ms = self.random.between(20, 300);
                self.next_after(wait_ms, id, task);
            }
            Phase::Probe { account } => {
                let token = self.random.bytes();
                if self.ask_probe(task.worker, account, token) {
                    task.probe = Some((account, token));
                }
                task.phase = self.claim(&mut task);
                self.next(id, task);
            }
        }
    }

    fn ask(&mut self, id: u64, mut task: Task, ask: Ask, tries: u32) {
        let (order, _) = task.job.message.job;
        let is_claim = matches!(ask, Ask::Claim { .. });
        let reply = self.ask_order(task.worker, order, &ask);
        if is_claim {
            task.record = self.checker.record(order);
        }
        if reply.is_none() && tries + 1 < STORE_TRIES_MAX {
            task.phase = Phase::Ask { ask, tries: tries + 1 };
            let wait_ms = 50 + self.random.below(100 << tries);
            self.next_after(wait_ms, id, task);
            return;
        }
        task.phase = Phase::Hear { is_claim, decision: reply.map(|reply| reply.decision) };
        self.next(id, task);
    }

    fn hear_decision(&mut self, id: u64, mut task: Task, is_claim: bool, decision: Option<Decision>) {
        if let Some(Decision::Send { n, way }) = decision {
            let account = self.account(&way);
            if task.probe.is_some_and(|(probed, _)| probed != account) {
                self.drop_probe(&mut task);
            }
            task.phase = Phase::Call { n, account };
            self.next(id, task);
            return;
        }
        self.drop_probe(&mut task);
        let clock = self.clock(task.worker);
        match decision {
            Some(Decision::Look { n, look, way, .. }) => {
                task.phase = Phase::Look { n, look, account: self.account(&way) };
                self.next(id, task);
            }
            Some(Decision::Post(posting)) => {
                task.phase = Phase::Fund { posting };
                self.next(id, task);
            }
            Some(Decision::RetryAt(at)) => {
                task.job.awaits_receipt = true;
                self.wait(id, task, at.since(clock));
            }
            Some(Decision::AwaitWay(at)) => {
                task.job.awaits_receipt = false;
                self.wait(id, task, at.since(clock));
            }
            Some(Decision::Hold(at)) => {
                self.put_down(task.worker, task.phone, &task.job, at.since(clock).max(1), true);
            }
            Some(_) => {
                task.phase = Phase::Ack;
                self.next(id, task);
            }
            // Whether it was claimed is not known: what is later waits behind it.
            None if is_claim => self.put_down(task.worker, task.phone, &task.job, SECOND_MS, true),
            // The claim runs out, and the attempt becomes unknown.
            None => self.put_down(task.worker, task.phone, &task.job, CLAIM_MS, false),
        }
    }

    /// Claims again when the account has answered and the record was told; waits where either is away.
    fn fund(&mut self, id: u64, mut task: Task, posting: Posting) {
        let (order, _) = task.job.message.job;
        let n = posting.n;
        let told = match self.post(task.worker, posting) {
            Some(Answer::Posted(standing)) => {
                self.ask_order(task.worker, order, &Ask::Posted { n, standing }).is_some()
            }
            Some(Answer::Late) => true,
            Some(Answer::Busy) | None => false,
        };
        if !told {
            return self.put_down(task.worker, task.phone, &task.job, SECOND_MS, true);
        }
        // The probe was given back meanwhile.
        task.phase = self.probe_or_claim(&mut task);
        self.next(id, task);
    }

    /// In the lane if it is short, on the ladder if it is long.
    fn wait(&mut self, id: u64, mut task: Task, wait_ms: u64) {
        if wait_ms <= self.plan.hold_ms {
            self.put_down(
                task.worker,
                task.phone,
                &task.job,
                wait_ms.clamp(1, self.plan.looks_again_ms),
                false,
            );
            return;
        }
        let job = task.job.message.job;
        self.broker.begin(job);
        self.after(rung_ms(wait_ms), Event::LadderEnds { job });
        task.phase = Phase::Ack;
        self.next(id, task);
    }

    fn drop_probe(&mut self, task: &mut Task) {
        if let Some((gateway, token)) = task.probe.take() {
            self.after(2, Event::GiveBack { worker: task.worker, gateway, token, is_well: None });
        }
    }

    fn call(&mut self, id: u64, mut task: Task, n: u32, account: usize) {
        let (order, _) = task.job.message.job;
        let record = task.record;
        self.check_call(id, &task, n, account);
        let mode = provider::mode(&self.plan.accounts[account], self.now, &mut self.random);
        let name = (account, order, record, n);
        let call = self.providers.call(name, mode, self.now, &mut self.random);
        self.trace.tell(order, "is called", u64::from(n), || {
            let way = &self.plan.accounts[account].way;
            format!("attempt {n} by {}, {mode:?}: {:?} after {} ms", way.gateway, call.outcome, call.took_ms)
        });
        self.trace.count("attempts");
        self.trace.count(&format!("{mode:?}: {}", outcome_name(&call.outcome)));
        if let Some(provider_id) = &call.taken {
            self.checker.taken(order, (record, n), &mut self.trace);
            for (wait_ms, receipt) in call.receipts {
                let provider_id = provider_id.clone();
                let tries = 0;
                let told = Event::Callback { order, account, record, n, provider_id, receipt, tries };
                self.after(wait_ms, told);
            }
        }
        if let Some(wait_ms) = call.arrives_ms {
            self.after(wait_ms, Event::Arrive { order });
        }
        task.phase = Phase::Called { n, account, outcome: call.outcome };
        self.next_after(call.took_ms, id, task);
    }
}

fn outcome_name(outcome: &CallOutcome) -> &'static str {
    match outcome {
        CallOutcome::Failed(_) => "failed",
        CallOutcome::Taken { .. } => "taken",
        CallOutcome::Throttled { .. } => "throttled",
        CallOutcome::Unknown => "unknown",
    }
}
