#!/usr/bin/env bash
# Node 24, wrangler and the wasm tools of npm, into edge/node_modules. The system's Node is only used to run npm.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

stamp=$ROOT/edge/node_modules/.tiffin-lock
if cmp -s "$ROOT/edge/package-lock.json" "$stamp" && "$NODE_BIN/node" --version >/dev/null 2>&1; then
    done_ "Node $("$NODE_BIN/node" --version), wrangler"
    exit
fi
have npm || apt_install npm
say "installing Node 24, wrangler, esbuild and binaryen from npm (about 500 MB, once)"
# Not `npm ci`: it refuses a lock file without the binaries of platforms that the registry at hand does not carry.
(cd "$ROOT/edge" && quietly "npm install" npm install --no-save)
"$NODE_BIN/node" --version >/dev/null 2>&1 || die "npm did not install a working Node" "Remove edge/node_modules and start again."
cp "$ROOT/edge/package-lock.json" "$stamp"
done_ "Node $("$NODE_BIN/node" --version), wrangler"
