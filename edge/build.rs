//! Wraps the API's description in a JavaScript module, which wasm-bindgen takes from the crate's folder only.

use std::error::Error;
use std::path::Path;

const DOCUMENT: &str = "../shared/src/http/openapi.json";
const MODULE: &str = "openapi.js";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={DOCUMENT}");
    // It is made again too when it alone is gone.
    println!("cargo::rerun-if-changed={MODULE}");
    let root = std::env::var("CARGO_MANIFEST_DIR")?;
    let text = std::fs::read_to_string(Path::new(&root).join(DOCUMENT))?;
    // A string of JSON is one of JavaScript.
    let module = format!("export const openapi = () => {};\n", serde_json::to_string(&text)?);
    let path = Path::new(&root).join(MODULE);
    // Written anew, it would be newer than this run, and each build make another.
    if std::fs::read_to_string(&path).ok().as_ref() != Some(&module) {
        std::fs::write(path, module)?;
    }
    Ok(())
}
