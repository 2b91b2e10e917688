#!/bin/sh
# compose-setup on the PostgreSQL of RENKEI_TEST_DATABASE_URL, twice, and consent on what it made.
# Arguments: the directory of the programs, the root of the repository.
set -eu
echo setup-on-postgres
PATH=$1:$PATH
STATE_DIRECTORY=$(mktemp -d)
trap 'rm -rf "$STATE_DIRECTORY"' EXIT
BANKS_FILE=$2/deploy/compose/banks.tsv
RENKEI_ADMIN_URL=$RENKEI_TEST_DATABASE_URL
export PATH STATE_DIRECTORY BANKS_FILE RENKEI_ADMIN_URL
for name in database operator consent relay account-api partner-app; do
    mkdir "$STATE_DIRECTORY/$name"
done

settings=$STATE_DIRECTORY/consent/consent.toml
for round in first second; do
    for step in settings database register; do
        sh "$2/deploy/compose/setup.sh" "$step"
    done
    if [ "$round" = first ]; then
        cp "$settings" "$STATE_DIRECTORY/first.toml"
    fi
done
cmp "$STATE_DIRECTORY/first.toml" "$settings"

# Free ports on loopback, and no name of a container.
sed -e 's/"0\.0\.0\.0:[0-9]*"/"127.0.0.1:0"/' -e 's#//sandbox-bank:#//127.0.0.1:#' \
    "$settings" >"$STATE_DIRECTORY/loopback.toml"
log=$STATE_DIRECTORY/log
consent serve --config "$STATE_DIRECTORY/loopback.toml" 2>"$log" &
consent=$!
attempts=0
until grep -q 'consent is up' "$log"; do
    attempts=$((attempts + 1))
    if [ "$attempts" -gt 200 ] || ! kill -0 "$consent" 2>/dev/null; then
        cat "$log"
        exit 1
    fi
    sleep 0.1
done
kill -TERM "$consent"
wait "$consent"
