//! **money-balances** and **final-is-final**, as far as money goes: the account by itself, and with orders' records, in
//! whatever order their messages come, come twice, late or never.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "../common/mod.rs"]
mod common;

mod account;
mod cases;
mod orders;
mod world;
