//! `tiffin evidence`: the packets of many orders, a file for each, in a folder that is gone on with.

use std::collections::BTreeSet;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use futures::StreamExt as _;
use futures::stream;
use reqwest::Method;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use tiffin_shared::evidence::Form;
use tiffin_shared::evidence::PACKET_BYTES_MAX;
use tiffin_shared::id::OrderId;

use super::ops;
use super::ops::Core;
use super::order::filters::Filters;
use super::progress::Progress;

/// Packets asked for at once: core has work beside it.
const AT_ONCE: usize = 4;
/// Orders of one answer of the search, its most.
const PAGE: u64 = 100;
/// Files of one folder, which people and their tools still list.
const PACKETS_MAX: usize = 100_000;

/// Which, and where to.
#[derive(Args)]
#[command(
    after_help = "Files are ord_….json, and ord_….html with --html. Packets that are there whole, of orders that were closed, are \
    not asked for again: after an error, the same command goes on. To have one anew, remove its file. Core keeps what packets are made \
    of for a day.\n\nExamples:\n  tiffin evidence --out disputed --gateway vonage-sms --state failed --since 12h\n  \
    tiffin evidence --out disputed --tenant shop --since 20h --until 8h --html"
)]
pub struct Arguments {
    #[command(flatten)]
    filters: Filters,
    /// Into this folder; it is made where it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Beside each packet its page, to print
    #[arg(long)]
    html: bool,
    #[command(flatten)]
    to: Core,
}

/// What became of one.
enum Came {
    Written,
    /// It was there.
    There,
    /// Nothing is known of the order any more.
    Gone,
}

#[derive(Default)]
struct Counts {
    written: usize,
    there: usize,
    gone: usize,
}

/// Writes them.
pub async fn run(Arguments { filters, out, html, to }: Arguments) -> anyhow::Result<()> {
    let body = filters.body()?;
    DirBuilder::new().recursive(true).mode(0o700).create(&out).with_context(|| out.display().to_string())?;
    let mut counts = Counts::default();
    let came = all(&to, body, (&out, html), &mut counts).await;
    let Counts { written, there, gone } = counts;
    let (packets, dir) = (written + there, out.display());
    came.with_context(|| {
        format!("{packets} packets are in {dir}, {written} of them new; the same command goes on from there")
    })?;
    let reply = json!({"written": written, "there": there, "gone": gone, "dir": out});
    to.print(&reply, || {
        let gone = if gone > 0 { format!("; {gone} orders have none any more") } else { String::new() };
        format!("{packets} packets are in {dir}, {written} of them new{gone}")
    });
    Ok(())
}

async fn all(
    to: &Core,
    mut body: Map<String, Value>,
    into: (&Path, bool),
    counts: &mut Counts,
) -> anyhow::Result<()> {
    let mut progress = Progress::new("packets", None, !to.is_json());
    let mut seen = BTreeSet::new();
    body.insert("limit".into(), json!(PAGE));
    loop {
        let reply = to.ask(Method::POST, "orders/search", Some(Value::Object(body.clone()))).await?;
        let orders = reply.get("orders").and_then(Value::as_array).into_iter().flatten();
        let ids = orders.filter_map(|order| OrderId::parse(order.get("id")?.as_str()?).ok());
        // One that closes between two answers comes twice.
        let ids: Vec<OrderId> = ids.filter(|id| seen.insert(id.to_string())).collect();
        anyhow::ensure!(seen.len() <= PACKETS_MAX, "more than {PACKETS_MAX} orders are meant: narrow it");
        let mut coming = stream::iter(&ids).map(|id| one(to, id, into)).buffer_unordered(AT_ONCE);
        while let Some(came) = coming.next().await {
            match came? {
                Came::Written => counts.written += 1,
                Came::There => counts.there += 1,
                Came::Gone => counts.gone += 1,
            }
            progress.add(1);
        }
        match reply.get("next").filter(|next| next.is_string()) {
            Some(next) => body.insert("cursor".into(), next.clone()),
            None => return Ok(()),
        };
    }
}

async fn one(to: &Core, id: &OrderId, (out, html): (&Path, bool)) -> anyhow::Result<Came> {
    let (packet, page) = (out.join(format!("{id}.json")), out.join(format!("{id}.html")));
    if is_whole(&packet, id) && (!html || page.exists()) {
        return Ok(Came::There);
    }
    let path = ops::path(&["orders", &id.to_string(), "evidence"], "");
    if html {
        match to.look_up(&path, Form::Html.media_type()).await? {
            Some(text) => write(&page, &text)?,
            None => return Ok(Came::Gone),
        }
    }
    // After the page: a packet that is there says that all of it is.
    match to.look_up(&path, Form::Json.media_type()).await? {
        Some(text) => write(&packet, &text).map(|()| Came::Written),
        None => Ok(Came::Gone),
    }
}

/// Whether the packet is there, and nothing will be added to its order.
fn is_whole(file: &Path, id: &OrderId) -> bool {
    let is_short = std::fs::metadata(file).is_ok_and(|about| about.len() <= PACKET_BYTES_MAX as u64);
    let text = if is_short { std::fs::read_to_string(file).unwrap_or_default() } else { String::new() };
    let packet: Value = serde_json::from_str(&text).unwrap_or_default();
    let of = |name: &str| packet.get("evidence").and_then(|evidence| evidence.get(name));
    packet.get("seal").is_some()
        && of("order").and_then(Value::as_str) == Some(id.to_string().as_str())
        && of("is_closed") == Some(&Value::Bool(true))
}

/// In one go: whoever finds the file finds all of it.
fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    let part = file.with_extension("part");
    std::fs::write(&part, text)
        .and_then(|()| std::fs::rename(&part, file))
        .with_context(|| file.display().to_string())
}
