//! The calls around an order: resend, cancel, wait, stream, preflight; and what they promise when they meet.

#![expect(clippy::indexing_slicing, reason = "indexing JSON gives null for what is not there")]

mod autofill;
mod cancel;
mod common;
mod crowd;
mod deliver_only;
mod events;
mod feedback;
mod many_streams;
mod next;
mod polls;
mod preflight;
mod quotes;
mod recall;
mod resend;
mod resend_refused;
mod sim_swap;
mod sse;
mod strangers;
mod wait;
