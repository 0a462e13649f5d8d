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

/// Proptest's own number of inputs. `PROPTEST_CASES` sets another, and each property then takes more in the same ratio.
const CASES: u32 = 256;

/// Nothing is written to disk: a failure prints its smallest script.
pub fn cases(cases: u32) -> Config {
    let usual = Config::default();
    let times = (usual.cases / CASES).max(1);
    Config { cases: cases.saturating_mul(times), failure_persistence: None, ..usual }
}
