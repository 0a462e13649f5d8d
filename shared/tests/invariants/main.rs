//! The named invariants of the design, as properties over random scripts in virtual time.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "../common/mod.rs"]
mod common;

mod attempts;
mod failover;
mod hints;
mod inquiries;
mod limits;
mod lockout;
mod marks;
mod news;
mod outbox;
mod payments;
mod places;
mod quotas;
mod resends;
mod secrecy;
mod sections;
mod sim_swap;
mod standings;
mod tallies;
mod visitors;
