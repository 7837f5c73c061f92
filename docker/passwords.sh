#!/bin/sh
# Run once by the image of PostgreSQL, after roles.sql.
set -eu
psql -v ON_ERROR_STOP=1 -U postgres \
    -v app="$APP_PASSWORD" -v ops="$OPS_PASSWORD" -v owner="$OWNER_PASSWORD" <<'SQL'
ALTER ROLE maillon_app PASSWORD :'app';
ALTER ROLE maillon_ops PASSWORD :'ops';
ALTER ROLE maillon_owner PASSWORD :'owner';
CREATE DATABASE maillon OWNER maillon_owner;
SQL
