//! What the tests of this crate share: fixed keys, scripts with virtual time, and a plain model of the limits.
#![allow(dead_code, reason = "each test file uses its own part")]

pub mod desk;
pub mod exhibits;
pub mod factor;
pub mod factor_keys;
pub mod fixtures;
pub mod fleet;
pub mod guard;
pub mod host;
pub mod ledger;
pub mod log;
pub mod model;
pub mod money;
pub mod order;
pub mod pause;
pub mod receiver;
pub mod series;
pub mod tally;
pub mod visitor;
pub mod webhook;

use proptest::test_runner::Config;

/// Nothing is written to disk: a failure prints its smallest script.
pub fn cases(cases: u32) -> Config {
    Config { cases, failure_persistence: None, ..Config::default() }
}
