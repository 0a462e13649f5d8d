//! Pumps and people against the guard, with the delays of the real thing: a flush a second, and a minute until the edge
//! acts. `cargo test -p tiffin-shared --test guard_simulation -- --nocapture` prints the tables.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "tests fail by panicking, and print tables")]

mod traffic;
mod world;

use tiffin_shared::guard::Level;
use tiffin_shared::guard::Policy;
use tiffin_shared::time::HOUR_MS;
use tiffin_shared::time::MINUTE_MS;

use self::traffic::Day;
use self::traffic::Pump;
use self::traffic::Random;
use self::traffic::START;
use self::traffic::Span;
use self::traffic::at;
use self::world::Fate;
use self::world::World;

/// A pump over a quiet country, in an installation without a past.
fn pumped(pump: &Pump, background: u64) -> World {
    let mut random = Random(7);
    let mut world = World::new(Policy::default());
    let day = Day { start: START, orders: background, sale: None, outages: vec![] };
    let mut orders = traffic::people(&day, &mut random);
    orders.retain(|order| order.at < pump.from.plus(pump.lasts_ms));
    orders.extend(traffic::pump(pump, &mut random));
    world.play(orders, None, &mut random);
    world
}

fn one_prefix(every_ms: u64) -> Pump {
    let from = at(6, 0);
    Pump {
        from,
        every_ms,
        lasts_ms: 6 * HOUR_MS,
        country: 3,
        first: 900,
        prefixes: 1,
        verifies_percent: 0,
        solves: false,
    }
}

fn shown(count: Option<u64>) -> String {
    count.map_or("-".into(), |count| count.to_string())
}

fn print(name: &str, fate: &Fate) {
    println!(
        "{name:<42} {:>8} {:>8} {:>10} {:>8} {:>10} {:>8}",
        fate.orders,
        shown(fate.sent_at_challenge),
        shown(fate.sent_at_edge_challenge),
        shown(fate.sent_at_block),
        shown(fate.sent_at_edge_block),
        fate.sent,
    );
}

fn print_head() {
    println!(
        "{:<42} {:>8} {:>8} {:>10} {:>8} {:>10} {:>8}",
        "pump", "orders", "chall.", "at edge", "block", "at edge", "sent"
    );
}

#[test]
fn a_pump_on_one_prefix_stops_within_a_minute_of_its_twenty_first_message() {
    print_head();
    for (rate, every_ms, per_minute) in [("0.2", 5_000, 12), ("1", 1_000, 60), ("10", 100, 600)] {
        let pump =
            Pump { lasts_ms: if every_ms < 1_000 { HOUR_MS } else { 6 * HOUR_MS }, ..one_prefix(every_ms) };
        let bot = pumped(&pump, 10_000);
        print(&format!("{rate}/s, solves no challenge"), &bot.pump);
        let challenged = bot.pump.sent_at_edge_challenge.unwrap();
        assert!(bot.pump.sent_at_challenge.unwrap() <= 21 + per_minute / 60 + 1, "{:?}", bot.pump);
        assert!(challenged <= 23 + per_minute + per_minute / 60, "{:?}", bot.pump);
        assert!(bot.pump.sent <= 2 * challenged, "it does not come again and again: {:?}", bot.pump);

        let solver = pumped(&Pump { solves: true, ..pump }, 10_000);
        print(&format!("{rate}/s, solves every challenge"), &solver.pump);
        // 74 unverified, two and a half minutes to settle, one until the edge acts.
        assert!(solver.pump.sent <= 76 + per_minute * 7 / 2 + per_minute / 12, "{:?}", solver.pump);
        assert_eq!((bot.people.blocked, solver.people.blocked), (0, 0));
    }
}

#[test]
fn a_pump_that_verifies_a_tenth_is_challenged() {
    print_head();
    let hiding = Pump { verifies_percent: 10, ..one_prefix(1_000) };
    let bot = pumped(&hiding, 10_000);
    print("1/s, verifies 10 %, solves none", &bot.pump);
    assert!(bot.pump.sent_at_edge_challenge.unwrap() <= 100, "{:?}", bot.pump);
    assert!(bot.pump.sent <= 600, "{:?}", bot.pump);
    let solver = pumped(&Pump { solves: true, ..hiding }, 10_000);
    print("1/s, verifies 10 %, solves every one", &solver.pump);
    assert!(solver.pump.challenged * 10 > solver.pump.orders * 9, "{:?}", solver.pump);
}

#[test]
fn a_slow_pump_over_fifty_prefixes_is_challenged_by_its_country() {
    print_head();
    let slow = Pump { prefixes: 50, country: 9, ..one_prefix(2_000) };
    let world = pumped(&slow, 10_000);
    print("0.5/s over 50 prefixes of one country", &world.pump);
    assert_eq!(world.touched.get(&world::Key::Country(9)), Some(&Level::Challenge));
    assert!(world.pump.sent_at_edge_challenge.unwrap() <= 300, "{:?}", world.pump);
    assert!(world.pump.sent <= 1_000, "{:?}", world.pump);
    assert_eq!(world.people.blocked, 0);
}

#[test]
fn a_slow_pump_that_hides_in_the_busiest_country_is_stopped_prefix_by_prefix() {
    print_head();
    let slow = Pump { from: at(10, 0), prefixes: 50, country: 0, ..one_prefix(2_000) };
    let world = pumped(&slow, 100_000);
    print("0.5/s over 50 prefixes among 300 per 10 min", &world.pump);
    print_people("its people", &world);
    assert!(world.pump.sent <= 50 * 30, "{:?}", world.pump);
    assert_eq!(world.people.blocked, 0);
}

#[test]
fn a_block_goes_on_while_the_pump_does() {
    print_head();
    let long = Pump { lasts_ms: 30 * HOUR_MS, solves: true, ..one_prefix(5_000) };
    let world = pumped(&long, 1_000);
    print("0.2/s for 30 hours, solves every challenge", &world.pump);
    assert!(world.pump.sent <= 120, "{:?}", world.pump);
}

#[test]
fn a_pump_below_every_burst_is_caught_by_its_day() {
    print_head();
    let world = pumped(&one_prefix(40_000), 10_000);
    print("0.025/s, 15 in ten minutes", &world.pump);
    assert!(world.pump.sent <= 60, "{:?}", world.pump);
}

fn print_people(name: &str, world: &World) {
    let count = |wanted| world.touched.values().filter(|level| **level == wanted).count();
    let people = &world.people;
    println!(
        "{name:<42} {} orders, {} blocked, {} challenged; {} subjects challenged, {} blocked; {} steps",
        people.orders,
        people.blocked,
        people.challenged,
        count(Level::Challenge),
        count(Level::Block),
        world.steps,
    );
}

fn span(day: u64, hour: u64, minutes: u64) -> Span {
    let from = at(24 * day + hour, 0);
    Span { from, to: from.plus(minutes * MINUTE_MS) }
}

/// A sale at noon, an outage of a provider that nobody notices, and one of core.
fn eventful(day: u64) -> (Day, Span) {
    let start = at(24 * day, 0);
    let (sale, outages) = (Some(span(day, 12, 20)), vec![span(day, 16, 10)]);
    (Day { start, orders: 100_000, sale, outages }, span(day, 20, 20))
}

fn blocks_nobody(world: &World) {
    assert!(world.people.orders > 90_000, "the day was played");
    assert_eq!(world.people.blocked, 0, "{:?}", world.touched);
    assert!(!world.touched.values().any(|level| *level == Level::Block), "{:?}", world.touched);
}

/// Under one order in a thousand is asked for more without a reason.
fn challenges_few(world: &World) {
    assert!(world.people.challenged * 1_000 < world.people.orders, "{:?}", world.touched);
}

#[test]
fn an_eventful_first_day_blocks_nobody() {
    let mut random = Random(11);
    let mut world = World::new(Policy::default());
    let (day, silence) = eventful(0);
    world.play(traffic::people(&day, &mut random), Some(silence), &mut random);
    print_people("sale, outages, no past", &world);
    blocks_nobody(&world);
    challenges_few(&world);
}

#[test]
fn a_calm_day_and_an_eventful_one_after_it_block_nobody() {
    let mut random = Random(13);
    let mut world = World::new(Policy::default());
    let calm = Day { start: START, orders: 60_000, sale: None, outages: vec![] };
    world.play(traffic::people(&calm, &mut random), None, &mut random);
    print_people("calm day, no past", &world);
    assert_eq!((world.people.blocked, world.people.challenged), (0, 0));

    let past = std::mem::take(&mut world.people);
    world.steps = 0;
    let (day, silence) = eventful(1);
    world.play(traffic::people(&day, &mut random), Some(silence), &mut random);
    print_people("sale, outages, a day of past", &world);
    blocks_nobody(&world);
    challenges_few(&world);
    assert!(past.orders > 50_000, "the first day was played");
}

#[test]
fn a_pump_on_the_busiest_prefix_is_challenged() {
    print_head();
    // At night, where the past of the day leaves it the most room.
    let mut random = Random(17);
    let mut world = World::new(Policy::default());
    let calm = Day { start: START, orders: 40_000, sale: None, outages: vec![] };
    let pump = Pump { from: at(22, 0), lasts_ms: 2 * HOUR_MS, country: 0, first: 0, ..one_prefix(1_000) };
    let mut orders = traffic::people(&calm, &mut random);
    orders.extend(traffic::pump(&pump, &mut random));
    world.play(orders, None, &mut random);
    print("1/s on the busiest prefix of people", &world.pump);
    print_people("its people", &world);
    assert!(world.pump.sent <= 500, "{:?}", world.pump);
}
