//! What enters the window, what leaves it now, and when to look again.

use std::collections::BTreeSet;

use super::AT_ONCE_MAX;
use super::Begin;
use super::DOWN_AFTER;
use super::GRACE_MS;
use super::LEASE_MS;
use super::PROBE_MS;
use super::Pending;
use super::State;
use super::View;
use super::WINDOW_MAX;
use crate::bytes::Bytes;
use crate::time::UnixMs;

impl State {
    pub(super) fn is_down(&self) -> bool {
        self.failures >= DOWN_AFTER
    }

    /// Tries to begin now. Each is leased: one of which nothing is heard is begun again.
    pub(super) fn begin(&mut self, room: usize, now: UnixMs) -> Vec<Begin> {
        if self.disabled.is_some() || now < self.paused_until {
            return Vec::new();
        }
        let under_way = self.under_way(now);
        let room = room.min(self.at_once().saturating_sub(under_way));
        let mut groups = BTreeSet::new();
        let mut begun = Vec::new();
        for event in &mut self.pending {
            if begun.len() >= room {
                break;
            }
            // In order per subject: whatever stands before it, under way or waiting, goes first.
            let is_first = groups.insert(event.group);
            if is_first && event.is_due(now) {
                event.tries = event.tries.saturating_add(1);
                event.first_at = event.first_at.or(Some(now));
                event.leased_until = Some(now.plus(LEASE_MS));
                begun.push(Begin { n: event.n, attempt: event.tries });
            }
        }
        if self.is_down() && !begun.is_empty() {
            self.paused_until = now.plus(PROBE_MS);
        }
        begun
    }

    pub(super) fn under_way(&self, now: UnixMs) -> usize {
        self.pending.iter().filter(|event| event.leased_until.is_some_and(|until| now < until)).count()
    }

    pub(super) fn fill(&mut self, rows: &[(u64, Bytes<8>)], to: u64, now: UnixMs) {
        for (n, group) in rows {
            if self.pending.len() >= WINDOW_MAX {
                self.cursor = *n;
                return;
            }
            self.insert(*n, *group, now);
        }
        self.cursor = to.max(self.cursor);
    }

    /// In the order of the log, also for what is delivered once more.
    pub(super) fn insert(&mut self, n: u64, group: Bytes<8>, now: UnixMs) {
        let at = self.pending.partition_point(|event| event.n < n);
        if self.pending.get(at).is_none_or(|event| event.n != n) {
            let new = Pending { n, group, tries: 0, first_at: None, next_at: now, leased_until: None };
            self.pending.insert(at, new);
        }
    }

    pub(super) fn replay(&mut self, rows: &[(u64, Bytes<8>)], now: UnixMs) {
        // What the cursor has not reached comes anyway.
        let rows = rows.iter().filter(|(n, _)| *n < self.cursor).copied().collect::<Vec<_>>();
        for (n, group) in rows {
            if let Some(event) = self.pending.iter_mut().find(|event| event.n == n) {
                event.again(now);
            } else if self.pending.len() < WINDOW_MAX {
                self.insert(n, group, now);
            }
        }
    }

    pub(super) fn enable(&mut self, now: UnixMs) {
        if self.disabled.take().is_some() {
            self.recover(now);
            self.pending.iter_mut().for_each(|event| (event.tries, event.first_at) = (0, None));
        }
    }

    /// The endpoint is up: what waits is due.
    pub(super) fn recover(&mut self, now: UnixMs) {
        (self.failures, self.throttles, self.paused_until) = (0, 0, UnixMs(0));
        let waits = self.pending.iter_mut().filter(|event| event.leased_until.is_none());
        waits.for_each(|event| event.next_at = event.next_at.min(now));
    }

    /// When there is something to do: of what waits for another, or for a place, nothing is.
    pub(super) fn next_at(&self) -> Option<UnixMs> {
        let is_full = self.under_way(self.clock) >= self.at_once();
        let mut groups = BTreeSet::new();
        let firsts = self.pending.iter().filter(|event| groups.insert(event.group));
        let times = firsts.filter_map(|event| match event.leased_until {
            Some(until) if self.clock < until => Some(until),
            leased_until => (!is_full).then(|| leased_until.unwrap_or(event.next_at)),
        });
        times.min().map(|at| at.max(self.paused_until))
    }

    pub(super) fn at_once(&self) -> usize {
        if self.is_down() || self.throttles > 0 { 1 } else { AT_ONCE_MAX }
    }

    pub(super) fn wake_at(&self) -> Option<UnixMs> {
        let soon = self.clock.plus(GRACE_MS);
        match self.disabled {
            Some(disabled) => (!disabled.told).then_some(soon),
            None => {
                let has_room = self.pending.len() < WINDOW_MAX;
                let fill_at = self.news.filter(|_| has_room).map(|_| soon);
                [fill_at, self.next_at().map(|at| at.max(soon))].into_iter().flatten().min()
            }
        }
    }

    pub(super) fn view(&self, now: UnixMs) -> View {
        View {
            waiting: self.pending.len(),
            under_way: self.under_way(now),
            more: self.news.is_some(),
            delivered: self.delivered,
            delivered_at: self.delivered_at,
            given_up: self.given_up,
            failures: self.failures,
            next_at: self.next_at().filter(|_| self.disabled.is_none()),
            disabled: self.disabled,
        }
    }
}

impl Pending {
    /// Due now, and as if it had never been tried. One that is under way is left to it.
    fn again(&mut self, now: UnixMs) {
        if self.leased_until.is_none_or(|until| until <= now) {
            (self.tries, self.first_at, self.leased_until) = (0, None, None);
            self.next_at = self.next_at.min(now);
        }
    }
}
