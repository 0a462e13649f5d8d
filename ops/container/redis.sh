#!/usr/bin/env bash
# One of three Redis: NODE, NODE_1, SELF, REDIS_PASSWORD. Node 1 begins as the primary; Sentinel rewrites the file, so it is made
# once and then kept with the data. Without a replica in reach for 10 s a primary takes no writes: one that was cut off would
# have to forget them.
set -euo pipefail
data=${DATA:-/data}
if [ ! -e "$data/redis.conf" ]; then
    (
        umask 077
        {
            echo "bind ${BIND:-* -::*}"
            echo "port 6379"
            echo "dir $data"
            echo 'save ""'
            echo "appendonly yes"
            echo "appendfsync everysec"
            echo "maxmemory-policy noeviction"
            echo "min-replicas-to-write 1"
            echo "min-replicas-max-lag 10"
            echo "requirepass $REDIS_PASSWORD"
            echo "masterauth $REDIS_PASSWORD"
            echo "replica-announce-ip $SELF"
            [ "$NODE" = 1 ] || echo "replicaof $NODE_1 6379"
        } >"$data/redis.conf"
    )
fi
exec redis-server "$data/redis.conf"
