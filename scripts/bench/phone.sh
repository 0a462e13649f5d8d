#!/usr/bin/env bash
# What the phone class costs the edge: bytes of wasm with and without it, its first call, and the calls after it.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
"$ROOT/scripts/setup.sh" rust node wasm
. "$ROOT/scripts/edge-env.sh"

folder=$ROOT/target/bench/phone-wasm
mkdir -p "$folder/src"
cat >"$folder/Cargo.toml" <<TOML
[package]
name = "phone-wasm"
version = "0.0.0"
edition = "2024"
[lib]
crate-type = ["cdylib"]
[features]
class = []
[dependencies]
tiffin-shared = { path = "$ROOT/shared" }
[workspace]
[profile.release]
opt-level = "s"
lto = true
codegen-units = 1
panic = "abort"
strip = true
TOML
cp "$ROOT/Cargo.lock" "$folder/Cargo.lock"
cp "$ROOT/scripts/bench/phone.rs" "$folder/src/lib.rs"

# build NAME FLAGS…: the program, optimised as the edge's is.
build() {
    local name=$1
    shift
    (cd "$folder" && quietly "cargo build" env CARGO_TARGET_DIR="$folder/target" \
        cargo build --release --target "$WASM_TARGET" "$@")
    quietly "wasm-opt" "$WASM_OPT_BIN" -Oz --all-features "$folder/target/$WASM_TARGET/release/phone_wasm.wasm" -o "$folder/$name.wasm"
}
build without
build with --features class
bytes() { wc -c <"$folder/$1.wasm"; }
gz() { gzip -9c "$folder/$1.wasm" | wc -c; }
table=$ROOT/shared/src/phone/class.bin
say "table: $(wc -c <"$table") bytes, $(gzip -9c "$table" | wc -c) gzipped"
say "wasm: $(bytes without) bytes ($(gz without) gzipped) without, $(bytes with) ($(gz with)) with:" \
    "+$(($(bytes with) - $(bytes without))) (+$(($(gz with) - $(gz without))))"
# A first call is only first once a process.
for _ in 1 2 3 4 5; do "$NODE_BIN/node" "$ROOT/scripts/bench/phone.mjs" "$folder/with.wasm"; done
