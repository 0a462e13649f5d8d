#!/usr/bin/env bash
# Failover, shown: every SMS provider fails, and the code arrives by WhatsApp; then WhatsApp goes dark too, and a call reads it.
# Starts an installation of its own on free ports, in a temporary folder, and stops it.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
first=18800
until port_is_free $first && port_is_free $((first + 1)) && port_is_free $((first + 2)) && port_is_free $((first + 4)); do
    first=$((first + 10))
done
state=$(mktemp -d "${TMPDIR:-/tmp}/tiffin-demo.XXXXXX")
cleanup() {
    [ -z "${run:-}" ] || { kill -TERM "$run" 2>/dev/null && wait "$run" 2>/dev/null; } || true
    rm -rf "$state"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

EDGE_PORT=$first CORE_PORT=$((first + 1)) SANDBOX_PORT=$((first + 2)) TIFFIN_STATE=$state \
    "$ROOT/scripts/run.sh" standalone >"$state.log" 2>&1 &
run=$!
say "starting Tiffin"
for _ in $(seq 1800); do
    [ -e "$state/dev.json" ] && break
    kill -0 $run 2>/dev/null || { tail -n 20 "$state.log" >&2; die "Tiffin did not start" "The whole output is in $state.log"; }
    sleep 0.2
done
rm -f "$state.log"
set -a
. "$state/core.env"
. "$state/clients.env"
set +a
edge=http://127.0.0.1:$first inbox=http://127.0.0.1:$((first + 2))
export TIFFIN_OPS_URL=http://127.0.0.1:$((first + 1))
done_ "Tiffin is up; its inbox: $inbox"

# fault GATEWAY MODE
fault() {
    curl -fsS -o /dev/null -X PUT "$inbox/faults/$1" -H 'Content-Type: application/json' -d "{\"mode\": \"$2\"}"
    say "$1 is told to misbehave: $2"
}

# field NAME: of the JSON that comes in; the first one of that name.
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" | head -n 1; }

# How long a message usually takes, by the settings: what failover has to keep to.
WINDOW_MS=12000

# order PHONE CHANNEL: orders a code, waits for it, and prints the order's timeline.
order() {
    local phone=$1 channel=$2 id said began took_ms text
    began=$(date +%s%N)
    id=$(curl -fsS "$edge/v1/orders" -H 'Content-Type: application/json' -H "Authorization: Bearer $TIFFIN_SECRET_KEY" \
        -H "Idempotency-Key: \"$began\"" -d "{\"to\": {\"phone\": \"$phone\"}, \"service\": \"login\"}" | field id)
    for _ in $(seq 150); do
        said=$(curl -fsS "$inbox/inbox?to=%2B${phone#+}")
        [ "$(field channel <<<"$said")" = "$channel" ] && break
        sleep 0.1
    done
    text=$(field text <<<"$said")
    [ "$(field channel <<<"$said")" = "$channel" ] || die "nothing came by $channel" "The inbox: $said"
    took_ms=$((($(date +%s%N) - began) / 1000000))
    [ $took_ms -le $WINDOW_MS ] || die "it came by $channel after $took_ms ms: the window is $WINDOW_MS ms"
    printf '\n  after %d ms, by %s:  %s\n\n' "$took_ms" "$channel" "$text"
    # Its receipt follows within a second.
    for _ in $(seq 50); do
        curl -fsS "$edge/v1/orders/$id" -H "Authorization: Bearer $TIFFIN_SECRET_KEY" | grep -q '"state":"delivered"' && break
        sleep 0.1
    done
    "${CARGO_TARGET_DIR:-$ROOT/target}/debug/tiffin" order show "$id" | sed 's/^/  /'
    printf '\n'
}

printf '\n'
fault twilio-sms http_500
fault vonage-sms http_500
order "+4915112345678" whatsapp
fault whatsapp-cloud reject
order "+4915112345679" voice
done_ "every timeline says what was tried, what came of it, and what changed"
