# What a build of the wasm needs in its environment. Sourced after lib.sh.
export PATH="$NODE_BIN:$TOOLS/worker-build-$WORKER_BUILD_VERSION/bin:$PATH"
export WASM_BINDGEN_BIN="$TOOLS/wasm-bindgen-cli-$WASM_BINDGEN_VERSION/bin/wasm-bindgen"
export ESBUILD_BIN="$NODE_BIN/esbuild"
export WASM_OPT_BIN="$NODE_BIN/wasm-opt"
# Where rustup had no wasm32 target or no sources of std, scripts/setup/wasm.sh linked Debian's compiler.
rustlib=$(rustc --print sysroot)/lib/rustlib
if ! [ -d "$rustlib/$WASM_TARGET/lib" ] || ! [ -d "$rustlib/src/rust/library/std" ]; then
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER="$(rustc --print sysroot)/lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld"
    export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER
    export RUSTUP_TOOLCHAIN=debian-wasm
fi
