//! What a process knows of the ways out, as core's `routes` does: views that are a little old, and counts on their way.

use tiffin_shared::bytes::Bytes;
use tiffin_shared::gateway;
use tiffin_shared::gateway::Calls;
use tiffin_shared::gateway::View;
use tiffin_shared::order::Ask;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Learnt;
use tiffin_shared::order::Lesson;
use tiffin_shared::order::Receipt;
use tiffin_shared::route;
use tiffin_shared::route::Candidate;
use tiffin_shared::route::Health;
use tiffin_shared::route::Offer;
use tiffin_shared::route::Way;
use tiffin_shared::route::stats;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::job::Dispatch;

use crate::broker::JobName;
use crate::event::Event;
use crate::store::Fault;
use crate::store::VIEW_MS;
use crate::world::World;

const FLUSH_MS: u64 = 400;
const HURRY_MS: u64 = 50;
/// How long a message may take where nothing is known.
const WINDOW_MS: u64 = 12 * SECOND_MS;
/// A provider posts a receipt so often until we take it.
const CALLBACKS_MAX: u32 = 3;

impl World {
    pub fn account(&self, way: &Way) -> usize {
        self.plan.accounts.iter().position(|account| account.way == *way).unwrap()
    }

    pub fn dispatch(&self, (order, n): JobName) -> Option<Dispatch> {
        let nth = usize::from(n).checked_sub(1)?;
        self.edge.orders[order].dispatches.get(nth).cloned()
    }

    /// As of its last look.
    fn view(&mut self, worker: usize, account: usize) -> View {
        let phase_ms = self.workers[worker].phase_ms;
        let looked_at = self.now.minus((self.now.0 + phase_ms) % VIEW_MS);
        let known = &self.workers[worker].known[account];
        if let Some((_, view)) = known.seen.as_ref().filter(|(at, _)| *at == looked_at) {
            return view.clone();
        }
        let clock = self.clock(worker);
        let view = self.store.gateway_view(account, looked_at, clock);
        self.workers[worker].known[account].seen = Some((looked_at, view.clone()));
        view
    }

    /// The first account of the order's channels that may be probed.
    pub fn wants_probe(&mut self, worker: usize, order: usize, dispatch: u8) -> Option<usize> {
        let dispatch = self.dispatch((order, dispatch));
        let channels = self.edge.orders[order].header.channels(dispatch.as_ref());
        let clock = self.clock(worker);
        (0..self.plan.accounts.len()).find(|account| {
            channels.contains(&self.plan.accounts[*account].way.channel)
                && self.view(worker, *account).wants_probe(clock)
        })
    }

    pub fn ask_probe(&mut self, worker: usize, account: usize, token: Bytes<16>) -> bool {
        let reply = self.ask_gateway(worker, account, &gateway::Ask::Probe(token));
        reply.is_some_and(|reply| reply.may_probe)
    }

    pub fn offers(&mut self, worker: usize, order: usize, dispatch: u8, probed: Option<usize>) -> Vec<Offer> {
        let dispatch = self.dispatch((order, dispatch));
        let header = &self.edge.orders[order].header;
        let (channels, id) = (header.channels(dispatch.as_ref()), header.order.clone());
        let clock = self.clock(worker);
        let mut candidates = Vec::new();
        for at in 0..self.plan.accounts.len() {
            let view = self.view(worker, at);
            let health = if probed == Some(at) { Health::Probe } else { view.health(clock) };
            let account = &self.plan.accounts[at];
            candidates.push(Candidate {
                way: account.way.clone(),
                health,
                free_at: view.paused_until,
                priority: account.priority,
                weight: None,
                stats: self.workers[worker].known[at].stats.clone(),
                window_default_ms: WINDOW_MS,
                price_micros: Some(1_000 * (at as u64 + 1)),
                looks_max: account.looks_max,
                polls_max: 0,
                is_mute: false,
            });
        }
        route::rank(candidates, &channels, &id)
    }

    pub fn note_call(&mut self, worker: usize, account: usize, outcome: &CallOutcome) {
        let second = self.clock(worker).0 / SECOND_MS;
        let known = &mut self.workers[worker].known[account];
        known.calls.push(Calls::ended(second, outcome));
        if let CallOutcome::Throttled { retry_after_ms } = outcome {
            known.pause_ms = known.pause_ms.max(*retry_after_ms);
        }
        let is_urgent = outcome.blames_gateway() || known.pause_ms.is_some();
        self.schedule_flush(worker, account, if is_urgent { HURRY_MS } else { FLUSH_MS });
    }

    fn schedule_flush(&mut self, worker: usize, gateway: usize, wait_ms: u64) {
        let (due, epoch) = (self.now.plus(wait_ms), self.workers[worker].epoch);
        let known = &mut self.workers[worker].known[gateway];
        if known.flush_at.is_none_or(|at| due < at) {
            known.flush_at = Some(due);
            self.after(wait_ms, Event::Flush { worker, epoch, gateway, due });
        }
    }

    pub fn flush(&mut self, worker: usize, epoch: u32, gateway: usize, due: UnixMs) {
        let it = &mut self.workers[worker];
        if it.epoch != epoch || it.known[gateway].flush_at != Some(due) {
            return;
        }
        let batch = self.random.bytes();
        let known = &mut it.known[gateway];
        known.flush_at = None;
        let ask = known.unsent.take().unwrap_or_else(|| gateway::Ask::Note {
            batch,
            calls: std::mem::take(&mut known.calls),
            pause_ms: known.pause_ms.take(),
        });
        let answer = self.ask_gateway(worker, gateway, &ask);
        let known = &mut self.workers[worker].known[gateway];
        if answer.is_none() {
            known.unsent = Some(ask);
        }
        if known.unsent.is_some() || !known.calls.is_empty() {
            self.schedule_flush(worker, gateway, FLUSH_MS);
        }
    }

    fn ask_gateway(&mut self, worker: usize, account: usize, ask: &gateway::Ask) -> Option<gateway::Reply> {
        let fault = self.fault();
        if fault == Fault::Unapplied {
            return None;
        }
        let clock = self.clock(worker);
        let reply = self.store.gateway(account, ask, clock, self.now);
        self.checker.gateway(account, ask, &reply, self.now, &mut self.trace);
        (fault == Fault::Heard).then_some(reply)
    }

    pub fn give_back(&mut self, worker: usize, gateway: usize, token: Bytes<16>, is_well: Option<bool>) {
        // Tried once: an answer that is lost costs the probe's lease.
        self.ask_gateway(worker, gateway, &gateway::Ask::Probed { token, is_well });
    }

    pub fn learn(&mut self, worker: usize, lesson: &Lesson) {
        let account = self.account(&lesson.way);
        let it = &mut self.workers[worker];
        let figures = &mut it.known[account].figures;
        match lesson.what {
            Learnt::Delivered { after_ms } => figures.arrived(after_ms),
            Learnt::Lost { why } => figures.lost(why),
            Learnt::NotTaken(reason) => figures.not_taken(reason),
            Learnt::Taken { is_checked } => figures.took(is_checked),
            Learnt::Verified => figures.verified += 1,
        }
        if !std::mem::replace(&mut it.flushes_figures, true) {
            let epoch = it.epoch;
            self.after(SECOND_MS, Event::FlushFigures { worker, epoch });
        }
    }

    pub fn flush_figures(&mut self, worker: usize, epoch: u32) {
        if self.workers[worker].epoch != epoch {
            return;
        }
        self.workers[worker].flushes_figures = false;
        for account in 0..self.plan.accounts.len() {
            let batch = self.random.bytes();
            let known = &mut self.workers[worker].known[account];
            let unsent = known.unsent_figures.take();
            if unsent.is_none() && known.figures == stats::Figures::default() {
                continue;
            }
            let figures = || stats::Command { batch, figures: std::mem::take(&mut known.figures) };
            let command = unsent.unwrap_or_else(figures);
            let (fault, clock) = (self.fault(), self.clock(worker));
            if fault != Fault::Unapplied {
                let view = self.store.route(account, &command, clock);
                self.checker.figures(account, &view);
                if fault == Fault::Heard {
                    self.workers[worker].known[account].stats = view;
                    continue;
                }
            }
            self.workers[worker].known[account].unsent_figures = Some(command);
            if !std::mem::replace(&mut self.workers[worker].flushes_figures, true) {
                self.after(SECOND_MS, Event::FlushFigures { worker, epoch });
            }
        }
    }

    /// A provider posts a receipt to some process.
    pub fn callback(
        &mut self,
        order: usize,
        record: u32,
        n: u32,
        told: (usize, String, Receipt),
        tries: u32,
    ) {
        // What a record that was forgotten had sent, the new one does not know by its number.
        if record != self.checker.record(order) {
            return;
        }
        let (account, provider_id, receipt) = told;
        let gateway = self.plan.accounts[account].way.gateway.clone();
        let ask = Ask::Receipt { gateway, n, provider_id: provider_id.clone(), receipt, cost: None };
        let process = self.random.index(self.workers.len());
        if self.loses() || self.ask_order(process, order, &ask).is_none() {
            if tries + 1 < CALLBACKS_MAX {
                let next =
                    Event::Callback { order, account, record, n, provider_id, receipt, tries: tries + 1 };
                self.after(5 * SECOND_MS, next);
            }
            return;
        }
        // Its job may be in somebody's hands, and need not wait any longer.
        let phone = self.edge.orders[order].phone;
        if let Some(lane) = self.workers[process].lanes.get_mut(&phone) {
            let mine = lane.jobs.iter_mut().filter(|job| job.message.job.0 == order);
            mine.for_each(|job| job.ready_at = self.now);
            self.run_lane(process, phone);
        }
    }
}
