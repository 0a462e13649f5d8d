//! Limits as a client sees them: the fields `RateLimit-Policy` and `RateLimit`
//! (draft-ietf-httpapi-ratelimit-headers-10, written as structured fields, RFC 9651).
//!
//! Never name a phone's limit on a public route: what remains of it tells a stranger that somebody else just asked.

use crate::bucket::Rate;
use crate::entropy::Entropy;
use crate::time::SECOND_MS;
use crate::time::retry_after_seconds;

/// The largest structured-field Integer (RFC 9651 section 3.3.1).
const INTEGER_MAX: u64 = 999_999_999_999_999;
/// At most this many seconds are added to a waiting time, so that those who were refused together do not return together.
const JITTER_S_MAX: u64 = 30;

/// One limit and what is left of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Its name, in printable ASCII.
    pub name: &'static str,
    /// Requests at most (`q`).
    pub quota: u64,
    /// Within so many seconds, at least 1 (`w`).
    pub window_s: u64,
    /// Requests left (`r`).
    pub remaining: u64,
    /// Seconds until there is one more (`t`); 0 when all are there.
    pub reset_s: u64,
}

impl Quota {
    /// A token bucket, from what a reply says of it: its window is the time in which it fills up. Seconds are rounded up.
    pub fn of_tokens(name: &'static str, rate: Rate, remaining: u32, reset_ms: u64) -> Self {
        let window_ms = rate.refill_ms.saturating_mul(u64::from(rate.capacity));
        Self {
            name,
            quota: rate.capacity.into(),
            window_s: window_ms.div_ceil(SECOND_MS).max(1),
            remaining: remaining.into(),
            reset_s: reset_ms.div_ceil(SECOND_MS),
        }
    }

    /// A waiting time that grows by up to a tenth, at least up to a second and at most up to 30: the draft asks for it.
    #[must_use]
    pub fn jittered(self, entropy: &Entropy) -> Self {
        if self.remaining > 0 {
            return self;
        }
        let spread_s = (self.reset_s / 10).clamp(1, JITTER_S_MAX);
        let random = entropy.draws("quota-jitter").next().unwrap_or(0);
        Self { reset_s: self.reset_s.saturating_add(random % spread_s.saturating_add(1)), ..self }
    }
}

/// The value of `RateLimit-Policy`; `None` without quotas, because an empty list is no field.
pub fn policy(quotas: &[Quota]) -> Option<String> {
    list(quotas, |quota| format!(";q={};w={}", integer(quota.quota), integer(quota.window_s.max(1))))
}

/// The value of `RateLimit`; `None` without quotas.
pub fn limit(quotas: &[Quota]) -> Option<String> {
    list(quotas, |quota| format!(";r={};t={}", integer(quota.remaining), integer(quota.reset_s)))
}

/// The value of `Retry-After`: never before the time of any exhausted quota, nor before `wait_ms`. Never 0.
pub fn retry_after_s(quotas: &[Quota], wait_ms: u64) -> u64 {
    let resets = quotas.iter().filter(|quota| quota.remaining == 0).map(|quota| integer(quota.reset_s));
    resets.max().unwrap_or(0).max(retry_after_seconds(wait_ms))
}

fn list(quotas: &[Quota], parameters: impl Fn(&Quota) -> String) -> Option<String> {
    let items: Vec<_> =
        quotas.iter().map(|quota| format!("{}{}", string(quota.name), parameters(quota))).collect();
    (!items.is_empty()).then(|| items.join(", "))
}

/// A structured-field String: what it cannot hold is left out.
fn string(text: &str) -> String {
    let mut out = String::from('"');
    for letter in text.chars().filter(|letter| matches!(letter, ' '..='~')) {
        if matches!(letter, '"' | '\\') {
            out.push('\\');
        }
        out.push(letter);
    }
    out.push('"');
    out
}

fn integer(number: u64) -> u64 {
    number.min(INTEGER_MAX)
}
