//! Wraps the API's description in a JavaScript module, which wasm-bindgen takes from the crate's folder only.

use std::error::Error;
use std::path::Path;

const DOCUMENT: &str = "../shared/src/http/openapi.json";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={DOCUMENT}");
    let root = std::env::var("CARGO_MANIFEST_DIR")?;
    let text = std::fs::read_to_string(Path::new(&root).join(DOCUMENT))?;
    // A string of JSON is one of JavaScript.
    let module = format!("export const openapi = () => {};\n", serde_json::to_string(&text)?);
    std::fs::write(Path::new(&root).join("openapi.js"), module)?;
    Ok(())
}
