#!/bin/sh
# Initializes the data directory at the first start, with one database that has PgQ, and runs the server.
set -eu

: "${POSTGRES_USER:=postgres}" "${POSTGRES_DB:=$POSTGRES_USER}"

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  if [ -z "${POSTGRES_PASSWORD:-}" ]; then
    echo "POSTGRES_PASSWORD is not set: give the superuser a password" >&2
    exit 2
  fi
  # not in PGDATA, which must be empty for initdb
  (umask 077 && printf '%s\n' "$POSTGRES_PASSWORD" > /tmp/password)
  initdb --username="$POSTGRES_USER" --pwfile=/tmp/password --auth-host=scram-sha-256 --auth-local=trust \
    --encoding=UTF8 --locale=C
  rm /tmp/password
  {
    echo "listen_addresses = '*'"
    echo "unix_socket_directories = '/tmp'"
  } >> "$PGDATA/postgresql.conf"
  echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"

  # not reachable from outside before the database is there
  pg_ctl start --wait --options="-c listen_addresses=''"
  export PGHOST=/tmp PGUSER="$POSTGRES_USER"
  if [ "$POSTGRES_DB" != postgres ]; then
    psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --set=name="$POSTGRES_DB" postgres <<'SQL'
create database :"name";
SQL
  fi
  # a role called caravan would otherwise make its tables in the schema caravan, as soon as that is there
  psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --set=role="$POSTGRES_USER" "$POSTGRES_DB" <<'SQL'
create extension pgq;
alter role :"role" set search_path = public;
SQL
  pg_ctl stop --wait --mode=fast
  unset PGHOST PGUSER
fi

exec "$@"
