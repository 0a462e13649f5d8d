//! SMPP against SMSCs that others wrote: node-smpp, and smpp.twisted3, of which Jasmin is made.
//!
//! `TIFFIN_SMPP_MESSAGES` is how many messages the larger tests send.

#![expect(clippy::indexing_slicing, reason = "indexing JSON gives null for what is not there")]

mod common;
mod cuts;
mod encrypted;
mod messages;
mod orders;
mod receipts;
mod sandbox;
mod strangers;
mod trouble;
