//! A version of Tiffin as it was built: its program, its settings, its edge.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;

use crate::keys::Variables;
use crate::registered::registered;

/// A folder that `scripts/upgrade-drill.sh` filled.
#[derive(Clone, Debug)]
pub struct Version {
    /// Of the folder: `base` or `head`.
    pub name: &'static str,
    /// `tiffin`.
    pub program: PathBuf,
    /// Its tests' settings, with registrations.
    pub settings: PathBuf,
    /// `index.js` and the wasm.
    pub edge: PathBuf,
}

impl Version {
    /// The one in `from`; what is made of it goes to `dir`.
    pub fn read(name: &'static str, from: &Path, dir: &Path) -> anyhow::Result<Self> {
        let settings = dir.join(format!("{name}.toml"));
        let text = std::fs::read_to_string(from.join("settings.toml"))
            .with_context(|| format!("no version in {}", from.display()))?;
        std::fs::write(&settings, registered(&text)?)?;
        Ok(Self { name, program: from.join("tiffin"), settings, edge: from.join("edge") })
    }

    /// `tiffin` with these variables alone, and its own settings.
    pub fn command(&self, variables: &Variables) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().envs(variables).env("NO_COLOR", "1").arg("--config").arg(&self.settings);
        command
    }

    /// What `tiffin` with these arguments prints.
    pub fn run(&self, variables: &Variables, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.command(variables).args(arguments).output()?;
        anyhow::ensure!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8(output.stdout)?)
    }
}
