//! The delivery tier: queue, gateways, receipts; and the public API where there is no edge.

pub mod app;
pub mod bus;
pub mod cli;
pub mod config;
pub mod deliver;
pub mod directories;
pub mod edge;
pub mod fleet;
pub mod gateways;
pub mod guard;
pub mod host;
pub mod http;
pub mod ledgers;
pub mod numbers;
pub mod orders;
pub mod publish;
pub mod receipts;
pub mod reports;
pub mod routes;
pub mod sandbox;
pub mod serve;
pub mod standalone;
pub mod store;
pub mod sweep;
pub mod tallies;
pub mod watchers;
