//! From the start of workerd to its first answer that needed the wasm, settings and keys; and to the first answer of a
//! worker that needs none of these.

use std::time::Instant;

use serde_json::Value;
use serde_json::json;
use tiffin_tests::keys::Keys;
use tiffin_tests::servers::root;
use tiffin_tests::stack::edge_variables;

use crate::figures::folder;
use crate::figures::median;
use crate::figures::ms;
use crate::figures::rounded;
use crate::peers::Worker;

/// Starts of each kind, alternating, so that a busy machine hurts both alike.
const STARTS: usize = 11;
/// The least a worker can be.
const EMPTY_WORKER: &str = r#"
import { DurableObject } from "cloudflare:workers";
export class DirectoryObject extends DurableObject {}
export class FactorObject extends DurableObject {}
export class LedgerObject extends DurableObject {}
export class VisitorObject extends DurableObject {}
export default { fetch() { return new Response("ok"); } };
"#;

pub async fn measure() -> anyhow::Result<Value> {
    let dir = folder()?;
    let keys = Keys::make(&dir.path().join("keys"))?;
    let variables = edge_variables(&keys, 1)?;
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        for (times, module) in [(&mut ours, None), (&mut floor, Some(EMPTY_WORKER))] {
            let began = Instant::now();
            let worker = Worker::start(dir.path(), &variables, module).await?;
            times.push(ms(began.elapsed()));
            drop(worker);
        }
    }
    let wasm = std::fs::metadata(root().join("edge/build/index_bg.wasm"))?.len();
    let (ours, floor) = (median(ours), median(floor));
    Ok(json!({
        "what": "milliseconds from the start of workerd to the first answer, median",
        "starts": STARTS, "edge_ms": rounded(ours), "empty_worker_ms": rounded(floor),
        "extra_ms": rounded(ours - floor), "ratio": rounded(ours / floor), "wasm_bytes": wasm,
    }))
}
