#!/usr/bin/env bash
# Every test. Sets up what is missing, builds core and the edge's wasm, starts Redis and RabbitMQ on private ports in a
# temporary folder, runs all tests with them, and stops them by their own pids.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# In memory where there is room (a run takes 100 MB): Redis stands still for seconds when it rewrites its file on a busy disk.
room_kb=$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)
[ "${room_kb:-0}" -ge $((2 * 1024 * 1024)) ] && folder=/dev/shm || folder=${TMPDIR:-/tmp}
scratch=$(mktemp -d "$folder/tiffin-test.XXXXXX")
pids=()
cleanup() {
    for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# free_ports COUNT: the first of so many neighbouring ports that nobody listens on.
free_ports() {
    local first port
    while true; do
        first=$((12000 + RANDOM % 6000))
        for ((port = first; port < first + $1; port++)); do
            (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && continue 2
        done
        echo "$first"
        return
    done
}

# start NAME PORT CMD…: in the background, and waits until it takes connections.
start() {
    local name=$1 port=$2
    shift 2
    "$@" >"$scratch/$name.log" 2>&1 &
    pids+=($!)
    for _ in $(seq 600); do
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return
        sleep 0.1
    done
    tail -n 30 "$scratch/$name.log" >&2
    die "$name did not start on port $port"
}

"$ROOT/scripts/setup.sh" all
cd "$ROOT"
cargo fmt --check || die "the code is not formatted" "Run: cargo fmt"
"$ROOT/scripts/build-edge.sh"
say "linting"
cargo clippy --quiet --workspace --exclude tiffin-edge --all-targets -- -D warnings
(. "$ROOT/scripts/edge-env.sh" && [ -n "${RUSTUP_TOOLCHAIN:-}" ] ||
    cargo clippy --quiet -p tiffin-edge --target "$WASM_TARGET" --profile edge -- -D warnings)
cargo build --quiet --bin tiffin
cargo test --quiet --workspace --exclude tiffin-edge --no-run

redis_port=$(free_ports 1)
start redis "$redis_port" "$ROOT/scripts/serve/redis.sh" "$scratch/redis" "$redis_port"
amqp_port=$(free_ports 3)
say "starting RabbitMQ"
start rabbitmq "$amqp_port" "$ROOT/scripts/serve/rabbitmq.sh" "$scratch/rabbitmq" "$amqp_port"
export TIFFIN_TEST_REDIS_URL=redis://127.0.0.1:$redis_port TIFFIN_TEST_AMQP_URL=amqp://127.0.0.1:$amqp_port

log=$scratch/tests.log
status=0
cargo test --workspace --exclude tiffin-edge --no-fail-fast -- --include-ignored 2>&1 | tee "$log" || status=$?
# cargo prints one summary per test program; this is their sum.
awk '/^test result:/ { passed += $4; failed += $6; skipped += $8 }
    END { printf "\n%d passed, %d failed, %d skipped\n", passed, failed, skipped }' "$log"
exit "$status"
