//! Metrics as Prometheus reads them, alerts as people hear them, and the documents as both have them.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod common;
mod documents;
mod fires;
mod rules;
mod scrape;
