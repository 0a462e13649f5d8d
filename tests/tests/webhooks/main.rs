//! Webhooks to tenants, on a whole installation, with a receiver of the test's own.

#![expect(clippy::indexing_slicing, reason = "indexing JSON gives null for what is not there")]
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod audit;
mod crash;
mod operators;
mod orders;
mod overdue;
mod receiver;
mod refunds;
mod signatures;
mod trouble;
