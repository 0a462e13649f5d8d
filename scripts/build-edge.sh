#!/usr/bin/env bash
# Builds the edge's wasm into edge/build/, and skips the work when no source is newer. `wrangler` calls this too.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$ROOT/scripts/edge-env.sh"

stamp=$ROOT/edge/build/.stamp
sources=("$ROOT/edge/src" "$ROOT/edge/build.rs" "$ROOT/shared/src" "$ROOT/edge/Cargo.toml" "$ROOT/shared/Cargo.toml" "$ROOT/Cargo.toml"
    "$ROOT/Cargo.lock" "$ROOT/scripts/versions.sh" "$ROOT/scripts/build-edge.sh")
if [ -e "$stamp" ] && [ -z "$(find "${sources[@]}" -type f -newer "$stamp" -print -quit)" ]; then
    done_ "edge wasm (unchanged)"
    exit
fi
say "building the edge's wasm"
started=$(mktemp)
# A panic must end one request only, so it unwinds, and std's own frames with it: std is compiled along from the sources
# that came with the compiler. Cargo calls that unstable; the variable lets a stable one do it.
# It also says where in the sources: without the paths of the machine that builds.
crates=${CARGO_HOME:-$HOME/.cargo}/registry/src
library=$(rustc --print sysroot)/lib/rustlib/src/rust/library
export RUSTC_BOOTSTRAP=1
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="-Cpanic=unwind --remap-path-prefix=$crates= --remap-path-prefix=$library="
(cd "$ROOT/edge" && quietly "worker-build" worker-build --profile edge . \
    -Zbuild-std=std,panic_unwind -Zbuild-std-features=panic-unwind,optimize_for_size)
# The features that rustc and wasm-bindgen emit by default; no newer encodings, which workerd may not read yet.
wasm=$ROOT/edge/build/index_bg.wasm
quietly "wasm-opt" wasm-opt -Oz --enable-mutable-globals --enable-sign-ext --enable-nontrapping-float-to-int \
    --enable-bulk-memory --enable-multivalue --enable-reference-types --enable-exception-handling "$wasm" -o "$wasm.small"
mv "$wasm.small" "$wasm"
touch -r "$started" "$stamp"
rm -f "$started"
done_ "edge wasm: $(gzip -9c "$wasm" | wc -c | awk '{printf "%.0f KB gzipped", $1 / 1000}')"
