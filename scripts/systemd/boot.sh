#!/usr/bin/env bash
# boot.sh REPOSITORY TIFFIN: the first process of namespaces of its own (systemd-drill.sh): mounts what the machine must not
# see changed, installs this repository's units as docs/DEPLOYMENT.md says, and becomes systemd.
set -euo pipefail
repository=$1 program=$2
hostname tiffin-drill
ip link set lo up
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
cp "$program" /mnt/tiffin
cp -r "$repository/ops/systemd" /mnt/units
cp "$repository/tiffin.toml" /mnt/
# What is written to these ends with the drill.
for folder in etc usr/local; do
    mkdir -p "/mnt/over/$folder" "/mnt/work/$folder"
    mount -t overlay -o "lowerdir=/$folder,upperdir=/mnt/over/$folder,workdir=/mnt/work/$folder" overlay "/$folder"
done
for folder in /run /tmp /var; do
    mount -t tmpfs -o mode=0755 tmpfs "$folder"
done
chmod 1777 /tmp
mkdir -p /run/lock /var/tmp /var/lib/redis /var/log/redis /var/lib/rabbitmq /var/log/rabbitmq /var/lib/private
chmod 0700 /var/lib/private
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
chown redis:redis /var/lib/redis /var/log/redis
chown rabbitmq:rabbitmq /var/lib/rabbitmq /var/log/rabbitmq
install -m 0755 /mnt/tiffin /usr/local/bin/tiffin

# Only what is asked for starts: the machine's own units are not looked at, but for those of the two servers.
units=/run/units
mkdir -p $units
for target in basic sysinit sockets timers paths slices network network-online shutdown multi-user local-fs umount; do
    printf '[Unit]\nDescription=%s\nDefaultDependencies=no\n' "$target" >"$units/$target.target"
done
printf '[Unit]\nDescription=drill\nRequires=basic.target\nAfter=basic.target\nAllowIsolate=yes\nDefaultDependencies=no\n' >$units/default.target
cp /lib/systemd/system/{redis-server,rabbitmq-server,epmd}.service /lib/systemd/system/epmd.socket $units/
cp -r /mnt/units/*.service /mnt/units/*.target /mnt/units/*.service.d $units/
# No journal runs here: what they print goes to files.
for unit in tiffin-core@ tiffin-public@; do
    mkdir -p "$units/$unit.service.d"
    printf '[Service]\nStandardOutput=append:/run/%%n.log\nStandardError=inherit\n' >"$units/$unit.service.d/output.conf"
done
cat >$units/tiffin-sandbox.service <<'UNIT'
[Service]
Type=exec
DynamicUser=yes
ExecStart=/usr/local/bin/tiffin --config /etc/tiffin/tiffin.toml sandbox
EnvironmentFile=/etc/tiffin/common.env
EnvironmentFile=/etc/tiffin/core.env
StandardOutput=append:/run/%n.log
StandardError=inherit
UNIT
exec env -i container=other SYSTEMD_UNIT_PATH=$units PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=default.target --log-target=console --log-level=notice --show-status=0
