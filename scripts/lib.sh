# Shared by every script: where things are, how to speak, how to fail.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Tools outlive a clone: a second checkout finds them here.
TOOLS=${TIFFIN_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/tiffin/tools}
NODE_BIN=$ROOT/edge/node_modules/.bin
WASM_TARGET=wasm32-unknown-unknown
# shellcheck source=scripts/versions.sh
. "$ROOT/scripts/versions.sh"

say() { printf '\033[2m·\033[0m %s\n' "$*"; }
done_() { printf '\033[32m✓\033[0m %s\n' "$*"; }
die() {
    printf '\033[31m✗ %s\033[0m\n' "$1" >&2
    shift
    for line in "$@"; do printf '  %s\n' "$line" >&2; done
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# quietly LABEL CMD…: runs CMD with its output in a log file, shown only when it fails.
quietly() {
    local label=$1 log
    shift
    log=$(mktemp "${TMPDIR:-/tmp}/tiffin-setup.XXXXXX")
    if ! "$@" >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        die "$label failed: $*" "The whole output is in $log"
    fi
    rm -f "$log"
}

# apt_install PACKAGE…: Debian packages, as root or through sudo; says what to type where neither is to be had.
apt_install() {
    local as_root=()
    if [ "$(id -u)" != 0 ]; then
        if have sudo && sudo -n true 2>/dev/null; then as_root=(sudo -n)
        else die "missing Debian packages: $*" "Install them once as root, then start again:" "  sudo apt-get install --no-install-recommends $*"; fi
    fi
    have apt-get || die "missing: $*" "This system has no apt-get: install these with your package manager, then start again."
    say "installing Debian packages: $*"
    local install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@")
    "${install[@]}" >/dev/null 2>&1 && return
    quietly "apt-get update" "${as_root[@]}" apt-get update
    quietly "apt-get install" "${install[@]}"
}
