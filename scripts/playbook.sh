#!/usr/bin/env bash
# The life of an order, step by step, on Redis and RabbitMQ: confirm, watch, cancel, retry, escalate; and what is on record after.
# Uses the installation that `make run-full` started, or starts one of its own on free ports and stops it.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
state=${TIFFIN_STATE:-$ROOT/.tiffin}
run='' scratch=$(mktemp -d "${TMPDIR:-/tmp}/tiffin-playbook.XXXXXX")
# What it set on the installation that it found, and takes back.
undo=()
cleanup() {
    local at
    for ((at = ${#undo[@]} - 1; at >= 0; at--)); do eval "${undo[at]}" >/dev/null 2>&1 || true; done
    [ -z "$run" ] || { kill -TERM "$run" 2>/dev/null && wait "$run" 2>/dev/null; } || true
    rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

"$ROOT/scripts/setup.sh" node >/dev/null
if [ ! -e "$state/dev.json" ]; then
    first=18850
    until port_is_free $first && port_is_free $((first + 1)) && port_is_free $((first + 2)) && port_is_free $((first + 4)); do
        first=$((first + 10))
    done
    state=$scratch/state
    EDGE_PORT=$first CORE_PORT=$((first + 1)) SANDBOX_PORT=$((first + 2)) TIFFIN_STATE=$state \
        "$ROOT/scripts/run.sh" "${PLAYBOOK_MODE:-full}" >"$scratch/run.log" 2>&1 &
    run=$!
    say "starting Tiffin (${PLAYBOOK_MODE:-full})"
    for _ in $(seq 1800); do
        [ -e "$state/dev.json" ] && break
        kill -0 $run 2>/dev/null || { tail -n 20 "$scratch/run.log" >&2; die "Tiffin did not start"; }
        sleep 0.2
    done
fi
set -a
. "$state/core.env"
. "$state/edge.env"
set +a

# pick EXPRESSION: of the JSON that comes in, which is `it` there.
pick() { "$NODE_BIN/node" -e 'let it = JSON.parse(require("fs").readFileSync(0, "utf8")); console.log('"$1"')'; }
# rows EXPRESSION CELL…: a table of the list that it is; each row is `row`.
rows() { pick "($1).map(row => '  ' + $2).join('\n')"; }
edge=$(pick it.edge <"$state/dev.json") inbox=$(pick it.sandbox <"$state/dev.json") TIFFIN_OPS_URL=$(pick it.core <"$state/dev.json")
export TIFFIN_OPS_URL TIFFIN_OPERATOR=${TIFFIN_OPERATOR:-playbook}
tiffin() { "${CARGO_TARGET_DIR:-$ROOT/target}/debug/tiffin" "$@"; }
# told COMMAND…: what a command says, as it says it.
told() {
    printf '\033[2m  $ %s\033[0m\n' "$*"
    "$@" 2>&1 | sed 's/^/  /' || true
}
step() { printf '\n\033[1m%s\033[0m\n\n' "$1"; }

# api METHOD PATH [BODY]: a call of the public API with the secret key.
api() {
    curl -sS -X "$1" "$edge$2" -H "Authorization: Bearer $key" -H 'Content-Type: application/json' \
        -H "Idempotency-Key: \"$(date +%s%N)\"" ${3:+-d "$3"}
}
fault() {
    curl -fsS -o /dev/null -X PUT "$inbox/faults/$1" -H 'Content-Type: application/json' -d "{\"mode\": \"$2\"}"
    say "$1 is told to misbehave: $2"
}
well() { for gateway in "$@"; do curl -fsS -o /dev/null -X PUT "$inbox/faults/$gateway" -H 'Content-Type: application/json' -d '{"mode": "ok"}'; done; }
# order PHONE: orders a code. Its id.
order() { api POST /v1/orders "{\"to\": {\"phone\": \"$1\"}, \"service\": \"login\"}" | pick it.id; }
# await ID CONDITION: until the order is so.
await() {
    for _ in $(seq 300); do
        [ "$(api GET "/v1/orders/$1" | pick "Boolean($2)")" = true ] && return
        sleep 0.1
    done
    die "the order did not come to: $2" "$(api GET "/v1/orders/$1")"
}
suffix=$(($(date +%s) % 100000))
phone() { printf '+49151%02d%06d' "$1" "$suffix"; }
# code_of PHONE: as its owner reads it.
code_of() { curl -fsS "$inbox/inbox?to=%2B${1#+}" | pick "JSON.stringify(it).match(/\b[0-9]{6}\b/)[0]"; }
# checks [CONDITION]: of a preflight; those of which the condition holds, or the refusal.
checks() {
    pick "it.checks ? it.checks.filter(row => ${1:-true}).map(row => '  ' + row.result.padEnd(5) + row.name.padEnd(16) + row.detail).join('\n') : '  ' + it.detail"
}
# preflight PHONE [MORE]
preflight() { api POST /v1/preflight "{\"to\": {\"phone\": \"$1\"}, \"service\": \"login\"${2:-}}"; }
# settle: once its orders hold nothing, what is left is taken out, for only then the tenant can go.
settle() {
    local left
    for _ in $(seq 50); do
        left=$(tiffin balance show "$shop" --json)
        [ "$(pick it.open_orders <<<"$left")" = 0 ] && break
        sleep 0.2
    done
    left=$(pick it.available_micros <<<"$left")
    [ "$left" = 0 ] || tiffin balance credit "$shop" --micros $((-left)) --reference "end of $shop"
}
money() { tiffin balance show "$shop" | sed 's/^/  /'; }

step "Before: a tenant of its own that pays, a price for each gateway, a key. By an operator, on record."
shop=playbook-$suffix
cat >"$scratch/tenant.toml" <<'TOML'
countries = "all"
[billing]
mode = "prepaid"
currency = "USD"
opening_micros = 1000000
[limits]
resend_after_ms = 5000
[services.login]
brand = "Playbook"
waiting_ms = 5000
channels = ["sms", "whatsapp", "voice"]
TOML
sed 's/^/  /' "$scratch/tenant.toml"
tiffin tenant put "$shop" --file "$scratch/tenant.toml" >/dev/null
undo+=('tiffin tenant remove "$shop" --version "$(tiffin tenant show "$shop" --json | pick it.version)"')
undo+=(settle)
for priced in twilio-sms:45000 vonage-sms:52000 whatsapp-cloud:31000 twilio-voice:70000; do
    tiffin route set "${priced%:*}" --price-micros "${priced#*:}" --json >"$scratch/route" ||
        die "${priced%:*} has settings of an operator, which stay as they are" "Play on an installation of your own: make playbook, with no other one running"
    undo+=("tiffin route unset ${priced%:*} --version $(pick it.version <"$scratch/route")")
done
made=$(tiffin key make --tenant "$shop" --service login --json)
key=$(pick it.key <<<"$made") key_id=$(pick it.id <<<"$made")
undo+=('tiffin key revoke "$key_id"')
undo+=('well twilio-sms vonage-sms whatsapp-cloud twilio-voice')
for _ in $(seq 300); do
    [ "$(preflight "$(phone 1)" | pick 'Boolean(it.quote)')" = true ] && break
    sleep 0.2
done
say "the front doors know them"
money

step "1. Confirm: what would come of an order, check by check, and what it would cost. Nothing is sent."
preflight "$(phone 1)" >"$scratch/preflight"
checks <"$scratch/preflight"
pick "it.quote.channels.map(row => '  ' + row.channel.padEnd(10) + row.total_micros / 1e6 + ' ' + it.quote.currency).join('\n')" <"$scratch/preflight"
pick "'  at most ' + it.quote.most_micros / 1e6 + ' ' + it.quote.currency + ' for an order that comes with this quote until ' + it.quote.valid_until" <"$scratch/preflight"
say "a number that cannot be, and a price below every route's:"
preflight +4915 | checks 'row.result != "pass"'
preflight "$(phone 1)" ', "max_price": {"amount_micros": 900, "currency": "USD"}' | checks 'row.result != "pass"'

step "2. Watch: each change as it happens, with what comes next and what to do."
id=$(order "$(phone 1)")
timeout 30 curl -sSN "$edge/v1/orders/$id/events" -H "Authorization: Bearer $key" >"$scratch/events" &
watcher=$!
await "$id" 'it.state == "delivered"'
api POST "/v1/orders/$id/verify" "{\"code\": \"$(code_of "$(phone 1)")\"}" >/dev/null
# The stream ends with the order.
wait $watcher || true
grep '^data:' "$scratch/events" | cut -c6- | while read -r event; do
    pick "'  ' + it.state.padEnd(10) + 'advice: ' + it.advice.do + ', ' + it.advice.because" <<<"$event"
done
money

step "3. Cancel: too early, open when what has left is overdue, open where nothing has left. And the money back."
fault twilio-sms queued
for gateway in vonage-sms whatsapp-cloud twilio-voice; do fault $gateway http_500; done
id=$(order "$(phone 2)")
await "$id" 'it.state == "sent"'
say "at once:"
api POST "/v1/orders/$id/cancel" | pick "'  ' + it.status + ' ' + it.code + ': ' + it.detail + ' until ' + it.cancel.until"
money
await "$id" 'it.cancel && it.cancel.window == "open"'
say "overdue:"
told tiffin order cancel "$id"
await "$id" 'it.attempts.every(row => row.recall != "asked")'
api GET "/v1/orders/$id" | rows it.attempts "row.n + '  ' + row.gateway.padEnd(16) + row.state.padEnd(8) + (row.reason || '').padEnd(16) + (row.recall || '')"
fault twilio-sms http_500
id=$(order "$(phone 3)")
await "$id" 'it.attempts.filter(row => row.state == "failed").length > 1'
say "another one, of which nothing has left:"
told tiffin order cancel "$id"
well vonage-sms whatsapp-cloud twilio-voice
money

step "4. Retry: only where something changes. Refusals say what would."
for gateway in twilio-sms vonage-sms; do fault $gateway reject; done
id=$(order "$(phone 4)")
await "$id" 'it.state == "delivered"'
told tiffin order retry "$id" --channel whatsapp --reason "the user saw nothing"
told tiffin order retry "$id" --channel voice --reason "the user saw nothing"
await "$id" 'Date.now() > Date.parse(it.resend_at)'
say "after the least gap between two messages:"
told tiffin order retry "$id" --channel voice --reason "the user saw nothing"
await "$id" 'it.attempts.some(row => row.channel == "voice")'
told tiffin order show "$id"
money

step "5. Escalate: with evidence that anyone can check."
told tiffin order evidence "$id" --out "$scratch/packet.json" --html "$scratch/packet.html"
told tiffin order evidence --verify "$scratch/packet.json"
sed 's/"changed":"/"changed":"not /' "$scratch/packet.json" >"$scratch/forged.json"
say "and with one word of it changed:"
told tiffin order evidence --verify "$scratch/forged.json"
tiffin escalation open --kind supplier_fallback --subject "text messages are refused" --text "Refused at once; WhatsApp delivers." --order "$id" --json >"$scratch/escalation"
escalation=$(pick it.id <"$scratch/escalation")
tiffin escalation assign "$escalation" asha >/dev/null
told tiffin escalation resolve "$escalation" "Their number was out of service; it is back."

step "On record: the books, who did what, and every closed order."
told tiffin balance entries "$shop"
tiffin audit | grep -F "$shop" | cut -c1-160 | sed 's/^/  /'
api POST "/v1/orders/$id/verify" "{\"code\": \"$(code_of "$(phone 4)")\"}" >/dev/null
for _ in $(seq 100); do
    tiffin export orders --tenant "$shop" --format csv >"$scratch/orders.csv" 2>/dev/null
    [ "$(wc -l <"$scratch/orders.csv")" -gt 4 ] && break
    sleep 0.1
done
<"$scratch/orders.csv" cut -d, -f2-9 | sed 's/^/  /'
printf '\n'
done_ "the five steps are played"
