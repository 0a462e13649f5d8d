#!/usr/bin/env bash
# Builds the edge's wasm into edge/build/, and skips the work when no source is newer. `wrangler` calls this too.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$ROOT/scripts/edge-env.sh"

stamp=$ROOT/edge/build/.stamp
sources=("$ROOT/edge/src" "$ROOT/shared/src" "$ROOT/edge/Cargo.toml" "$ROOT/shared/Cargo.toml" "$ROOT/Cargo.toml"
    "$ROOT/Cargo.lock" "$ROOT/scripts/versions.sh")
if [ -e "$stamp" ] && [ -z "$(find "${sources[@]}" -type f -newer "$stamp" -print -quit)" ]; then
    done_ "edge wasm (unchanged)"
    exit
fi
say "building the edge's wasm"
started=$(mktemp)
(cd "$ROOT/edge" && quietly "worker-build" worker-build --profile edge)
touch -r "$started" "$stamp"
rm -f "$started"
done_ "edge wasm: $(gzip -9c "$ROOT"/edge/build/*.wasm | wc -c | awk '{printf "%.0f KB gzipped", $1 / 1000}')"
