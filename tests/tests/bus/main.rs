//! The bus against a real RabbitMQ: order, shares, and everything that breaks.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod broken;
mod common;
mod dead;
mod ops;
mod rate;
mod refused;
mod shares;
