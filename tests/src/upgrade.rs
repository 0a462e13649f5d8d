//! An installation that goes from one version to the next under load, process by process: what `scripts/upgrade-drill.sh`
//! runs.

pub mod installation;
pub mod load;
pub mod tally;
pub mod version;
