//! The metadata, as the crate `rlibphonenumber` ships it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use anyhow::Result;
use anyhow::ensure;
use prost::Message;
use rlibphonenumber::PhoneMetadata;
use rlibphonenumber::PhoneMetadataCollection;

use crate::root;

/// The id of a calling code that is no country's.
pub const WORLD: &str = "001";

/// Numbering plans by calling code; of each code's plans the main country's is first, as libphonenumber asks them.
pub struct Metadata {
    /// Of the metadata, such as 9.0.42.
    pub version: [u16; 3],
    /// Calling code to plans.
    pub codes: BTreeMap<u16, Vec<PhoneMetadata>>,
}

/// Reads the metadata out of the crate's sources: its public interface hands out no plan of a code without a country.
pub fn load() -> Result<Metadata> {
    let folder = crate_folder()?;
    let bytes = std::fs::read(folder.join("src/generated/metadata/metadata.bin"))?;
    let mut codes: BTreeMap<u16, Vec<PhoneMetadata>> = BTreeMap::new();
    for plan in PhoneMetadataCollection::decode(bytes.as_slice())?.metadata {
        let code = u16::try_from(plan.country_code.context("a plan without a calling code")?)?;
        let plans = codes.entry(code).or_default();
        let at = if plan.main_country_for_code.unwrap_or(false) { 0 } else { plans.len() };
        plans.insert(at, plan);
    }
    ensure!(codes.len() > 200, "only {} calling codes", codes.len());
    let readme = std::fs::read_to_string(folder.join("Readme.md"))?;
    Ok(Metadata { version: version(&readme).context("the crate's Readme names no metadata version")?, codes })
}

/// The crate writes the version of its metadata into its Readme and nowhere else.
fn version(readme: &str) -> Option<[u16; 3]> {
    let line = readme.lines().find_map(|line| line.strip_prefix("**Used metadata version:** `v"))?;
    let mut parts = line.split('`').next()?.split('.').map(str::parse);
    let mut next = || parts.next()?.ok();
    Some([next()?, next()?, next()?])
}

fn crate_folder() -> Result<PathBuf> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .current_dir(root())
        .output()?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata
        .get("packages")
        .and_then(serde_json::Value::as_array)
        .context("cargo metadata without packages")?;
    let package =
        packages.iter().find(|package| package.get("name").is_some_and(|name| name == "rlibphonenumber"));
    let manifest = package.and_then(|package| package.get("manifest_path")?.as_str());
    let manifest = PathBuf::from(manifest.context("rlibphonenumber is not in the lock file")?);
    Ok(manifest.parent().context("a manifest outside any folder")?.to_owned())
}
