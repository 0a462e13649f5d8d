//! Factors: which guesses are right, how many are looked at, what is shown, and what other programs make of it.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "../common/mod.rs"]
mod common;

mod guesses;
mod interop;
mod life;
mod limits;
mod replies;
