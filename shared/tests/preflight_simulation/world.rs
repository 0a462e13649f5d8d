//! Orders, changes and what the edge hears of them, on a clock that is only a number.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use serde_json::json;
use tiffin_shared::directory::Directory;
use tiffin_shared::id::GatewayId;
use tiffin_shared::money;
use tiffin_shared::money::Posting;
use tiffin_shared::order::Ask;
use tiffin_shared::order::Receipt;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::job::Header;

use crate::bank::Bank;
use crate::bank::Moves;
use crate::common::fixtures::START;
use crate::common::host::Host;
use crate::door::Door;
use crate::market::Market;
use crate::table::Tally;
use crate::work::Note;

/// Orders come this often on average; a breaker wants twenty calls a minute to judge by.
const EVERY_MS: u64 = 250;
const CHANGE_MS: u64 = 9_000;
/// Between two things that an operator does about a tenant's money.
const OPERATE_MS: u64 = 6_000;
const TENANTS: usize = 2;
/// As core's own.
const PUBLISH_MS: u64 = 5_000;
/// From core's look until the isolate that is asked has it: its own look is up to 20 s away.
const ARRIVES_MS: u64 = 20_000;
/// Numbers of which some order more than once.
const CROWD: u64 = 400;

pub enum Event {
    Arrive(Copy),
    Change,
    Create(usize),
    Preflight(usize),
    Publish,
    Operate(usize),
    Post { at: usize, posting: Box<Posting>, resumes: bool },
    Receipt { at: usize, by: (u32, GatewayId), receipt: Receipt },
    Tick(usize),
    Work(usize),
}

/// What the edge has of it all, and the truth of the accounts when it was made.
#[derive(Clone)]
pub struct Copy {
    made_at: UnixMs,
    pub directory: Arc<Directory>,
    /// By tenant, as of then: what could be held for each country, and what had moved.
    pub reach: Vec<[u64; 3]>,
    pub moves: Vec<Moves>,
}

/// What a preflight answered.
pub struct Answer {
    pub at: UnixMs,
    pub copy: Copy,
    /// What the account had then for its country, and what had moved on it.
    pub reach_micros: u64,
    pub moves: Moves,
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
    pub tenant: usize,
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
    pub notes: BTreeSet<Note>,
    pub due: Option<UnixMs>,
    pub wakes: Option<UnixMs>,
    /// What its preflight said of the balance.
    pub balance: &'static str,
    pub held_micros: u64,
    /// Of the cheapest way that it could take.
    pub least_micros: u64,
    pub refusal: String,
    pub end: Option<End>,
}

pub struct World {
    pub now: UnixMs,
    pub market: Market,
    pub runs: Vec<Run>,
    pub tally: Tally,
    pub asks: u64,
    /// What the edge has now.
    pub copy: Copy,
    pub door: Door,
    pushed: Arc<Directory>,
    queue: BTreeMap<(UnixMs, u64), Event>,
    queued: u64,
    pub phones: BTreeMap<String, u32>,
}

impl Copy {
    fn of(market: &Market, directory: Arc<Directory>, now: UnixMs) -> Self {
        let (reach, moves) = market.banks.iter().map(|bank| (bank.reach_everywhere(now), bank.moves)).unzip();
        Self { made_at: now, directory, reach, moves }
    }
}

impl World {
    pub fn new(seed: u64, orders: usize) -> Self {
        let mut world = Self::with(seed, orders, (0..TENANTS).map(Bank::new).collect());
        let until = EVERY_MS * orders as u64;
        for at in (0..until).step_by(usize::try_from(CHANGE_MS).unwrap()) {
            world.after(at, Event::Change);
        }
        for at in (0..until + 10 * MINUTE_MS).step_by(usize::try_from(PUBLISH_MS).unwrap()) {
            world.after(at, Event::Publish);
        }
        for at in (0..until).step_by(usize::try_from(OPERATE_MS).unwrap()) {
            (0..TENANTS).for_each(|tenant| world.after(at, Event::Operate(tenant)));
        }
        world
    }

    /// One in which nothing changes but by the orders themselves, and nothing of that is told.
    pub fn still(seed: u64, orders: usize) -> Self {
        Self::with(seed, orders, (0..TENANTS).map(|_| Bank::rich()).collect())
    }

    fn with(seed: u64, orders: usize, banks: Vec<Bank>) -> Self {
        // Some way into it the day is over, and with it what was spent of its caps.
        let start = UnixMs((START.day() + 1) * DAY_MS).minus(20 * MINUTE_MS);
        let mut market = Market::new(seed, banks);
        market.banks.iter_mut().for_each(|bank| drop(bank.ask(money::Ask::Open, start)));
        let directory = market.directory(start);
        let copy = Copy::of(&market, Arc::new(directory.clone()), start);
        let mut world = Self {
            now: start,
            copy,
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
            tenant: random.index(TENANTS),
            phone,
            body,
            is_dead: random.chance(10),
            answer: None,
            most_micros: None,
            created_at: START,
            is_valid: false,
            header: None,
            record: Host::default(),
            notes: BTreeSet::new(),
            due: None,
            wakes: None,
            balance: "pass",
            held_micros: 0,
            least_micros: 0,
            refusal: String::new(),
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
                // One that is overtaken is not taken.
                Event::Arrive(copy) if copy.made_at < self.copy.made_at => {}
                Event::Arrive(copy) => {
                    self.door.directory = Arc::clone(&copy.directory);
                    self.copy = copy;
                }
                Event::Change => self.market.change(),
                Event::Create(at) => self.create(at),
                Event::Preflight(at) => self.preflight(at),
                Event::Publish => self.publish(),
                Event::Operate(tenant) => {
                    self.market.banks[tenant].operate(&mut self.market.random, self.now);
                }
                Event::Post { at, posting, resumes } => self.post(at, *posting, resumes),
                Event::Receipt { at, by, receipt } => self.receipt(at, by, receipt),
                Event::Tick(at) if self.runs[at].wakes == Some(self.now) => {
                    self.runs[at].wakes = None;
                    self.ask_order(at, Ask::Tick);
                    self.ended(at);
                }
                Event::Work(at) if self.runs[at].due == Some(self.now) && self.runs[at].end.is_none() => {
                    self.work(at);
                }
                Event::Tick(_) | Event::Work(_) => {}
            }
        }
        let open = self.runs.iter().filter(|run| run.header.is_some() && run.end.is_none()).count();
        assert_eq!(open, 0, "orders that nobody works on");
        self.settle();
        self.tally
    }

    fn publish(&mut self) {
        let directory = Arc::new(self.market.directory(self.now));
        if directory != self.pushed {
            self.tally.pushes += 1;
            self.pushed = Arc::clone(&directory);
            let wait_ms = self.market.random.between(200, ARRIVES_MS);
            let copy = Copy::of(&self.market, directory, self.now);
            self.after(wait_ms, Event::Arrive(copy));
        }
    }

    pub fn phone_orders(&self, at: usize) -> u32 {
        self.phones.get(&self.runs[at].phone).copied().unwrap_or_default()
    }
}
