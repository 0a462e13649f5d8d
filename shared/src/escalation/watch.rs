//! The rules that open escalations by themselves: what one process has seen of closed orders lately, and what of it people must
//! look at.
//!
//! An errand comes again where another listener failed, or whoever ran it died: its attempts count once, and what it found is found
//! again.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;

use super::Kind;
use super::Opening;
use super::Rule;
use crate::bytes;
use crate::bytes::Bytes;
use crate::id::GatewayId;
use crate::id::OrderId;
use crate::id::TenantId;
use crate::order::AttemptState;
use crate::order::Errand;
use crate::order::Reason;
use crate::order::Tried;
use crate::time::SECOND_MS;
use crate::time::UnixMs;
use crate::wire::api::OrderState;

/// A matter that was found open is not asked for again for so long: an outage has thousands of orders. Those are not named in it.
const QUIET_MS: u64 = 10 * SECOND_MS;
/// Matters remembered for that.
const QUIET_MAX: usize = 1_024;
/// Attempts remembered as counted: those of the orders that a busy process closes while an errand waits to come again.
const COUNTED_MAX: usize = 16_384;

/// From when on a rule speaks.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// [`Rule::Overdue`]: so long after its window nothing was heard of a message.
    pub overdue_ms: u64,
    /// [`Rule::RouteFailing`]: so many failures,
    pub failures: u16,
    /// of so many last attempts.
    pub of: u16,
}

/// What a process has seen lately. Gone with it.
#[derive(Debug, Default)]
pub struct Watch {
    /// The last attempts of each gateway: whether they failed in a way that speaks against it.
    attempts: BTreeMap<GatewayId, VecDeque<bool>>,
    /// Attempts that are counted, and in which order they were.
    counted: BTreeSet<(OrderId, u32)>,
    counted_last: VecDeque<(OrderId, u32)>,
    /// Matters whose escalation is full of orders, or was asked for just now.
    quiet_until: BTreeMap<(Rule, String), UnixMs>,
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matter {
    /// Which rule.
    pub rule: Rule,
    /// With the rule it names the matter.
    pub subject: String,
    /// Whose, where it is one tenant's.
    pub tenant: Option<TenantId>,
    /// Which supplier's account.
    pub gateway: GatewayId,
    /// In words.
    pub text: String,
}

impl Watch {
    /// Looks at an order that is closed. `tells_arrival` is whether a gateway's provider tells what arrives.
    pub fn look(
        &mut self,
        order: &OrderId,
        errand: &Errand,
        limits: Limits,
        tells_arrival: impl Fn(&GatewayId) -> bool,
        now: UnixMs,
    ) -> Vec<Matter> {
        let mut found = Vec::new();
        if !errand.closes {
            return found;
        }
        let is_lost = matches!(errand.timeline.state, OrderState::Expired | OrderState::Failed);
        for tried in &errand.timeline.attempts {
            let gateway = &tried.attempt.gateway;
            if is_lost && tells_arrival(gateway) {
                let late_ms = overdue_ms(tried, now).filter(|late_ms| *late_ms >= limits.overdue_ms);
                found.extend(late_ms.map(|late_ms| overdue(errand, gateway, late_ms)));
            }
            found.extend(self.count(order, tried, limits).map(|counted| failing(gateway, counted)));
        }
        found.retain(|matter| !self.is_quiet(matter, now));
        found
    }

    /// Its escalation needs no more orders for a while.
    pub fn quiet(&mut self, rule: Rule, subject: String, now: UnixMs) {
        self.quiet_until.retain(|_, until| now < *until);
        if self.quiet_until.len() < QUIET_MAX {
            self.quiet_until.insert((rule, subject), now.plus(QUIET_MS));
        }
    }

    fn is_quiet(&self, matter: &Matter, now: UnixMs) -> bool {
        let until = self.quiet_until.get(&(matter.rule, matter.subject.clone()));
        until.is_some_and(|until| now < *until)
    }

    /// Counts an attempt, once. How many of the last failed, and of how many, where those are too many.
    fn count(&mut self, order: &OrderId, tried: &Tried, limits: Limits) -> Option<(usize, usize)> {
        let has_failed = match tried.attempt.state {
            AttemptState::Failed => tried.attempt.reason.is_some_and(Reason::blames_gateway),
            AttemptState::Unknown => true,
            AttemptState::Delivered | AttemptState::Sending | AttemptState::Sent => false,
        };
        let is_new = self.is_new(order, tried.attempt.n);
        let last = self.attempts.entry(tried.attempt.gateway.clone()).or_default();
        if is_new {
            last.push_back(has_failed);
        }
        while last.len() > usize::from(limits.of) {
            last.pop_front();
        }
        let failed = last.iter().filter(|failed| **failed).count();
        (has_failed && failed >= usize::from(limits.failures)).then_some((failed, last.len()))
    }

    fn is_new(&mut self, order: &OrderId, n: u32) -> bool {
        if !self.counted.insert((order.clone(), n)) {
            return false;
        }
        self.counted_last.push_back((order.clone(), n));
        if self.counted_last.len() > COUNTED_MAX
            && let Some(oldest) = self.counted_last.pop_front()
        {
            self.counted.remove(&oldest);
        }
        true
    }
}

impl Matter {
    /// The wish for it. Of this order and rule: an errand that comes again opens no second one after the first was resolved.
    pub fn opening(self, order: &OrderId, due_ms: u64) -> Opening {
        let Self { rule, subject, tenant, gateway, text } = self;
        let kind = match rule {
            Rule::Overdue => Kind::Refund,
            Rule::RouteFailing => Kind::SupplierFallback,
        };
        let name = format!("{}/{subject}/{order}", rule as u8);
        Opening {
            kind,
            rule: Some(rule),
            subject,
            tenant,
            gateway: Some(gateway),
            orders: vec![order.clone()],
            text,
            due_ms,
            request: Bytes(bytes::truncate(bytes::sha256(name.as_bytes()))),
        }
    }
}

/// How long a message is beyond its window, of which nothing was heard.
fn overdue_ms(tried: &Tried, now: UnixMs) -> Option<u64> {
    let is_open = matches!(tried.attempt.state, AttemptState::Sent | AttemptState::Unknown);
    is_open.then(|| now.since(tried.called_at.plus(tried.window_ms)))
}

fn overdue(errand: &Errand, gateway: &GatewayId, late_ms: u64) -> Matter {
    let subject = match &errand.tenant {
        Some(tenant) => format!("{gateway} for {tenant}"),
        None => gateway.to_string(),
    };
    let text = format!("nothing was heard of a message for {} s beyond its window", late_ms / SECOND_MS);
    Matter { rule: Rule::Overdue, subject, tenant: errand.tenant.clone(), gateway: gateway.clone(), text }
}

fn failing(gateway: &GatewayId, (failed, of): (usize, usize)) -> Matter {
    Matter {
        rule: Rule::RouteFailing,
        subject: gateway.to_string(),
        tenant: None,
        gateway: gateway.clone(),
        text: format!("{failed} of the last {of} attempts through it failed"),
    }
}

#[cfg(test)]
mod tests;
