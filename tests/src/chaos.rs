//! An installation of several core processes under a load of signed jobs, without the wasm: what is cheap enough to be
//! broken again and again while fifty orders a second come in.

pub mod cluster;
pub mod feeder;
pub mod fleet;
pub mod load;
pub mod played;
pub mod tally;

/// How often a scenario breaks something: `CHAOS_REPEATS`, or a few times.
pub fn repeats(usually: usize) -> usize {
    std::env::var("CHAOS_REPEATS").ok().and_then(|text| text.parse().ok()).unwrap_or(usually)
}

/// Shows a line of a table at once: the test runner would keep it from who runs a scenario that passes.
pub fn show(line: &str) {
    use std::io::Write;
    writeln!(std::io::stderr(), "{line}").ok();
}
