//! **bucket**: how many messages an address may be sent, by one tenant and by all of them together.
//!
//! A part of each limit is kept for who solved a challenge, and another for the tenant's own server. So a stranger who
//! floods a victim's number cannot lock the victim out, and one who pays for it with solved challenges cannot lock the
//! server out.
//!
//! Of what all tenants have together, one has a part: else whoever may order at one of them locks a number for all.

use serde::Deserialize;
use serde::Serialize;

use super::state::Section;
use super::state::State;
use crate::bucket::Rate;
use crate::directory::Limits;
use crate::time::DAY_MS;
use crate::time::HOUR_MS;
use crate::time::UnixMs;
use crate::window::Cap;

/// What an address is sent at most, over all tenants of the installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ceilings {
    /// Messages an hour: 14, of which one tenant has its usual 10.
    pub hourly: Cap,
    /// Messages a day: 30, of which one tenant has 22: more than its usual 20.
    pub daily: Cap,
}

impl Default for Ceilings {
    fn default() -> Self {
        Self { hourly: Cap { max: 14, window_ms: HOUR_MS }, daily: Cap { max: 30, window_ms: DAY_MS } }
    }
}

/// Messages that a ledger counts over all tenants at most.
const SENDS_MAX: u32 = 1_000;

impl Ceilings {
    /// Refuses what would limit nothing.
    pub fn check(&self) -> Result<(), String> {
        self.hourly.check("hourly", SENDS_MAX)?;
        self.daily.check("daily", SENDS_MAX)
    }
}

/// How much of a limit is open to somebody. Ordered: each leaves a reserve to those above.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// May be anyone.
    #[default]
    Stranger,
    /// May be anyone, and solved a challenge.
    Solved,
    /// The tenant's own server, for nobody that it told of.
    #[serde(alias = "trusted")]
    Server,
}

/// One of a bucket of three, and a quarter of a cap, is kept for each standing above: rounded up, and one stays open.
fn open_to(standing: Standing, max: u32) -> u32 {
    let above = match standing {
        Standing::Stranger => 2,
        Standing::Solved => 1,
        Standing::Server => 0,
    };
    max.saturating_sub(max.div_ceil(4).saturating_mul(above)).max(1)
}

/// What one tenant may have of a ceiling over all of them: three quarters, rounded down, and one at least.
fn of_one_tenant(ceiling: Cap) -> Cap {
    Cap { max: (ceiling.max - ceiling.max.div_ceil(4)).max(1), ..ceiling }
}

/// Wrong guesses: half at orders of strangers, three quarters when challenges are solved, the rest at a server's alone.
/// Else who knows a number could order codes for it, guess them wrong, and lock its owner out.
pub(super) fn guesses_open_to(standing: Standing, max: u32) -> u32 {
    match standing {
        Standing::Stranger => max.div_ceil(2),
        Standing::Solved => max.saturating_sub(max / 4),
        Standing::Server => max,
    }
}

/// Milliseconds until one more message keeps within every limit; 0 when it does now.
pub(super) fn wait_ms(
    state: &State,
    section: Option<&Section>,
    limits: &Limits,
    ceilings: &Ceilings,
    standing: Standing,
    now: UnixMs,
) -> u64 {
    let cap = |cap: Cap| Cap { max: open_to(standing, cap.max), ..cap };
    let over_all = [ceilings.hourly, ceilings.daily].map(|ceiling| state.sends_at.wait_ms(cap(ceiling), now));
    let own = section.map_or(0, |section| {
        let bucket = Rate { capacity: open_to(standing, limits.bucket.capacity), ..limits.bucket };
        let shares = [ceilings.hourly, ceilings.daily].map(of_one_tenant);
        let caps = [limits.hourly, limits.daily].into_iter().chain(shares);
        let caps = caps.map(|limit| section.orders_at.wait_ms(cap(limit), now));
        caps.max().unwrap_or(0).max(section.bucket.wait_ms(bucket, now))
    });
    over_all.into_iter().max().unwrap_or(0).max(own)
}

/// Spends one message of every limit.
pub(super) fn spend(state: &mut State, tenant: &crate::id::TenantId, limits: &Limits, now: UnixMs) {
    state.sends_at.push(now, DAY_MS);
    let section = state.sections.entry(tenant.clone()).or_default();
    // The wait was found to be nothing.
    let _ = section.bucket.take(limits.bucket, now);
    section.orders_at.push(now, DAY_MS);
}
