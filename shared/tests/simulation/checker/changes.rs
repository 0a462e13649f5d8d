//! **something-changes**: no way is repeated but after a failure that passes, and its backoff.

use tiffin_shared::order::ATTEMPTS_MAX;
use tiffin_shared::order::Ask;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Found;
use tiffin_shared::order::Reason;
use tiffin_shared::order::Receipt;
use tiffin_shared::order::RulesOut;
use tiffin_shared::route::Health;
use tiffin_shared::route::Offer;
use tiffin_shared::route::Way;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;

use super::Checker;
use super::Fact;
use super::Seen;

const BACKOFF_MS_MAX: u64 = 60 * SECOND_MS;

/// Chance spreads a backoff.
#[derive(Clone, Copy)]
enum Backoff {
    Least,
    Most,
}

impl Checker {
    /// What a record was told of an attempt, however it took it.
    pub(super) fn learn(&mut self, seen: &Seen<'_>) {
        let now = seen.applied.clock;
        let story = &mut self.stories[seen.order];
        let (Ask::Result { n, .. } | Ask::Receipt { n, .. } | Ask::Looked { n, .. }) = seen.ask else {
            return;
        };
        let Some(fact) = story.facts.iter_mut().find(|fact| fact.n == *n) else { return };
        let failed = match seen.ask {
            Ask::Result { outcome: CallOutcome::Failed(reason), .. } => Some(*reason),
            Ask::Result { outcome: CallOutcome::Throttled { .. }, .. } => Some(Reason::Throttled),
            Ask::Receipt { receipt: Receipt::Failed(reason), .. } => Some(*reason),
            Ask::Looked { found: Found::Missing, .. } => {
                fact.missing_at = fact.missing_at.or(Some(now));
                None
            }
            _ => None,
        };
        fact.is_answered |= !matches!(seen.ask, Ask::Result { outcome: CallOutcome::Unknown, .. });
        // The first word counts: a host that does not hear says the same again.
        if let Some(reason) = failed.filter(|_| fact.refused.is_none() && fact.passed_at.is_none()) {
            if let Ask::Result { outcome: CallOutcome::Throttled { retry_after_ms }, .. } = seen.ask {
                fact.pause_ms = retry_after_ms.unwrap_or_default();
            }
            if reason.passes() { fact.passed_at = Some(now) } else { fact.refused = Some(reason) }
        }
    }

    pub(super) fn check_change(
        &mut self,
        order: usize,
        (n, way, dispatch): (u32, &Way, u8),
        offers: &[Offer],
        now: UnixMs,
    ) {
        let facts = &self.stories[order].facts;
        let tries: Vec<&Fact> = facts.iter().filter(|fact| fact.dispatch == dispatch).collect();
        let mut broken = None;
        if tries.len() >= ATTEMPTS_MAX {
            broken = Some("it is one more than a sending may have".to_owned());
        }
        let last_n = facts.last().map_or(0, |fact| fact.n);
        if n != last_n + 1 {
            broken = Some(format!("it comes after attempt {last_n}"));
        }
        if let Some(fact) = tries.iter().find(|fact| !may_follow(fact, way, &tries, now, Backoff::Least)) {
            broken = Some(format!("it goes {way:?}, as attempt {} did, or as that ruled out", fact.n));
        }
        let used = offers.iter().find(|offer| offer.way == *way);
        // Where its tenant pays, a dearer one may be beyond its reach.
        let price = used.and_then(|used| used.price_micros);
        let is_free = |offer: &Offer| {
            let may = tries.iter().all(|fact| may_follow(fact, &offer.way, &tries, now, Backoff::Most));
            may && offer.price_micros <= price
                && offer.free_at <= now
                && !matches!(offer.health, Health::Open { .. })
        };
        match used {
            None => broken = Some("nobody offered its way".to_owned()),
            Some(offer) if offer.free_at > now => broken = Some("its gateway is paused".to_owned()),
            Some(Offer { health: Health::Open { is_dark: true, .. }, .. }) => {
                broken = Some("its gateway is dark".to_owned());
            }
            Some(Offer { health: Health::Open { .. }, .. }) if offers.iter().any(is_free) => {
                broken = Some("its breaker is open, and another way is free".to_owned());
            }
            Some(_) => {}
        }
        if let Some(why) = broken {
            self.fail(order, "something-changes", format!("attempt {n}: {why}"));
        }
    }
}

fn may_follow(fact: &Fact, way: &Way, tries: &[&Fact], now: UnixMs, backoff: Backoff) -> bool {
    let same_channel = fact.way.channel == way.channel;
    let same_gateway = same_channel && fact.way.gateway == way.gateway;
    if let Some(reason) = fact.refused {
        return match reason.rules_out() {
            RulesOut::Nothing => true,
            RulesOut::Sender => fact.way != *way,
            RulesOut::Gateway => !same_gateway,
            RulesOut::Channel => !same_channel,
            RulesOut::Number => way.channel == Channel::Email,
        };
    }
    match fact.passed_at.or(fact.missing_at) {
        Some(at) if fact.way == *way => {
            let earlier = |is_counted: fn(&Fact) -> bool| {
                let counted = |old: &&&Fact| old.n < fact.n && old.way == *way && is_counted(old);
                tries.iter().filter(counted).count()
            };
            let after = |earlier: usize| SECOND_MS << earlier.min(8);
            let backoff_ms = match backoff {
                Backoff::Least => after(earlier(|old| old.passed_at.is_some() && old.missing_at.is_none())),
                Backoff::Most => after(earlier(|old| old.passed_at.or(old.missing_at).is_some())) * 3 / 2,
            };
            now >= at.plus(backoff_ms.min(BACKOFF_MS_MAX).max(fact.pause_ms))
        }
        Some(_) => true,
        // Whether its provider has it is not known, or it has: another gateway, or another sender.
        None if fact.is_answered => fact.way != *way,
        None => !same_gateway,
    }
}
