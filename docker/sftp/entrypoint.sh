#!/bin/sh
# Makes the keys of both sides at the first start: the server's own stay in /keys/host, the client's go to /keys/client, which
# the client mounts.
set -eu
umask 077
mkdir -p /keys/host /keys/client /run/sshd
chmod 0755 /run/sshd /keys /keys/host
if [ ! -e /keys/host/ssh_host_ed25519 ]; then
  ssh-keygen -q -t ed25519 -N '' -C sftp -f /keys/host/ssh_host_ed25519
fi
if [ ! -e /keys/client/id_ed25519 ]; then
  ssh-keygen -q -t ed25519 -N '' -C ship -f /keys/client/id_ed25519
fi
printf 'sftp %s\n' "$(cut -d' ' -f1,2 /keys/host/ssh_host_ed25519.pub)" > /keys/client/known_hosts
cp /keys/client/id_ed25519.pub /keys/host/authorized_keys
chmod 0644 /keys/host/authorized_keys
chown -R 10001 /keys/client
chown ship /srv/ship/incoming
exec /usr/sbin/sshd -D -e
