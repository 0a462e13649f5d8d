//! Money through the front door: nobody spends what is not there, and what orders come to stands in the tenant's books.

#![expect(clippy::indexing_slicing, reason = "tests fail by panicking")]

mod common;
mod cost;
mod last_cent;
mod low_balance;
mod refunds;
