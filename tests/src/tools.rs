//! The tools that `scripts/setup.sh` installs outside the repository.

use std::path::PathBuf;

use anyhow::Context;

use crate::servers::root;

/// A program of a tool from PyPI; `variable` holds its version in `scripts/versions.sh`.
pub fn python(name: &str, variable: &str) -> anyhow::Result<PathBuf> {
    let versions = std::fs::read_to_string(root().join("scripts/versions.sh"))?;
    let of = |line: &str| line.strip_prefix(variable)?.strip_prefix('=').map(str::to_owned);
    let version = versions.lines().find_map(of).context("no such version")?;
    let tools = std::env::var_os("TIFFIN_TOOLS").map(PathBuf::from).or_else(|| {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
        Some(cache.join("tiffin/tools"))
    });
    let program = tools.context("HOME is not set")?.join(format!("{name}-{version}/bin/python"));
    anyhow::ensure!(program.exists(), "{} is missing: run scripts/setup.sh python", program.display());
    Ok(program)
}
