#!/usr/bin/env bash
# redis-failover-drill.sh: three Redis with Sentinels behind HAProxy, as ops/container/ starts them, on addresses of one network
# name space; core with its queue in memory in front; the primary is killed under orders, and comes back. Prints how long orders
# waited, and how many phones got two messages: what the primary had not passed on yet was forgotten. Fails when one got none.
# As root, with the packages redis-server and haproxy.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [ "${1:-}" != inside ]; then
    [ "$(id -u)" = 0 ] || die "a network of its own wants root"
    have haproxy || apt_install haproxy
    "$ROOT/scripts/setup.sh" rust servers
    (cd "$ROOT" && cargo build --quiet --bin tiffin)
    work=$(mktemp -d "${TMPDIR:-/tmp}/tiffin-failover.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    # Whatever runs inside ends with its first process.
    unshare --fork --kill-child --pid --mount --net --mount-proc "${BASH_SOURCE[0]}" inside "$work" </dev/null
    exit
fi

work=$2
program=${CARGO_TARGET_DIR:-$ROOT/target}/debug/tiffin
ip link set lo up
export NODE_1=127.0.0.1 NODE_2=127.0.0.2 NODE_3=127.0.0.3 REDIS_PASSWORD=drill
# redis N: starts the one at 127.0.0.N, again with the data it had.
redis() {
    NODE=$1 SELF=127.0.0.$1 BIND=127.0.0.$1 DATA=$work/redis-$1 "$ROOT/ops/container/redis.sh" >>"$work/redis-$1.log" 2>&1 &
    pids[$1]=$!
}
ask() { redis-cli -a $REDIS_PASSWORD --no-auth-warning -h "$1" -p "$2" info replication; }
declare -A pids
for n in 1 2 3; do
    mkdir "$work/redis-$n" "$work/sentinel-$n"
    redis $n
    SELF=127.0.0.$n BIND=127.0.0.$n DATA=$work/sentinel-$n "$ROOT/ops/container/sentinel.sh" >"$work/sentinel-$n.log" 2>&1 &
done
haproxy -f "$ROOT/ops/container/haproxy.cfg" >"$work/haproxy.log" 2>&1 &
# until_ SECONDS WHAT CMD…
until_() {
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $deadline ] || { tail -n 3 "$work"/*.log >&2; die "waited for: $what"; }
        sleep 0.2
    done
}
has_replicas() { ask 127.0.0.1 6370 | grep -q "connected_slaves:$1"; }
until_ 30 "two replicas" has_replicas 2
knows_both() { redis-cli -p 26379 -h 127.0.0.2 sentinel master tiffin | grep -A1 num-other-sentinels | grep -q 2; }
until_ 30 "three Sentinels" knows_both
done_ "three Redis, three Sentinels, HAProxy"

cp "$ROOT/tiffin.toml" "$work/" && cd "$work"
"$program" keys make --dir keys --tenant dev >/dev/null
set -a
. keys/core.env
. keys/edge.env
. keys/clients.env
set +a
export REDIS_URL=redis://:$REDIS_PASSWORD@127.0.0.1:6370 TIFFIN_GUARD_MODE=record_only NO_COLOR=1
"$program" dev >core.log 2>&1 &
until_ 60 "core" curl -fs http://127.0.0.1:8788/readyz

# insist FROM TO: orders a code for each number, and tries until it is accepted; prints the most tries that one needed.
insist() {
    local n tries most=1 status
    for n in $(seq "$1" "$2"); do
        for tries in $(seq 400); do
            status=$(curl -s -m 5 -o out -w '%{http_code}' http://127.0.0.1:8787/v1/orders -H "Authorization: Bearer $TIFFIN_SECRET_KEY" \
                -H 'Content-Type: application/json' -H "Idempotency-Key: \"$n\"" -d "{\"to\": {\"phone\": \"+4915112340$n\"}, \"service\": \"login\"}") || true
            [ "$status" = 202 ] && break
            sleep 0.2
        done
        [ "$status" = 202 ] || die "order $n was not accepted: $status $(cat out)"
        [ "$tries" -le "$most" ] || most=$tries
        sleep 0.05
    done
    echo "$most"
}
insist 100 149 >/dev/null
began=$(date +%s%N)
{
    kill -KILL "${pids[1]}"
    wait "${pids[1]}" || true
} 2>/dev/null
most=$(insist 150 199)
done_ "the primary was killed: fifty orders took $((($(date +%s%N) - began) / 1000000)) ms, and one of them $most tries"
phones() { curl -s http://127.0.0.1:8789/inbox | grep -o '"to":"+49151[0-9]*"' | sort | uniq -c; }
all_came() { [ "$(phones | wc -l)" = 100 ]; }
until_ 60 "a message to each of 100 phones" all_came
# The time after which silence would have been taken for loss.
sleep 15
done_ "100 phones of 100 got their message, $(phones | awk '$1 > 1' | wc -l) of them twice"
began=$SECONDS
redis 1
is_replica() { ask 127.0.0.1 6379 | grep -q master_link_status:up; }
until_ 60 "the old primary as a replica" is_replica
done_ "the old primary was a replica after $((SECONDS - began)) s"
