//! Everything dies, under load: fifty orders a second on real servers and two core processes, while processes, servers,
//! connections and gateways fail. Each scenario prints a row: what was accepted, what came once, twice, late or never.
//!
//! `CHAOS_REPEATS=50` breaks each thing fifty times instead of a few times.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod breaker;
mod cluster;
mod common;
mod fifo;
mod gateways;
mod lone;
mod poison;
mod pressure;
mod servers;
mod workers;
