//! `tiffin order evidence`: fetches a packet, or checks one without asking anybody.

use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use reqwest::Method;
use tiffin_shared::config;
use tiffin_shared::evidence::Form;
use tiffin_shared::evidence::PACKET_BYTES_MAX;
use tiffin_shared::evidence::verify;
use tiffin_shared::keys::Ring;
use tiffin_shared::keys::Verifying;

use super::super::ops;
use super::super::ops::Core;

/// Which packet, and where to.
#[derive(Args)]
pub struct Arguments {
    /// `ord_…`
    #[arg(required_unless_present = "verify", conflicts_with = "verify")]
    id: Option<String>,
    /// Write the page to this file; without it the packet is printed as JSON
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the packet to this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Check this packet: its seal, its timeline's chain, and where it was changed. Asks nobody
    #[arg(long, value_name = "FILE")]
    verify: Option<PathBuf>,
    /// Core's public signing keys, `id:base64url,…`, for --verify
    #[arg(long, env = config::CORE_PUBLIC_KEYS, value_name = "RING")]
    keys: Option<String>,
    /// Take away what support added as the Nth, counted from 1; who did it and when stays
    #[arg(long, value_name = "N", requires = "id", conflicts_with_all = ["html", "out"])]
    remove_upload: Option<u32>,
    #[command(flatten)]
    to: Core,
}

/// Runs it.
pub async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match (&arguments.verify, &arguments.id) {
        (Some(file), _) => check(file, arguments.keys.as_deref()),
        (None, Some(id)) => match arguments.remove_upload {
            Some(n) => remove(arguments, id, n).await,
            None => fetch(arguments, id).await,
        },
        (None, None) => anyhow::bail!("which order?"),
    }
}

async fn remove(arguments: &Arguments, id: &str, n: u32) -> anyhow::Result<()> {
    let path = ops::path(&["orders", id, "uploads", &n.to_string()], "");
    let reply = arguments.to.ask(Method::DELETE, &path, None).await?;
    arguments.to.print(&reply, || format!("upload {n} of {id} is removed"));
    Ok(())
}

async fn fetch(arguments: &Arguments, id: &str) -> anyhow::Result<()> {
    let path = ops::path(&["orders", id, "evidence"], "");
    if let Some(file) = &arguments.html {
        write(file, &arguments.to.fetch(&path, Form::Html.media_type()).await?)?;
    }
    if arguments.html.is_some() && arguments.out.is_none() {
        return Ok(());
    }
    let packet = arguments.to.fetch(&path, Form::Json.media_type()).await?;
    match &arguments.out {
        Some(file) => write(file, &packet),
        None => say(&packet),
    }
}

fn check(file: &Path, keys: Option<&str>) -> anyhow::Result<()> {
    let keys = keys.with_context(|| {
        format!(
            "give core's public keys with --keys, or in {}: they stand in edge.env",
            config::CORE_PUBLIC_KEYS
        )
    })?;
    let keys = Ring::parse(keys, |_, key| Verifying::new(key))
        .map_err(|error| anyhow::anyhow!("--keys: {error}"))?;
    let length = std::fs::metadata(file).with_context(|| file.display().to_string())?.len();
    anyhow::ensure!(length <= PACKET_BYTES_MAX as u64, "{}: longer than any packet", file.display());
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    match verify(&text, &keys) {
        Ok(checked) => say(&checked.to_string()),
        Err(faults) => {
            let lines: Vec<_> = faults.iter().map(|fault| format!("\n  {fault}")).collect();
            anyhow::bail!("{} is not what core sealed:{}", file.display(), lines.concat())
        }
    }
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(file, text).with_context(|| file.display().to_string())
}

fn say(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}
