//! The keys and names of the crate's own tests.

#[path = "../../../shared/tests/common/fixtures.rs"]
pub mod fixtures;
