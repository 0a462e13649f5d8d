#!/usr/bin/env bash
# walk.sh: the steps of docs/DEPLOYMENT.md, on the machine that boot.sh made. Each says what it saw; the first that is not so
# ends it.
set -euo pipefail
say() { printf '\033[2m·\033[0m %s\n' "$*"; }
ok() { printf '\033[32m✓\033[0m %s\n' "$*"; }
die() {
    printf '\033[31m✗ %s\033[0m\n' "$*" >&2
    tail -n 5 /run/*.log >&2 || true
    systemctl --no-pager --failed >&2 || true
    exit 1
}
# until_ SECONDS WHAT CMD…: looks until CMD succeeds.
until_() {
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $deadline ] || die "waited for: $what"
        sleep 0.2
    done
}
# same WHAT SEEN WANTED
same() { [ "$2" = "$3" ] || die "$1: $2, not $3"; }
# field NAME: of the JSON that comes in; the first one of that name.
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" | head -n 1; }

sandbox=http://127.0.0.1:8789
# call METHOD PATH [BODY]: the public API, with a key of its own for each call.
call() {
    curl -sS -X "$1" "http://127.0.0.1:8787$2" -H "Authorization: Bearer $TIFFIN_SECRET_KEY" -H 'Content-Type: application/json' \
        -H "Idempotency-Key: \"$(date +%s%N)\"" ${3:+-d "$3"}
}
order() { call POST /v1/orders "{\"to\": {\"phone\": \"$1\"}, \"service\": \"login\"}" | field id; }
messages() { curl -sS "$sandbox/inbox?to=%2B${1#+}"; }
has_message() { messages "$1" | grep -q '"text"'; }
code() { messages "$1" | field text | grep -o '[0-9]\{6\}' | head -n 1; }
state() { call GET "/v1/orders/$1" | field state; }
is() { [ "$(state "$1")" = "$2" ]; }
# delivered PHONE: orders a code, waits for it and verifies it.
delivered() {
    local id
    id=$(order "$1")
    [ -n "$id" ] || die "no order for $1"
    until_ 30 "a message to $1" has_message "$1"
    same "the code of $1" "$(call POST "/v1/orders/$id/verify" "{\"code\": \"$(code "$1")\"}" | field result)" verified
}

say "install: settings, keys, units"
install -d /etc/tiffin
install -m 0644 /mnt/tiffin.toml /etc/tiffin/
install -m 0600 /mnt/units/instances/*.env /etc/tiffin/
cd /etc/tiffin
# Without Cloudflare nobody hands over jobs by HTTP. And a hundred orders to numbers that differ little, most of them not
# verified, are what the guard is there to stop.
sed -i 's/^TIFFIN_ROLES=ingest,/TIFFIN_ROLES=/' core-*.env
echo TIFFIN_GUARD_MODE=record_only >>common.env
tiffin --config tiffin.toml keys make --dir /etc/tiffin --tenant dev >/dev/null
same "modes of the files with keys" "$(stat -c %a core.env edge.env clients.env | sort -u)" 600
set -a
. ./clients.env
. ./core.env
set +a
export TIFFIN_OPS_URL=http://127.0.0.1:8788

say "start: Debian's Redis and RabbitMQ, the sandbox, two of core, one public API"
chown redis:redis /var/lib/redis /var/log/redis
chown rabbitmq:rabbitmq /var/lib/rabbitmq /var/log/rabbitmq
systemctl start redis-server rabbitmq-server tiffin-sandbox
same "Redis: noeviction, append-only" "$(redis-cli config get 'maxmemory-policy' | tail -n 1) $(redis-cli config get appendonly | tail -n 1)" "noeviction yes"
began=$(date +%s%N)
systemctl start tiffin-core@1 tiffin-core@2 tiffin-public@1
ok "ready $((($(date +%s%N) - began) / 1000000)) ms after systemctl start, as each told systemd"
same "tiffin check-config" "$(set -a && . ./common.env && . ./edge.env && tiffin --config tiffin.toml check-config >/run/check.log 2>&1 && echo ok)" ok

say "the process"
pid=$(systemctl show -p MainPID --value tiffin-core@1)
public=$(systemctl show -p MainPID --value tiffin-public@1)
same "NoNewPrivs" "$(awk '/^NoNewPrivs/ {print $2}' "/proc/$pid/status")" 1
same "capabilities" "$(awk '/^CapEff/ {print $2}' "/proc/$pid/status")" 0000000000000000
same "seccomp" "$(awk '/^Seccomp:/ {print $2}' "/proc/$pid/status")" 2
[ "$(awk '/^Uid/ {print $2}' "/proc/$pid/status")" != 0 ] || die "it runs as root"
same "core files" "$(awk '/core file size/ {print $5}' "/proc/$pid/limits")" 0
# Where the machine's own limit is lower, that.
hard=$(ulimit -H -n)
same "open files" "$(awk '/open files/ {print $4}' "/proc/$pid/limits")" $((hard < 32768 ? hard : 32768))
tr '\0' '\n' <"/proc/$pid/environ" | grep -q '^TIFFIN_PEPPERS=' && die "core has the edge's peppers"
tr '\0' '\n' <"/proc/$public/environ" | grep -Eq '^TIFFIN_(SEAL_KEYS|OPERATOR_TOKEN)=' && die "the public API can open jobs, or be an operator"
ok "user $(stat -c %u "/proc/$pid"), no capability, seccomp, no core file; peppers and sealing keys are apart"

delivered +4915112345601
ok "an order is delivered and verified"

say "kill -9 of a core process"
kill -KILL "$pid"
until_ 30 "another process" bash -c "p=\$(systemctl show -p MainPID --value tiffin-core@1); [ \$p != 0 ] && [ \$p != $pid ] && systemctl is-active -q tiffin-core@1"
delivered +4915112345602
ok "systemd started another one, and orders go on"

say "a rolling restart under orders"
(for n in $(seq 10 39); do order "+49151123457$n" >/dev/null || echo lost; done >/run/orders) &
load=$!
began=$(date +%s%N)
systemctl restart tiffin-core@1 && systemctl restart tiffin-core@2
took=$((($(date +%s%N) - began) / 1000000))
wait $load
for n in $(seq 10 39); do until_ 60 "a message to …57$n" has_message "+49151123457$n"; done
same "orders that were not taken" "$(cat /run/orders)" ""
same "messages" "$(curl -sS "$sandbox/inbox" | grep -o '+49151123457' | wc -l)" 30
ok "two processes restarted in $took ms; 30 of 30 orders delivered, each once"

say "a gateway breaks"
curl -fsS -o /dev/null -X PUT "$sandbox/faults/twilio-sms" -H 'Content-Type: application/json' -d '{"mode": "http_500"}'
for n in $(seq 40 69); do order "+49151123457$n" >/dev/null; done
for n in $(seq 40 69); do until_ 60 "a message to …57$n by another way" has_message "+49151123457$n"; done
id=$(order +4915112345770)
until_ 60 "a message" has_message +4915112345770
tiffin order show "$id" >/run/order.txt
tiffin route list >/run/routes.txt
tiffin top --once >/run/top.txt
grep -q "twilio-sms" /run/top.txt || die "tiffin top does not name the gateway: $(cat /run/top.txt)"
grep "twilio-sms" /run/routes.txt | grep -qi "open" || die "no breaker is open: $(cat /run/routes.txt)"
sed 's/^/  /' /run/top.txt /run/routes.txt
say "it is settled: a person keeps it out, the supplier mends it, it is released"
tiffin route open twilio-sms >/dev/null
curl -fsS -o /dev/null -X PUT "$sandbox/faults/twilio-sms" -H 'Content-Type: application/json' -d '{"mode": "ok"}'
tiffin route release twilio-sms >/dev/null
is_closed() { tiffin route list | grep 'twilio-sms' | grep -qi 'closed'; }
for n in $(seq 71 99); do
    is_closed && break
    order "+49151123457$n" >/dev/null
    sleep 2
done
is_closed || die "its breaker did not close: $(tiffin route list)"
ok "found by tiffin top and tiffin route list, and settled: its breaker is closed again"

say "backup, loss and restore"
tiffin tenant list >/run/tenants.before
key=$(tiffin key make --tenant dev | grep -o 'sk_[A-Za-z0-9_-]*' | head -n 1)
[ -n "$key" ] || die "no key was made"
open=$(order +4915112345603)
until_ 30 "a message" has_message +4915112345603
install -d -m 0700 /var/backup
redis-cli --rdb /var/backup/tiffin.rdb >/dev/null
tar -C /etc -czf /var/backup/etc-tiffin.tar.gz tiffin
after=$(order +4915112345604)
until_ 30 "a message" has_message +4915112345604
systemctl stop tiffin.target tiffin-core@1 tiffin-core@2 tiffin-public@1 redis-server
rm -rf /var/lib/redis/* /etc/tiffin
# Redis with an append-only file reads nothing else: the copy is read without, and becomes the file.
tar -C /etc -xzf /var/backup/etc-tiffin.tar.gz
install -o redis -g redis -m 0640 /var/backup/tiffin.rdb /var/lib/redis/dump.rdb
(cd /var/lib/redis && exec setpriv --reuid redis --regid redis --clear-groups redis-server --port 6379 --bind 127.0.0.1 \
    --dir /var/lib/redis --appendonly no --save '' --daemonize yes --pidfile /var/lib/redis/restore.pid >/dev/null)
until_ 30 "Redis with the copy" redis-cli ping
redis-cli config set appendonly yes >/dev/null
until_ 60 "its append-only file" bash -c "redis-cli info persistence | grep -q 'aof_rewrite_in_progress:0' && redis-cli info persistence | grep -q 'aof_last_bgrewrite_status:ok' && [ -e /var/lib/redis/appendonlydir/appendonly.aof.manifest ]"
keys=$(redis-cli dbsize)
redis-cli shutdown nosave >/dev/null 2>&1 || true
until_ 10 "Redis's end" bash -c '! redis-cli ping'
systemctl start redis-server
same "keys after the restore" "$(redis-cli dbsize)" "$keys"
systemctl start tiffin-core@1 tiffin-core@2 tiffin-public@1
same "an order of before the backup" "$(call POST "/v1/orders/$open/verify" "{\"code\": \"$(code +4915112345603)\"}" | field result)" verified
same "an order of after the backup" "$(call GET "/v1/orders/$after" | field code)" not_found
tiffin tenant list >/run/tenants.after
cmp /run/tenants.before /run/tenants.after || die "tenants differ"
TIFFIN_SECRET_KEY=$key delivered +4915112345605
tiffin audit >/run/audit.txt
grep -q 'key' /run/audit.txt || die "the audit forgot the key"
ok "orders, ledgers, keys and the audit of before the backup are there ($keys keys); what came after it is not"

say "a stop"
began=$(date +%s%N)
systemctl stop tiffin-core@1 tiffin-core@2 tiffin-public@1
took=$((($(date +%s%N) - began) / 1000000))
same "how core ended" "$(systemctl show -p Result --value tiffin-core@1)" success
ok "all of it stopped in $took ms"
