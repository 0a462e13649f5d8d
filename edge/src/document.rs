//! The API's description: a JavaScript module beside the wasm, made by `build.rs`.
//!
//! In the wasm, every isolate would compile it in order to answer what hardly anyone asks.

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(module = "/openapi.js")]
extern "C" {
    /// As `tiffin openapi` prints it.
    pub fn openapi() -> String;
}
