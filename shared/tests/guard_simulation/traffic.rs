//! Orders of people and of pumps, made from a seed.

use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::HOUR_MS;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;

/// Midnight in UTC.
pub const START: UnixMs = UnixMs(1_795_046_400_000);
pub const COUNTRIES: usize = 12;
const PREFIXES_PER_COUNTRY: usize = 250;

/// SplitMix64 (Steele, Lea, Flood 2014).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// The first index whose running sum is above a random share of the whole.
    fn pick(&mut self, sums: &[u64]) -> usize {
        let target = self.below(*sums.last().unwrap());
        sums.partition_point(|sum| *sum <= target)
    }

    /// Near enough to log-normal: a median of 25 s, a tenth above a minute, the longest some minutes.
    fn verify_after_ms(&mut self) -> u64 {
        let sum: u64 = (0..6).map(|_| self.below(1_000)).sum();
        // A normal variable with a deviation of 0.71, from six uniform ones.
        let z = (f64::from(u32::try_from(sum).unwrap()) - 3_000.0) / 1_000.0;
        ((25_000.0 * z.exp()) as u64).clamp(4_000, 290_000)
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Order {
    pub at: UnixMs,
    pub country: usize,
    pub prefix: u64,
    /// When the user types the code, if ever.
    pub verified_at: Option<UnixMs>,
    pub is_pump: bool,
    /// Answers challenges.
    pub solves: bool,
}

/// A span in which something is different.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub from: UnixMs,
    pub to: UnixMs,
}

impl Span {
    pub fn has(self, at: UnixMs) -> bool {
        self.from <= at && at < self.to
    }
}

pub fn at(hour: u64, minute: u64) -> UnixMs {
    START.plus(hour * HOUR_MS + minute * MINUTE_MS)
}

/// A day of people.
pub struct Day {
    pub start: UnixMs,
    pub orders: u64,
    /// Ten times the orders of country 1.
    pub sale: Option<Span>,
    /// Taken by the provider, delivered to nobody.
    pub outages: Vec<Span>,
}

fn zipf(count: usize) -> Vec<u64> {
    let mut sum = 0;
    (1..=count as u64)
        .map(|rank| {
            sum += 1_000_000 / rank;
            sum
        })
        .collect()
}

/// People order most at noon, least at night, and one in three of those whose code did not come orders again.
pub fn people(day: &Day, random: &mut Random) -> Vec<Order> {
    let (countries, prefixes) = (zipf(COUNTRIES), zipf(PREFIXES_PER_COUNTRY));
    let mut sum = 0;
    let minutes: Vec<u64> = (0..1_440_u64)
        .map(|minute| {
            sum += 100 + 9 * minute.min(1_440 - minute) * 100 / 720;
            sum
        })
        .collect();
    let mut orders = Vec::new();
    let mut one = |at: UnixMs, country: usize, random: &mut Random| {
        let prefix = (country * 1_000 + random.pick(&prefixes)) as u64;
        let mut at = at;
        for attempt in 0..3 {
            let down = day.outages.iter().any(|outage| outage.has(at));
            let converts = !down && random.chance(60 + country as u64 * 2);
            let verified_at = converts.then(|| at.plus(random.verify_after_ms()));
            orders.push(Order {
                at,
                country,
                prefix,
                verified_at,
                is_pump: false,
                solves: random.chance(90),
            });
            if converts || attempt == 2 || !random.chance(33) {
                break;
            }
            at = at.plus(MINUTE_MS + random.below(2 * MINUTE_MS));
        }
    };
    for _ in 0..day.orders * 88 / 100 {
        let minute = random.pick(&minutes) as u64;
        let at = day.start.plus(minute * MINUTE_MS + random.below(MINUTE_MS));
        let country = random.pick(&countries);
        one(at, country, random);
        if country == 1 && day.sale.is_some_and(|sale| sale.has(at)) {
            (0..9).for_each(|_| one(at.plus(random.below(30 * SECOND_MS)), 1, random));
        }
    }
    orders.retain(|order| order.at < day.start.plus(DAY_MS));
    orders
}

/// A pump.
pub struct Pump {
    pub from: UnixMs,
    pub every_ms: u64,
    pub lasts_ms: u64,
    pub country: usize,
    /// The first of its prefixes: people use those below 250, none those from 900.
    pub first: u64,
    pub prefixes: u64,
    pub verifies_percent: u64,
    pub solves: bool,
}

pub fn pump(pump: &Pump, random: &mut Random) -> Vec<Order> {
    (0..pump.lasts_ms / pump.every_ms)
        .map(|nth| {
            let at = pump.from.plus(nth * pump.every_ms);
            let verified_at = random.chance(pump.verifies_percent).then(|| at.plus(20 * SECOND_MS));
            let prefix = pump.country as u64 * 1_000 + pump.first + nth % pump.prefixes;
            Order { at, country: pump.country, prefix, verified_at, is_pump: true, solves: pump.solves }
        })
        .collect()
}
