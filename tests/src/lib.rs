//! Real parts for tests: Redis, RabbitMQ, core, the sandbox and the edge's wasm under workerd, each a process on
//! private ports with its data in a temporary folder, stopped by its own pid.

#![expect(clippy::indexing_slicing, reason = "indexing JSON gives null for what is not there")]

pub mod authenticator;
pub mod billing;
pub mod chaos;
pub mod client;
pub mod collector;
pub mod edge;
pub mod jobs;
pub mod keys;
pub mod message;
pub mod process;
pub mod proxy;
pub mod registered;
pub mod servers;
pub mod sim_swap;
pub mod stack;
pub mod tools;
pub mod twilio;
pub mod upgrade;
pub mod wait;
pub mod welch;
