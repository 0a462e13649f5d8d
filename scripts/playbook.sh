#!/usr/bin/env bash
# The life of an order, step by step, on Redis and RabbitMQ: confirm, watch, cancel, retry, escalate; and what is on record after.
# Uses the installation that `make run-full` started, or starts one of its own on free ports and stops it.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
state=${TIFFIN_STATE:-$ROOT/.tiffin}
run='' scratch=$(mktemp -d "${TMPDIR:-/tmp}/tiffin-playbook.XXXXXX")
cleanup() {
    [ -z "$run" ] || { kill -TERM "$run" 2>/dev/null && wait "$run" 2>/dev/null; } || true
    rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

if [ ! -e "$state/dev.json" ]; then
    first=18850
    until port_is_free $first && port_is_free $((first + 1)) && port_is_free $((first + 2)) && port_is_free $((first + 4)); do
        first=$((first + 10))
    done
    state=$scratch/state
    EDGE_PORT=$first CORE_PORT=$((first + 1)) SANDBOX_PORT=$((first + 2)) TIFFIN_STATE=$state \
        "$ROOT/scripts/run.sh" "${PLAYBOOK_MODE:-full}" >"$scratch/run.log" 2>&1 &
    run=$!
    say "starting Tiffin on Redis and RabbitMQ"
    for _ in $(seq 1800); do
        [ -e "$state/dev.json" ] && break
        kill -0 $run 2>/dev/null || { tail -n 20 "$scratch/run.log" >&2; die "Tiffin did not start"; }
        sleep 0.2
    done
fi
set -a
. "$state/core.env"
. "$state/clients.env"
set +a

# field NAME: of the JSON that comes in; the first one of that name.
field() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" | head -n 1; }
edge=$(field edge <"$state/dev.json") inbox=$(field sandbox <"$state/dev.json") TIFFIN_OPS_URL=$(field core <"$state/dev.json")
export TIFFIN_OPS_URL
tiffin() { "${CARGO_TARGET_DIR:-$ROOT/target}/debug/tiffin" "$@"; }

# api METHOD PATH [BODY]: a call of the public API with the secret key.
api() {
    curl -sS -X "$1" "$edge$2" -H "Authorization: Bearer $TIFFIN_SECRET_KEY" -H 'Content-Type: application/json' \
        -H "Idempotency-Key: \"$(date +%s%N)\"" ${3:+-d "$3"}
}
fault() {
    curl -fsS -o /dev/null -X PUT "$inbox/faults/$1" -H 'Content-Type: application/json' -d "{\"mode\": \"$2\"}"
    say "$1 is told to misbehave: $2"
}
step() { printf '\n\033[1m%s\033[0m\n\n' "$1"; }
# shown: JSON as a person reads it.
shown() { python3 -m json.tool --no-ensure-ascii 2>/dev/null | sed 's/^/  /' || cat; }
# order PHONE: orders a code. Its id.
order() { api POST /v1/orders "{\"to\": {\"phone\": \"$1\"}, \"service\": \"login\"}" | field id; }
# await ID STATE
await() {
    for _ in $(seq 300); do
        api GET "/v1/orders/$1" | grep -q "\"state\":\"$2\"" && return
        sleep 0.1
    done
    die "the order did not become $2" "$(api GET "/v1/orders/$1")"
}
suffix=$(($(date +%s) % 100000))
phone() { printf '+49151%02d%06d' "$1" "$suffix"; }

step "1. Confirm: what an order would come to, check by check. Nothing is sent."
api POST /v1/preflight "{\"to\": {\"phone\": \"$(phone 1)\"}, \"service\": \"login\"}" | shown

step "2. Watch: each change as it happens, with what comes next and what to do."
id=$(order "$(phone 1)")
timeout 20 curl -sSN "$edge/v1/orders/$id/events" -H "Authorization: Bearer $TIFFIN_SECRET_KEY" >"$scratch/events" &
await "$id" delivered
code=$(curl -fsS "$inbox/inbox?to=%2B$(phone 1 | tr -d +)" | field text | grep -o '[0-9]\{6\}' | head -n 1)
api POST "/v1/orders/$id/verify" "{\"code\": \"$code\"}" >/dev/null
await "$id" verified
sleep 1
grep '^data:' "$scratch/events" | sed -n 's/.*"state":"\([a-z]*\)".*"advice":{\([^}]*\)}.*/  \1  \2/p'

step "3. Cancel: too early while a message is on its way, open where nothing has left."
fault twilio-sms queued
id=$(order "$(phone 2)")
await "$id" sent
api POST "/v1/orders/$id/cancel" | shown
for gateway in twilio-sms vonage-sms whatsapp-cloud twilio-voice; do fault $gateway http_500; done
id=$(order "$(phone 3)")
sleep 2
tiffin order cancel "$id" | sed 's/^/  /'
tiffin order show "$id" | sed 's/^/  /'
for gateway in vonage-sms whatsapp-cloud twilio-voice; do fault $gateway ok; done

step "4. Retry: only where something changes. Refusals say what would."
fault twilio-sms reject
id=$(order "$(phone 4)")
await "$id" delivered
tiffin order retry "$id" --channel sms --reason "the user saw nothing" 2>&1 | sed 's/^/  /' || true
for _ in $(seq 40); do
    tiffin order retry "$id" --channel whatsapp --reason "the user saw nothing" >"$scratch/retry" 2>&1 && break
    sleep 1
done
sed 's/^/  /' "$scratch/retry"
tiffin order show "$id" | sed 's/^/  /'

step "5. Escalate: with evidence that anyone can check."
tiffin order evidence "$id" --out "$scratch/packet.json" | sed 's/^/  /'
tiffin order evidence --verify "$scratch/packet.json" | sed 's/^/  /'
sed 's/"changed":"/"changed":"not /' "$scratch/packet.json" >"$scratch/forged.json"
say "and with one word of it changed:"
tiffin order evidence --verify "$scratch/forged.json" 2>&1 | sed 's/^/  /' || true
tiffin escalation open --kind supplier_fallback --subject "twilio-sms rejects" --text "Refused at once; the other account delivers." --order "$id" | sed 's/^/  /'
tiffin escalation list | sed 's/^/  /'

step "On record: who did what, and every closed order."
tiffin audit | tail -n 8 | sed 's/^/  /'
tiffin export orders --format csv 2>/dev/null | head -n 4 | cut -c1-200 | sed 's/^/  /'
fault twilio-sms ok
printf '\n'
done_ "the five steps are played"
