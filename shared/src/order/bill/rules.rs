//! What moves when: charges as providers take messages, refunds by rule at the close, and the rest released.

use super::Bill;
use super::Charge;
use super::ChargeState;
use crate::directory::Refund;
use crate::order::AttemptState;
use crate::order::Happening;
use crate::order::Moved;
use crate::order::Record;
use crate::order::State;
use crate::time::UnixMs;
use crate::wire::api::OrderState;

/// In the story, in place of a refund's rule.
const PROVIDER_PRICE: &str = "provider_price";

impl State {
    /// Charges what providers took since, and gives back what an order that is over does not need. **final-is-final**:
    /// not after the close.
    pub(in crate::order) fn settle(&mut self, now: UnixMs) {
        if self.is_closed {
            return;
        }
        let Some(mut bill) = self.bill.take() else { return };
        let brought = self.brought();
        let mut captured = Vec::new();
        for charge in bill.charges.iter_mut().filter(|charge| charge.state == ChargeState::Reserved) {
            let record = self.attempts.iter().find(|record| record.attempt.n == charge.n);
            charge.state = match record.map(|record| record.attempt.state) {
                Some(AttemptState::Delivered | AttemptState::Sent) => ChargeState::Captured,
                // Who has the code was sent it, whatever the provider answered.
                Some(_) if brought == Some(charge.n) => ChargeState::Captured,
                Some(AttemptState::Sending | AttemptState::Unknown) => ChargeState::Reserved,
                Some(AttemptState::Failed) | None => ChargeState::Dropped,
            };
            if charge.state == ChargeState::Captured {
                captured.push((charge.n, charge.micros));
            }
        }
        for (n, micros) in captured {
            bill.sums.captured_micros = bill.sums.captured_micros.saturating_add(micros);
            self.moved(now, Moved::Capture, (micros, Some(n)), None);
        }
        self.lower(&mut bill, now);
        if self.is_over() && !bill.is_wanted {
            let free = bill.free();
            self.release(&mut bill, free, now);
        }
        self.bill = Some(bill);
    }

    /// What was charged beyond the provider's own price goes back, where that is agreed and the price is in the same currency.
    fn lower(&mut self, bill: &mut Bill, now: UnixMs) {
        let (currency, mut lowered) = (bill.currency, Vec::new());
        let charged = bill.charges.iter_mut().filter(|charge| charge.state == ChargeState::Captured);
        for charge in charged.filter(|_| bill.by_provider) {
            let record = self.attempts.iter().find(|record| record.attempt.n == charge.n);
            let cost = record.and_then(|record| record.cost).filter(|cost| cost.currency == currency);
            if let Some(cost) = cost.filter(|cost| cost.amount_micros < charge.micros) {
                lowered.push((charge.n, charge.micros - cost.amount_micros));
                charge.micros = cost.amount_micros;
            }
        }
        for (n, micros) in lowered {
            bill.sums.refunded_micros = bill.sums.refunded_micros.saturating_add(micros);
            self.moved(now, Moved::Refund, (micros, Some(n)), Some(PROVIDER_PRICE));
        }
    }

    /// The order is closing: refunds by rule, and what is left of the hold goes back.
    pub(in crate::order) fn conclude(&mut self, now: UnixMs) {
        self.settle(now);
        let Some(mut bill) = self.bill.take() else { return };
        let verdicts: Vec<Option<Refund>> =
            bill.charges.iter().map(|charge| self.verdict(&bill, charge, now)).collect();
        let mut refunded = Vec::new();
        for (charge, verdict) in bill.charges.iter_mut().zip(verdicts) {
            match (charge.state, verdict) {
                (ChargeState::Captured, Some(rule)) => {
                    charge.state = ChargeState::Refunded(rule);
                    refunded.push((*charge, rule));
                }
                (ChargeState::Reserved, _) => charge.state = ChargeState::Dropped,
                (ChargeState::Captured | ChargeState::Dropped | ChargeState::Refunded(_), _) => {}
            }
        }
        for (Charge { n, micros, .. }, rule) in refunded {
            bill.sums.refunded_micros = bill.sums.refunded_micros.saturating_add(micros);
            self.moved(now, Moved::Refund, (micros, Some(n)), Some(rule.as_str()));
        }
        let rest = bill.sums.outstanding_micros();
        self.release(&mut bill, rest, now);
        bill.sums.is_final = true;
        self.bill = Some(bill);
    }

    /// A hold that was granted after the close goes back.
    pub(in crate::order) fn let_go(&mut self, now: UnixMs) {
        let Some(mut bill) = self.bill.take() else { return };
        if self.is_closed {
            let rest = bill.sums.outstanding_micros();
            self.release(&mut bill, rest, now);
        }
        self.bill = Some(bill);
    }

    /// The rule by which a charge goes back, where the service has it.
    fn verdict(&self, bill: &Bill, charge: &Charge, now: UnixMs) -> Option<Refund> {
        let record = self.attempts.iter().find(|record| record.attempt.n == charge.n)?;
        let has = |rule: Refund| bill.refunds.contains(&rule).then_some(rule);
        let came = |record: &Record| {
            record.attempt.state == AttemptState::Delivered || self.brought() == Some(record.attempt.n)
        };
        if came(record) {
            let same = |other: &&Charge| {
                let is_earlier = other.dispatch == charge.dispatch && other.n < charge.n;
                is_earlier && other.state == ChargeState::Captured
            };
            let mut earlier = bill.charges.iter().filter(same);
            let came_before =
                |n: u32| self.attempts.iter().any(|record| record.attempt.n == n && came(record));
            return has(Refund::Duplicate).filter(|_| earlier.any(|other| came_before(other.n)));
        }
        // It was called off: what is on its way is called back.
        if self.recalls
            && let Some(rule) = has(Refund::Cancelled)
        {
            return Some(rule);
        }
        let is_past = self.header.as_ref().is_none_or(|header| header.expires_at <= now)
            || record.window_ends_at() <= now;
        // Where nobody tells what arrived, silence says nothing.
        let is_lost = record.attempt.state == AttemptState::Failed || is_past && !record.is_mute;
        has(Refund::NotDelivered).filter(|_| is_lost)
    }

    /// The attempt whose code the user has shown: it counts as delivered.
    fn brought(&self) -> Option<u32> {
        let is_verified = self.state == OrderState::Verified;
        let arrived = self.arrived().filter(|_| is_verified);
        arrived.map(|record| record.attempt.n)
    }

    fn release(&mut self, bill: &mut Bill, micros: u64, now: UnixMs) {
        if micros > 0 {
            bill.sums.released_micros = bill.sums.released_micros.saturating_add(micros);
            self.moved(now, Moved::Release, (micros, None), None);
        }
    }

    fn moved(&mut self, now: UnixMs, what: Moved, (micros, n): (u64, Option<u32>), why: Option<&str>) {
        self.story.add(now, Happening::Money { what, micros, n, why: why.map(ToOwned::to_owned) });
    }
}
