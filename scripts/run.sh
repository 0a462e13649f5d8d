#!/usr/bin/env bash
# run.sh edge|full|standalone: starts everything, prints where it is, stops all of it on Ctrl-C.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

mode=${1:-edge}
# Keys, logs and data; another folder lets a second installation run beside the first.
state=${TIFFIN_STATE:-$ROOT/.tiffin}
edge_port=${EDGE_PORT:-8787} core_port=${CORE_PORT:-8788} sandbox_port=${SANDBOX_PORT:-8789}
READY_SECONDS=90
pids=()

cleanup() {
    trap - EXIT INT TERM HUP
    rm -f "$state/dev.json" "$state"/*.pid
    for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    [ "${1:-}" = failed ] || { printf '\n' && done_ "stopped"; }
}
trap 'cleanup; exit 0' INT TERM HUP
trap 'cleanup failed' EXIT

# supervise NAME CMD…: runs CMD with its output in .tiffin/NAME.log, again a second after it dies.
supervise() {
    local name=$1
    shift
    (
        trap 'kill -TERM "$child" 2>/dev/null; wait "$child" 2>/dev/null; exit 0' TERM INT HUP
        while true; do
            "$@" >>"$state/$name.log" 2>&1 &
            child=$!
            echo "$child" >"$state/$name.pid"
            [ -e "$state/dev.json" ] && write_dev_json
            { wait "$child" || true; } 2>/dev/null
            say "$name ended; starting it again"
            sleep 1 &
            wait $!
        done
    ) &
    pids+=($!)
}

# The process itself, not its supervisor: what a person would kill.
pids_of() {
    local pid
    pid=$(cat "$state/$1.pid" 2>/dev/null) && printf '[%s]' "$pid" || printf '[]'
}

write_dev_json() {
    local edge core sandbox fresh=$state/dev.json.$BASHPID
    if [ "$mode" = standalone ]; then edge=$(pids_of core) core=$edge sandbox=$edge
    else edge=$(pids_of edge) core=$(pids_of core) sandbox=$(pids_of sandbox); fi
    (umask 077 && cat >"$fresh") <<JSON
{"edge": "http://127.0.0.1:$edge_port", "core": "http://127.0.0.1:$core_port", "sandbox": "http://127.0.0.1:$sandbox_port",
 "secret_key": "$TIFFIN_SECRET_KEY", "publishable_key": "$TIFFIN_PUBLISHABLE_KEY", "operator_token": "$TIFFIN_OPERATOR_TOKEN",
 "pids": {"core": $core, "edge": $edge, "sandbox": $sandbox}}
JSON
    mv "$fresh" "$state/dev.json"
}

# await NAME URL: until it answers, or says where to look when it does not.
await() {
    local deadline=$((SECONDS + READY_SECONDS))
    until curl -fsS -o /dev/null --max-time 2 "$2" 2>/dev/null; do
        if [ $SECONDS -ge $deadline ]; then
            tail -n 15 "$state/$1.log" >&2 || true
            die "$1 did not answer at $2" "Its log: $state/$1.log"
        fi
        sleep 0.1
    done
}

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

"$ROOT/scripts/setup.sh" rust
[ "$mode" = standalone ] || "$ROOT/scripts/setup.sh" node wasm
for port in "$edge_port" "$core_port" "$sandbox_port" $((sandbox_port + 2)); do
    port_is_free "$port" || die "port $port is in use" "Is Tiffin running already? Choose others: EDGE_PORT=… CORE_PORT=… SANDBOX_PORT=… make run"
done

say "building core"
(cd "$ROOT" && cargo build --quiet --bin tiffin)
done_ "core"
[ "$mode" = standalone ] || "$ROOT/scripts/build-edge.sh"

tiffin=${CARGO_TARGET_DIR:-$ROOT/target}/debug/tiffin
(umask 077 && mkdir -p "$state")
rm -f "$state"/*.log "$state"/*.pid "$state/dev.json"
cd "$ROOT"
# Keys that an older version made stay as they are, and get the rings that are new since.
"$tiffin" keys make --missing --dir "$state"
export TIFFIN_SERVER_LISTEN=127.0.0.1:$core_port TIFFIN_SERVER_PUBLIC_LISTEN=127.0.0.1:$edge_port
export TIFFIN_SERVER_PUBLIC_URL=http://127.0.0.1:$core_port TIFFIN_SERVER_EDGE_URL=http://127.0.0.1:$edge_port
export TIFFIN_SANDBOX_LISTEN=127.0.0.1:$sandbox_port
# Beside the page: the SMSC and the mail server that the sandbox plays.
export TIFFIN_SANDBOX_SMPP_LISTEN=127.0.0.1:$((sandbox_port + 1)) TIFFIN_SANDBOX_SMTP_LISTEN=127.0.0.1:$((sandbox_port + 2))
set -a
. "$state/core.env"
. "$state/clients.env"
set +a

if [ "$mode" = full ]; then
    [ -n "${REDIS_URL:-}" ] && [ -n "${AMQP_URL:-}" ] || "$ROOT/scripts/setup.sh" servers
    if [ -z "${REDIS_URL:-}" ]; then
        supervise redis "$ROOT/scripts/serve/redis.sh" "$state/redis" 18790
        export REDIS_URL=redis://127.0.0.1:18790
    fi
    if [ -z "${AMQP_URL:-}" ]; then
        supervise rabbitmq "$ROOT/scripts/serve/rabbitmq.sh" "$state/rabbitmq" 18791
        export AMQP_URL=amqp://127.0.0.1:18791
        say "starting RabbitMQ"
        for _ in $(seq 300); do
            port_is_free 18791 || break
            sleep 0.2
        done
    fi
else
    unset REDIS_URL AMQP_URL
fi

if [ "$mode" = standalone ]; then
    set -a
    . "$state/edge.env"
    set +a
    supervise core "$tiffin" dev
else
    supervise sandbox "$tiffin" sandbox
    supervise core "$tiffin" serve
    { cat "$state/edge.env" && "$tiffin" edge-env; } >"$state/wrangler.env"
    . "$ROOT/scripts/edge-env.sh"
    WRANGLER_SEND_METRICS=false supervise edge "$NODE_BIN/node" "$ROOT/edge/node_modules/wrangler/bin/wrangler.js" dev \
        --ip 127.0.0.1 --port "$edge_port" --env-file "$state/wrangler.env" --persist-to "$state/wrangler" \
        --inspector-port 0 --show-interactive-dev-session=false
fi
await core "http://127.0.0.1:$core_port/readyz"
[ "$mode" = standalone ] || await sandbox "http://127.0.0.1:$sandbox_port/healthz"
[ "$mode" = standalone ] || await edge "http://127.0.0.1:$edge_port/readyz"
write_dev_json

bold=$(tput bold 2>/dev/null || true) plain=$(tput sgr0 2>/dev/null || true)
cat <<READY

  ${bold}Tiffin is up.${plain}  Ctrl-C stops all of it.

  Public API   http://127.0.0.1:$edge_port
  Inbox        ${bold}http://127.0.0.1:$sandbox_port${plain}   where the codes arrive
  Console      ${bold}http://127.0.0.1:$core_port/console/${plain}   for operators; the token stands in ${state#"$ROOT"/}/core.env
  Core         http://127.0.0.1:$core_port/readyz
  Logs, keys   ${state#"$ROOT"/}/

  Send your first code, from another terminal:

curl -sS http://127.0.0.1:$edge_port/v1/orders -H 'Content-Type: application/json' \\
  -H 'Authorization: Bearer $TIFFIN_SECRET_KEY' -H "Idempotency-Key: \\"\$(date +%s%N)\\"" \\
  -d '{"to": {"phone": "+919876543210"}, "service": "login"}'

READY
if [ -t 1 ]; then wait; else while true; do wait; sleep 1; done; fi
