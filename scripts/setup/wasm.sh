#!/usr/bin/env bash
# The wasm tool chain of the edge: a Rust that targets wasm32, worker-build and wasm-bindgen.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

DEBIAN_TOOLCHAIN=debian-wasm
DEBIAN_STD=/usr/lib/rustlib/$WASM_TARGET/lib

# With the sources of std, which scripts/build-edge.sh compiles so that panics unwind.
target_ready() {
    local rustlib
    rustlib=$(rustc --print sysroot)/lib/rustlib
    [ -d "$rustlib/$WASM_TARGET/lib" ] && [ -d "$rustlib/src/rust/library/std" ]
}

# The wasm std must come from the very compiler that uses it, so the compiler's version is part of "done".
debian_ready() {
    [ -x /usr/bin/rustc ] && ls "$DEBIAN_STD"/libstd-*.rlib >/dev/null 2>&1 &&
        [ "$(cat "$DEBIAN_STD/.built-by" 2>/dev/null)" = "$(/usr/bin/rustc --version)" ] &&
        rustup toolchain list | grep -q "^$DEBIAN_TOOLCHAIN"
}

# Debian ships a compiler with matching std sources; the std is compiled once from those.
debian_build() {
    [ -x /usr/bin/rustc ] && [ -x /usr/bin/cargo ] && [ -d "/usr/lib/rustlib/src" ] || apt_install rustc-web cargo-web rust-web-src
    local scratch
    scratch=$(mktemp -d)
    mkdir -p "$scratch/src"
    printf '[package]\nname = "empty"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n' >"$scratch/Cargo.toml"
    : >"$scratch/src/lib.rs"
    say "compiling Rust's std for $WASM_TARGET (about a minute, once)"
    (cd "$scratch" && quietly "std for $WASM_TARGET" env -u RUSTUP_TOOLCHAIN RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc \
        RUSTFLAGS=-Cembed-bitcode=yes CARGO_TARGET_DIR="$scratch/target" \
        /usr/bin/cargo build --release --target "$WASM_TARGET" -Zbuild-std=std,panic_abort,proc_macro)
    rm -f "$scratch/target/$WASM_TARGET/release/deps/libempty"*
    [ -w /usr/lib/rustlib ] || die "cannot write $DEBIAN_STD" "Run this script once as root: sudo $0"
    mkdir -p "$DEBIAN_STD"
    rm -f "$DEBIAN_STD"/*.rlib
    cp "$scratch/target/$WASM_TARGET/release/deps/"*.rlib "$DEBIAN_STD/"
    /usr/bin/rustc --version >"$DEBIAN_STD/.built-by"
    rm -rf "$scratch"
    rustup toolchain link "$DEBIAN_TOOLCHAIN" /usr
    # Objects made with an older std no longer link.
    rm -rf "$ROOT/target/$WASM_TARGET"
}

# install_tool CRATE VERSION BINARY: from the registry, lightly optimised (it compiles in half the time).
install_tool() {
    local into=$TOOLS/$1-$2
    [ -x "$into/bin/$3" ] && return
    say "compiling $1 $2 (two to four minutes, once)"
    quietly "cargo install $1" env CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off \
        CARGO_TARGET_DIR="$into/target" cargo install "$1" --version "$2" --locked --root "$into"
    rm -rf "$into/target"
}

have rustup || die "rustup is missing" "Install Rust from https://rustup.rs, then start again."
if target_ready; then
    done_ "Rust for $WASM_TARGET"
elif debian_ready; then
    done_ "Rust for $WASM_TARGET (Debian's)"
elif rustup target add "$WASM_TARGET" >/dev/null 2>&1 && rustup component add rust-src >/dev/null 2>&1 && target_ready; then
    done_ "Rust for $WASM_TARGET"
else
    say "rustup cannot fetch $WASM_TARGET and rust-src here; falling back to Debian's compiler"
    debian_build
    done_ "Rust for $WASM_TARGET (Debian's)"
fi
install_tool worker-build "$WORKER_BUILD_VERSION" worker-build
install_tool wasm-bindgen-cli "$WASM_BINDGEN_VERSION" wasm-bindgen
done_ "worker-build $WORKER_BUILD_VERSION, wasm-bindgen $WASM_BINDGEN_VERSION"
