#!/usr/bin/env bash
# systemd-drill.sh: docs/DEPLOYMENT.md on one machine, walked through: a systemd of its own, in namespaces of its own (processes,
# mounts, network, control groups), runs the units of ops/systemd with Debian's Redis and RabbitMQ. Orders are made, processes
# killed and replaced, a gateway broken and found, Redis backed up, destroyed and restored. As root, on Debian with the packages
# redis-server, rabbitmq-server and systemd; nothing of the machine is changed.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ "$(id -u)" = 0 ] || die "a systemd of its own wants root"
[ -x /lib/systemd/systemd ] || die "systemd is not installed"
"$ROOT/scripts/setup.sh" rust servers
say "building core"
(cd "$ROOT" && cargo build --quiet --bin tiffin)
program=${CARGO_TARGET_DIR:-$ROOT/target}/debug/tiffin
log=$(mktemp "${TMPDIR:-/tmp}/tiffin-systemd.XXXXXX")
groups=/sys/fs/cgroup
[ -d $groups/unified ] && groups=$groups/unified
group=$groups/tiffin-drill-$$
mkdir "$group"

# Whoever is in the group when the name space is made has it as its root.
(echo $BASHPID >"$group/cgroup.procs" && exec unshare --fork --kill-child --pid --mount --uts --ipc --net --cgroup --mount-proc \
    "$ROOT/scripts/systemd/boot.sh" "$ROOT" "$program") >"$log" 2>&1 &
outer=$!
cleanup() {
    kill -KILL "$outer" 2>/dev/null || true
    wait "$outer" 2>/dev/null || true
    for _ in $(seq 50); do
        find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
        [ -d "$group" ] || break
        sleep 0.1
    done
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

for _ in $(seq 100); do
    init=$(pgrep -P "$outer" -x systemd || true)
    [ -n "$init" ] && nsenter -t "$init" -a systemctl is-system-running >/dev/null 2>&1 && break
    kill -0 "$outer" 2>/dev/null || { tail -n 20 "$log" >&2; die "systemd did not start"; }
    sleep 0.1
done
done_ "$(/lib/systemd/systemd --version | head -n 1) runs as process 1 of its own"
status=0
nsenter -t "$init" -a env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$ROOT/scripts/systemd/walk.sh" || status=$?
[ $status = 0 ] || { tail -n 20 "$log" >&2; die "the walk failed; what systemd said: $log"; }
rm -f "$log"
