#!/bin/sh
# Runs once, in the first primary's new and still empty database: the gateways' user, the standby's user, and that nothing is
# acknowledged before the standby has it on disk.
set -eu
secrets=/run/secrets

# The passwords are read by psql itself, so that they stand on no command line.
psql --set=ON_ERROR_STOP=1 --quiet --no-psqlrc --username postgres --dbname postgres \
    --set=database="$secrets/database_password" --set=replication="$secrets/replication_password" --set=peer="$PEER" <<'SQL'
\set password `cat :'database'`
CREATE ROLE tagrelay LOGIN PASSWORD :'password';
\set password `cat :'replication'`
CREATE ROLE replicator LOGIN REPLICATION PASSWORD :'password';
CREATE DATABASE tagrelay OWNER tagrelay;
-- Last, and with ALTER SYSTEM, which takes effect at the next start: given to this server, the first CREATE would wait for a
-- standby that can't exist yet.
ALTER SYSTEM SET synchronous_standby_names = :'peer';
SQL
