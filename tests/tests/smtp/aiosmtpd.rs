//! aiosmtpd in a process, with `server.py` for its handler.

use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use anyhow::Context;
use serde_json::Value;
use tempfile::TempDir;
use tiffin_core::gateways::smtp::Smtp;
use tiffin_tests::servers::root;
use tiffin_tests::wait;

use super::common::Certificate;
use super::common::PASSWORD;
use super::common::gateway;

/// Running, until dropped.
pub struct Server {
    child: Child,
    pub dir: TempDir,
    pub certificate: Certificate,
    pub port: u16,
}

impl Server {
    /// `kind`: `starttls`, `implicit` or `plain`.
    pub async fn start(kind: &str) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let certificate = Certificate::make(dir.path())?;
        let port = wait::free_ports(1)?;
        let mut command = Command::new(python()?);
        command.arg(root().join("tests/tests/smtp/server.py")).arg(port.to_string());
        command.arg(&certificate.certificate).arg(&certificate.key).arg(kind);
        let told = std::fs::File::create(dir.path().join("told"))?;
        let warned = std::fs::File::create(dir.path().join("warned"))?;
        // It ends with its input.
        let child = command.stdin(Stdio::piped()).stdout(told).stderr(warned).spawn()?;
        let server = Self { child, dir, certificate, port };
        let started =
            wait::until("aiosmtpd", async || server.told(), |told: &Vec<Value>| !told.is_empty()).await;
        started
            .with_context(|| std::fs::read_to_string(server.dir.path().join("warned")).unwrap_or_default())?;
        Ok(server)
    }

    /// What it took, after its first word.
    pub fn mails(&self) -> anyhow::Result<Vec<Value>> {
        Ok(self.told()?.split_off(1))
    }

    /// A gateway that trusts it.
    pub fn gateway(&self, changes: &Value) -> anyhow::Result<Smtp> {
        gateway(self.port, &self.certificate.certificate, PASSWORD, changes)
    }

    fn told(&self) -> anyhow::Result<Vec<Value>> {
        let told = std::fs::read_to_string(self.dir.path().join("told"))?;
        let whole = told.rsplit_once('\n').map_or("", |(whole, _)| whole);
        Ok(whole.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn python() -> anyhow::Result<PathBuf> {
    let versions = std::fs::read_to_string(root().join("scripts/versions.sh"))?;
    let version = versions.lines().find_map(|line| line.strip_prefix("AIOSMTPD_VERSION="));
    let tools = std::env::var_os("TIFFIN_TOOLS").map(PathBuf::from).or_else(|| {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
        Some(cache.join("tiffin/tools"))
    });
    let tools = tools.context("HOME is not set")?;
    let program = tools.join(format!("aiosmtpd-{}/bin/python", version.unwrap_or_default()));
    anyhow::ensure!(program.exists(), "{} is missing: run scripts/setup.sh python", program.display());
    Ok(program)
}
