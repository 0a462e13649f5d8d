//! Every decision of Tiffin, pure: no clock, no randomness, no async, no IO.
//!
//! A host reads its clock once per event, draws [`Entropy`](entropy::Entropy) once per event, and hands
//! both in. What a decision changes comes back as data. See [`machine`] for the contract and its laws.

pub mod admin;
pub mod autofill;
pub mod backoff;
pub mod binding;
pub mod bucket;
pub mod bytes;
pub mod challenge;
pub mod code;
pub mod config;
pub mod country;
pub mod directory;
pub mod entropy;
pub mod envelope;
pub mod escalation;
pub mod evidence;
pub mod factor;
pub mod fleet;
pub mod gateway;
pub mod guard;
pub mod http;
pub mod id;
pub mod json;
pub mod keys;
pub mod ledger;
pub mod log;
pub mod machine;
pub mod mailbox;
pub mod money;
pub mod nonce;
pub mod order;
pub mod phone;
pub mod price;
pub mod problem;
pub mod quota;
pub mod reference;
pub mod region;
pub mod risk;
pub mod route;
pub mod seal;
pub mod secret;
pub mod sender;
pub mod sign;
pub mod tally;
pub mod text;
pub mod time;
pub mod trace;
pub mod vault;
pub mod visitor;
pub mod webhook;
pub mod window;
pub mod wire;
