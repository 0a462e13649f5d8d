//! The size that is shipped and counted by the platform.

use std::io::Write as _;
use std::process::Command;
use std::process::Stdio;

use anyhow::Context;
use serde_json::Value;
use serde_json::json;
use tiffin_tests::servers::root;

use crate::figures::float;
use crate::figures::rounded;

/// What the platform takes, compressed, from an account that pays nothing.
const LIMIT_BYTES: usize = 3_000_000;

pub fn measure() -> anyhow::Result<Value> {
    let at = |file: &str| std::fs::read(root().join("edge/build").join(file));
    let wasm = at("index_bg.wasm").context("run scripts/build-edge.sh first")?;
    let (packed, glue) = (gzipped(wasm.clone())?, gzipped(at("index.js")?)?);
    Ok(json!({
        "what": "bytes of the edge, gzipped; the ratio is to what the platform takes on its free plan",
        "wasm_bytes": wasm.len(), "wasm_gzip_bytes": packed, "script_gzip_bytes": glue,
        "ratio": rounded(float(packed + glue) / float(LIMIT_BYTES)),
    }))
}

fn gzipped(bytes: Vec<u8>) -> anyhow::Result<usize> {
    let mut gzip = Command::new("gzip").arg("-9c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut into = gzip.stdin.take().context("no pipe")?;
    // Beside, or both pipes fill up.
    let writer = std::thread::spawn(move || into.write_all(&bytes));
    let output = gzip.wait_with_output()?;
    writer.join().map_err(|_| anyhow::anyhow!("gzip was not fed"))??;
    anyhow::ensure!(output.status.success(), "gzip failed");
    Ok(output.stdout.len())
}
