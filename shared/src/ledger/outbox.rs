//! **accepted-is-durable**: what core must hear stays here until core confirmed it, or it is of no use any more.
//!
//! Each hand-over is a lease: the next one is set when this one begins, so a host that dies in between, or
//! never hears back, needs to report nothing.

use serde::Deserialize;
use serde::Serialize;

use super::Outcome;
use super::Reply;
use super::state::Order;
use super::state::State;
use crate::backoff::Backoff;
use crate::entropy::Entropy;
use crate::id::OrderId;
use crate::id::TenantId;
use crate::machine::Step;
use crate::time::HOUR_MS;
use crate::time::SECOND_MS;
use crate::time::UnixMs;
use crate::wire::api::OrderState;
use crate::wire::job::Dispatch;
use crate::wire::job::Job;
use crate::wire::notice::Notice;
use crate::wire::notice::What;

/// How long a host may wait for core's answer: less than the first lease, so hand-overs do not overlap.
pub const HANDOVER_TIMEOUT_MS: u64 = 4 * SECOND_MS;

/// A code lives minutes, so an outage of core must not put the next try off for long.
const BACKOFF: Backoff = Backoff { base_ms: 5 * SECOND_MS, max_ms: 10 * SECOND_MS };
/// What may not be sent any more, core hears soon after it is back. Such notices are rare.
const STOP_BACKOFF: Backoff = Backoff { base_ms: 5 * SECOND_MS, max_ms: 20 * SECOND_MS };
/// Nobody waits for the others.
const NOTICE_BACKOFF: Backoff = Backoff { base_ms: 5 * SECOND_MS, max_ms: 300 * SECOND_MS };
/// What core has not heard by then changes nothing there.
const NOTICE_KEEP_MS: u64 = HOUR_MS;
/// Parcels handed over at one alarm. More than one phone can have live at a time.
const DUE_MAX: usize = 16;

/// Names what is handed over: one thing about one order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParcelId {
    /// Which order.
    pub order: OrderId,
    /// Which thing about it.
    pub part: Part,
}

/// One thing about an order that core must hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The job.
    Job,
    /// The job once more, as this dispatch.
    Dispatch(u8),
    /// What happened to it.
    Notice(What),
}

/// What a host hands over to core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Its name, for [`super::Ask::Done`].
    pub id: ParcelId,
    /// What is in it.
    pub content: Content,
}

/// What is handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// To be signed as an envelope and queued.
    Job {
        /// The sealed job.
        job: Job,
        /// Where it is a resend.
        dispatch: Option<Dispatch>,
    },
    /// To be noted.
    Notice(Notice),
}

/// A parcel that waits for core's confirmation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pending {
    pub(super) id: ParcelId,
    /// When it happened.
    at: UnixMs,
    /// Hand-overs begun.
    tries: u32,
    /// When the next one begins.
    pub(super) next_at: UnixMs,
    /// From here on it is of no use.
    pub(super) until: UnixMs,
}

impl Pending {
    /// With its first hand-over begun at `now`.
    pub(super) fn begin(order: &Order, part: Part, entropy: &Entropy, now: UnixMs) -> Self {
        let id = ParcelId { order: order.id.clone(), part };
        let until = match part {
            Part::Job | Part::Dispatch(_) => order.expires_at,
            Part::Notice(_) => now.plus(NOTICE_KEEP_MS),
        };
        let next_at = id.next_at(0, entropy, now);
        Self { id, at: now, tries: 1, next_at, until }
    }

    /// What to hand over; nothing when the order is gone, or its job is.
    pub(super) fn parcel(&self, tenant: &TenantId, order: &Order) -> Option<Parcel> {
        let content = match self.id.part {
            Part::Job => Content::Job { job: order.job.as_ref()?.read()?, dispatch: None },
            Part::Dispatch(n) => {
                let channel = order.resends.get(usize::from(n).checked_sub(1)?)?.channel;
                Content::Job { job: order.job.as_ref()?.read()?, dispatch: Some(Dispatch { n, channel }) }
            }
            Part::Notice(what) => Content::Notice(Notice {
                order: order.id.clone(),
                tenant: tenant.clone(),
                what,
                at: self.at,
                country: order.country,
                prefix: order.prefix,
            }),
        };
        Some(Parcel { id: self.id.clone(), content })
    }
}

impl ParcelId {
    /// When the hand-over after number `tries` begins.
    fn next_at(&self, tries: u32, entropy: &Entropy, now: UnixMs) -> UnixMs {
        let random = u64::from_be_bytes(entropy.derive(&format!("outbox/{}/{:?}", self.order, self.part)));
        let backoff = match self.part {
            Part::Job | Part::Dispatch(_) => BACKOFF,
            Part::Notice(What::Cancelled | What::Superseded) => STOP_BACKOFF,
            Part::Notice(What::Verified | What::WrongCode) => NOTICE_BACKOFF,
        };
        now.plus(backoff.delay_ms(tries, random))
    }

    fn is_job(&self) -> bool {
        matches!(self.part, Part::Job | Part::Dispatch(_))
    }
}

impl State {
    /// Puts a notice into the outbox, and returns it to be handed over now; nothing where it waits there already.
    pub(super) fn notify(
        &mut self,
        tenant: &TenantId,
        order: &OrderId,
        what: What,
        entropy: &Entropy,
        now: UnixMs,
    ) -> Vec<Parcel> {
        let order = self.sections.get(tenant).and_then(|section| section.order(order));
        let Some(order) = order else { return Vec::new() };
        let pending = Pending::begin(order, Part::Notice(what), entropy, now);
        if self.outbox.iter().any(|known| known.id == pending.id) {
            return Vec::new();
        }
        let parcel = pending.parcel(tenant, order);
        self.outbox.push(pending);
        parcel.into_iter().collect()
    }

    /// Takes the order's jobs out of the outbox. Whether the first was among them; core may have it all the same: a hand-over
    /// may be under way.
    pub(super) fn withdraw(&mut self, order: &OrderId) -> bool {
        let first = ParcelId { order: order.clone(), part: Part::Job };
        let had_job = self.outbox.iter().any(|pending| pending.id == first);
        self.outbox.retain(|pending| pending.id.order != *order || !pending.id.is_job());
        had_job
    }

    /// Core has the job, whether or not its confirmation reached us.
    pub(super) fn withdraw_first(&mut self, order: &OrderId) {
        self.outbox.retain(|pending| pending.id.order != *order || pending.id.part != Part::Job);
    }

    fn parcel(&self, pending: &Pending) -> Option<Parcel> {
        let found = self
            .sections
            .iter()
            .find_map(|(tenant, section)| section.order(&pending.id.order).map(|order| (tenant, order)));
        found.and_then(|(tenant, order)| pending.parcel(tenant, order))
    }
}

pub(super) fn tick(
    mut state: State,
    forgot_code: bool,
    entropy: &Entropy,
    now: UnixMs,
) -> Step<State, Reply> {
    let before = state.outbox.len();
    state.outbox.retain(|pending| now < pending.until);
    let dropped = forgot_code || state.outbox.len() < before;
    let due = |pending: &&Pending| pending.next_at <= now;
    let parcels: Vec<_> =
        state.outbox.iter().filter(due).take(DUE_MAX).filter_map(|pending| state.parcel(pending)).collect();
    for pending in state.outbox.iter_mut().filter(|pending| pending.next_at <= now).take(DUE_MAX) {
        pending.next_at = pending.id.next_at(pending.tries, entropy, now);
        pending.tries = pending.tries.saturating_add(1);
    }
    if parcels.is_empty() && !dropped {
        let noted = Reply::of(Outcome::Noted);
        // Writing sets the wake-up again: one that rang too early is spent.
        return if state.outbox.is_empty() { Step::keep(noted) } else { state.put(noted, now) };
    }
    state.put(Reply { outcome: Outcome::Noted, due: parcels }, now)
}

pub(super) fn done(mut state: State, parcel: &ParcelId, now: UnixMs) -> Step<State, Reply> {
    let before = state.outbox.len();
    state.outbox.retain(|pending| pending.id != *parcel);
    if state.outbox.len() == before {
        return Step::keep(Reply::of(Outcome::Noted));
    }
    // Core's first event may have come before its confirmation.
    let order = state.order_mut(&parcel.order).filter(|order| order.state == OrderState::Accepted);
    if let Some(order) = order.filter(|_| parcel.part == Part::Job) {
        order.state = OrderState::Queued;
    }
    state.put(Reply::of(Outcome::Noted), now)
}
