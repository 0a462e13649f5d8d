//! Delivery, measured from a signed hand-over to the record of its receipt, on two cores: core, its servers, the provider's
//! stand-in and the client that plays the edge share them.

pub mod backlog;
mod door;
mod floor;
mod gateway;
mod ground;
mod jobs;
pub mod latency;
mod meter;
pub mod throughput;
pub mod workers;
