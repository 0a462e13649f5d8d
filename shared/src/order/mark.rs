//! What a step made known of an order for the first time: for who counts what becomes of orders.

use super::Attempt;
use super::AttemptState;
use super::Happening;
use super::State;
use crate::id::GatewayId;
use crate::price::Currency;
use crate::time::UnixMs;
use crate::wire::api::OrderState;
use crate::wire::job::Header;

/// Each thing is said once, by the step that the store took: who dies before counting it has not counted it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Its job came: it was accepted then.
    pub accepted_at: Option<UnixMs>,
    /// A message was proven to have arrived, so long after the acceptance.
    pub delivered_after_ms: Option<u64>,
    /// It ended so, for the first time.
    pub ended: Option<OrderState>,
    /// What it was charged more than before; less than nothing where more was given back.
    pub charged: Option<(Currency, i64)>,
    /// Gateways that took a message of it, where its tenant has no bill.
    pub unbilled: Vec<GatewayId>,
    /// What its job says in clear.
    pub header: Option<Box<Header>>,
}

/// What was known before.
pub(super) struct Before {
    is_known: bool,
    is_delivered: bool,
    state: Option<OrderState>,
    ended: Vec<OrderState>,
    charged: i64,
    attempts: Vec<AttemptState>,
}

impl Before {
    pub(super) fn of(state: Option<&State>) -> Self {
        let Some(state) = state else {
            return Self {
                is_known: false,
                is_delivered: false,
                state: None,
                ended: Vec::new(),
                charged: 0,
                attempts: Vec::new(),
            };
        };
        let ended = state.story.entries.iter().filter_map(|entry| match entry.what {
            Happening::Ended { state, .. } => Some(state),
            _ => None,
        });
        Self {
            is_known: true,
            is_delivered: state.is_delivered(),
            state: Some(state.state),
            ended: ended.collect(),
            charged: state.charged(),
            attempts: state.attempts.iter().map(|record| record.attempt.state).collect(),
        }
    }

    /// What `after` knows more; nothing where nobody would count it.
    pub(super) fn mark(&self, after: &State, now: UnixMs) -> Option<Box<Mark>> {
        let header = after.header.as_ref();
        let is_new =
            |state: OrderState| is_end(state) && Some(state) != self.state && !self.ended.contains(&state);
        let charged = after.charged().saturating_sub(self.charged);
        let unbilled = match after.bill {
            Some(_) => Vec::new(),
            None => self.taken(after),
        };
        // One that was ended before its job came was accepted too, a moment ago.
        let is_first = !self.is_known && after.erased_at.is_none();
        let accepted_at = is_first.then(|| header.map_or(now, |header| header.created_at));
        let delivered = header.filter(|_| after.is_delivered() && !self.is_delivered);
        let mark = Mark {
            accepted_at,
            delivered_after_ms: delivered.map(|header| now.since(header.created_at)),
            ended: Some(after.state).filter(|state| is_new(*state)),
            charged: after.bill.as_ref().filter(|_| charged != 0).map(|bill| (bill.currency, charged)),
            unbilled,
            header: None,
        };
        if mark == Mark::default() {
            return None;
        }
        Some(Box::new(Mark { header: header.cloned().map(Box::new), ..mark }))
    }

    fn taken(&self, after: &State) -> Vec<GatewayId> {
        let was_open = |n: usize| {
            let before = self.attempts.get(n);
            before.is_none_or(|state| matches!(state, AttemptState::Sending | AttemptState::Unknown))
        };
        let is_taken =
            |attempt: &Attempt| matches!(attempt.state, AttemptState::Delivered | AttemptState::Sent);
        let attempts = after.attempts.iter().map(|record| &record.attempt).enumerate();
        let taken = attempts.filter(|(n, attempt)| is_taken(attempt) && was_open(*n));
        taken.map(|(_, attempt)| attempt.gateway.clone()).collect()
    }
}

fn is_end(state: OrderState) -> bool {
    match state {
        OrderState::Cancelled | OrderState::Expired | OrderState::Failed | OrderState::Verified => true,
        OrderState::Accepted
        | OrderState::Delivered
        | OrderState::Queued
        | OrderState::Sending
        | OrderState::Sent => false,
    }
}

impl State {
    fn is_delivered(&self) -> bool {
        self.attempts.iter().any(|record| record.attempt.state == AttemptState::Delivered)
    }

    /// Captured, less what was given back of it.
    fn charged(&self) -> i64 {
        let Some(bill) = &self.bill else { return 0 };
        let signed = |micros: u64| i64::try_from(micros).unwrap_or(i64::MAX);
        signed(bill.sums.captured_micros).saturating_sub(signed(bill.sums.refunded_micros))
    }
}
