//! The console over a million orders, in a real Chromium: time to the first paint and to the data of the overview and of
//! searches, each in a browser that has cached nothing. The floor is the same answer inside core.

use std::net::SocketAddr;
use std::process::Stdio;

use anyhow::Context;
use serde_json::Value;
use serde_json::json;
use tiffin_core::app::Role;
use tiffin_core::config::names::OPERATOR_TOKEN;
use tiffin_core::http;
use tiffin_tests::servers::root;
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::figures::median;
use crate::figures::rounded;
use crate::order_search::Ground;

const CHROMIUM: &str = "/usr/bin/chromium";
const ROUNDS: usize = 5;

pub async fn measure() -> anyhow::Result<Value> {
    let ground = Ground::make().await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let core = format!("http://{}", listener.local_addr()?);
    let service =
        http::router(ground.app.clone(), &[Role::Ops]).into_make_service_with_connect_info::<SocketAddr>();
    let serving = tokio::spawn(async move { axum::serve(listener, service).await });
    let seen = browse(&core, &ground).await;
    serving.abort();
    let pages = seen?;
    let pages = pages.as_object().into_iter().flatten();
    let pages: Vec<Value> = pages.map(|(name, rounds)| page(name, rounds)).collect();
    Ok(json!({
        "what": "the console's pages in a fresh Chromium, median of the rounds: first paint, all data shown, and its longest request",
        "orders": ground.orders, "rounds": ROUNDS, "pages": pages, "in_core": ground.overviews().await?,
        "redis_bytes": ground.bytes().await?,
    }))
}

async fn browse(core: &str, ground: &Ground) -> anyhow::Result<Value> {
    let token = ground.keys.core.get(OPERATOR_TOKEN).context("no operator token")?;
    let output = Command::new(root().join("edge/node_modules/.bin/node"))
        .arg(root().join("tests/src/bin/bench/console_million.mjs"))
        .env("CHROMIUM", CHROMIUM)
        .env("CORE", core)
        .env("TOKEN", token)
        .env("ROUNDS", ROUNDS.to_string())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn page(name: &str, rounds: &Value) -> Value {
    let all = |figure: &str| {
        let rounds = rounds.as_array().into_iter().flatten();
        rounds.filter_map(|round| round.get(figure)?.as_f64()).collect::<Vec<_>>()
    };
    let middle = |figure| rounded(median(all(figure)));
    json!({
        "page": name, "first_paint_ms": middle("first_paint_ms"), "data_ms": middle("data_ms"),
        "asked_ms": middle("asked_ms"), "rows": middle("rows"),
    })
}
