//! Every page in a real Chromium: what a person does there, no complaint of the browser, none of axe, no overflow on a phone.

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use tiffin_core::bus::Bus;
use tiffin_core::bus::Rabbit;
use tiffin_core::bus::Target;
use tiffin_core::config::names::OPERATOR_TOKEN;
use tiffin_tests::billing::paying;
use tiffin_tests::chaos::feeder::Feeder;
use tiffin_tests::chaos::feeder::Wish;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::keys::Variables;
use tiffin_tests::servers::root;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tokio::process::Command;
use tokio::time::timeout;

use super::common::operator;

const CHROMIUM: &str = "/usr/bin/chromium";
/// Playwright's own limits are shorter, and say what was waited for.
const SCRIPT_TIMEOUT: Duration = Duration::from_secs(240);
/// Webhooks may go to this machine. Eleven unverified orders to a prefix are too many; none of the other prefixes here gets as many.
const MORE: [(&str, &str); 4] = [
    ("TIFFIN_WEBHOOKS_TO_LOOPBACK", "true"),
    ("TIFFIN_GUARD_MODE", "enforce"),
    ("TIFFIN_GUARD_PREFIX_FLOOR", "10"),
    ("TIFFIN_GUARD_SAMPLES_MIN", "10"),
];
/// Of the second way: it goes after the first, whatever the figures say.
const BACKUP_PRIORITY: u16 = 3;
/// Of a message, and what the tenant has to pay with, in millionths.
const PRICE_MICROS: u64 = 4_500;
const OPENING_MICROS: u64 = 50_000_000;

/// A genuine job that died, as one does when every worker fails at it. Its order.
async fn dead_letter(stack: &Stack) -> anyhow::Result<String> {
    let feeder = Feeder::new(&stack.keys, &stack.client.core)?;
    let (ordered, job) = feeder.make(&Wish::default())?;
    let (order, body) = feeder.envelope(&job)?;
    let partitions = stack.keys.config(&Variables::new())?.file.bus.partitions;
    let (url, prefix) = (stack.variable("AMQP_URL")?, stack.variable("TIFFIN_BUS_PREFIX")?);
    let bus = Bus::Rabbit(Rabbit::connect(url, prefix, partitions).await?);
    bus.publish(Target::Dead { partition: 0, reason: "delivered too often" }, &order.to_string(), &body)
        .await?;
    anyhow::ensure!(ordered.id == order, "another order");
    Ok(order.to_string())
}

#[tokio::test]
#[ignore = "needs Chromium, Node, Redis and RabbitMQ: make test"]
async fn an_operator_finds_reads_and_settles_in_a_real_browser() -> anyhow::Result<()> {
    anyhow::ensure!(
        std::path::Path::new(CHROMIUM).exists(),
        "{CHROMIUM} is missing: run scripts/setup.sh all"
    );
    let stack = Stack::launch(Front::Standalone, Backing::Shared, &MORE, |settings| {
        let named = "name = \"twilio-sms-2\"\n";
        let settings = settings.replace("resend_after_ms = 30000", "resend_after_ms = 0");
        let settings = settings.replace(named, &format!("{named}priority = {BACKUP_PRIORITY}\n"));
        paying(&settings, PRICE_MICROS, OPENING_MICROS)
    })
    .await?;
    let support = operator(&stack, "sue", "support").await?;
    let viewer = operator(&stack, "vic", "viewer").await?;
    let dead = dead_letter(&stack).await?;
    let script = Command::new(root().join("edge/node_modules/.bin/node"))
        .arg(root().join("tests/tests/console/console.mjs"))
        .env("CHROMIUM", CHROMIUM)
        .env("CORE", &stack.client.core)
        .env("API", &stack.client.edge)
        .env("SANDBOX", &stack.client.sandbox)
        .env("DEAD", dead)
        .env("KEY", &stack.client.key)
        .env("TOKEN", stack.variable(OPERATOR_TOKEN)?)
        .env("SUPPORT", support)
        .env("VIEWER", viewer)
        .env("PHONES", [fresh_phone(), fresh_phone()].join(","))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(SCRIPT_TIMEOUT, script).await.context("the browser hangs")??;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    anyhow::ensure!(output.status.success(), "{}{}", said(&output.stdout), said(&output.stderr));
    println!("{}", said(&output.stdout).trim());
    Ok(())
}
