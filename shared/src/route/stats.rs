//! How messages fare on a route: what was sent, arrived and was verified of late, and how long receipts take.
//!
//! One state per gateway, channel and country. A missing state means an unknown route: the router then assumes
//! [`PRIOR_QUALITY`], and the service's own waiting time. Two generations of [`GENERATION_MS`] make a window that
//! slides without a sample being kept.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::bytes::Bytes;
use crate::machine::Machine;
use crate::machine::Step;
use crate::machine::Write;
use crate::order::Reason;
use crate::time::HOUR_MS;
use crate::time::SECOND_MS;
use crate::time::UnixMs;

/// How long one generation collects; the view spans the last one and the one before.
pub const GENERATION_MS: u64 = HOUR_MS / 2;
/// Arrival assumed of an unknown route, in thousandths.
pub const PRIOR_QUALITY: u32 = 900;
/// The prior's weight in messages.
const PRIOR_WEIGHT: u32 = 20;
/// Receipts from which a usual time is learnt, at least.
pub const RECEIPTS_MIN: u32 = 20;
/// Silence shorter than this never counts: the next message would cost more than it helps.
pub const WINDOW_MS_MIN: u64 = 5 * SECOND_MS;
/// Silence longer than this always counts: a code lives for minutes.
pub const WINDOW_MS_MAX: u64 = 90 * SECOND_MS;
/// Batches remembered so that one that comes again counts once.
const BATCHES_MAX: usize = 16;
/// Receipt times are counted in this many steps, each a quarter longer than the one before: half a second to 8 minutes.
pub const TIMES: usize = 32;

/// The machine.
pub enum RouteStats {}

/// Figures of a span of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Figures {
    /// Messages that a provider took.
    pub sent: u32,
    /// Those of them whose codes their callers check: nobody here hears whether they were verified.
    #[serde(skip_serializing_if = "is_zero")]
    pub unheard: u32,
    /// Messages that arrived.
    pub delivered: u32,
    /// Messages that did not.
    pub failed: u32,
    /// Codes that were verified after a message of this route.
    pub verified: u32,
    /// Receipts by how long they took; see [`slot`]. Trailing zeros are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub times: Vec<u32>,
    /// Of the failed, those whose usual time passed in silence.
    #[serde(skip_serializing_if = "is_zero")]
    pub silent: u32,
    /// Why messages were not taken or did not arrive.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub errors: BTreeMap<Reason, u32>,
}

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    clock: UnixMs,
    /// Which [`GENERATION_MS`] `now` belongs to.
    generation: u64,
    now: Figures,
    before: Figures,
    batches: Vec<Bytes<16>>,
}

/// Figures to add.
#[derive(Clone, Debug)]
pub struct Command {
    /// Names the batch: one that comes again counts once.
    pub batch: Bytes<16>,
    /// What to add; nothing only looks.
    pub figures: Figures,
}

/// What the router goes by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Messages that a provider took.
    pub sent: u32,
    /// Those of them whose codes their callers check.
    pub unheard: u32,
    /// Messages that arrived.
    pub delivered: u32,
    /// Messages that did not.
    pub failed: u32,
    /// Codes that were verified.
    pub verified: u32,
    /// The time in which 95 % of the receipts came, within [`WINDOW_MS_MIN`] and [`WINDOW_MS_MAX`]; `None` while there are too
    /// few.
    pub window_ms: Option<u64>,
    /// The time in which half of the receipts came, as exact as [`slot_ms`] is; `None` while there are too few.
    pub p50_ms: Option<u64>,
    /// The same of 95 %.
    pub p95_ms: Option<u64>,
    /// Receipts by how long they took, as in [`Figures::times`].
    pub times: Vec<u32>,
    /// As in [`Figures::silent`].
    pub silent: u32,
    /// As in [`Figures::errors`].
    pub errors: BTreeMap<Reason, u32>,
}

impl Machine for RouteStats {
    type State = State;
    type Command = Command;
    type Reply = View;

    fn step(state: Option<State>, command: &Command, now: UnixMs) -> Step<State, View> {
        let state = state.filter(|state| now < state.keep_until()).unwrap_or_default();
        let now = state.clock.max(now);
        let mut state = state.turned(now);
        // Figures that add nothing only look.
        if state.batches.contains(&command.batch) || command.figures == Figures::default() {
            return Step::keep(state.view());
        }
        state.clock = now;
        if state.batches.len() >= BATCHES_MAX {
            state.batches.remove(0);
        }
        state.batches.push(command.batch);
        state.now.add(&command.figures);
        let (reply, expires_at) = (state.view(), state.keep_until());
        Step { reply, write: Write::Put { state, expires_at, wake_at: None } }
    }
}

/// The step of a receipt that took so long.
pub fn slot(took_ms: u64) -> usize {
    (0..TIMES).find(|slot| took_ms <= slot_ms(*slot)).unwrap_or(TIMES - 1)
}

/// The longest time of a step.
pub fn slot_ms(slot: usize) -> u64 {
    (0..slot.min(TIMES)).fold(SECOND_MS / 2, |ms, _| ms.saturating_mul(5) / 4)
}

impl Figures {
    /// Adds others to these.
    pub fn add(&mut self, other: &Self) {
        self.sent = self.sent.saturating_add(other.sent);
        self.unheard = self.unheard.saturating_add(other.unheard);
        self.delivered = self.delivered.saturating_add(other.delivered);
        self.failed = self.failed.saturating_add(other.failed);
        self.verified = self.verified.saturating_add(other.verified);
        for (at, count) in other.times.iter().take(TIMES).enumerate() {
            self.count(at, *count);
        }
        self.silent = self.silent.saturating_add(other.silent);
        for (reason, count) in &other.errors {
            self.erred(*reason, *count);
        }
    }

    /// A provider took a message, whose code is checked here or not.
    pub fn took(&mut self, is_checked: bool) {
        self.sent = self.sent.saturating_add(1);
        self.unheard = self.unheard.saturating_add(u32::from(!is_checked));
    }

    /// A provider did not take a message, or did not say whether.
    pub fn not_taken(&mut self, reason: Reason) {
        self.erred(reason, 1);
    }

    /// A message did not arrive, as its provider says; or nobody says anything.
    pub fn lost(&mut self, why: Option<Reason>) {
        self.failed = self.failed.saturating_add(1);
        match why {
            Some(reason) => self.erred(reason, 1),
            None => self.silent = self.silent.saturating_add(1),
        }
    }

    fn erred(&mut self, reason: Reason, count: u32) {
        let sum = self.errors.entry(reason).or_default();
        *sum = sum.saturating_add(count);
    }

    /// A message arrived after so long.
    pub fn arrived(&mut self, took_ms: u64) {
        self.delivered = self.delivered.saturating_add(1);
        self.count(slot(took_ms), 1);
    }

    fn count(&mut self, slot: usize, count: u32) {
        if self.times.len() <= slot {
            self.times.resize(slot + 1, 0);
        }
        if let Some(times) = self.times.get_mut(slot) {
            *times = times.saturating_add(count);
        }
    }

    fn window_ms(&self) -> Option<u64> {
        self.percentile_ms(95).map(|ms| ms.clamp(WINDOW_MS_MIN, WINDOW_MS_MAX))
    }

    /// In which `percent` of the receipts came; nothing while there are too few.
    fn percentile_ms(&self, percent: u64) -> Option<u64> {
        let all: u64 = self.times.iter().map(|count| u64::from(*count)).sum();
        if all < u64::from(RECEIPTS_MIN) {
            return None;
        }
        let enough = (all * percent).div_ceil(100);
        let mut seen = 0_u64;
        let slot = self.times.iter().position(|count| {
            seen += u64::from(*count);
            seen >= enough
        });
        slot.map(slot_ms)
    }
}

impl State {
    /// An unused route is forgotten after the second generation: then it is unknown again.
    fn keep_until(&self) -> UnixMs {
        UnixMs(self.generation.saturating_add(2).saturating_mul(GENERATION_MS))
    }

    fn turned(mut self, now: UnixMs) -> Self {
        let generation = now.0 / GENERATION_MS;
        if generation > self.generation {
            let last = std::mem::take(&mut self.now);
            self.before = if generation == self.generation + 1 { last } else { Figures::default() };
            self.generation = generation;
        }
        self
    }

    fn view(&self) -> View {
        let mut all = self.now.clone();
        all.add(&self.before);
        View::of(all)
    }
}

impl View {
    fn of(all: Figures) -> Self {
        let (window_ms, p50_ms, p95_ms) = (all.window_ms(), all.percentile_ms(50), all.percentile_ms(95));
        let Figures { sent, unheard, delivered, failed, verified, times, silent, errors } = all;
        Self { sent, unheard, delivered, failed, verified, window_ms, p50_ms, p95_ms, times, silent, errors }
    }

    /// All of them together.
    pub fn sum(views: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Figures::default();
        for view in views {
            let Self { sent, unheard, delivered, failed, verified, times, silent, errors, .. } = view;
            all.add(&Figures { sent, unheard, delivered, failed, verified, times, silent, errors });
        }
        Self::of(all)
    }

    /// How many of the messages whose fate is known arrived, in thousandths; nothing while none is known.
    pub fn delivery(&self) -> Option<u32> {
        per_mille(self.delivered, self.delivered.saturating_add(self.failed))
    }

    /// How many of the messages whose codes are checked here brought a code that was verified, in thousandths; nothing while
    /// none was sent.
    pub fn conversion(&self) -> Option<u32> {
        per_mille(self.verified, self.sent.saturating_sub(self.unheard))
    }

    /// How likely a message is to arrive, in thousandths: receipts, or verified codes where these say more, over what
    /// was sent, drawn towards [`PRIOR_QUALITY`] while little is known.
    pub fn quality(&self) -> u32 {
        // What is still on its way says nothing yet: only what has ended counts.
        let arrived = u64::from(self.delivered.max(self.verified));
        let ended = arrived + u64::from(self.failed);
        let weight = u64::from(PRIOR_WEIGHT);
        let quality = (arrived * 1_000 + weight * u64::from(PRIOR_QUALITY)) / (ended + weight);
        u32::try_from(quality).unwrap_or(1_000).min(1_000)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

fn per_mille(part: u32, all: u32) -> Option<u32> {
    let of = (u64::from(part) * 1_000).checked_div(u64::from(all))?;
    u32::try_from(of).ok().map(|of| of.min(1_000))
}
