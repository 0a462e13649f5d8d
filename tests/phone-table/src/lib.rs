//! Compiles libphonenumber's metadata to the table that `tiffin_shared::phone::classify` reads.
//!
//! The rules of a calling code are regular expressions over at most 14 digits: a finite language. [`grammar`] walks them
//! all side by side, digit by digit; [`graph`] merges what leads to the same answers; [`pack`] writes words.

pub mod grammar;
pub mod graph;
pub mod metadata;
pub mod numbers;
pub mod pack;
mod rule;

use std::path::Path;
use std::path::PathBuf;

use anyhow::Result;

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Where the table is kept.
pub fn table_path() -> PathBuf {
    root().join("shared/src/phone/class.bin")
}

/// The table's bytes, from the metadata inside the pinned `rlibphonenumber`. The same metadata gives the same bytes.
pub fn generate() -> Result<Vec<u8>> {
    let metadata = metadata::load()?;
    let mut graph = graph::Graph::default();
    let mut codes = Vec::new();
    for (code, plans) in &metadata.codes {
        let root = grammar::compile(*code, plans, &mut graph)?;
        codes.push(pack::Code { code: *code, plan: pack::Plan::of(plans), root });
    }
    pack::pack(metadata.version, &codes, &graph)
}
