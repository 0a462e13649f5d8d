//! Why what was told to be well was not: by what changed between the two, and seen there.

use tiffin_shared::directory::Route;
use tiffin_shared::order::Reason;
use tiffin_shared::price;
use tiffin_shared::price::Currency;
use tiffin_shared::wire::api::OrderState;

use crate::bank::Moves;
use crate::customer::country_of;
use crate::market::COUNTRIES;
use crate::market::country;
use crate::work::Note;
use crate::world::Copy;
use crate::world::End;
use crate::world::World;

impl World {
    /// A pass, and then a refusal: something must have changed between the two.
    pub fn refused(&mut self, at: usize, code: &str) {
        self.runs[at].end = Some(End::Refused);
        if !self.runs[at].is_valid {
            self.tally.expired += usize::from(code == "quote_expired");
            return;
        }
        let (answer, tenant) = (self.runs[at].answer.as_ref().unwrap(), self.runs[at].tenant);
        let (then, now) = (&answer.copy, &self.copy);
        let [tenant_then, tenant_now] =
            [then, now].map(|copy| copy.directory.tenants.values().nth(tenant).unwrap());
        let told = |copy: &Copy| {
            (
                copy.directory.balances.values().nth(tenant).cloned(),
                copy.directory.tenants.values().nth(tenant).unwrap().funds,
            )
        };
        let spent = spent(&then.moves[tenant], &now.moves[tenant]).filter(|_| told(then) != told(now));
        let cause = match code {
            "insufficient_balance" if spent.is_some() => spent,
            "insufficient_balance" | "price_exceeded" if then.directory.routes != now.directory.routes => {
                Some("a price rose, or the cheaper routes went")
            }
            "destination_not_allowed" if tenant_then.countries != tenant_now.countries => {
                Some("the country was closed")
            }
            "no_route" if then.directory.routes != now.directory.routes => {
                Some("the route's breaker opened, or its sender was withdrawn")
            }
            "rate_limited" if self.phone_orders(at) > answer.orders => {
                Some("other orders spent the phone's limits")
            }
            _ => None,
        };
        match cause {
            Some(cause) => {
                *self.tally.refused_after_pass.entry(format!("{code}: {cause}")).or_default() += 1;
            }
            None => self.tally.unexplained.push(format!("order {at}: {code} though nothing changed")),
        }
    }

    /// A pass, accepted, and not delivered: what stood in its way was seen there. While something is on its way an order is
    /// not over.
    pub fn ended(&mut self, at: usize) {
        let timeline = self.timeline(at);
        let is_over = timeline.as_ref().is_none_or(|it| it.is_closed || it.state == OrderState::Failed);
        if self.runs[at].end.is_some() || !is_over {
            return;
        }
        self.runs[at].end = Some(End::Failed);
        if !self.runs[at].is_valid {
            return;
        }
        let has = |note| self.runs[at].notes.contains(&note);
        let reason = timeline.and_then(|timeline| timeline.reason);
        let cause = match reason {
            Some(Reason::BalanceTooLow | Reason::SpendCapReached) => self.unpaid(at),
            _ if has(Note::NumberRefused) => Some("the provider refused the number"),
            _ if has(Note::Taken) && has(Note::Lost) => {
                Some("taken, and lost on the way by every route that was left")
            }
            _ if has(Note::ProviderDown) => Some("the providers that were left failed"),
            Some(Reason::PriceTooHigh) => Some("what was left of its quote paid for no way any more"),
            _ if has(Note::PriceRose) => Some("what was left of its quote paid for no way any more"),
            _ if has(Note::SenderWithdrawn) => Some("the sender was withdrawn, and the edge had not heard"),
            _ if has(Note::BreakerOpen) => Some("every breaker opened, and stayed open for the code's life"),
            _ => None,
        };
        let Some(cause) = cause else {
            let what = format!("order {at} failed for no reason: {reason:?}, {:?}", self.runs[at].notes);
            return self.tally.unexplained.push(what);
        };
        let name = match reason {
            Some(reason @ (Reason::BalanceTooLow | Reason::SpendCapReached)) => {
                format!("{}: {cause}", reason.as_str())
            }
            _ => cause.to_owned(),
        };
        *self.tally.failed_after_pass.entry(name).or_default() += 1;
    }

    /// No hold for the cheapest way there was.
    fn unpaid(&self, at: usize) -> Option<&'static str> {
        let run = &self.runs[at];
        let answer = run.answer.as_ref().unwrap();
        let least_told = self.least_told(at)?;
        if answer.reach_micros < least_told {
            let nth = COUNTRIES.iter().position(|code| Some(country(code)) == country_of(&run.phone))?;
            // As much as two digits may hide.
            let told = answer.copy.reach[run.tenant][nth];
            let could = told + told / 9 >= least_told;
            return could.then_some("it was spent before the preflight, and the edge had not heard");
        }
        if answer.reach_micros < run.least_micros {
            return Some("a price rose in between, or the cheaper routes went");
        }
        spent(&answer.moves, &self.market.banks[run.tenant].moves)
    }
}

impl World {
    /// The price of the cheapest way that its preflight knew of.
    fn least_told(&self, at: usize) -> Option<u64> {
        let (run, header) = (&self.runs[at], self.runs[at].header.as_ref()?);
        let channels = header.channels(None);
        let routes = run.answer.as_ref()?.copy.directory.routes.iter();
        let ways =
            routes.filter(|it| channels.contains(&it.channel) && it.senders_to(header.country).is_some());
        let total = |route: &Route| {
            let unit = route.prices.unit_micros(Currency::default(), header.country)?;
            Some(price::total_micros(unit, price::units(route.channel, header.sms_segments)))
        };
        ways.filter_map(total).min()
    }
}

/// What took most from an account in between.
fn spent(then: &Moves, now: &Moves) -> Option<&'static str> {
    let took = [
        (now.held_micros - then.held_micros, "other orders spent it in between"),
        (now.capped_micros - then.capped_micros, "an operator lowered a cap in between"),
        (now.taken_out_micros - then.taken_out_micros, "an operator took money out in between"),
    ];
    took.into_iter().max_by_key(|(micros, _)| *micros).filter(|(micros, _)| *micros > 0).map(|(_, why)| why)
}
