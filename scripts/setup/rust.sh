#!/usr/bin/env bash
# Rust and a C compiler for the native parts.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
have cargo || die "cargo is missing" "Install Rust from https://rustup.rs, then start again."
have cc || apt_install gcc libc6-dev
have curl || apt_install curl ca-certificates
(cd "$ROOT" && cargo --version >/dev/null 2>&1) || die "the toolchain of rust-toolchain.toml is not to be had" \
    "Try: rustup toolchain install $(sed -n 's/^channel = "\(.*\)"/\1/p' "$ROOT/rust-toolchain.toml")"
done_ "$(cd "$ROOT" && cargo --version)"
