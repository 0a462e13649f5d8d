//! The account itself: never below its limit, and nothing moved twice.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use super::AMOUNT_MICROS_MAX;
use super::Answer;
use super::Credited;
use super::Currency;
use super::ENTRIES_MAX;
use super::Entry;
use super::KEEP_MS;
use super::Kind;
use super::Line;
use super::OPEN_MAX;
use super::Posting;
use super::REFERENCES_MAX;
use super::Reach;
use super::Refused;
use super::Standing;
use super::Summary;
use super::open::Open;
use crate::bytes;
use crate::bytes::Bytes;
use crate::country::Country;
use crate::directory::Billing;
use crate::id::OrderId;
use crate::time::UnixMs;

/// The name of an account's first money.
const OPENING: &str = "opening";
/// What no account goes beyond: far below where sums of it overflow.
const BALANCE_MAX: i64 = 1_000 * AMOUNT_MICROS_MAX.cast_signed();

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    clock: UnixMs,
    currency: Currency,
    available: i64,
    held: u64,
    charged: u64,
    funded: i64,
    /// Orders that may hold something.
    open: BTreeMap<OrderId, Open>,
    /// Orders that ended, until the deadline of the latest posting that may still be on its way.
    closed: BTreeMap<OrderId, UnixMs>,
    spent: Spent,
    /// The latest, by digest, with their amounts.
    references: Vec<(Bytes<16>, i64)>,
    is_low: bool,
    /// Entries made so far.
    seq: u64,
    /// Those that the log may not have.
    entries: Vec<Entry>,
    /// The latest crossing of the tenant's mark, until the tenant was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    untold: Option<Entry>,
}

/// What counts against the caps of a day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spent {
    day: u64,
    micros: u64,
    countries: BTreeMap<Country, u64>,
}

impl State {
    pub(super) fn new(currency: Currency, now: UnixMs) -> Self {
        Self {
            clock: now,
            currency,
            available: 0,
            held: 0,
            charged: 0,
            funded: 0,
            open: BTreeMap::new(),
            closed: BTreeMap::new(),
            spent: Spent::default(),
            references: Vec::new(),
            is_low: false,
            seq: 0,
            entries: Vec::new(),
            untold: None,
        }
    }

    pub(super) fn clock(&self) -> UnixMs {
        self.clock
    }

    pub(super) fn set_clock(&mut self, now: UnixMs) {
        self.clock = now;
    }

    pub(super) fn expires_at(&self) -> UnixMs {
        self.clock.plus(KEEP_MS)
    }

    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The log has the entries up to this one. True where that is news.
    pub(super) fn was_logged(&mut self, up_to: u64) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.seq > up_to);
        self.entries.len() < before
    }

    pub(super) fn untold(&self) -> Option<&Entry> {
        self.untold.as_ref()
    }

    /// The tenant knows of what happened up to this entry. True where that is news.
    pub(super) fn told(&mut self, up_to: u64) -> bool {
        self.untold.take_if(|entry| entry.seq <= up_to).is_some()
    }

    /// Forgets what is over, and lets go of what nobody came back for.
    pub(super) fn tidy(&mut self, now: UnixMs) -> bool {
        let before = self.closed.len();
        self.closed.retain(|_, until| now < *until);
        let mut is_changed = self.closed.len() < before;
        let over: Vec<OrderId> =
            self.open.iter().filter(|(_, it)| it.until <= now).map(|(id, _)| id.clone()).collect();
        for order in over {
            if let Some(mut open) = self.open.remove(&order) {
                let rest = open.outstanding();
                self.release(&order, &mut open, rest, now);
                is_changed = true;
            }
        }
        is_changed
    }

    pub(super) fn next_let_go(&self) -> Option<UnixMs> {
        self.open.values().map(|open| open.until).min()
    }

    /// Takes another currency, where nothing is left in the one before.
    pub(super) fn adopt(&mut self, currency: Currency, now: UnixMs) {
        let is_settled = self.available == 0 && self.held == 0 && self.open.is_empty();
        if self.takes(currency) || currency == Currency::NONE || !is_settled {
            return;
        }
        let (old, closed) = (self.currency, self.charged);
        // With nothing available and nothing held, what was charged is what was put in.
        (self.currency, self.charged, self.funded, self.spent) = (currency, 0, 0, Spent::default());
        if self.seq > 0 {
            self.enter(Kind::Currency, i64::try_from(closed).unwrap_or(i64::MAX), now);
            if let Some(entry) = self.entries.last_mut() {
                entry.note = Some(format!("{old} to {currency}"));
            }
        }
    }

    /// The account's first money.
    pub(super) fn open_account(&mut self, billing: &Billing, now: UnixMs) {
        if self.seq == 0 && billing.opening_micros > 0 {
            let amount = i64::try_from(billing.opening_micros).unwrap_or(i64::MAX);
            self.credit(amount, (OPENING, None), billing, now);
        }
    }

    pub(super) fn credit(
        &mut self,
        amount: i64,
        (reference, note): (&str, Option<&str>),
        billing: &Billing,
        now: UnixMs,
    ) -> Credited {
        let digest = Bytes(bytes::truncate(bytes::sha256(reference.as_bytes())));
        if let Some((_, before)) = self.references.iter().find(|(known, _)| *known == digest) {
            return if *before == amount { Credited::Before } else { Credited::Mismatch };
        }
        if !self.takes(billing.currency) {
            return Credited::Currency;
        }
        if self.entries.len() >= ENTRIES_MAX {
            return Credited::Busy;
        }
        let floor = i64::try_from(billing.credit_micros()).map_or(i64::MIN, i64::saturating_neg);
        let after = self.available.saturating_add(amount);
        if amount < 0 && after < floor || after > BALANCE_MAX {
            return Credited::TooLow;
        }
        self.available = after;
        self.funded = self.funded.saturating_add(amount);
        if self.references.len() >= REFERENCES_MAX {
            self.references.remove(0);
        }
        self.references.push((digest, amount));
        self.enter(Kind::Credit, amount, now);
        if let Some(entry) = self.entries.last_mut() {
            (entry.reference, entry.note) = (Some(reference.to_owned()), note.map(ToOwned::to_owned));
        }
        Credited::Done
    }

    /// One order's sums. Whether anything changed, too.
    pub(super) fn post(&mut self, posting: &Posting, billing: &Billing, now: UnixMs) -> (Answer, bool) {
        if now >= posting.deadline {
            return (Answer::Late, false);
        }
        let reach = |state: &Self| state.reach(billing, posting.country, now).0;
        let known = self.open.get(&posting.order);
        if known.is_none() && (posting.n > 1 || self.closed.contains_key(&posting.order)) {
            return (Answer::Posted(Standing::closed(posting)), false);
        }
        if let Some(open) = known.filter(|open| posting.n <= open.n) {
            return (Answer::Posted(open.standing(reach(self))), false);
        }
        let is_full = known.is_none() && self.open.len() >= OPEN_MAX;
        // A posting makes five entries at most: one of each kind, and the mark.
        if is_full || self.entries.len() >= ENTRIES_MAX {
            return (Answer::Busy, false);
        }
        let mut open =
            self.open.remove(&posting.order).unwrap_or_else(|| Open::new(posting.country, posting.until));
        (open.n, open.refused, open.until) = (posting.n, None, posting.until);
        self.move_sums(posting, &mut open, now);
        let more = posting.held_micros.saturating_sub(open.held);
        if more > 0 {
            match self.reach(billing, posting.country, now) {
                (reach, _) if more <= reach => self.hold(&posting.order, &mut open, more, now),
                (_, why) => open.refused = Some(why),
            }
        }
        if posting.closes {
            let rest = open.outstanding();
            self.release(&posting.order, &mut open, rest, now);
            self.closed.insert(posting.order.clone(), posting.deadline);
            return (Answer::Posted(open.standing(reach(self))), true);
        }
        let standing = open.standing(reach(self));
        self.open.insert(posting.order.clone(), open);
        (Answer::Posted(standing), true)
    }

    fn move_sums(&mut self, posting: &Posting, open: &mut Open, now: UnixMs) {
        let captured = posting.captured_micros.saturating_sub(open.captured).min(open.outstanding());
        if captured > 0 {
            open.captured = open.captured.saturating_add(captured);
            self.held = self.held.saturating_sub(captured);
            self.charged = self.charged.saturating_add(captured);
            self.enter_of(&posting.order, Kind::Capture, captured, now);
        }
        let released = posting.released_micros.saturating_sub(open.released).min(open.outstanding());
        self.release(&posting.order, open, released, now);
        let refundable = open.captured.saturating_sub(open.refunded);
        let refunded = posting.refunded_micros.saturating_sub(open.refunded).min(refundable);
        if refunded > 0 {
            open.refunded = open.refunded.saturating_add(refunded);
            self.charged = self.charged.saturating_sub(refunded);
            self.available = self.available.saturating_add_unsigned(refunded);
            self.uncount(open, refunded);
            self.enter_of(&posting.order, Kind::Refund, refunded, now);
        }
    }

    fn hold(&mut self, order: &OrderId, open: &mut Open, micros: u64, now: UnixMs) {
        open.held = open.held.saturating_add(micros);
        self.held = self.held.saturating_add(micros);
        self.available = self.available.saturating_sub_unsigned(micros);
        if self.spent.day < now.day() {
            self.spent = Spent { day: now.day(), ..Spent::default() };
        }
        if open.day != self.spent.day {
            (open.day, open.counted) = (self.spent.day, 0);
        }
        open.counted = open.counted.saturating_add(micros);
        self.spent.micros = self.spent.micros.saturating_add(micros);
        if let Some(country) = open.country {
            let spent = self.spent.countries.entry(country).or_default();
            *spent = spent.saturating_add(micros);
        }
        self.enter_of(order, Kind::Hold, micros, now);
    }

    fn release(&mut self, order: &OrderId, open: &mut Open, micros: u64, now: UnixMs) {
        if micros == 0 {
            return;
        }
        open.released = open.released.saturating_add(micros);
        self.held = self.held.saturating_sub(micros);
        self.available = self.available.saturating_add_unsigned(micros);
        self.uncount(open, micros);
        self.enter_of(order, Kind::Release, micros, now);
    }

    /// What came back on the day it was held counts no more.
    fn uncount(&mut self, open: &mut Open, micros: u64) {
        if open.day != self.spent.day {
            return;
        }
        let back = micros.min(open.counted);
        open.counted -= back;
        self.spent.micros = self.spent.micros.saturating_sub(back);
        if let Some(spent) = open.country.and_then(|country| self.spent.countries.get_mut(&country)) {
            *spent = spent.saturating_sub(back);
        }
    }

    /// What could be held now, and what keeps it from being more.
    fn reach(&self, billing: &Billing, country: Option<Country>, now: UnixMs) -> (u64, Refused) {
        if !self.takes(billing.currency) {
            return (0, Refused::Currency);
        }
        let left = self.available.saturating_add_unsigned(billing.credit_micros());
        let of_day = |spent: u64| if self.spent.day == now.day() { spent } else { 0 };
        let caps = &billing.caps;
        let day = caps.day_micros.map(|cap| cap.saturating_sub(of_day(self.spent.micros)));
        let cap = country.and_then(|country| Some((country, *caps.country_day_micros.get(&country)?)));
        let country = cap.map(|(country, cap)| {
            cap.saturating_sub(of_day(self.spent.countries.get(&country).copied().unwrap_or_default()))
        });
        let limits = [(Some(u64::try_from(left).unwrap_or(0)), Refused::Balance)];
        let limits = limits.into_iter().chain([(day, Refused::DayCap), (country, Refused::CountryCap)]);
        let limits = limits.filter_map(|(left, why)| Some((left?, why)));
        limits.min_by_key(|(left, _)| *left).unwrap_or((0, Refused::Balance))
    }

    fn takes(&self, currency: Currency) -> bool {
        self.currency == currency
    }

    /// Notes once that less is left than the tenant's mark. True where that is news.
    pub(super) fn watch(&mut self, billing: &Billing, now: UnixMs) -> bool {
        let left = self.available.saturating_add_unsigned(billing.credit_micros());
        let mark = billing.low_balance_micros.map(|mark| i64::try_from(mark).unwrap_or(i64::MAX));
        let is_low = mark.is_some_and(|mark| left < mark);
        // An account on which nothing ever happened has crossed nothing.
        if is_low == self.is_low || self.seq == 0 {
            return false;
        }
        self.is_low = is_low;
        if is_low {
            self.enter(Kind::LowBalance, 0, now);
            self.untold = self.entries.last().cloned();
        }
        true
    }

    fn enter_of(&mut self, order: &OrderId, kind: Kind, micros: u64, now: UnixMs) {
        self.enter(kind, i64::try_from(micros).unwrap_or(i64::MAX), now);
        if let Some(entry) = self.entries.last_mut() {
            entry.order = Some(order.clone());
        }
    }

    fn enter(&mut self, kind: Kind, micros: i64, now: UnixMs) {
        self.seq = self.seq.saturating_add(1);
        let lines = kind.sides().map(|(from, to)| {
            vec![Line { account: from, micros: micros.saturating_neg() }, Line { account: to, micros }]
        });
        self.entries.push(Entry {
            seq: self.seq,
            at: now,
            kind,
            order: None,
            reference: None,
            note: None,
            lines: lines.unwrap_or_default(),
            available_micros: self.available,
            held_micros: self.held,
        });
    }

    pub(super) fn summary(&self, billing: &Billing, now: UnixMs) -> Summary {
        let capped = billing.caps.country_day_micros.keys();
        Summary {
            currency: self.currency,
            available_micros: self.available,
            held_micros: self.held,
            charged_micros: self.charged,
            funded_micros: self.funded,
            reach: Reach {
                micros: self.reach(billing, None, now).0,
                countries: capped.map(|it| (*it, self.reach(billing, Some(*it), now).0)).collect(),
            },
            spent_today_micros: if self.spent.day == now.day() { self.spent.micros } else { 0 },
            open_orders: self.open.len() as u64,
            is_low: self.is_low,
            seq: self.seq,
        }
    }
}
