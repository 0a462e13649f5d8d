//! What operators do with a running installation: retries, administration, escalations, export, erasure.

#![expect(clippy::indexing_slicing, reason = "indexing JSON gives null for what is not there")]

mod admin;
mod again;
mod bulk;
mod common;
mod crash;
mod erasure;
mod escalations;
mod export;
mod leaving;
mod overview;
mod replay;
mod retry;
mod route;
mod search;
mod search_many;
