//! Orders, changes and what the edge hears of them, on a clock that is only a number.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use serde_json::json;
use tiffin_shared::directory::Directory;
use tiffin_shared::order::Receipt;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::job::Header;

use crate::common::fixtures::START;
use crate::common::host::Host;
use crate::door::Door;
use crate::market::Market;
use crate::table::Tally;
use crate::work::Note;
use crate::work::Sent;

/// Orders come this often on average; a breaker wants twenty calls a minute to judge by.
const EVERY_MS: u64 = 250;
const CHANGE_MS: u64 = 9_000;
/// As core's own.
const PUBLISH_MS: u64 = 5_000;
/// From core's look until the isolate that is asked has it: its own look is up to 20 s away.
const ARRIVES_MS: u64 = 20_000;
/// Numbers of which some order more than once.
const CROWD: u64 = 400;

pub enum Event {
    Arrive(Arc<Directory>),
    Change,
    Create(usize),
    Preflight(usize),
    Publish,
    Receipt { at: usize, n: u32, receipt: Receipt },
    Work(usize),
}

/// What a preflight answered.
pub struct Answer {
    pub at: UnixMs,
    pub directory: Arc<Directory>,
    pub quote: Value,
    pub waiting_ms: u64,
    /// Orders of the phone that were accepted until then.
    pub orders: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    Delivered,
    Failed,
    Refused,
}

pub struct Run {
    pub phone: String,
    pub body: Value,
    pub is_dead: bool,
    pub answer: Option<Answer>,
    /// What it must not cost more than.
    pub most_micros: Option<u64>,
    pub created_at: UnixMs,
    /// Within the minute of its answer.
    pub is_valid: bool,
    pub header: Option<Header>,
    pub record: Host,
    pub sent: Vec<Sent>,
    pub notes: BTreeSet<Note>,
    pub due: Option<UnixMs>,
    pub end: Option<End>,
}

pub struct World {
    pub now: UnixMs,
    pub market: Market,
    pub runs: Vec<Run>,
    pub tally: Tally,
    pub asks: u64,
    door: Door,
    pushed: Arc<Directory>,
    queue: BTreeMap<(UnixMs, u64), Event>,
    queued: u64,
    phones: BTreeMap<String, u32>,
}

impl World {
    pub fn new(seed: u64, orders: usize) -> Self {
        let mut world = Self::still(seed, orders);
        let until = EVERY_MS * orders as u64;
        for at in (0..until).step_by(usize::try_from(CHANGE_MS).unwrap()) {
            world.after(at, Event::Change);
        }
        for at in (0..until + 10 * MINUTE_MS).step_by(usize::try_from(PUBLISH_MS).unwrap()) {
            world.after(at, Event::Publish);
        }
        world
    }

    /// One in which nothing changes but by the orders themselves, and nothing of that is told.
    pub fn still(seed: u64, orders: usize) -> Self {
        let market = Market::new(seed);
        let directory = market.directory(START);
        let mut world = Self {
            now: START,
            market,
            runs: Vec::new(),
            tally: Tally { orders, ..Tally::default() },
            asks: 0,
            door: Door::new(directory.clone()),
            pushed: Arc::new(directory),
            queue: BTreeMap::new(),
            queued: 0,
            phones: BTreeMap::new(),
        };
        for at in 0..orders {
            let wait_ms = world.market.random.below(EVERY_MS * orders as u64);
            let run = world.run(at, seed);
            world.runs.push(run);
            world.after(wait_ms, Event::Preflight(at));
        }
        world
    }

    fn run(&mut self, at: usize, seed: u64) -> Run {
        let random = &mut self.market.random;
        // In a still world every phone orders once: the limits of one are a change as well.
        let nth = if random.chance(100) && seed == 1 { random.below(CROWD) } else { CROWD + at as u64 };
        let phone = match nth % 3 {
            0 => format!("+91987{:07}", nth * 37 % 10_000_000),
            1 => format!("+1415{:07}", 2_000_000 + nth * 37 % 7_000_000),
            _ => format!("+4915112{:06}", nth * 37 % 1_000_000),
        };
        let channel = ["auto", "auto", "auto", "sms", "voice"][random.index(5)];
        let body = json!({"to": {"phone": phone}, "service": "login", "channel": channel});
        Run {
            phone,
            body,
            is_dead: random.chance(10),
            answer: None,
            most_micros: None,
            created_at: START,
            is_valid: false,
            header: None,
            record: Host::default(),
            sent: Vec::new(),
            notes: BTreeSet::new(),
            due: None,
            end: None,
        }
    }

    pub fn after(&mut self, wait_ms: u64, event: Event) {
        self.queued += 1;
        self.queue.insert((self.now.plus(wait_ms), self.queued), event);
    }

    pub fn work_at(&mut self, at: usize, when: UnixMs) {
        self.runs[at].due = Some(when);
        self.after(when.since(self.now), Event::Work(at));
    }

    pub fn play(mut self) -> Tally {
        while let Some(((at, _), event)) = self.queue.pop_first() {
            self.now = at;
            match event {
                Event::Arrive(directory) => self.door.directory = directory,
                Event::Change => self.market.change(),
                Event::Create(at) => self.create(at),
                Event::Preflight(at) => self.preflight(at),
                Event::Publish => self.publish(),
                Event::Receipt { at, n, receipt } => self.receipt(at, n, receipt),
                Event::Work(at) if self.runs[at].due == Some(self.now) && self.runs[at].end.is_none() => {
                    self.work(at);
                }
                Event::Work(_) => {}
            }
        }
        let open = self.runs.iter().filter(|run| run.header.is_some() && run.end.is_none()).count();
        assert_eq!(open, 0, "orders that nobody works on");
        self.tally
    }

    fn publish(&mut self) {
        let directory = Arc::new(self.market.directory(self.now));
        if directory != self.pushed {
            self.tally.pushes += 1;
            self.pushed = Arc::clone(&directory);
            let wait_ms = self.market.random.between(200, ARRIVES_MS);
            self.after(wait_ms, Event::Arrive(directory));
        }
    }

    fn preflight(&mut self, at: usize) {
        let said = self.door.call("/v1/preflight", at, &self.runs[at].body.clone(), self.now);
        assert_eq!(said.status, 200, "{}", said.body);
        let checks = said.body["checks"].as_array().unwrap();
        for check in checks.iter().filter(|check| check["result"] != "pass") {
            let (name, result) = (check["name"].as_str().unwrap(), check["result"].as_str().unwrap());
            *self.tally.checks.entry(format!("{name} {result}")).or_default() += 1;
        }
        if said.body["ok"] != true {
            self.tally.not_ok += 1;
            return;
        }
        self.tally.passes += 1;
        let run = &self.runs[at];
        let (quote, directory) = (said.body["quote"].clone(), Arc::clone(&self.door.directory));
        let waiting_ms = said.body["predicted"]["waiting_ms"].as_u64().unwrap();
        let orders = self.phones.get(&run.phone).copied().unwrap_or_default();
        self.runs[at].answer = Some(Answer { at: self.now, directory, quote, waiting_ms, orders });
        let random = &mut self.market.random;
        // Most order at once; some think, and a few for too long.
        let wait_ms = match random.below(100) {
            0..50 => random.between(50, 3_000),
            50..95 => random.between(3_000, MINUTE_MS),
            _ => random.between(MINUTE_MS, 2 * MINUTE_MS),
        };
        self.after(wait_ms, Event::Create(at));
    }

    fn create(&mut self, at: usize) {
        let answer = self.runs[at].answer.as_ref().unwrap();
        let (quote, is_valid) = (answer.quote.clone(), self.now.since(answer.at) < MINUTE_MS);
        let most = quote["most_micros"].as_u64();
        let mut body = self.runs[at].body.clone();
        let by = self.market.random.below(10);
        match by {
            0..7 if !quote.is_null() => {
                body["quote"] = quote["id"].clone();
                self.tally.quoted += 1;
            }
            7 | 8 if !quote.is_null() => {
                body["max_price"] = json!({"amount_micros": most, "currency": quote["currency"]});
            }
            _ => {}
        }
        self.runs[at].most_micros = most.filter(|_| by < 9);
        (self.runs[at].created_at, self.runs[at].is_valid) = (self.now, is_valid);
        let said = self.door.call("/v1/orders", at, &body, self.now);
        self.tally.created += usize::from(is_valid);
        if said.status != 202 {
            self.refused(at, said.body["code"].as_str().unwrap());
            return;
        }
        assert!(is_valid || by >= 7, "a quote was taken after its time");
        self.tally.accepted += usize::from(is_valid);
        *self.phones.entry(self.runs[at].phone.clone()).or_default() += 1;
        let header = said.header.unwrap();
        assert!(header.max_price_micros <= self.runs[at].most_micros || by >= 9, "{header:?}");
        self.runs[at].header = Some(header);
        let wait_ms = self.market.random.between(5, 300);
        self.work_at(at, self.now.plus(wait_ms));
    }

    pub fn phone_orders(&self, at: usize) -> u32 {
        self.phones.get(&self.runs[at].phone).copied().unwrap_or_default()
    }

    pub fn directory(&self) -> &Directory {
        &self.door.directory
    }
}
