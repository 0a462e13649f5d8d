//! Exim as a real mail server: one process for each connection, as inetd would start it, so that it needs no rights.

use std::net::Ipv4Addr;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use anyhow::Context;
use serde_json::Value;
use tempfile::TempDir;
use tiffin_core::gateways::smtp::Smtp;

use super::common::Certificate;
use super::common::PASSWORD;
use super::common::USER;
use super::common::gateway;

const PROGRAM: &str = "/usr/sbin/exim4";

/// Running, until dropped.
pub struct Exim {
    pub dir: TempDir,
    port: u16,
    certificate: Certificate,
    stopped: Arc<AtomicBool>,
}

impl Exim {
    /// Hands mail for `mail.example` to `mx_port`, refuses what is for anybody else after taking it, and keeps the
    /// bounces.
    pub fn start(mx_port: u16) -> anyhow::Result<Self> {
        anyhow::ensure!(Path::new(PROGRAM).exists(), "{PROGRAM} is missing: run scripts/setup.sh servers");
        let dir = tempfile::tempdir()?;
        let certificate = Certificate::make(dir.path())?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let config = dir.path().join("exim.conf");
        std::fs::write(&config, configuration(dir.path(), &certificate, mx_port)?)?;
        let stopped = Arc::new(AtomicBool::new(false));
        let (is_stopped, log) = (Arc::clone(&stopped), dir.path().join("said"));
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                if is_stopped.load(Ordering::Acquire) {
                    return;
                }
                let Ok(connection) = connection else { continue };
                serve(connection.into(), &config, &log).ok();
            }
        });
        Ok(Self { dir, port, certificate, stopped })
    }

    /// A gateway that trusts it.
    pub fn gateway(&self, changes: &Value) -> anyhow::Result<Smtp> {
        gateway(self.port, &self.certificate.certificate, PASSWORD, changes)
    }

    /// The bounces so far.
    pub fn bounces(&self) -> anyhow::Result<Vec<Vec<u8>>> {
        let mut paths: Vec<PathBuf> = Vec::new();
        for entry in std::fs::read_dir(self.dir.path().join("run"))? {
            let path = entry?.path();
            // It is written under another name first.
            if path.extension().is_some_and(|extension| extension == "eml") {
                paths.push(path);
            }
        }
        paths.sort();
        paths.iter().map(|path| Ok(std::fs::read(path)?)).collect()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("run/mainlog")).unwrap_or_default()
    }
}

impl Drop for Exim {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Release);
        drop(std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
    }
}

fn serve(connection: OwnedFd, config: &Path, log: &Path) -> anyhow::Result<()> {
    let mut command = Command::new(PROGRAM);
    command.arg("-C").arg(config).arg("-bs").stdin(Stdio::from(connection.try_clone()?));
    command.stdout(Stdio::from(connection));
    command.stderr(std::fs::File::options().create(true).append(true).open(log)?);
    let mut child = command.spawn()?;
    std::thread::spawn(move || child.wait());
    Ok(())
}

fn said_by(program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program).args(arguments).output()?;
    anyhow::ensure!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// As root it works as its own user, whose folder the spool has to be; else as whoever runs the test.
fn configuration(dir: &Path, certificate: &Certificate, mx_port: u16) -> anyhow::Result<String> {
    let run = dir.join("run");
    std::fs::create_dir(&run)?;
    let dir = dir.to_str().context("a path that is not Unicode")?;
    let me = said_by("id", &["-un"])?;
    let user = if me == "root" { "Debian-exim".to_owned() } else { me };
    said_by("chmod", &["755", dir])?;
    said_by("chmod", &["644", certificate.key.to_str().unwrap_or_default()])?;
    if user == "Debian-exim" {
        said_by("chown", &[&user, run.to_str().unwrap_or_default()])?;
    }
    let group = said_by("id", &["-gn", &user])?;
    let text = include_str!("exim.conf");
    let (certificate, key) = (certificate.certificate.display(), certificate.key.display());
    Ok(text
        .replace("@RUN@", &format!("{dir}/run"))
        .replace("@USER@", &user)
        .replace("@GROUP@", &group)
        .replace("@CERTIFICATE@", &certificate.to_string())
        .replace("@KEY@", &key.to_string())
        .replace("@NAME@", USER)
        .replace("@PASSWORD@", PASSWORD)
        .replace("@MX_PORT@", &mx_port.to_string()))
}
