//! How many may wait for news at once: in all, of one client network, of one tenant's servers, on one order.
//!
//! One more is not refused: a poll is answered at once, a stream tells the order as it is and ends. Both say when to
//! come again, so who finds no place has a client that polls.

use std::collections::BTreeMap;

use super::Front;
use super::Peer;
use super::Question;
use crate::directory::KeyKind;
use crate::id::OrderId;
use crate::id::TenantId;
use crate::ledger::Ask;
use crate::time::SECOND_MS;
use crate::time::UnixMs;
use crate::visitor::VisitorId;
use crate::visitor::network;

/// Waiting on one order at once: a user's devices and pages, and the servers of who sent the code.
pub const WATCHERS_PER_ORDER_MAX: usize = 64;
/// Waiting with publishable keys from one client network, IPv4 address or IPv6 /64: an office, or a part of a mobile
/// carrier behind one address. The rest of it polls.
pub const WATCHERS_PER_NETWORK_MAX: usize = 128;
/// Waiting with publishable keys from one IPv6 /48: whoever has one has 65,536 networks.
pub const WATCHERS_PER_SITE_MAX: usize = 4 * WATCHERS_PER_NETWORK_MAX;
/// A tenant's servers have at most one half of all places, so that no tenant's take them all.
const TENANT_SHARE: usize = 2;
/// A place whose holder was forgotten by the platform, as a request of a client that went away may be, is free this
/// many milliseconds after its time was over.
const LEASE_SLACK_MS: u64 = 5 * SECOND_MS;

/// Something that has a limited number of places.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Of {
    Everyone,
    Network(VisitorId),
    Order(OrderId),
    Tenant(TenantId),
}

/// The places that one who waits takes, with how many of each there are.
#[derive(Clone, Debug)]
pub struct Places(Vec<(Of, usize)>);

impl Places {
    /// In an object that hosts one ledger, where the front door has counted the rest.
    pub fn on_order(order: &OrderId, everyone_max: usize) -> Self {
        Self(vec![(Of::Everyone, everyone_max), (Of::Order(order.clone()), WATCHERS_PER_ORDER_MAX)])
    }
}

impl Front {
    /// The places that the asker of `question` takes in a process with `everyone_max` of them; nothing where it does
    /// not wait.
    pub fn places(&self, question: &Question, peer: Peer, everyone_max: usize) -> Option<Places> {
        let Question::Ledger { ask: Ask::Fetch(whose), hold: Some(hold), .. } = question else { return None };
        let Places(mut places) = Places::on_order(&whose.order, everyone_max);
        match (hold.asker(), peer.ip.map(network)) {
            (KeyKind::Secret, _) => {
                places.push((Of::Tenant(whose.tenant.clone()), everyone_max.div_ceil(TENANT_SHARE)));
            }
            (KeyKind::Publishable, Some(network)) => {
                places.push((Of::Network(self.index.visitor(network)), WATCHERS_PER_NETWORK_MAX));
                let site = network.site().map(|site| self.index.visitor(site));
                places.extend(site.map(|site| (Of::Network(site), WATCHERS_PER_SITE_MAX)));
            }
            (KeyKind::Publishable, None) => {}
        }
        Some(Places(places))
    }
}

/// Everyone who waits in this process, or at this object.
#[derive(Debug, Default)]
pub struct Crowd {
    counts: BTreeMap<Of, usize>,
    /// By when they are free at the latest.
    seats: BTreeMap<Seat, Vec<Of>>,
    seated: u64,
}

/// Places that are taken. Hand it back with [`Crowd::leave`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seat {
    free_at: UnixMs,
    n: u64,
}

impl Crowd {
    /// None waits.
    pub const fn new() -> Self {
        Self { counts: BTreeMap::new(), seats: BTreeMap::new(), seated: 0 }
    }

    /// Takes all these places until then, or none of them.
    pub fn enter(&mut self, places: &Places, until: UnixMs, now: UnixMs) -> Option<Seat> {
        self.sweep(now);
        let Places(places) = places;
        let is_full = |(of, max): &(Of, usize)| self.counts.get(of).is_some_and(|count| count >= max);
        if places.iter().any(is_full) {
            return None;
        }
        let taken: Vec<_> = places.iter().map(|(of, _)| of.clone()).collect();
        for of in &taken {
            *self.counts.entry(of.clone()).or_default() += 1;
        }
        Some(self.sit(taken, until))
    }

    /// Keeps the places for longer. Nothing, when they were given up for lost meanwhile.
    pub fn stay(&mut self, seat: Seat, until: UnixMs) -> Option<Seat> {
        let taken = self.seats.remove(&seat)?;
        Some(self.sit(taken, until))
    }

    /// Gives the places back.
    pub fn leave(&mut self, seat: Seat) {
        let taken = self.seats.remove(&seat);
        self.free(taken.unwrap_or_default());
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.seats.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    fn sit(&mut self, taken: Vec<Of>, until: UnixMs) -> Seat {
        self.seated += 1;
        let seat = Seat { free_at: until.plus(LEASE_SLACK_MS), n: self.seated };
        self.seats.insert(seat, taken);
        seat
    }

    fn sweep(&mut self, now: UnixMs) {
        while let Some(first) = self.seats.first_entry().filter(|seat| seat.key().free_at <= now) {
            let taken = first.remove();
            self.free(taken);
        }
    }

    fn free(&mut self, taken: Vec<Of>) {
        for of in taken {
            let Some(count) = self.counts.get_mut(&of) else { continue };
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&of);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::LedgerId;

    const NOW: UnixMs = UnixMs(1_000_000);

    fn order(seed: u8) -> OrderId {
        OrderId::new([seed; 16], LedgerId::new([seed; 16]))
    }

    #[test]
    fn an_order_has_its_number_of_places_and_leaves_others_theirs() {
        let mut crowd = Crowd::new();
        let until = NOW.plus(1_000);
        let (one, other) = (Places::on_order(&order(1), 1_000), Places::on_order(&order(2), 1_000));
        let seats: Vec<_> = (0..WATCHERS_PER_ORDER_MAX + 1).map(|_| crowd.enter(&one, until, NOW)).collect();
        assert_eq!(seats.iter().flatten().count(), WATCHERS_PER_ORDER_MAX);
        assert!(crowd.enter(&other, until, NOW).is_some());
        crowd.leave(seats[0].unwrap());
        // Twice is once.
        crowd.leave(seats[0].unwrap());
        assert!(crowd.enter(&one, until, NOW).is_some());
        assert!(crowd.enter(&one, until, NOW).is_none());
        assert_eq!(crowd.len(), WATCHERS_PER_ORDER_MAX + 1);
    }

    #[test]
    fn everyone_together_has_so_many_and_nothing_is_kept_of_who_left() {
        let mut crowd = Crowd::new();
        let seats: Vec<_> = (0..10)
            .map(|seed| crowd.enter(&Places::on_order(&order(seed), 4), NOW.plus(1_000), NOW))
            .collect();
        assert_eq!(seats.iter().flatten().count(), 4);
        seats.into_iter().flatten().for_each(|seat| crowd.leave(seat));
        assert!(crowd.is_empty() && crowd.counts.is_empty());
    }

    #[test]
    fn a_forgotten_place_is_free_when_its_time_is_over_and_a_kept_one_is_not() {
        let mut crowd = Crowd::new();
        let places = Places::on_order(&order(1), 2);
        let forgotten = crowd.enter(&places, NOW, NOW).unwrap();
        let kept = crowd.enter(&places, NOW, NOW).unwrap();
        assert!(crowd.enter(&places, NOW, NOW).is_none());
        let kept = crowd.stay(kept, NOW.plus(60_000)).unwrap();
        let later = NOW.plus(LEASE_SLACK_MS);
        assert!(crowd.enter(&places, later, later).is_some());
        assert!(crowd.enter(&places, later, later).is_none());
        assert!(crowd.stay(forgotten, later).is_none());
        crowd.leave(kept);
        assert!(crowd.enter(&places, later, later).is_some());
    }
}
