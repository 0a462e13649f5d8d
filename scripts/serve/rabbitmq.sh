#!/usr/bin/env bash
# rabbitmq.sh DIR PORT: RabbitMQ in the foreground, data and logs in DIR, on loopback only, with an epmd of its own.
# SIGTERM to this script stops both. DIR/pid holds the server's own pid. Uses PORT, PORT+1 and PORT+2.
set -euo pipefail
dir=$1 port=$2
mkdir -p "$dir/home" "$dir/data" "$dir/log"
bin=/usr/lib/rabbitmq/bin/rabbitmq-server
[ -x "$bin" ] || bin=$(command -v rabbitmq-server)

export HOME="$dir/home" ERL_EPMD_PORT=$((port + 2)) ERL_EPMD_ADDRESS=127.0.0.1
epmd -address 127.0.0.1 -port "$ERL_EPMD_PORT" &
epmd=$!

printf '[{rabbit, [{tcp_listeners, [{"127.0.0.1", %s}]}, {loopback_users, [<<"guest">>]}]}].\n' "$port" >"$dir/rabbitmq.config"
printf '[].\n' >"$dir/enabled_plugins"
# As under systemd: the server replaces its start script, so that the pid is its own.
RUNNING_UNDER_SYSTEMD=1 \
    RABBITMQ_NODENAME="tiffin-$port@localhost" \
    RABBITMQ_DIST_PORT=$((port + 1)) \
    RABBITMQ_MNESIA_BASE="$dir/data" \
    RABBITMQ_LOG_BASE="$dir/log" \
    RABBITMQ_ENABLED_PLUGINS_FILE="$dir/enabled_plugins" \
    RABBITMQ_CONFIG_FILE="${dir}/rabbitmq" \
    RABBITMQ_ADVANCED_CONFIG_FILE="${dir}/rabbitmq.config" \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none" \
    "$bin" </dev/null >"$dir/log/console.log" 2>&1 &
server=$!
echo "$server" >"$dir/pid"

stop() {
    kill -TERM "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    kill -TERM "$epmd" 2>/dev/null || true
}
trap 'stop; exit 0' TERM INT HUP
wait "$server" || true
kill -TERM "$epmd" 2>/dev/null || true
