//! The same checks as `shared/tests/parsers`, for libFuzzer.

pub mod common;
#[path = "../../../shared/tests/parsers/harness/mod.rs"]
pub mod harness;

use std::path::PathBuf;

use harness::TARGETS;
use harness::Target;

/// The folder that [`seed`] writes to.
const SEEDS: &str = "TIFFIN_FUZZ_SEEDS";

/// Feeds the target of this name.
pub fn run(name: &str, data: &[u8]) {
    (target(name).run)(data);
}

/// Writes the inputs to start from, where libFuzzer looks for them next.
pub fn seed(name: &str) {
    let Some(folder) = std::env::var_os(SEEDS).map(PathBuf::from) else { return };
    for (n, seed) in (target(name).seeds)().iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{n}")), seed).expect("the folder can be written");
    }
}

fn target(name: &str) -> &'static Target {
    TARGETS.iter().find(|target| target.name == name).expect("a target of the harness")
}
