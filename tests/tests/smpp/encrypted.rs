//! TLS: only an SMSC whose certificate is trusted gets the password.

use std::path::Path;
use std::process::Command;

use anyhow::Context;
use serde_json::json;
use tempfile::TempDir;
use tiffin_core::gateways::adapter::Answered;
use tiffin_shared::order::Reason;

use crate::common::Account;
use crate::common::Maker;
use crate::common::Smsc;

/// A certificate for this address, signed by itself, beside its key.
fn certificate(dir: &Path, name: &str) -> anyhow::Result<(String, String)> {
    let path = |ending: &str| dir.join(format!("{name}.{ending}")).display().to_string();
    let (key, certificate) = (path("key"), path("crt"));
    let request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=smsc \
                   -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE";
    let mut openssl = Command::new("openssl");
    openssl.args(request.split_whitespace()).args(["-keyout", &key, "-out", &certificate]);
    let output = openssl.output().context("openssl is missing")?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok((key, certificate))
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_over_tls_to_an_smsc_that_is_trusted_and_to_no_other() -> anyhow::Result<()> {
    let dir = TempDir::new()?;
    let (key, trusted) = certificate(dir.path(), "trusted")?;
    let (_, other) = certificate(dir.path(), "other")?;
    let smsc = Smsc::start(Maker::Node, json!({ "key": key, "cert": trusted })).await?;
    let over = |authority: &str| Account::start(&smsc, &format!("tls = true\ntls_ca = '{authority}'"));
    let account = over(&trusted)?;
    assert!(matches!(account.send_code(1).await?, Answered::Taken { .. }));
    let Answered::Refused(refusal) = over(&other)?.send_code(2).await? else { anyhow::bail!("sent") };
    assert_eq!(refusal.fallback, Reason::ProviderDown);
    let plain = Account::start(&smsc, "")?;
    assert!(matches!(plain.send_code(3).await?, Answered::Refused(_)));
    assert_eq!(smsc.events("taken").len(), 1);
    Ok(())
}
