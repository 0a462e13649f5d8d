//! What a preflight says, against what then happens: the real front door, ledger, router, order, account and breaker in a world whose
//! routes, prices, senders and accounts change all the time, and whose edge hears of it late. A seed is a world.
//!
//! `cargo test -p tiffin-shared --test preflight_simulation -- --nocapture` prints the tables; `ORDERS=100000` plays more.
#![expect(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests fail by panicking, and print tables"
)]

mod bank;
mod causes;
#[path = "../common/mod.rs"]
mod common;
mod customer;
mod door;
mod market;
#[allow(dead_code, reason = "shared with another simulation")]
#[path = "../simulation/random.rs"]
mod random;
mod record;
mod table;
mod work;
mod world;

use self::world::World;

const ORDERS: usize = 10_000;

#[expect(clippy::disallowed_methods, reason = "how many orders to play is the caller's choice")]
fn orders() -> usize {
    std::env::var("ORDERS").ok().and_then(|text| text.parse().ok()).unwrap_or(ORDERS)
}

#[test]
fn what_fails_after_a_pass_has_a_named_cause_and_nothing_costs_more_than_was_quoted() {
    let tally = World::new(1, orders()).play();
    table::print(&tally);
    // Each of these is asserted of every order as well, where it happens.
    assert_eq!(tally.unexplained, Vec::<String>::new());
    assert_eq!((tally.over_quote, tally.overdrafts), (0, 0));
    // A world in which nothing fails would show nothing.
    assert!(tally.refused_after_pass.len() >= 4 && tally.failed_after_pass.len() >= 2, "{tally:?}");
    assert!(tally.quoted > tally.orders / 2 && tally.delivered > tally.orders / 2, "{tally:?}");
}

#[test]
fn where_nothing_changes_between_answer_and_order_a_pass_is_accepted() {
    for seed in 2..6 {
        let tally = World::still(seed, 500).play();
        assert_eq!(tally.refused_after_pass, std::collections::BTreeMap::new(), "seed {seed}");
        assert_eq!((tally.unexplained, tally.over_quote), (Vec::new(), 0), "seed {seed}");
    }
}

#[test]
fn a_seed_is_a_history() {
    let play = |seed| format!("{:?}", World::new(seed, 400).play());
    assert_eq!(play(7), play(7));
    assert_ne!(play(7), play(8));
}
