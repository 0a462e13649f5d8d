//! Edge, core and their delays around the guard's machines.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;

use tiffin_shared::bytes::Bytes;
use tiffin_shared::country::Country;
use tiffin_shared::guard::Around;
use tiffin_shared::guard::Ask;
use tiffin_shared::guard::Command;
use tiffin_shared::guard::Count;
use tiffin_shared::guard::Guard;
use tiffin_shared::guard::Kind;
use tiffin_shared::guard::Level;
use tiffin_shared::guard::Mode;
use tiffin_shared::guard::Policy;
use tiffin_shared::guard::Rates;
use tiffin_shared::guard::Reply;
use tiffin_shared::guard::State;
use tiffin_shared::guard::blocklist::Blocklist;
use tiffin_shared::guard::blocklist::Subject;
use tiffin_shared::guard::counts::SLOT_MS;
use tiffin_shared::guard::verdicts;
use tiffin_shared::guard::verdicts::Verdicts;
use tiffin_shared::id::TenantId;
use tiffin_shared::machine::Machine;
use tiffin_shared::machine::Write;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;

use crate::traffic::Order;
use crate::traffic::Random;
use crate::traffic::Span;

const FLUSH_MS: u64 = SECOND_MS;
/// Caches of the isolate and of KV.
const ENFORCE_LAG_MS: u64 = 60 * SECOND_MS;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    Country(usize),
    Prefix(u64),
}

impl Key {
    fn country(self) -> usize {
        match self {
            Self::Country(country) => country,
            Self::Prefix(prefix) => (prefix / 1_000) as usize,
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Country(_) => Kind::Country,
            Self::Prefix(_) => Kind::Prefix,
        }
    }

    fn subject(self) -> Subject {
        match self {
            Self::Country(country) => Subject::Country(iso(country)),
            Self::Prefix(prefix) => Subject::Prefix(Bytes(prefix.to_be_bytes())),
        }
    }
}

fn iso(country: usize) -> Country {
    let letter = char::from(b'A' + u8::try_from(country).unwrap());
    Country::parse(&format!("A{letter}")).unwrap()
}

/// How one kind of orders fared.
#[derive(Clone, Debug, Default)]
pub struct Fate {
    pub orders: u64,
    pub sent: u64,
    pub challenged: u64,
    pub blocked: u64,
    /// Sent when the guard first challenged and blocked, and when the edge first did.
    pub sent_at_challenge: Option<u64>,
    pub sent_at_block: Option<u64>,
    pub sent_at_edge_challenge: Option<u64>,
    pub sent_at_edge_block: Option<u64>,
}

pub struct World {
    pub people: Fate,
    pub pump: Fate,
    /// Subjects that the guard ever challenged or blocked.
    pub touched: BTreeMap<Key, Level>,
    pub steps: u64,
    /// Subjects that the pump uses.
    pub pumped: BTreeSet<Key>,
    states: BTreeMap<Key, State>,
    wakes: BTreeSet<(UnixMs, Key)>,
    wake_of: BTreeMap<Key, UnixMs>,
    settled: BTreeMap<usize, Rates>,
    pending: BTreeMap<Key, BTreeMap<u64, Count>>,
    reports: BTreeSet<(UnixMs, u64, UnixMs, usize, u64)>,
    list: Option<verdicts::State>,
    /// Snapshots and when the edge sees them.
    coming: VecDeque<(UnixMs, Blocklist)>,
    seen: Blocklist,
    tenant: TenantId,
    policy: Policy,
    sound_since: UnixMs,
    batches: u64,
}

impl World {
    pub fn new(policy: Policy) -> Self {
        Self {
            people: Fate::default(),
            pump: Fate::default(),
            touched: BTreeMap::new(),
            steps: 0,
            pumped: BTreeSet::new(),
            states: BTreeMap::new(),
            wakes: BTreeSet::new(),
            wake_of: BTreeMap::new(),
            settled: BTreeMap::new(),
            pending: BTreeMap::new(),
            reports: BTreeSet::new(),
            list: None,
            coming: VecDeque::new(),
            seen: Blocklist::default(),
            tenant: TenantId::parse("shop").unwrap(),
            policy,
            sound_since: UnixMs(0),
            batches: 0,
        }
    }

    /// Plays the orders. During `silence` core is down: no reports come, and what was ordered in its last four minutes is
    /// sent when it is back, too late for its users. Older orders have expired.
    pub fn play(&mut self, mut orders: Vec<Order>, silence: Option<Span>, random: &mut Random) {
        if let Some(silence) = silence {
            let waits = silence.to.minus(4 * MINUTE_MS);
            orders.retain(|order| !silence.has(order.at) || order.at >= waits);
            for order in orders.iter_mut().filter(|order| silence.has(order.at)) {
                order.at = silence.to.plus(random.below(20 * SECOND_MS));
                order.verified_at = None;
            }
        }
        orders.sort_by_key(|order| order.at);
        for order in orders.iter().filter(|order| order.is_pump) {
            self.pumped.extend([Key::Country(order.country), Key::Prefix(order.prefix)]);
        }
        let (Some(first), Some(last)) = (orders.first(), orders.last()) else { return };
        let (mut now, end) = (first.at, last.at.plus(600 * SECOND_MS));
        let mut next = orders.iter().peekable();
        while now < end {
            now = now.plus(FLUSH_MS);
            while let Some(order) = next.next_if(|order| order.at < now) {
                self.order(order, random);
            }
            if let Some(silence) = silence {
                if silence.has(now) {
                    continue;
                }
                if now >= silence.to {
                    self.sound_since = self.sound_since.max(silence.to);
                }
            }
            self.hear(now);
            self.flush(now);
            self.ring(now);
        }
    }

    fn order(&mut self, order: &Order, random: &mut Random) {
        while let Some((_, list)) = self.coming.pop_front_if(|(from, _)| *from <= order.at) {
            self.seen = list;
        }
        let tag = Bytes(order.prefix.to_be_bytes());
        let found = self.seen.lookup(&self.tenant, tag, iso(order.country), order.at);
        let level = if found.mode == Mode::Enforce { found.level } else { Level::Open };
        let fate = if order.is_pump { &mut self.pump } else { &mut self.people };
        fate.orders += 1;
        match level {
            Level::Open => {}
            Level::Challenge => {
                fate.challenged += 1;
                fate.sent_at_edge_challenge.get_or_insert(fate.sent);
            }
            Level::Block => {
                fate.blocked += 1;
                fate.sent_at_edge_challenge.get_or_insert(fate.sent);
                fate.sent_at_edge_block.get_or_insert(fate.sent);
            }
        }
        let is_sent = level == Level::Open || level == Level::Challenge && order.solves;
        fate.sent += u64::from(is_sent);
        for key in [Key::Country(order.country), Key::Prefix(order.prefix)] {
            let count = self.count(key, order.at);
            count.refused += u32::from(level > Level::Open);
            count.sends += u32::from(is_sent);
        }
        if let Some(verified_at) = order.verified_at.filter(|_| is_sent) {
            // Most reports come within seconds, some after retries.
            let late_ms = if random.chance(98) { random.below(8_000) } else { random.below(180_000) };
            let unique = random.next();
            self.reports.insert((verified_at.plus(late_ms), unique, order.at, order.country, order.prefix));
        }
    }

    fn count(&mut self, key: Key, sent_at: UnixMs) -> &mut Count {
        let slots = self.pending.entry(key).or_default();
        slots.entry(sent_at.0 / SLOT_MS).or_insert(Count { at: sent_at, ..Count::default() })
    }

    fn hear(&mut self, now: UnixMs) {
        while self.reports.first().is_some_and(|report| report.0 <= now) {
            let Some((_, _, sent_at, country, prefix)) = self.reports.pop_first() else { return };
            for key in [Key::Country(country), Key::Prefix(prefix)] {
                self.count(key, sent_at).verified += 1;
            }
        }
    }

    /// Countries first: `Key` sorts them so.
    fn flush(&mut self, now: UnixMs) {
        for (key, slots) in std::mem::take(&mut self.pending) {
            self.batches += 1;
            let batch = Bytes(u128::from(self.batches).to_be_bytes());
            self.ask(key, Ask::Note { batch, counts: slots.into_values().collect() }, now);
        }
    }

    fn ring(&mut self, now: UnixMs) {
        while self.wakes.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, key)) = self.wakes.pop_first() else { return };
            self.wake_of.remove(&key);
            self.ask(key, Ask::Tick, now);
        }
    }

    fn ask(&mut self, key: Key, ask: Ask, now: UnixMs) {
        let reply = self.step(key, ask, now);
        if matches!(key, Key::Country(_)) {
            self.settled.insert(key.country(), reply.figures.settled);
        }
        let Some(change) = reply.change else { return };
        let level = reply.verdict.map_or(Level::Open, |verdict| verdict.level);
        let worst = self.touched.entry(key).or_default();
        *worst = level.max(*worst);
        if self.pumped.contains(&key) {
            let sent = self.pump.sent;
            if level >= Level::Challenge {
                self.pump.sent_at_challenge.get_or_insert(sent);
            }
            if level == Level::Block {
                self.pump.sent_at_block.get_or_insert(sent);
            }
        }
        let set = verdicts::Command::Set { subject: key.subject(), standing: reply.verdict };
        let step = Verdicts::step(self.list.take(), &set, now);
        if let Write::Put { state, .. } = step.write {
            self.list = Some(state);
        }
        let (list, _) = Blocklist::gather([(self.tenant.clone(), step.reply.list)], now);
        self.coming.push_back((now.plus(ENFORCE_LAG_MS), list));
        self.step(key, Ask::Told(change), now);
    }

    fn step(&mut self, key: Key, ask: Ask, now: UnixMs) -> Reply {
        let country = self.settled.get(&key.country()).copied();
        let around = Around { country, sound_since: self.sound_since };
        let command = Command { kind: key.kind(), policy: self.policy, around, ask };
        let step = Guard::step(self.states.remove(&key), &command, now);
        self.steps += 1;
        if let Write::Put { state, wake_at, .. } = step.write {
            self.states.insert(key, state);
            if let Some(old) = self.wake_of.remove(&key) {
                self.wakes.remove(&(old, key));
            }
            if let Some(at) = wake_at {
                self.wake_of.insert(key, at);
                self.wakes.insert((at, key));
            }
        }
        step.reply
    }
}
