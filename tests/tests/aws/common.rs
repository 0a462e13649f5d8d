//! What both share: an account, a message, and how to run a judge.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use anyhow::Context;
use serde_json::Value;
use tiffin_core::gateways::account::Account;
use tiffin_core::gateways::account::Secrets;
use tiffin_core::gateways::adapter::Message;
use tiffin_shared::route::Sender;
use tiffin_shared::text::dlt::Registration;
use tiffin_shared::time::UnixMs;
use tiffin_tests::message::PHONE;
use tiffin_tests::message::Parts;
use tiffin_tests::message::registered;
use tiffin_tests::servers::root;

pub const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
pub const KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
pub const TOKEN: &str = "IQoJb3JpZ2luX2VjE//////////wEaCXVzLWVhc3QtMSJH+a==";
pub const REGION: &str = "eu-central-1";
/// Which attempt of the usual order a message is.
pub const ATTEMPT: u32 = 3;
pub const TOPIC: &str = "arn:aws:sns:eu-central-1:123456789012:receipts";

pub fn account(kind: &str, more: &str) -> anyhow::Result<Account> {
    let base =
        format!("name = 'aws'\nkind = '{kind}'\nregion = '{REGION}'\naccess_key_id = '{KEY_ID}'\n{more}");
    Ok(toml::from_str(&base)?)
}

pub fn secrets(account: &Account, has_token: bool) -> anyhow::Result<Secrets> {
    let secret = |name: &str| match name {
        "TIFFIN_GATEWAY_AWS_SECRET_ACCESS_KEY" => Some(KEY.to_owned()),
        "TIFFIN_GATEWAY_AWS_SESSION_TOKEN" if has_token => Some(TOKEN.to_owned()),
        _ => None,
    };
    Secrets::read(account, secret).map_err(anyhow::Error::msg)
}

/// A message of this text at this time; registered in India where it should be.
pub fn with_message<T>(
    text: &str,
    sender: &str,
    is_registered: bool,
    now: UnixMs,
    act: impl FnOnce(&Message<'_>) -> T,
) -> anyhow::Result<T> {
    let (parts, (dlt, template)) = (Parts::new(PHONE, ATTEMPT, text), registered());
    let registration = Registration { dlt: &dlt, template: &template, template_id: "1107457532145798767" };
    Ok(act(&Message {
        sender: Sender::parse(sender).ok().as_ref(),
        registration: Some(&registration).filter(|_| is_registered),
        callback_url: "https://core.example/callbacks/aws",
        now,
        ..parts.message()
    }))
}

/// What a judge says of this.
pub fn judge(mut command: Command, given: &Value) -> anyhow::Result<Value> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    child.stdin.take().context("no stdin")?.write_all(given.to_string().as_bytes())?;
    let output = child.wait_with_output()?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// A judge in Python, with botocore.
pub fn python(file: &str) -> anyhow::Result<Command> {
    let versions = std::fs::read_to_string(root().join("scripts/versions.sh"))?;
    let version = versions.lines().find_map(|line| line.strip_prefix("BOTOCORE_VERSION="));
    let tools = std::env::var_os("TIFFIN_TOOLS").map(PathBuf::from).or_else(|| {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
        Some(cache.join("tiffin/tools"))
    });
    let program = tools.context("HOME is not set")?;
    let program = program.join(format!("botocore-{}/bin/python", version.unwrap_or_default()));
    anyhow::ensure!(program.exists(), "{} is missing: run scripts/setup.sh python", program.display());
    let mut command = Command::new(program);
    command.arg(root().join("tests/tests/aws").join(file)).env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(command)
}

/// A judge in JavaScript, with sns-validator.
pub fn node(file: &str) -> anyhow::Result<Command> {
    let program = root().join("edge/node_modules/.bin/node");
    anyhow::ensure!(program.exists(), "{} is missing: run scripts/setup.sh node", program.display());
    let mut command = Command::new(program);
    command
        .arg(root().join("tests/tests/aws").join(file))
        .env("REQUIRE_FROM", root().join("edge/package.json"));
    Ok(command)
}
