//! Keys and settings of one test installation, made by the program itself.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use tiffin_core::config::Config;
use tiffin_core::config::Environment;

use crate::servers::root;

/// Variables by name.
pub type Variables = BTreeMap<String, String>;

/// What `tiffin keys make` wrote.
pub struct Keys {
    /// For core.
    pub core: Variables,
    /// For the edge.
    pub edge: Variables,
    /// `sk_…`
    pub secret: String,
    /// `pk_…`
    pub publishable: String,
    /// The settings that they go with.
    pub settings: PathBuf,
}

/// The program, as cargo built it with this one.
pub fn tiffin() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    // A test runs from target/…/deps, a benchmark from target/….
    let folders = own.ancestors().skip(1).take(2);
    let program = folders.map(|folder| folder.join("tiffin")).find(|program| program.exists());
    program
        .context("the program is not built: run `cargo build --bin tiffin` (with --release for benchmarks)")
}

/// The repository's own settings.
pub fn settings() -> PathBuf {
    root().join("tests/settings.toml")
}

impl Keys {
    /// Makes fresh ones in `dir`.
    pub fn make(dir: &Path) -> anyhow::Result<Self> {
        Self::make_for(&settings(), dir)
    }

    /// Makes fresh ones in `dir`, for an installation with these settings.
    pub fn make_for(settings: &Path, dir: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new(tiffin()?);
        command.env_clear().args(["keys", "make", "--dir"]).arg(dir).arg("--config").arg(settings);
        let output = command.output()?;
        anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self::read(dir, settings)
    }

    /// Those in `dir`, as they are now.
    pub fn read(dir: &Path, settings: &Path) -> anyhow::Result<Self> {
        let clients = read(&dir.join("clients.env"))?;
        let client = |name: &str| clients.get(name).cloned().with_context(|| format!("no {name}"));
        Ok(Self {
            core: read(&dir.join("core.env"))?,
            edge: read(&dir.join("edge.env"))?,
            secret: client("TIFFIN_SECRET_KEY")?,
            publishable: client("TIFFIN_PUBLISHABLE_KEY")?,
            settings: settings.to_owned(),
        })
    }

    /// The settings, read with these keys and `more` in the environment.
    pub fn config(&self, more: &Variables) -> anyhow::Result<Config> {
        let mut variables = self.core.clone();
        variables.extend(self.edge.clone());
        variables.extend(more.clone());
        Ok(Config::read(&self.settings, Environment::new(variables)?)?)
    }
}

fn read(path: &Path) -> anyhow::Result<Variables> {
    Ok(parse(&std::fs::read_to_string(path)?))
}

/// The variables of an env file.
pub fn parse(text: &str) -> Variables {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pair = |line: &str| {
        let (name, value) = line.split_once('=')?;
        Some((name.to_owned(), value.trim_matches('\'').to_owned()))
    };
    lines.filter_map(pair).collect()
}
