//! `make bench`: each figure with its floor, taken in the same run. Results go to `target/bench/*.json`.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;
use tiffin_tests::client::Client;
use tiffin_tests::edge;
use tiffin_tests::keys::Keys;
use tiffin_tests::servers::root;
use tiffin_tests::stack::edge_variables;
use tiffin_tests::wait;

/// Starts of each kind, alternating, so that a busy machine hurts both alike.
const STARTS: usize = 11;
/// The least a worker can be.
const EMPTY_WORKER: &str = r#"
import { DurableObject } from "cloudflare:workers";
export class LedgerObject extends DurableObject {}
export default { fetch() { return new Response("ok"); } };
"#;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let out = root().join("target/bench");
    std::fs::create_dir_all(&out)?;
    save(&out, "edge_start", &edge_start().await?)
}

/// From the start of workerd to its first answer that needed the wasm, settings and keys; and to the first answer of
/// a worker that needs none of these.
async fn edge_start() -> anyhow::Result<Value> {
    let dir = TempDir::with_prefix("tiffin-bench-")?;
    let keys = Keys::make(&dir.path().join("keys"))?;
    let variables = edge_variables(&keys, 1)?;
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for start in 0..STARTS {
        for (times, module) in [(&mut ours, None), (&mut floor, Some(EMPTY_WORKER))] {
            let port = wait::free_ports(1)?;
            let own = dir.path().join(format!("{start}-{port}"));
            std::fs::create_dir_all(&own)?;
            let began = Instant::now();
            let process = match module {
                None => edge::start(&own, port, &variables)?,
                Some(module) => edge::start_behind(&own, port, &variables, module)?,
            };
            first_answer(port).await?;
            times.push(began.elapsed());
            drop(process);
        }
    }
    let wasm = std::fs::metadata(root().join("edge/build/index_bg.wasm"))?.len();
    let (ours, floor) = (median(ours), median(floor));
    Ok(json!({
        "what": "milliseconds from the start of workerd to the first answer, median",
        "starts": STARTS, "edge_ms": ms(ours), "empty_worker_ms": ms(floor),
        "extra_ms": ms(ours) - ms(floor), "ratio": ms(ours) / ms(floor), "wasm_bytes": wasm,
    }))
}

async fn first_answer(port: u16) -> anyhow::Result<()> {
    let at = format!("http://127.0.0.1:{port}");
    let client = Client::new(at.clone(), at.clone(), at.clone(), String::new())?;
    let look = || client.raw(reqwest::Method::GET, format!("{at}/readyz"), &[], Vec::new());
    let pause = Duration::from_millis(1);
    let deadline = Instant::now() + wait::DEADLINE;
    loop {
        match look().await {
            Ok(reply) if reply.status == 200 => return Ok(()),
            seen if Instant::now() > deadline => anyhow::bail!("no answer: {seen:?}"),
            _ => tokio::time::sleep(pause).await,
        }
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn save(out: &Path, name: &str, result: &Value) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(result)?;
    std::fs::write(out.join(format!("{name}.json")), &text)?;
    writeln!(std::io::stdout(), "{name}: {text}")?;
    Ok(())
}
