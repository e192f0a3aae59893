# shellcheck shell=bash
# What all scripts share: where things are, who runs what, how to speak. Sourced, never run.
# shellcheck disable=SC2034 # what looks unused is used by those who source this
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"

EXTENSION=projectalpha_store
PG_CONFIG=${PG_CONFIG:-/usr/lib/postgresql/15/bin/pg_config}
export EXTENSION PG_CONFIG

# What is downloaded once. Root's must be readable for the servers, which run as postgres; ~root is not.
if [ "$(id -u)" -eq 0 ]; then
    STORE_CACHE=${STORE_CACHE:-/var/cache/$EXTENSION}
else
    STORE_CACHE=${STORE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/$EXTENSION}
fi
POSTGREST=${POSTGREST:-$STORE_CACHE/postgrest-12.0.2/postgrest}
VENV=$STORE_CACHE/venv
PATH=$STORE_CACHE/bin:$PATH:/usr/sbin # where nginx is
export STORE_CACHE POSTGREST VENV PATH

# Settings of the caller's own PostgreSQL sessions have no say here.
for name in ${!PG@}; do
    case $name in
        PG_CONFIG | PGRX_*) ;;
        *) unset "$name" ;;
    esac
done

# The time is counted from the start of the outermost script.
export STORE_STARTED=${STORE_STARTED:-$EPOCHSECONDS}
say() { printf '[%4ds] %s\n' $((EPOCHSECONDS - STORE_STARTED)) "$*"; }

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# as_root COMMAND...
as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# PostgreSQL refuses to run as root: "${as_server[@]}" COMMAND... runs the servers' commands as postgres then.
as_server=()
if [ "$(id -u)" -eq 0 ]; then
    as_server=(setpriv --reuid=postgres --regid=postgres --init-groups --)
fi

pg_bin() { printf '%s/%s' "$("$PG_CONFIG" --bindir)" "$1"; }

# The Cargo feature of the PostgreSQL at PG_CONFIG: pg15
pg_feature() { "$PG_CONFIG" --version | sed -E 's/^PostgreSQL ([0-9]+).*/pg\1/'; }

port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A port that nobody listens on, below those that the kernel gives to clients.
free_port() {
    local port
    while port=$((20000 + RANDOM % 12000)) && port_taken "$port"; do :; done
    echo "$port"
}

# 256 bits in hex
random_token() { head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }
