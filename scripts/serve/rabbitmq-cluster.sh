#!/usr/bin/env bash
# rabbitmq-cluster.sh DIR PORT: three RabbitMQ nodes in one cluster, in the foreground, on loopback only, with an epmd of
# their own. They listen on PORT, PORT+1 and PORT+2; PORT+3 to PORT+6 are theirs too. DIR/{0,1,2}/pid hold the servers' own
# pids, DIR/ready is there once they are one cluster. SIGTERM to this script stops all of it.
set -euo pipefail
dir=$1 port=$2
mkdir -p "$dir/home"
bin=/usr/lib/rabbitmq/bin
[ -x "$bin/rabbitmq-server" ] || bin=$(dirname "$(command -v rabbitmq-server)")

export HOME="$dir/home" ERL_EPMD_PORT=$((port + 6)) ERL_EPMD_ADDRESS=127.0.0.1
epmd -address 127.0.0.1 -port "$ERL_EPMD_PORT" &
epmd=$!
pids=()

stop() {
    for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    kill -TERM "$epmd" 2>/dev/null || true
}
trap 'stop; exit 0' TERM INT HUP
trap stop EXIT

name() { echo "tiffin-$port-$1@localhost"; }
# The nodes know each other only if they share it.
(umask 077 && [ -e "$HOME/.erlang.cookie" ] || head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$HOME/.erlang.cookie")
chmod 400 "$HOME/.erlang.cookie"

nodes="'$(name 0)', '$(name 1)', '$(name 2)'"
for node in 0 1 2; do
    own=$dir/$node
    mkdir -p "$own/data" "$own/log"
    # Each node joins the others that it finds by itself; the first one that starts waits for nobody.
    printf '[{rabbit, [{tcp_listeners, [{"127.0.0.1", %s}]}, {loopback_users, [<<"guest">>]}, {cluster_nodes, {[%s], disc}}]}].\n' \
        $((port + node)) "$nodes" >"$own/rabbitmq.config"
    printf '[].\n' >"$own/enabled_plugins"
    RUNNING_UNDER_SYSTEMD=1 \
        RABBITMQ_NODENAME="$(name "$node")" \
        RABBITMQ_DIST_PORT=$((port + 3 + node)) \
        RABBITMQ_MNESIA_BASE="$own/data" \
        RABBITMQ_LOG_BASE="$own/log" \
        RABBITMQ_ENABLED_PLUGINS_FILE="$own/enabled_plugins" \
        RABBITMQ_CONFIG_FILE="$own/rabbitmq" \
        RABBITMQ_ADVANCED_CONFIG_FILE="$own/rabbitmq.config" \
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none" \
        "$bin/rabbitmq-server" </dev/null >"$own/log/console.log" 2>&1 &
    echo $! >"$own/pid"
    pids+=($!)
    # One after the other: nodes that start at once may each found a cluster.
    for _ in $(seq 600); do
        (exec 3<>"/dev/tcp/127.0.0.1/$((port + node))") 2>/dev/null && break
        kill -0 "${pids[$node]}" 2>/dev/null || { tail -n 30 "$own/log/console.log" >&2; exit 1; }
        sleep 0.1
    done
done
"$bin/rabbitmqctl" -n "$(name 0)" -q cluster_status --formatter json >"$dir/status.json"
touch "$dir/ready"
# A node that is killed is not the end of the others.
while true; do wait || true; sleep 1; done
