//! Since when each ring's key is in use: written into core's file, edge's rings too, so that core's metrics tell their age.

use super::env_text;
use super::folder::Folder;
use super::kinds::CORE;
use super::kinds::Kind;
use crate::config::names::KEYS_IN_USE_SINCE;
use crate::host;

/// From now on these rings have another key in use.
pub fn note(folder: &Folder, kinds: &[Kind]) -> anyhow::Result<()> {
    let text = folder.read(CORE)?;
    let known = env_text::get(&text, KEYS_IN_USE_SINCE)?.unwrap_or_default();
    folder
        .write(CORE, &env_text::set(&text, KEYS_IN_USE_SINCE, &noted(&known, kinds, host::now().0 / 1_000))?)
}

fn noted(known: &str, kinds: &[Kind], at_s: u64) -> String {
    let is_other = |entry: &&str| !kinds.iter().any(|kind| entry.split('=').next() == Some(kind.name()));
    let others = known.split(',').filter(|entry| !entry.is_empty()).filter(is_other).map(str::to_owned);
    let own = kinds.iter().map(|kind| format!("{}={at_s}", kind.name()));
    others.chain(own).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promoted_ring_begins_anew_and_the_others_stay() {
        let made = noted("", &[Kind::Pepper, Kind::Seal], 100);
        assert_eq!(made, "pepper=100,seal=100");
        assert_eq!(noted(&made, &[Kind::Pepper], 200), "seal=100,pepper=200");
    }
}
