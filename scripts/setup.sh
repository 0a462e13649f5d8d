#!/usr/bin/env bash
# setup.sh WHAT…: rust, wasm, node, servers, browser, or all.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
[ "${1:-all}" = all ] && set -- rust node wasm servers browser python
for what in "$@"; do
    [ -x "$ROOT/scripts/setup/$what.sh" ] || die "setup.sh: unknown: $what" "One of: rust, node, wasm, servers, browser, python, all."
    "$ROOT/scripts/setup/$what.sh"
done
