//! **something-changes**: which way an order goes next, and why.

use super::AttemptState;
use super::Reason;
use super::Record;
use super::RulesOut;
use super::State;
use crate::route::Health;
use crate::route::Offer;
use crate::time::SECOND_MS;
use crate::time::UnixMs;
use crate::wire::api::Channel;

/// Attempts for one sending of an order, over all its ways.
pub const ATTEMPTS_MAX: usize = 8;
/// How long a channel is waited for before the next one is taken: the first two backoffs of a gateway.
pub const PATIENCE_MS: u64 = 3 * SECOND_MS;

/// What an order does next.
pub(super) enum Choice<'a> {
    /// Send this way.
    Go {
        offer: &'a Offer,
        /// Why it may, though its breaker is open.
        is_last_resort: bool,
    },
    /// Something will be possible then.
    Wait {
        /// What it will be.
        offer: &'a Offer,
        until: UnixMs,
        why: String,
    },
    /// Nothing is left to try.
    Nothing(String),
}

/// A way that is not ruled out, and when it may be used.
struct Chance<'a> {
    offer: &'a Offer,
    /// By backoff, pace and pause.
    free_at: UnixMs,
    /// Where its breaker is open.
    opens_at: Option<UnixMs>,
    is_dark: bool,
}

impl State {
    /// `since`: attempts after this one belong to the sending at hand.
    pub(super) fn choose<'a>(
        &self,
        offers: &'a [Offer],
        since: u32,
        expires_at: UnixMs,
        now: UnixMs,
    ) -> Choice<'a> {
        let tries = self.tries(since);
        if tries.len() >= ATTEMPTS_MAX {
            return Choice::Nothing(format!("{ATTEMPTS_MAX} attempts were made"));
        }
        if offers.is_empty() {
            return Choice::Nothing("no gateway carries it".into());
        }
        let may_go = |offer: &&Offer| self.sim_rules_out(offer.way.channel).is_none();
        let mut options: Vec<Chance<'_>> =
            offers.iter().filter(may_go).filter_map(|offer| option(offer, &tries)).collect();
        if options.is_empty() {
            return Choice::Nothing("every way was tried, and a further attempt would change nothing".into());
        }
        // A resend takes a way that the order did not take before, where one is free: an open breaker is no better.
        let is_known = |option: &Chance<'_>| self.attempts.iter().any(|old| old.is_by(&option.offer.way));
        let is_resend = tries.is_empty() && !self.attempts.is_empty();
        if is_resend && options.iter().any(|option| !is_known(option) && option.is_soon_free(now)) {
            options.retain(|option| !is_known(option));
        }
        pick(&options, expires_at, now)
    }

    /// Why a way is closed that would be left otherwise: what the number's network said of its SIM.
    pub(super) fn sim_bars(&self, offers: &[Offer], since: u32) -> Option<Reason> {
        let tries = self.tries(since);
        let is_left = |offer: &&Offer| tries.len() < ATTEMPTS_MAX && option(offer, &tries).is_some();
        offers.iter().filter(is_left).find_map(|offer| self.sim_rules_out(offer.way.channel))
    }

    fn tries(&self, since: u32) -> Vec<&Record> {
        self.attempts.iter().filter(|record| record.attempt.n > since).collect()
    }
}

fn pick<'a>(options: &[Chance<'a>], expires_at: UnixMs, now: UnixMs) -> Choice<'a> {
    let mut channels: Vec<Channel> = Vec::new();
    for option in options {
        if !channels.contains(&option.offer.way.channel) {
            channels.push(option.offer.way.channel);
        }
    }
    for channel in channels {
        let mut closed =
            options.iter().filter(|option| option.offer.way.channel == channel && option.opens_at.is_none());
        if let Some(option) = closed.clone().find(|option| option.free_at <= now) {
            return Choice::Go { offer: option.offer, is_last_resort: false };
        }
        let soonest = closed.by_ref().min_by_key(|option| option.free_at);
        let is_soon = |until: UnixMs| until < expires_at && until.since(now) <= PATIENCE_MS;
        if let Some(option) = soonest.filter(|option| is_soon(option.free_at)) {
            let why = "until a backoff or a pause is over".into();
            return Choice::Wait { offer: option.offer, until: option.free_at, why };
        }
    }
    let resort = options.iter().find(|option| !option.is_dark && option.free_at <= now);
    if let Some(option) = resort {
        return Choice::Go { offer: option.offer, is_last_resort: true };
    }
    let soonest = options.iter().min_by_key(|option| option.ready_at());
    match soonest.filter(|option| option.ready_at() < expires_at) {
        Some(option) => Choice::Wait {
            offer: option.offer,
            until: option.ready_at(),
            why: "every way that is left is paused, or its breaker is open".into(),
        },
        None => Choice::Nothing("no way that is left comes free within the code's life".into()),
    }
}

/// Nothing where what was tried rules it out.
fn option<'a>(offer: &'a Offer, tries: &[&Record]) -> Option<Chance<'a>> {
    let mut free_at = offer.free_at;
    for record in tries {
        if record.rules_out(offer) {
            return None;
        }
        if record.is_by(&offer.way) {
            free_at = free_at.max(record.retry_at.unwrap_or_default());
        }
    }
    let (opens_at, is_dark) = match offer.health {
        Health::Closed | Health::Probe => (None, false),
        Health::Open { until, is_dark } => (Some(until), is_dark),
    };
    Some(Chance { offer, free_at, opens_at, is_dark })
}

impl Chance<'_> {
    fn is_soon_free(&self, now: UnixMs) -> bool {
        self.opens_at.is_none() && self.free_at.since(now) <= PATIENCE_MS
    }

    fn ready_at(&self) -> UnixMs {
        self.free_at.max(self.opens_at.unwrap_or_default())
    }
}

impl Record {
    fn rules_out(&self, offer: &Offer) -> bool {
        let way = &offer.way;
        let (same_channel, same_gateway) =
            (self.attempt.channel == way.channel, self.attempt.gateway == way.gateway);
        let scope = match (self.attempt.state, self.attempt.reason) {
            (AttemptState::Failed, Some(reason)) => reason.rules_out(),
            (AttemptState::Unknown, _) => Reason::UnknownOutcome.rules_out(),
            // It may still arrive.
            (
                AttemptState::Delivered | AttemptState::Failed | AttemptState::Sending | AttemptState::Sent,
                _,
            ) => RulesOut::Sender,
        };
        match scope {
            RulesOut::Nothing => false,
            RulesOut::Sender => self.is_by(way),
            RulesOut::Gateway => same_gateway && same_channel,
            RulesOut::Channel => same_channel,
            RulesOut::Number => way.channel != Channel::Email,
        }
    }

    /// What differs when the order goes on this way, and why it goes on.
    pub(super) fn change_to(&self, offer: &Offer, now: UnixMs) -> String {
        let way = &offer.way;
        let what = if self.attempt.channel != way.channel {
            "another channel"
        } else if self.attempt.gateway != way.gateway {
            "another gateway"
        } else if self.sender != way.sender {
            "another sender"
        } else {
            let reason = self.attempt.reason.map_or("silence", Reason::as_str);
            return format!("{} ms after {reason}", now.since(self.attempt.at));
        };
        match (self.attempt.state, self.attempt.reason) {
            (AttemptState::Failed, Some(reason)) => format!("{what} after {}", reason.as_str()),
            (AttemptState::Unknown, _) => format!("{what}: whether the last one took it is unknown"),
            _ => format!("{what}: no receipt within {} s", self.window_ms.div_ceil(SECOND_MS)),
        }
    }
}
