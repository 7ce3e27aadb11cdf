#!/usr/bin/env bash
# Whether all jobs are well. The image has no curl, and bash can do it.
exec 3<>"/dev/tcp/127.0.0.1/${CAMEL_MANAGEMENT_PORT:-8090}" || exit 1
printf 'GET /observe/health/ready HTTP/1.0\r\nHost: 127.0.0.1:%s\r\n\r\n' "${CAMEL_MANAGEMENT_PORT:-8090}" >&3
read -r _ code _ <&3
[ "$code" = 200 ]
