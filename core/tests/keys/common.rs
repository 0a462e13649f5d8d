//! The program, run on a folder of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;
use tiffin_core::config::Config;
use tiffin_core::config::Environment;

pub const FILES: [&str; 3] = ["core.env", "edge.env", "clients.env"];
pub const RINGS: [&str; 6] = ["pepper", "seal", "edge-signing", "core-signing", "challenge", "factor"];
/// Each private ring's variable, its file, and where the public halves are.
pub const PAIRS: [(&str, &str, &str, &str, &str); 3] = [
    ("seal", "core.env", "TIFFIN_SEAL_KEYS", "edge.env", "TIFFIN_SEAL_PUBLIC_KEYS"),
    ("edge-signing", "edge.env", "TIFFIN_EDGE_SIGNING_KEYS", "core.env", "TIFFIN_EDGE_PUBLIC_KEYS"),
    ("core-signing", "core.env", "TIFFIN_CORE_SIGNING_KEYS", "edge.env", "TIFFIN_CORE_PUBLIC_KEYS"),
];

/// A folder with keys.
pub struct Keys {
    pub dir: TempDir,
}

pub fn settings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tiffin.toml")
}

pub fn command(arguments: &[&str], dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tiffin"));
    command.env_clear().arg("keys").args(arguments).arg("--dir").arg(dir).arg("--config").arg(settings());
    command
}

impl Keys {
    pub fn make() -> Self {
        let keys = Self { dir: TempDir::new().unwrap() };
        keys.run("make");
        keys
    }

    pub fn output(&self, words: &str) -> Output {
        let arguments: Vec<_> = words.split(' ').collect();
        command(&arguments, self.dir.path()).output().unwrap()
    }

    /// Its standard output and what it said beside it.
    pub fn run(&self, words: &str) -> (String, String) {
        let Output { status, stdout, stderr } = self.output(words);
        let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
        assert!(status.success(), "{words}: {stderr}");
        (stdout, stderr)
    }

    pub fn refused(&self, words: &str) -> String {
        let before = self.files();
        let output = self.output(words);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{words}: {said}");
        assert_eq!(self.files(), before, "{words} was refused, and changed the files");
        said
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    pub fn files(&self) -> Vec<String> {
        FILES.iter().map(|file| fs::read_to_string(self.path(file)).unwrap()).collect()
    }

    pub fn value(&self, file: &str, name: &str) -> String {
        let text = fs::read_to_string(self.path(file)).unwrap();
        let prefix = format!("{name}='");
        let values: Vec<_> = text.lines().filter_map(|line| line.strip_prefix(&prefix)).collect();
        assert_eq!(values.len(), 1, "{name} in {file}");
        values.concat().trim_end_matches('\'').to_owned()
    }

    pub fn ids(&self, file: &str, name: &str) -> String {
        let ring = self.value(file, name);
        let ids: Vec<_> = ring.split(',').map(|key| key.split(':').next().unwrap()).collect();
        ids.join(" ")
    }

    /// The settings, read with all of these keys as a process does.
    pub fn config(&self) -> Config {
        let files = self.files();
        let pairs = files.iter().flat_map(|text| text.lines()).filter_map(|line| line.split_once('='));
        let variables: BTreeMap<_, _> =
            pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned())).collect();
        let config = Config::read(&settings(), Environment::new(variables).unwrap()).unwrap();
        assert!(config.edge().is_ok() && config.core_keys(true).is_ok() && config.core_public_keys().is_ok());
        config
    }

    pub fn list(&self) -> Value {
        serde_json::from_str(&self.run("list --json").0).unwrap()
    }
}
