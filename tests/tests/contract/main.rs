//! The API as its contract has it: refusals, limits and races, over real parts.

#![expect(clippy::indexing_slicing, reason = "indexing JSON gives null for what is not there")]

mod case;
mod chunked;
mod content;
mod divergence;
mod double_tap;
mod guesses;
mod lists;
mod odd;
mod pages;
mod parity;
mod payments;
mod processes;
mod publishable;
mod pump;
mod rate;
mod refusals;
mod slow;
mod strangers;
