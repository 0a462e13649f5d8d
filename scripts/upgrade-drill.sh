#!/usr/bin/env bash
# upgrade-drill.sh [BASE_REV] [edge|standalone] [workers|fronts]: runs an installation of BASE_REV (default: HEAD~1) on Redis
# and RabbitMQ of its own under load, replaces it process by process with what is checked out, and counts what became of every
# order. Fails when one is lost. `edge` has workerd in front, `standalone` two processes of the public API; `workers` (the
# default) or `fronts` says which of those are replaced first. Versions are built once, into target/upgrade/.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

base=${1:-HEAD~1} front=${2:-edge} first=${3:-}
target=${CARGO_TARGET_DIR:-$ROOT/target}
export CARGO_TARGET_DIR=$target
cd "$ROOT"
"$ROOT/scripts/setup.sh" rust servers
[ "$front" = standalone ] || "$ROOT/scripts/setup.sh" node wasm

# keep ROOT FOLDER: builds the version whose sources stand in ROOT, and keeps what runs.
keep() {
    local sources=$1 folder=$2
    mkdir -p "$folder/edge"
    say "building $folder"
    (cd "$sources" && cargo build --quiet --bin tiffin)
    # The next build replaces it.
    cp "$target/debug/tiffin" "$folder/tiffin.new" && mv "$folder/tiffin.new" "$folder/tiffin"
    cp "$sources/tests/settings.toml" "$folder/settings.toml"
    [ "$front" = standalone ] || "$sources/scripts/build-edge.sh"
    [ "$front" = standalone ] || cp "$sources/edge/build/index.js" "$sources/edge/build/index_bg.wasm" "$folder/edge/"
}

# forget: cargo knows a crate by its place in its workspace, and would take one version's for the other's.
forget() {
    cargo clean --quiet -p tiffin-shared -p tiffin-core -p tiffin-tests
    [ "$front" = standalone ] || cargo clean --quiet --profile edge --target "$WASM_TARGET" -p tiffin-shared -p tiffin-edge
}

revision=$(git rev-parse --verify --short=10 "$base^{commit}") || die "no such commit: $base"
folder=$target/upgrade/$revision
if [ ! -x "$folder/tiffin" ] || { [ "$front" = edge ] && [ ! -e "$folder/edge/index.js" ]; }; then
    git worktree prune
    [ -d "$folder/src" ] || git worktree add --force --detach "$folder/src" "$revision" >/dev/null 2>&1
    if [ "$front" = edge ]; then
        "$ROOT/scripts/setup.sh" node
        ln -sfn "$ROOT/edge/node_modules" "$folder/src/edge/node_modules"
    fi
    forget
    keep "$folder/src" "$folder"
    git worktree remove --force "$folder/src"
    forget
fi
keep "$ROOT" "$target/upgrade/head"
cargo build --quiet -p tiffin-tests --bin upgrade
say "from $revision to $(git describe --always --dirty --abbrev=10), front: $front ${first:+, $first first}"
exec "$target/debug/upgrade" "$folder" "$target/upgrade/head" "$front" ${first:+"$first"}
