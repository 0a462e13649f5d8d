//! The keys and names of the crate's own tests.

#[path = "../../../shared/tests/common/factor_keys.rs"]
pub mod factor_keys;
#[path = "../../../shared/tests/common/fixtures.rs"]
pub mod fixtures;
