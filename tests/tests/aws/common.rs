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
use tiffin_core::gateways::adapter::To;
use tiffin_shared::code::Code;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::phone::Phone;
use tiffin_shared::reference::Reference;
use tiffin_shared::route::Sender;
use tiffin_shared::text::Content;
use tiffin_shared::text::Locale;
use tiffin_shared::text::Template;
use tiffin_shared::text::dlt::Category;
use tiffin_shared::text::dlt::Dlt;
use tiffin_shared::text::dlt::Registration;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;
use tiffin_tests::servers::root;

pub const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
pub const KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
pub const TOKEN: &str = "IQoJb3JpZ2luX2VjE//////////wEaCXVzLWVhc3QtMSJH+a==";
pub const REGION: &str = "eu-central-1";
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

pub fn reference() -> Reference {
    Reference { order: OrderId::new([1; 16], LedgerId::new([2; 16])), n: 3 }
}

/// A message of this text at this time; registered in India where it should be.
pub fn with_message<T>(
    text: &str,
    sender: &str,
    is_registered: bool,
    now: UnixMs,
    act: impl FnOnce(&Message<'_>) -> T,
) -> anyhow::Result<T> {
    let (phone, code) = (Phone::parse("+919876543210")?, Code::parse("482915")?);
    let content = Content { locale: Locale::read("en"), subject: None, text: text.to_owned(), html: None };
    let (header, category) = ("TIFFIN".to_owned(), Category::ServiceImplicit);
    let dlt = Dlt { entity_id: "1101456324675322134".into(), header, category };
    let template = Template {
        channel: Channel::Sms,
        locale: Locale::read("en"),
        text: None,
        subject: None,
        dlt_template_id: None,
        ids: [].into(),
    };
    let registration = Registration { dlt: &dlt, template: &template, template_id: "1107457532145798767" };
    Ok(act(&Message {
        to: To::Phone(&phone),
        code: &code,
        content: &content,
        brand: "Tiffin",
        approves: None,
        sender: Sender::parse(sender).ok().as_ref(),
        template_id: None,
        registration: Some(&registration).filter(|_| is_registered),
        valid_s: 300,
        reference: &reference(),
        callback_url: "https://core.example/callbacks/aws",
        now,
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
