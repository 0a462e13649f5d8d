//! What an isolate that has worked holds, against one that worked as much and holds nothing but rows.

use serde_json::Value;
use serde_json::json;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::keys::Keys;
use tiffin_tests::stack::edge_variables;

use crate::figures::folder;
use crate::figures::resident_kb;
use crate::figures::rounded;
use crate::load;
use crate::peers::Core;
use crate::peers::FLOOR;
use crate::peers::Worker;
use crate::throughput::bare;
use crate::throughput::bearer;
use crate::throughput::order;

const ORDERS: usize = 2_000;

/// In front of the edge's own module: lets the size of the wasm's memory be seen.
const WATCH: &str = r#"
import { WorkerEntrypoint } from "cloudflare:workers";
let memory;
const Instance = WebAssembly.Instance;
WebAssembly.Instance = function (...given) {
  const made = new Instance(...given);
  memory = made.exports.memory;
  return made;
};
const edge = await import("./index.js");
export const { DirectoryObject, FactorObject, LedgerObject, VisitorObject } = edge;
export default class extends WorkerEntrypoint {
  fetch(request) {
    if (new URL(request.url).pathname === "/memory") return new Response(String(memory.buffer.byteLength));
    return new edge.default(this.ctx, this.env).fetch(request);
  }
}
"#;

pub async fn measure() -> anyhow::Result<Value> {
    let dir = folder()?;
    let keys = Keys::make(&dir.path().join("keys"))?;
    let core = Core::start().await?;
    let variables = edge_variables(&keys, core.port)?;
    let secret = bearer(&keys.secret);
    let orders = || (0..ORDERS).map(|_| order(&fresh_phone(), &secret, &[])).collect();
    let bares = || (0..ORDERS).map(|_| bare(&fresh_phone())).collect();

    let ours = Worker::start(dir.path(), &variables, Some(WATCH)).await?;
    let ours_new = resident_kb(ours.process.pid())?;
    let wasm_new = linear_bytes(&ours).await?;
    load::run(ours.port, orders(), 202).await?;
    core.until_taken(ORDERS).await?;
    let (ours_kb, wasm) = (resident_kb(ours.process.pid())?, linear_bytes(&ours).await?);

    let floor = Worker::start(dir.path(), &variables, Some(FLOOR)).await?;
    let floor_new = resident_kb(floor.process.pid())?;
    load::run(floor.port, bares(), 200).await?;
    let floor_kb = resident_kb(floor.process.pid())?;
    Ok(json!({
        "what": "resident kilobytes of workerd when new and after as many creates; the floor keeps rows and nothing else",
        "orders": ORDERS, "ours_kb": ours_kb, "floor_kb": floor_kb, "extra_kb": ours_kb - floor_kb,
        "ratio": rounded(ours_kb / floor_kb), "ours_new_kb": ours_new, "floor_new_kb": floor_new,
        "wasm_memory_new_kb": wasm_new / 1_024, "wasm_memory_kb": wasm / 1_024,
    }))
}

async fn linear_bytes(worker: &Worker) -> anyhow::Result<u64> {
    Ok(reqwest::get(format!("http://127.0.0.1:{}/memory", worker.port)).await?.text().await?.parse()?)
}
