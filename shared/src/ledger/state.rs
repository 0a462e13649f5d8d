//! What a ledger keeps, how long, and how an order in it looks from outside.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use super::Outcome;
use super::Reply;
use super::Whose;
use super::kept::Kept;
use super::limits::Standing;
use super::limits::guesses_open_to;
use super::outbox::Pending;
use super::payment::Payment;
use super::resend::Resent;
use super::resend::ServiceRoutes;
use super::spent::Spent;
use super::unlock::UNLOCKS;
use super::unlock::Unlocked;
use crate::bucket::Bucket;
use crate::bytes::Bytes;
use crate::challenge::altcha::Cost;
use crate::code::Bound;
use crate::code::Digest;
use crate::country::Country;
use crate::directory::Limits;
use crate::directory::Risk;
use crate::id::OrderId;
use crate::id::ServiceId;
use crate::id::TenantId;
use crate::machine::Step;
use crate::machine::Write;
use crate::order::Attempt;
use crate::order::Next;
use crate::order::Reason;
use crate::risk::Factors;
use crate::risk::Places;
use crate::risk::Tier;
use crate::time::DAY_MS;
use crate::time::HOUR_MS;
use crate::time::UnixMs;
use crate::window::Cap;
use crate::window::Log;
use crate::wire::api;
use crate::wire::api::Channel;
use crate::wire::api::OrderState;

/// What an order is seen with: the tenant's limits, and its services' ways at this moment.
pub(super) type Seen<'a> = (&'a Limits, &'a [ServiceRoutes]);

/// How long an idempotency key is remembered, and an order shown: a day.
pub const KEEP_MS: u64 = DAY_MS;
/// How long a code that nobody verified is stored past its end, at most: its address is woken then to drop it. Late enough
/// that codes ordered one after the other go at once; an alarm may be half an hour late, and they are gone within the hour.
pub const CODE_KEEP_MS: u64 = HOUR_MS / 2;
/// How long wrong guesses in a row are remembered after the last one.
pub const GUESSES_KEEP_MS: u64 = 30 * DAY_MS;
/// Strangers' orders in a day that were guessed at in vain, before strangers must solve challenges.
const FAILED_MAX: usize = 2;

/// A ledger. JSON with short names: it is decoded and encoded with every order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The latest time seen: an earlier one is read as this one.
    clock: UnixMs,
    /// By tenant; they never see each other.
    pub(super) sections: BTreeMap<TenantId, Section>,
    /// Messages of the last day, over all tenants.
    #[serde(default)]
    pub(super) sends_at: Log,
    /// Challenges whose solution was used, while they would be accepted again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) spent: Vec<Spent>,
    /// What core has not confirmed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) outbox: Vec<Pending>,
}

/// What one tenant ordered for this address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    pub(super) bucket: Bucket,
    /// Admitted orders of the last day.
    pub(super) orders_at: Log,
    /// Evaluated guesses of the last day.
    #[serde(default)]
    pub(super) guesses_at: Log,
    /// Wrong guesses since the last right one.
    #[serde(default)]
    pub(super) wrong_in_a_row: u32,
    /// The latest word of an operator that forgot them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) unlocked: Option<Unlocked>,
    /// When there was something to forget, within the last day.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) unlocks_at: Log,
    /// Where codes were verified.
    #[serde(default, skip_serializing_if = "Places::is_unused")]
    pub(super) places: Places,
    /// Oldest first; bounded by the daily cap.
    pub(super) orders: Vec<Order>,
}

/// One order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    pub(super) id: OrderId,
    pub(super) service: ServiceId,
    pub(super) channel: Channel,
    pub(super) to: String,
    pub(super) created_at: UnixMs,
    pub(super) expires_at: UnixMs,
    pub(super) idempotency_key: Bytes<16>,
    pub(super) fingerprint: Bytes<16>,
    /// Gone when the order is over, like the code's other traces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) digest: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) binding: Option<Payment>,
    pub(super) state: OrderState,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) superseded: bool,
    /// The sealed code, for a resend. Gone when the order is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) job: Option<Kept>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) risk: Risk,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) standing: Standing,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) by_phone: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) by_email: bool,
    /// How long a message of this service usually takes.
    #[serde(default)]
    pub(super) waiting_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) country: Option<Country>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) prefix: Option<Bytes<8>>,
    /// Where it was ordered from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) origin: Option<Country>,
    #[serde(default, skip_serializing_if = "Factors::is_empty")]
    pub(super) factors: Factors,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tier: Option<Tier>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) resends: Vec<Resent>,
    /// Evaluated guesses.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) guesses: u8,
    /// Wrong ones among them that count for nothing but this code.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) forgiven: u8,
    /// The latest event taken from core.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) seq: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<Reason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) verified_channel: Option<Channel>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) attempts: Vec<Attempt>,
    /// What core does next by itself, as far as it has told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<Next>,
    /// What it costs, as far as core has told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cost: Option<crate::order::Costs>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) client_ref: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) metadata: BTreeMap<String, String>,
}

/// What reading puts in by itself is not written: a state is read and written with every guess.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl State {
    /// Time as this ledger sees it: it never runs backwards.
    pub(super) fn clock(&self, now: UnixMs) -> UnixMs {
        self.clock.max(now)
    }

    /// The order, if it is this tenant's.
    pub(super) fn find(&self, whose: &Whose) -> Option<(&Section, &Order)> {
        let section = self.sections.get(&whose.tenant)?;
        let order = section.order(&whose.order)?;
        // A key that is for some services only knows no orders of others.
        let is_open = whose.scope.is_empty() || whose.scope.contains(&order.service);
        is_open.then_some((section, order))
    }

    /// The order as it stands.
    pub(super) fn fetch(&self, whose: &Whose, now: UnixMs) -> Outcome {
        match self.find(whose) {
            Some((section, order)) => Outcome::Found(section.view(order, whose.seen(), now)),
            None => Outcome::NotFound,
        }
    }

    /// The order, whoever's it is.
    pub(super) fn order_mut(&mut self, id: &OrderId) -> Option<&mut Order> {
        self.sections.values_mut().flat_map(|section| &mut section.orders).find(|order| order.id == *id)
    }

    /// From here on nothing in it says more than an empty ledger does.
    pub fn expires_at(&self) -> UnixMs {
        let sections = self.sections.values().map(Section::expires_at);
        let outbox = self.outbox.iter().map(|pending| pending.until);
        let spent = self.spent.iter().map(|spent| spent.until);
        sections.chain(outbox).chain(spent).chain([self.sends_at.empty_at(DAY_MS)]).max().unwrap_or(UnixMs(0))
    }

    /// Forgets what time has made meaningless, before anything is decided: what is remembered must not depend
    /// on whether something else was written since. Tells whether a code was among it, which is to be stored.
    pub(super) fn forget(&mut self, now: UnixMs) -> bool {
        let mut forgot_code = false;
        for section in self.sections.values_mut() {
            section.orders.retain(|order| now < order.keep_until());
            forgot_code |= section.forget_codes(now);
        }
        for section in self.sections.values_mut() {
            // By the last guess alone: orders that go on must not keep a lock alive.
            if section.guesses_at.empty_at(GUESSES_KEEP_MS) <= now {
                section.wrong_in_a_row = 0;
            }
            section.unlocked = section.unlocked.filter(|unlocked| now < unlocked.until);
        }
        self.sections.retain(|_, section| now < section.expires_at());
        self.spent.retain(|spent| now < spent.until);
        forgot_code
    }

    /// Stores what was decided at `now`.
    pub(super) fn put(mut self, reply: Reply, now: UnixMs) -> Step<Self, Reply> {
        self.clock = now;
        let mut wake_at = self.outbox.iter().map(|pending| pending.next_at).min();
        for section in self.sections.values_mut() {
            section.forget_codes(now);
            let codes = section.orders.iter().filter(|order| order.has_code());
            let gone_at = codes.map(|order| order.expires_at.plus(CODE_KEEP_MS)).min();
            wake_at = wake_at.into_iter().chain(gone_at).min();
        }
        let expires_at = self.expires_at();
        Step { reply, write: Write::Put { state: self, expires_at, wake_at } }
    }
}

impl Section {
    /// The order of this id.
    pub(super) fn order(&self, id: &OrderId) -> Option<&Order> {
        self.orders.iter().find(|order| order.id == *id)
    }

    /// Drops the codes of orders that are over, sealed and digested. Whether there were any.
    fn forget_codes(&mut self, now: UnixMs) -> bool {
        let mut had_any = false;
        for order in self.orders.iter_mut().filter(|order| order.has_code()) {
            if order.state_at(now).is_final() {
                (order.job, order.digest, had_any) = (None, None, true);
            }
        }
        had_any
    }

    fn expires_at(&self) -> UnixMs {
        let guesses_until = match self.wrong_in_a_row {
            0 => self.guesses_at.empty_at(DAY_MS),
            _ => self.guesses_at.empty_at(GUESSES_KEEP_MS),
        };
        let limits_until = self.bucket.full_at().max(self.orders_at.empty_at(DAY_MS)).max(guesses_until);
        let unlocked_until = self.unlocked.map_or(UnixMs(0), |unlocked| unlocked.until);
        let unlocked_until = unlocked_until.max(self.unlocks_at.empty_at(UNLOCKS.window_ms));
        let limits_until = limits_until.max(self.places.empty_at()).max(unlocked_until);
        self.orders.iter().map(Order::keep_until).max().unwrap_or(UnixMs(0)).max(limits_until)
    }

    /// What a challenge costs here.
    pub(super) fn cost(&self, now: UnixMs) -> Cost {
        let is_solved =
            |order: &&Order| order.standing == Standing::Solved && now < order.created_at.plus(HOUR_MS);
        Cost::after(self.orders.iter().filter(is_solved).count())
    }

    /// Whether strangers guess at codes of this address: they go on with solved challenges only.
    pub(super) fn is_guessed_at(&self, limits: &Limits, now: UnixMs) -> bool {
        let is_failed = |order: &&Order| {
            let is_over = order.guesses >= limits.guesses_per_code || order.state_at(now).is_final();
            order.standing < Standing::Server && order.wrong() > 0 && is_over
        };
        self.orders.iter().filter(is_failed).count() >= FAILED_MAX
            || self.open(Standing::Stranger, limits) == 0
    }

    /// Wrong guesses that orders of such a standing have left, of a day's and of those in a row.
    fn open(&self, standing: Standing, limits: &Limits) -> u32 {
        let open = |max, spent| guesses_open_to(standing, max).saturating_sub(spent);
        let today = self.orders.iter().filter(|order| order.standing <= standing).map(Order::wrong).sum();
        open(limits.guesses_per_day, today).min(open(limits.guesses_in_a_row, self.wrong_in_a_row))
    }

    /// Guesses at `order` that would still be evaluated.
    pub(super) fn guesses_left(&self, order: &Order, limits: &Limits, now: UnixMs) -> u32 {
        let of_code = limits.guesses_per_code.saturating_sub(order.guesses);
        let left = u32::from(of_code).min(self.open(order.standing, limits));
        // How many more the day allows: the largest number whose last would not wait.
        let today = |more: u32| {
            let cap = Cap { max: limits.guesses_per_day.saturating_sub(more - 1), window_ms: DAY_MS };
            limits.guesses_per_day >= more && self.guesses_at.wait_ms(cap, now) == 0
        };
        (1..=left).rev().find(|more| today(*more)).unwrap_or(0)
    }

    /// The order as a reply shows it.
    pub(super) fn view(&self, order: &Order, (limits, services): Seen<'_>, now: UnixMs) -> api::Order {
        let state = order.state_at(now);
        let is_open = !state.is_final();
        api::Order {
            id: order.id.to_string(),
            state,
            service: order.service.to_string(),
            channel: order.channel,
            to: order.to.clone(),
            created_at: order.created_at.rfc3339(),
            expires_at: order.expires_at.rfc3339(),
            resend_at: (is_open && order.sends_left(limits) > 0).then(|| order.resend_at(limits).rfc3339()),
            cancel: order.cancel(now).map(super::windows::Cancel::view),
            waiting: order.waiting(now).map(Box::new),
            advice: Box::new(self.advice(order, (limits, services), now).view()),
            sends_left: if is_open { order.sends_left(limits) } else { 0 },
            guesses_left: if is_open { self.guesses_left(order, limits, now) } else { 0 },
            verified_channel: order.verified_channel,
            superseded: order.superseded,
            binding: order.binding.as_ref().and_then(Payment::known).cloned(),
            risk: order.tier.map(|tier| api::RiskView { tier, factors: order.factors }),
            reason: order.reason,
            client_ref: order.client_ref.clone(),
            metadata: order.metadata.clone(),
            attempts: order.attempts.iter().map(Attempt::view).collect(),
            cost: order.cost.map(Box::new),
        }
    }
}

impl Order {
    fn keep_until(&self) -> UnixMs {
        self.created_at.plus(KEEP_MS)
    }

    fn has_code(&self) -> bool {
        self.job.is_some() || self.digest.is_some()
    }

    /// Wrong guesses that count for the phone.
    pub(super) fn wrong(&self) -> u32 {
        let wrong =
            u32::from(self.guesses) - u32::from(self.state == OrderState::Verified && self.guesses > 0);
        wrong.saturating_sub(u32::from(self.forgiven))
    }

    /// Expiry is decided by the time, not by an alarm.
    pub(super) fn state_at(&self, now: UnixMs) -> OrderState {
        if !self.state.is_final() && (self.superseded || now >= self.expires_at) {
            OrderState::Expired
        } else {
            self.state
        }
    }

    /// What its code's digest covers, when the code is for this payment, or for none.
    pub(super) fn bound<'a>(&'a self, tenant: &'a TenantId, binding: Option<&'a Bytes<32>>) -> Bound<'a> {
        Bound {
            tenant,
            order: &self.id,
            service: &self.service,
            binding,
            issued_at: self.created_at,
            expires_at: self.expires_at,
        }
    }
}
