//! Orders' records, their tenant's account and its log, with every message between them in a bag: drawn in any order,
//! more than once, late, or not at all.

use std::collections::BTreeMap;

use tiffin_shared::bytes::Bytes;
use tiffin_shared::directory::Billing;
use tiffin_shared::directory::Refund;
use tiffin_shared::id::OrderId;
use tiffin_shared::log;
use tiffin_shared::log::Log;
use tiffin_shared::log::NewRow;
use tiffin_shared::money::Account;
use tiffin_shared::money::Answer;
use tiffin_shared::money::Ask as AskAccount;
use tiffin_shared::money::Command as AccountCommand;
use tiffin_shared::money::Entry;
use tiffin_shared::money::Posting;
use tiffin_shared::money::Standing;
use tiffin_shared::money::Summary;
use tiffin_shared::order::Ask;
use tiffin_shared::order::BillTerms;
use tiffin_shared::order::Billed;
use tiffin_shared::order::Decision;
use tiffin_shared::order::Errand;
use tiffin_shared::order::Order;
use tiffin_shared::order::Read;
use tiffin_shared::order::Reply;
use tiffin_shared::order::Sums;
use tiffin_shared::order::Terms;
use tiffin_shared::order::Timeline;
use tiffin_shared::route::Offer;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;
use tiffin_shared::wire::event::OrderEvent;
use tiffin_shared::wire::job::Dispatch;
use tiffin_shared::wire::job::Header;

use crate::common::fixtures::START;
use crate::common::host::Host;
use crate::common::money::order as order_id;
use crate::common::order::command;
use crate::common::order::header;
use crate::common::order::offer;

pub const LOG_KEEP_MS: u64 = 400 * DAY_MS;

#[derive(Default)]
pub struct Record {
    pub host: Host,
    pub n: u32,
    errand: Option<Bytes<8>>,
    /// What was told of it.
    pub told: Vec<Errand>,
    pub event: Option<OrderEvent>,
    /// What it had come to when it was closed.
    pub closed_with: Option<Billed>,
}

pub struct World {
    pub now: UnixMs,
    pub records: BTreeMap<u8, Record>,
    pub account: Host,
    pub log: Host,
    pub billing: Billing,
    pub max_price: Option<u64>,
    /// Records are lost: one that was made anew learns from the account what the one before had come to.
    pub forgets: bool,
    /// Somebody listens.
    pub announces: bool,
    /// On their way to the account, and the answers on their way back.
    pub postings: Vec<Posting>,
    pub answers: Vec<(OrderId, u32, Standing)>,
    /// Entries as some process has them in its hands.
    pub in_hand: Vec<Vec<Entry>>,
    logged: u64,
    events: u64,
}

impl World {
    pub fn new(billing: &str, max_price: Option<u64>) -> Self {
        let mut world = Self {
            now: START,
            records: BTreeMap::new(),
            account: Host::default(),
            log: Host::default(),
            billing: serde_json::from_str(billing).unwrap(),
            max_price,
            forgets: false,
            announces: false,
            postings: Vec::new(),
            answers: Vec::new(),
            in_hand: Vec::new(),
            logged: 0,
            events: 0,
        };
        world.ask_account(AskAccount::Open);
        world
    }

    pub fn header(&self, which: u8) -> Header {
        Header { order: order_id(which), then: vec![Channel::Voice], ..header() }
    }

    pub fn claim(&mut self, which: u8, resend: Option<u8>) -> Reply {
        let offers: Vec<Offer> = ["alpha", "beta", "gamma"].map(offer).into();
        self.claim_with(which, resend, offers)
    }

    pub fn claim_with(&mut self, which: u8, resend: Option<u8>, offers: Vec<Offer>) -> Reply {
        self.events += 1;
        let billing = BillTerms {
            currency: self.billing.currency,
            max_price_micros: self.max_price,
            refunds: Refund::ALL.to_vec(),
            charged_by: self.billing.charged_by,
        };
        let ask = Ask::Claim {
            taken_at: None,
            token: Bytes(u128::from(self.events).to_be_bytes()),
            header: Box::new(self.header(which)),
            dispatch: resend.map(|n| Dispatch { n, channel: Channel::Sms }),
            offers,
            terms: Terms { announces: self.announces, billing: Some(billing), ..Terms::default() },
        };
        self.ask(which, ask)
    }

    pub fn ask(&mut self, which: u8, ask: Ask) -> Reply {
        self.events += 1;
        let command = command(self.events, ask);
        let record = self.records.entry(which).or_default();
        let reply = record.host.ask::<Order>(&command, self.now);
        match &reply.decision {
            Decision::Send { n, .. } => record.n = *n,
            Decision::Post(posting) => self.postings.push((**posting).clone()),
            _ => {}
        }
        record.errand = reply.errand.as_ref().map(|errand| errand.token).or(record.errand);
        record.told.extend(reply.errand.clone());
        record.event = reply.event.clone().or(record.event.take());
        self.postings.extend(reply.posting.clone());
        self.check_final(which);
        reply
    }

    /// **final-is-final**: what an order came to at its close, it has come to.
    fn check_final(&mut self, which: u8) {
        if self.forgets {
            return;
        }
        let Some(timeline) = self.timeline(which) else { return };
        let Some(bill) = timeline.bill.filter(|_| timeline.is_closed) else { return };
        // A hold that was on its way is granted, and goes back.
        let sums = Sums { held_micros: 0, released_micros: 0, ..bill.sums };
        let bill = Billed { is_posted: true, sums, ..bill };
        let record = self.records.get_mut(&which).unwrap();
        assert_eq!(record.closed_with.get_or_insert(bill.clone()), &bill, "after the close nothing changes");
    }

    pub fn timeline(&self, which: u8) -> Option<Box<Timeline>> {
        self.records.get(&which).and_then(|record| record.host.probe::<Read>(&(), self.now))
    }

    pub fn ran(&mut self, which: u8) {
        if let Some(token) = self.records.entry(which).or_default().errand {
            self.ask(which, Ask::Ran { token });
        }
    }

    pub fn ask_account(&mut self, ask: AskAccount) -> tiffin_shared::money::Reply {
        let command = AccountCommand { billing: self.billing.clone(), logged: self.logged, ask };
        let reply = self.account.ask::<Account>(&command, self.now);
        if !reply.entries.is_empty() {
            self.in_hand.push(reply.entries.clone());
        }
        let credit = i64::try_from(self.billing.credit_micros()).unwrap();
        assert!(reply.summary.available_micros >= -credit, "overdraft: {:?}", reply.summary);
        reply
    }

    /// A posting reaches the account; its answer is on its way.
    pub fn post(&mut self, posting: Posting) {
        let (order, n) = (posting.order.clone(), posting.n);
        let reply = self.ask_account(AskAccount::Post(vec![posting]));
        if let [Answer::Posted(standing)] = reply.answers.as_slice() {
            self.answers.push((order, n, *standing));
        }
    }

    pub fn answer(&mut self, (order, n, standing): (OrderId, u32, Standing)) {
        let which = (0..=u8::MAX).find(|which| order_id(*which) == order).unwrap();
        self.ask(which, Ask::Posted { n, standing });
    }

    /// Some process appends what it has in hand; it may have died before it told the account.
    pub fn append(&mut self, entries: &[Entry], tells: bool) {
        for rows in entries.chunks(log::APPEND_ROWS_MAX) {
            let row = |entry: &Entry| NewRow {
                id: entry.seq.to_string(),
                body: serde_json::to_value(entry).unwrap(),
            };
            let rows = rows.iter().map(row).collect();
            self.log.ask::<Log>(&log::Command::AppendCounted { rows, keep_ms: LOG_KEEP_MS }, self.now);
        }
        if tells {
            self.logged = self.logged.max(entries.last().map_or(0, |entry| entry.seq));
        }
    }

    /// Everything that is on its way arrives, until nothing is, and every code's life is over.
    pub fn settle_down(&mut self) -> Summary {
        let records: Vec<u8> = self.records.keys().copied().collect();
        for _ in 0..40 {
            for which in &records {
                self.ran(*which);
                self.ask(*which, Ask::Tick);
            }
            while !self.postings.is_empty() || !self.answers.is_empty() {
                for posting in std::mem::take(&mut self.postings) {
                    self.post(posting);
                }
                for answer in std::mem::take(&mut self.answers) {
                    self.answer(answer);
                }
            }
            self.now = self.now.plus(400_000);
        }
        let reply = self.ask_account(AskAccount::Tick);
        for entries in std::mem::take(&mut self.in_hand) {
            self.append(&entries, true);
        }
        let left = self.ask_account(AskAccount::Tick);
        assert_eq!(left.entries, [], "the log has everything");
        reply.summary
    }

    /// What the log has.
    pub fn logged(&self) -> Vec<Entry> {
        let tail = self.log.probe::<Log>(&log::Command::Read, self.now).tail;
        tail.into_iter().map(|row| serde_json::from_value(row.body).unwrap()).collect()
    }
}
