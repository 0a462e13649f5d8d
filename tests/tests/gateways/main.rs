//! Provider accounts through the public door and the command line.

#![expect(
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "tests fail by panicking; JSON gives null for what is not there"
)]

mod accounts;
mod codes;
mod evidence;
mod forged;
#[path = "../faults/scan.rs"]
mod scan;
