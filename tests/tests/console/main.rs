//! The operators' room: who gets in and may do what, and every page in a real browser.

#![expect(clippy::indexing_slicing, reason = "indexing JSON gives null for what is not there")]

mod audited;
mod common;
mod pages;
mod roles;
mod sign_in;
