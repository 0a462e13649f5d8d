//! What happens when parts die, lie or stay away: real processes, real signals.

#![expect(clippy::indexing_slicing, reason = "indexing JSON gives null for what is not there")]

mod common;
mod counts;
mod crash;
mod forged_jobs;
mod forged_receipts;
mod lone;
mod operators;
mod outage;
mod provider;
mod scan;
mod secrecy;
mod servers;
mod standalone;
mod tallies;
