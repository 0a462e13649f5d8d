//! How orders ended, and why those failed that were told they would not.

use std::collections::BTreeMap;

use crate::work::Note;
use crate::world::End;
use crate::world::World;

#[derive(Debug, Default)]
pub struct Tally {
    pub orders: usize,
    pub not_ok: usize,
    pub passes: usize,
    /// After a pass, and within its minute: these and all below.
    pub created: usize,
    pub accepted: usize,
    pub delivered: usize,
    pub in_time: usize,
    pub quoted: usize,
    pub over_quote: usize,
    pub paid_micros: u64,
    pub quoted_micros: u64,
    pub pushes: usize,
    /// After its minute.
    pub expired: usize,
    pub checks: BTreeMap<String, usize>,
    pub refused_after_pass: BTreeMap<String, usize>,
    pub failed_after_pass: BTreeMap<String, usize>,
    pub unexplained: Vec<String>,
}

impl World {
    /// A pass, and then a refusal: something must have changed between the two.
    pub fn refused(&mut self, at: usize, code: &str) {
        self.runs[at].end = Some(End::Refused);
        if !self.runs[at].is_valid {
            self.tally.expired += usize::from(code == "quote_expired");
            return;
        }
        let answer = self.runs[at].answer.as_ref().unwrap();
        let (then, now) = (&*answer.directory, self.directory());
        let (tenant_then, tenant_now) = (then.tenants.values().next(), now.tenants.values().next());
        let (tenant_then, tenant_now) = (tenant_then.unwrap(), tenant_now.unwrap());
        let cause = match code {
            "insufficient_balance" if tenant_then.funds != tenant_now.funds => "the tenant's funds ran out",
            "destination_not_allowed" if tenant_then.countries != tenant_now.countries => {
                "the country was closed"
            }
            "no_route" if then.routes != now.routes => {
                "the route's breaker opened, or its sender was withdrawn"
            }
            "price_exceeded" if then.routes != now.routes => "a price rose, or the cheaper routes went",
            "rate_limited" if self.phone_orders(at) > answer.orders => {
                "other orders spent the phone's limits"
            }
            _ => {
                let what = format!("order {at}: {code} though nothing changed");
                return self.tally.unexplained.push(what);
            }
        };
        let name = format!("{code}: {cause}");
        *self.tally.refused_after_pass.entry(name).or_default() += 1;
    }

    pub fn arrived(&mut self, at: usize) {
        let run = &self.runs[at];
        let (paid, most, is_first) = (run.paid(), run.most_micros, run.end.is_none());
        if most.is_some_and(|most| paid > most) {
            self.tally.over_quote += 1;
        }
        if !is_first {
            return;
        }
        let answer = run.answer.as_ref().unwrap();
        if !run.is_valid {
            self.runs[at].end = Some(End::Delivered);
            return;
        }
        self.tally.delivered += 1;
        let took_ms = self.now.since(run.created_at);
        self.tally.in_time += usize::from(took_ms <= answer.waiting_ms);
        if let Some(most) = most {
            self.tally.paid_micros += paid;
            self.tally.quoted_micros += most;
        }
        self.runs[at].end = Some(End::Delivered);
    }

    /// A pass, accepted, and not delivered: what stood in its way was seen there.
    pub fn ended(&mut self, at: usize) {
        if self.runs[at].end.is_some() {
            return;
        }
        self.runs[at].end = Some(End::Failed);
        let has = |note| self.runs[at].notes.contains(&note);
        let cause = if has(Note::NumberRefused) {
            "the provider refused the number"
        } else if has(Note::Taken) && has(Note::Lost) {
            "taken, and lost on the way by every route that was left"
        } else if has(Note::ProviderDown) {
            "the providers that were left failed"
        } else if has(Note::PriceRose) {
            "what was left of its quote paid for no way any more"
        } else if has(Note::SenderWithdrawn) {
            "the sender was withdrawn, and the edge had not heard"
        } else if has(Note::BreakerOpen) {
            "every breaker opened, and stayed open for the code's life"
        } else {
            let what = format!("order {at} failed for no reason: {:?}", self.runs[at].notes);
            return self.tally.unexplained.push(what);
        };
        if !self.runs[at].is_valid {
            return;
        }
        *self.tally.failed_after_pass.entry(cause.to_owned()).or_default() += 1;
    }
}

fn percent(part: usize, of: usize) -> String {
    let tenths = part * 1_000 / of.max(1);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

pub fn print(tally: &Tally) {
    let (created, refused) = (tally.created, tally.refused_after_pass.values().sum::<usize>());
    let failed: usize = tally.failed_after_pass.values().sum();
    println!("preflights {}, of them passed {} and failed {}", tally.orders, tally.passes, tally.not_ok);
    println!("\nchecks that did not pass");
    for (name, count) in &tally.checks {
        println!("{count:>8}  {name}");
    }
    println!("\nordered within the minute after a pass: {created}");
    println!("{refused:>8}  refused ({})", percent(refused, created));
    for (cause, count) in &tally.refused_after_pass {
        println!("{count:>16}  {cause}");
    }
    println!("{:>8}  accepted ({})", tally.accepted, percent(tally.accepted, created));
    println!("{failed:>8}  accepted, not delivered ({})", percent(failed, created));
    for (cause, count) in &tally.failed_after_pass {
        println!("{count:>16}  {cause}");
    }
    println!("{:>8}  delivered", tally.delivered);
    let in_time = percent(tally.in_time, tally.delivered);
    println!("{:>8}  of them within the predicted window ({in_time})", tally.in_time);
    println!("\nordered with a quote: {}; after its minute, and refused: {}", tally.quoted, tally.expired);
    let (paid, quoted) = (tally.paid_micros / 1_000, tally.quoted_micros / 1_000);
    println!(
        "paid {paid} of at most {quoted} thousandths; orders that cost more than quoted: {}",
        tally.over_quote
    );
    println!("directories pushed: {}", tally.pushes);
}
