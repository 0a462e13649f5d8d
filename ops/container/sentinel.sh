#!/usr/bin/env bash
# One of three Sentinels, two of which agree that the primary is gone: NODE_1, SELF, REDIS_PASSWORD. It keeps what it learns in
# its file.
set -euo pipefail
data=${DATA:-/data}
if [ ! -e "$data/sentinel.conf" ]; then
    (
        umask 077
        {
            echo "bind ${BIND:-* -::*}"
            echo "port 26379"
            echo "dir $data"
            # It speaks to the other two alone, on the private network.
            echo "protected-mode no"
            echo "sentinel announce-ip $SELF"
            echo "sentinel monitor tiffin $NODE_1 6379 2"
            echo "sentinel auth-pass tiffin $REDIS_PASSWORD"
            echo "sentinel down-after-milliseconds tiffin 5000"
            # Where they could not agree on who does it, they try again after twice this.
            echo "sentinel failover-timeout tiffin 10000"
            echo "sentinel parallel-syncs tiffin 1"
        } >"$data/sentinel.conf"
    )
fi
exec redis-server "$data/sentinel.conf" --sentinel
