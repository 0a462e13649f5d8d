//! How postings go to the account and back.

use super::Bill;
use super::Charge;
use super::ChargeState;
use super::Shortage;
use super::Standing;
use super::Sums;
use crate::backoff::Backoff;
use crate::machine::Step;
use crate::money::POSTING_MS;
use crate::money::Posting;
use crate::order::Command;
use crate::order::Decision;
use crate::order::Happening;
use crate::order::Moved;
use crate::order::Reply;
use crate::order::State;
use crate::route::Offer;
use crate::time::HOUR_MS;
use crate::time::SECOND_MS;
use crate::time::UnixMs;

/// A host has as long for a posting as for an errand.
const BACKOFF: Backoff = Backoff { base_ms: 5 * SECOND_MS, max_ms: 300 * SECOND_MS };
/// From the end of a record's keeping until the account lets go of its hold by itself.
const LET_GO_MS: u64 = HOUR_MS;

impl State {
    /// The posting that has to be answered before the order goes this way; nothing where its price is on hold.
    pub(in crate::order) fn fund(
        &mut self,
        offer: &Offer,
        offers: &[Offer],
        (is_first, command): (bool, &Command),
        now: UnixMs,
    ) -> Option<Posting> {
        let price = offer.price_micros.unwrap_or(0);
        let bill = self.bill.as_mut()?;
        if bill.free() >= price {
            return None;
        }
        if bill.pending.is_none() {
            // At first for the dearest message it may take, so that another way need not ask again.
            let dearest = offers.iter().filter_map(|offer| offer.price_micros).max().filter(|_| is_first);
            let more = dearest.unwrap_or(price).max(price).saturating_sub(bill.free());
            let held_micros = bill.sums.held_micros.saturating_add(more);
            bill.ask(Sums { held_micros, ..bill.sums });
        }
        bill.is_wanted = true;
        // Who claims posts it now. Nobody else does meanwhile.
        let random = u64::from_be_bytes(command.entropy.derive("fund"));
        bill.post_at = Some(now.plus(BACKOFF.delay_ms(bill.post_tries, random)));
        self.pending_posting(now)
    }

    /// A message's price is set aside.
    pub(in crate::order) fn reserve(&mut self, n: u32, offer: &Offer) {
        let dispatch = self.dispatch;
        let Some(bill) = self.bill.as_mut() else { return };
        bill.is_wanted = false;
        let Some(micros) = offer.price_micros.filter(|micros| *micros > 0) else { return };
        bill.charges.push(Charge { n, dispatch, micros, state: ChargeState::Reserved });
    }

    /// No further attempt begins: what is on hold for one is not needed.
    pub(in crate::order) fn wants_no_more(&mut self) {
        if let Some(bill) = &mut self.bill {
            bill.is_wanted = false;
        }
    }

    /// Begins a posting where the account does not know of everything and none is under way.
    pub(in crate::order) fn posting(&mut self, command: &Command, now: UnixMs) -> Option<Posting> {
        let bill = self.bill.as_mut()?;
        if bill.pending.is_none() {
            if !bill.has_more() {
                return None;
            }
            bill.ask(bill.sums);
        }
        if bill.post_at.is_some_and(|at| now < at) {
            return None;
        }
        let random = u64::from_be_bytes(command.entropy.derive("posting"));
        bill.post_at = Some(now.plus(BACKOFF.delay_ms(bill.post_tries, random)));
        bill.post_tries = bill.post_tries.saturating_add(1);
        self.pending_posting(now)
    }

    /// When a posting is to be given out again.
    pub(in crate::order) fn posts_at(&self) -> Option<UnixMs> {
        let bill = self.bill.as_ref()?;
        bill.pending.and(bill.post_at)
    }

    fn pending_posting(&self, now: UnixMs) -> Option<Posting> {
        let (bill, header) = (self.bill.as_ref()?, self.header.as_ref()?);
        let sums = bill.pending?;
        Some(Posting {
            tenant: header.tenant.clone(),
            order: header.order.clone(),
            n: bill.n,
            country: header.country,
            held_micros: sums.held_micros,
            captured_micros: sums.captured_micros,
            released_micros: sums.released_micros,
            refunded_micros: sums.refunded_micros,
            closes: sums.is_final,
            until: self.keep_until().plus(LET_GO_MS),
            deadline: now.plus(POSTING_MS),
        })
    }
}

impl Bill {
    fn ask(&mut self, sums: Sums) {
        self.n = self.n.saturating_add(1);
        (self.pending, self.post_at, self.post_tries) = (Some(sums), None, 0);
    }
}

/// The account has answered posting `n`.
pub(in crate::order) fn posted(
    mut state: State,
    (n, standing): (u32, &Standing),
    command: &Command,
    now: UnixMs,
) -> Step<State, Reply> {
    let noted = Reply::of(Decision::Noted);
    let Some(bill) = state.bill.as_mut() else { return Step::keep(noted) };
    let Some(asked) = bill.pending.filter(|_| n == bill.n) else { return Step::keep(noted) };
    (bill.pending, bill.post_at, bill.post_tries) = (None, None, 0);
    let happened = bill.hear(asked, standing, now);
    for (what, micros, why) in happened {
        state.story.add(now, Happening::Money { what, micros, n: None, why: why.map(ToOwned::to_owned) });
    }
    state.let_go(now);
    state.put(noted, command, now)
}

type Happened = Vec<(Moved, u64, Option<&'static str>)>;

impl Bill {
    fn hear(&mut self, asked: Sums, standing: &Standing, now: UnixMs) -> Happened {
        if standing.n > self.n {
            // The record was lost and made anew: the account knows better.
            self.n = standing.n;
            self.sums = Sums {
                held_micros: standing.held_micros,
                captured_micros: standing.captured_micros,
                released_micros: standing.released_micros,
                refunded_micros: standing.refunded_micros,
                is_final: self.sums.is_final,
            };
            self.posted = Sums { is_final: false, ..self.sums };
            return vec![(Moved::Hold, self.sums.outstanding_micros(), Some("found on the account"))];
        }
        let more = asked.held_micros.saturating_sub(self.sums.held_micros);
        if standing.refused == Some(crate::money::Refused::Closed) {
            self.is_gone = true;
            (self.posted, self.shortage) = (asked, None);
            let refused = (Moved::Refused, more, Some(crate::money::Refused::Closed.as_str()));
            return if more > 0 { vec![refused] } else { Vec::new() };
        }
        self.sums.held_micros = standing.held_micros;
        self.posted = Sums { held_micros: standing.held_micros, ..asked };
        match standing.refused {
            Some(why) => {
                self.shortage = Some(Shortage { at: now, reach: standing.reach_micros, why });
                vec![(Moved::Refused, more, Some(why.as_str()))]
            }
            None if more > 0 => {
                self.shortage = None;
                vec![(Moved::Hold, more, None)]
            }
            None => Vec::new(),
        }
    }
}
