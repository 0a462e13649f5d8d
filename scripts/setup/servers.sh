#!/usr/bin/env bash
# Redis, RabbitMQ, Exim, Prometheus with promtool and systemd-analyze, from Debian or from wherever they are on PATH already. Starts nothing.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# Debian starts what it installs; tests and runs start their own, so that is not wanted.
missing=()
have redis-server || missing+=(redis-server)
[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || have rabbitmq-server || missing+=(rabbitmq-server)
# A mail server that bounces, for tests. Debian configures it for local mail only; tests give it a configuration of their own.
[ -x /usr/sbin/exim4 ] || missing+=(exim4-daemon-light)
# For the tests of alerts.
{ have prometheus && have promtool; } || missing+=(prometheus)
# For the tests of units; nothing of it is started.
have systemd-analyze || missing+=(systemd)
if [ ${#missing[@]} -gt 0 ]; then
    export RUNLEVEL=1
    apt_install "${missing[@]}"
fi
done_ "Redis, RabbitMQ, Exim, Prometheus, systemd-analyze"
