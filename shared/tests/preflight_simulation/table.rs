//! How orders ended, in figures.

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
    pub overdrafts: usize,
    /// What the check said of the balance, and what came of the hold.
    pub balance: BTreeMap<(&'static str, &'static str), usize>,
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
    pub fn arrived(&mut self, at: usize) {
        let run = &mut self.runs[at];
        if run.end.is_some() {
            return;
        }
        run.end = Some(End::Delivered);
        if let Some(answer) = run.answer.as_ref().filter(|_| run.is_valid) {
            self.tally.delivered += 1;
            self.tally.in_time += usize::from(self.now.since(run.created_at) <= answer.waiting_ms);
        }
    }

    /// What every order came to, when all are over.
    pub fn settle(&mut self) {
        for at in 0..self.runs.len() {
            let bill = self.timeline(at).and_then(|timeline| timeline.bill);
            let run = &self.runs[at];
            if let Some(bill) = &bill {
                let sums = bill.sums;
                assert!(bill.is_posted, "{bill:?}");
                assert_eq!(sums.held_micros, sums.captured_micros + sums.released_micros, "{bill:?}");
                let paid = sums.captured_micros - sums.refunded_micros;
                if let Some(most) = run.most_micros {
                    // What goes back later was asked for, too.
                    self.tally.over_quote += usize::from(sums.captured_micros > most);
                    if run.end == Some(End::Delivered) {
                        (self.tally.paid_micros, self.tally.quoted_micros) =
                            (self.tally.paid_micros + paid, self.tally.quoted_micros + most);
                    }
                }
            }
            let came_to = match run.end {
                Some(End::Refused) if run.refusal == "insufficient_balance" => "refused for its balance",
                Some(End::Delivered | End::Failed) if run.notes.contains(&Note::HoldRefused) => {
                    if run.notes.contains(&Note::Held) {
                        "held for a cheaper way"
                    } else {
                        "no hold, and failed"
                    }
                }
                Some(End::Delivered | End::Failed) if run.notes.contains(&Note::Held) => "held at once",
                // For other reasons.
                Some(_) => "never asked for a hold",
                None => continue,
            };
            *self.tally.balance.entry((run.balance, came_to)).or_default() += 1;
        }
        for bank in &self.market.banks {
            bank.check(self.now);
            self.tally.overdrafts += bank.overdrafts;
        }
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
    println!("\nwhat the balance check said, and what came of the hold");
    for ((said, came_to), count) in &tally.balance {
        println!("{count:>8}  {said:<5} {came_to}");
    }
    println!("accounts overdrawn: {}", tally.overdrafts);
    println!("directories pushed: {}", tally.pushes);
}
