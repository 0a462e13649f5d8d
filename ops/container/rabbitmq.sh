#!/usr/bin/env bash
# One of three RabbitMQ nodes, named by its address: NODE_1 to NODE_3, ERLANG_COOKIE, and what the image's own entry point reads.
# A queue of core (all are quorum queues) has a member on each, and lives as long as two of them do.
set -euo pipefail
cat >/etc/rabbitmq/conf.d/20-cluster.conf <<CONF
cluster_formation.peer_discovery_backend = classic_config
cluster_formation.classic_config.nodes.1 = rabbit@$NODE_1
cluster_formation.classic_config.nodes.2 = rabbit@$NODE_2
cluster_formation.classic_config.nodes.3 = rabbit@$NODE_3
cluster_formation.target_cluster_size_hint = 3
cluster_partition_handling = pause_minority
CONF
# The nodes know each other only if they share it.
printf '%s' "$ERLANG_COOKIE" >/var/lib/rabbitmq/.erlang.cookie
chown rabbitmq:rabbitmq /var/lib/rabbitmq/.erlang.cookie
chmod 0400 /var/lib/rabbitmq/.erlang.cookie
exec docker-entrypoint.sh rabbitmq-server
