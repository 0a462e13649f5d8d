//! Test numbers.
