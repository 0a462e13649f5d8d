//! The tenant's account in a world: postings on their way to it and back, its log, and what must add up in the end.

use std::collections::BTreeMap;

use tiffin_shared::directory::Billing;
use tiffin_shared::directory::Refund;
use tiffin_shared::log;
use tiffin_shared::log::Log;
use tiffin_shared::log::NewRow;
use tiffin_shared::log::Row;
use tiffin_shared::machine::Machine;
use tiffin_shared::machine::Step;
use tiffin_shared::machine::Write;
use tiffin_shared::money;
use tiffin_shared::money::Account;
use tiffin_shared::money::Answer;
use tiffin_shared::money::Entry;
use tiffin_shared::money::Kind;
use tiffin_shared::money::Posting;
use tiffin_shared::money::Standing;
use tiffin_shared::order::Ask;
use tiffin_shared::order::BillTerms;
use tiffin_shared::order::Costs;
use tiffin_shared::order::Read;
use tiffin_shared::order::Terms;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::UnixMs;

use crate::event::Event;
use crate::store::Fault;
use crate::world::World;

const KEEP_MS: u64 = 400 * DAY_MS;

/// What the store keeps of money.
#[derive(Default)]
pub struct Books {
    account: Option<money::State>,
    clock: UnixMs,
    log: Option<log::State>,
    pages: Vec<Row>,
    /// What some process has heard that the log has.
    logged: u64,
}

impl Books {
    fn apply(&mut self, billing: &Billing, ask: money::Ask, now: UnixMs) -> money::Reply {
        self.clock = self.clock.max(now);
        let command = money::Command { billing: billing.clone(), logged: self.logged, ask };
        let Step { reply, write } = Account::step(self.account.clone(), &command, self.clock);
        if let Write::Put { state, .. } = write {
            self.account = Some(state);
        }
        reply
    }

    fn append(&mut self, entries: &[Entry], now: UnixMs) {
        for rows in entries.chunks(log::APPEND_ROWS_MAX) {
            let row = |entry: &Entry| NewRow {
                id: entry.seq.to_string(),
                body: serde_json::to_value(entry).unwrap(),
            };
            let rows = rows.iter().map(row).collect();
            let mut command = log::Command::AppendCounted { rows, keep_ms: KEEP_MS };
            loop {
                let Step { reply, write } = Log::step(self.log.clone(), &command, now);
                if let Write::Put { state, .. } = write {
                    self.log = Some(state);
                }
                let Some((number, page)) = reply.full else { break };
                self.pages.extend(page.rows);
                command = log::Command::Sealed(number);
            }
        }
    }

    fn rows(&self, now: UnixMs) -> Vec<Entry> {
        let tail = Log::step(self.log.clone(), &log::Command::Read, now).reply.tail;
        let rows = self.pages.iter().cloned().chain(tail);
        rows.map(|row| serde_json::from_value(row.body).unwrap()).collect()
    }
}

impl World {
    /// What is agreed with the tenant about its orders.
    pub fn terms(&self) -> Terms {
        let billing = self.plan.billing.as_ref().map(|billing| BillTerms {
            currency: billing.currency,
            max_price_micros: None,
            refunds: Refund::ALL.to_vec(),
            charged_by: billing.charged_by,
        });
        Terms { announces: true, billing, ..Terms::default() }
    }

    /// Asks the account; nothing when no answer comes, whether it was applied or not.
    fn ask_account(&mut self, process: usize, ask: money::Ask) -> Option<money::Reply> {
        let billing = self.plan.billing.clone()?;
        let (fault, clock) = (self.fault(), self.clock(process));
        if fault == Fault::Unapplied {
            return None;
        }
        let reply = self.store.books.apply(&billing, ask, clock);
        if reply.summary.available_micros < -i64::try_from(billing.credit_micros()).unwrap() {
            self.checker.fail(None, "money-balances", format!("overdraft: {:?}", reply.summary));
        }
        if fault == Fault::Unheard {
            return None;
        }
        if !reply.entries.is_empty() && !self.loses() {
            let wait_ms = self.random.between(1, 300);
            self.after(wait_ms, Event::Append { entries: reply.entries.clone() });
        }
        Some(reply)
    }

    /// A process appends what an account's answer held, and dies or tells so.
    pub fn append(&mut self, entries: &[Entry]) {
        let fault = self.fault();
        if fault == Fault::Unapplied {
            return;
        }
        self.store.books.append(entries, self.now);
        if let Some(last) = entries.last().filter(|_| fault == Fault::Heard) {
            self.store.books.logged = self.store.books.logged.max(last.seq);
        }
    }

    pub fn open_account(&mut self) {
        if let Some(billing) = self.plan.billing.clone() {
            self.store.books.apply(&billing, money::Ask::Open, self.now);
        }
    }

    /// An operator puts enough in for all that is to come.
    pub fn top_up(&mut self) {
        let credit =
            money::Ask::Credit { amount_micros: 1_000_000_000, reference: "calm".into(), note: None };
        if let Some(billing) = self.plan.billing.clone() {
            self.store.books.apply(&billing, credit, self.now);
        }
    }

    /// Posts; the answer is what the order's record is to be told.
    pub fn post(&mut self, process: usize, posting: Posting) -> Option<Answer> {
        let reply = self.ask_account(process, money::Ask::Post(vec![posting]))?;
        self.trace.count(match reply.answers.first() {
            Some(Answer::Posted(Standing { refused: Some(_), .. })) => "postings refused",
            Some(Answer::Posted(_)) => "postings",
            Some(Answer::Late) => "postings that came late",
            _ => "postings put off",
        });
        reply.answers.into_iter().next()
    }

    /// In the background of some process.
    pub fn post_later(&mut self, order: usize, posting: Posting) {
        let process = self.random.index(self.workers.len());
        let n = posting.n;
        if let Some(Answer::Posted(standing)) = self.post(process, posting)
            && !self.loses()
        {
            self.ask_order(process, order, &Ask::Posted { n, standing });
        }
    }

    /// **money-balances**, when every code is over and every process has had its time.
    pub fn check_money(&mut self) {
        let Some(billing) = self.plan.billing.clone() else { return };
        let reply = self.store.books.apply(&billing, money::Ask::Read, self.now);
        self.store.books.append(&reply.entries, self.now);
        let (summary, rows) = (reply.summary, self.store.books.rows(self.now));
        let fail = |world: &mut Self, order, what| world.checker.fail(order, "money-balances", what);
        if !rows.iter().map(|row| row.seq).eq(1..=summary.seq) {
            return fail(self, None, format!("{} entries in the log, of {}", rows.len(), summary.seq));
        }
        let lines = rows.iter().flat_map(|row| &row.lines);
        if lines.map(|line| line.micros).sum::<i64>() != 0 {
            return fail(self, None, "debits are not credits".into());
        }
        let spent = i64::try_from(summary.held_micros + summary.charged_micros).unwrap();
        if summary.available_micros + spent != summary.funded_micros {
            return fail(self, None, format!("{summary:?}"));
        }
        self.trace.count("accounts that balance");
        if self.plan.forgets {
            return;
        }
        if summary.held_micros != 0 || summary.open_orders != 0 {
            return fail(self, None, format!("somebody still holds something: {summary:?}"));
        }
        for order in 0..self.edge.orders.len() {
            if let Some(what) = self.unbalanced(order, &rows) {
                return fail(self, Some(order), what);
            }
        }
    }

    /// What is wrong with an order's bill.
    fn unbalanced(&mut self, order: usize, rows: &[Entry]) -> Option<String> {
        let state = self.store.orders.get(&order)?.state.clone();
        let bill = Read::step(Some(state), &(), self.now).reply?.bill?;
        let it = bill.sums;
        let id = &self.edge.orders[order].header.order;
        let mut sums: BTreeMap<Kind, u64> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.order.as_ref() == Some(id)) {
            let got = row.lines.iter().map(|line| line.micros).max().unwrap_or(0);
            *sums.entry(row.kind).or_default() += got.unsigned_abs();
        }
        let of = |kind| sums.get(&kind).copied().unwrap_or(0);
        let found = [of(Kind::Hold), of(Kind::Capture), of(Kind::Release), of(Kind::Refund)];
        let told = [it.held_micros, it.captured_micros, it.released_micros, it.refunded_micros];
        if it.captured_micros > 0 {
            self.trace.count("orders that were charged");
        }
        if it.refunded_micros > 0 {
            self.trace.count("orders that were refunded something");
        }
        // What nothing was ever held for need not be told.
        let seen = self.edge.orders[order].seen.and_then(|(.., cost)| cost);
        let seen =
            seen.unwrap_or(Costs { held_micros: 0, charged_micros: 0, refunded_micros: 0, ..bill.cost() });
        if seen != bill.cost() {
            return Some(format!("its bill says {bill:?}, and the edge {seen:?}"));
        }
        let is_whole = it.held_micros == it.captured_micros + it.released_micros
            && it.refunded_micros <= it.captured_micros
            && bill.is_posted;
        (!is_whole || found != told).then(|| format!("its bill says {bill:?}, and the log {found:?}"))
    }
}
