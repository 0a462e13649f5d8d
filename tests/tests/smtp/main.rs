//! A mail gateway against servers that nobody here wrote: aiosmtpd, whose answers are scripted, and Exim, which bounces.

#![expect(clippy::indexing_slicing, reason = "indexing JSON gives null for what is not there")]

mod aiosmtpd;
mod answers;
mod arrives;
mod bounces;
mod common;
mod exim;
mod orders;
mod privacy;
