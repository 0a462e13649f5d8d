//! What one tenant may ask of one phone, written as plainly as it can be: lists of times, and counting.
//!
//! Knows nothing of the crate's buckets and windows; the numbers are those of the brief.

use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::HOUR_MS;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::wire::api::VerifyResult;

use super::fixtures::TTL_MS;

const FULL_MS: u64 = 3 * MINUTE_MS;

/// One tenant's section. Times are milliseconds; those that something was written at never run backwards.
pub struct Model {
    /// One token is a minute's worth.
    tokens_ms: u64,
    filled_at: u64,
    admitted_at: Vec<u64>,
    guessed_at: Vec<u64>,
    wrong_in_a_row: u32,
    orders: Vec<Order>,
}

#[derive(Default)]
struct Order {
    service: usize,
    key: u8,
    body: u8,
    at: u64,
    guesses: usize,
    superseded: bool,
    failed: bool,
    verified: bool,
    cancelled: bool,
    resent: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Created {
    Made,
    Mismatch,
    RateLimited,
    Replayed,
}

impl Model {
    pub fn new() -> Self {
        Self {
            tokens_ms: FULL_MS,
            filled_at: 0,
            admitted_at: Vec::new(),
            guessed_at: Vec::new(),
            wrong_in_a_row: 0,
            orders: Vec::new(),
        }
    }

    pub fn create(&mut self, service: usize, key: u8, body: u8, now: u64) -> Created {
        let earlier = self.orders.iter().find(|order| order.key == key && now < order.at + DAY_MS);
        if let Some(earlier) = earlier {
            return if earlier.body == body { Created::Replayed } else { Created::Mismatch };
        }
        if !self.spend(now) {
            return Created::RateLimited;
        }
        for older in self.orders.iter_mut().filter(|order| order.service == service) {
            older.superseded |= older.is_live(now);
        }
        let order = Order { service, key, body, at: now, ..Order::default() };
        self.orders.push(order);
        Created::Made
    }

    /// One message, of an order or a resend.
    pub fn spend(&mut self, now: u64) -> bool {
        let tokens_ms = (self.tokens_ms + (now - self.filled_at)).min(FULL_MS);
        let within = |window_ms| self.admitted_at.iter().filter(|at| now < *at + window_ms).count();
        if tokens_ms < MINUTE_MS || within(HOUR_MS) >= 10 || within(DAY_MS) >= 20 {
            return false;
        }
        (self.tokens_ms, self.filled_at) = (tokens_ms - MINUTE_MS, now);
        self.admitted_at.push(now);
        true
    }

    /// The order was called off.
    pub fn cancel(&mut self, back: usize) {
        if let Some(order) = order(&mut self.orders, back) {
            order.cancelled = true;
        }
    }

    /// `None`: there is no such order any more.
    pub fn verify(&mut self, back: usize, right: bool, now: u64) -> Option<VerifyResult> {
        let today = self.guessed_at.iter().filter(|at| now < *at + DAY_MS).count();
        let is_forgotten = self.guessed_at.last().is_some_and(|at| now >= at + 30 * DAY_MS);
        let wrong_in_a_row = if is_forgotten { 0 } else { self.wrong_in_a_row };
        let order = order(&mut self.orders, back).filter(|order| now < order.at + DAY_MS)?;
        if order.verified {
            return Some(VerifyResult::AlreadyVerified);
        }
        if order.cancelled {
            return Some(VerifyResult::Cancelled);
        }
        if !order.is_live(now) {
            return Some(VerifyResult::Expired);
        }
        if order.guesses >= 5 || today >= 20 || wrong_in_a_row >= 100 {
            return Some(VerifyResult::Locked);
        }
        order.guesses += 1;
        order.verified = right;
        self.guessed_at.push(now);
        self.wrong_in_a_row = if right { 0 } else { wrong_in_a_row + 1 };
        Some(if right { VerifyResult::Verified } else { VerifyResult::WrongCode })
    }

    /// An operator's word: the phone's guesses are forgotten, and no code's own.
    pub fn unlock(&mut self) {
        self.guessed_at.clear();
        self.wrong_in_a_row = 0;
    }

    /// The order is sent once more: what failed before ends it no longer.
    pub fn resend(&mut self, back: usize) {
        if let Some(order) = order(&mut self.orders, back) {
            order.resent = true;
        }
    }

    /// Core gave the first sending of the order up.
    pub fn fail(&mut self, back: usize, now: u64) {
        if let Some(order) = order(&mut self.orders, back) {
            order.failed |= order.is_live(now) && !order.resent;
        }
    }
}

impl Order {
    fn is_live(&self, now: u64) -> bool {
        !self.superseded && !self.failed && !self.verified && !self.cancelled && now < self.at + TTL_MS
    }
}

/// Counted from the latest.
fn order(orders: &mut [Order], back: usize) -> Option<&mut Order> {
    let count = orders.len().max(1);
    orders.iter_mut().rev().nth(back % count)
}
