#!/usr/bin/env bash
# redis.sh DIR PORT: Redis in the foreground, data in DIR, on loopback only. Stop it by its pid.
set -euo pipefail
mkdir -p "$1"
exec redis-server --dir "$1" --port "$2" --bind 127.0.0.1 --daemonize no --save '' --appendonly yes \
    --appendfsync everysec --maxmemory-policy noeviction --logfile ''
