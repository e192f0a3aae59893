#!/usr/bin/env bash
# Starts a throwaway cluster with the installed extension, PostgREST and Caddy, in the background. Returns when the whole
# chain answers. Settings: STORE_HOME, STORE_HTTP_PORT, STORE_PG_PORT, ADMIN_TOKEN, COMMON_TOKENS (comma-separated), and
# STORE_PROXY=nginx for nginx in Caddy's place.
# shellcheck source=scripts/stack.sh
. "$(dirname "$0")/stack.sh"

# The tokens are for the database alone: no process that starts here inherits them.
admin_token=${ADMIN_TOKEN:-}
common_tokens=${COMMON_TOKENS:-}
unset ADMIN_TOKEN COMMON_TOKENS

check_what_runs() {
    local running=() part
    for part in "${PARTS[@]}"; do
        ! runs "$part" || running+=("$part")
    done
    if [ ${#running[@]} -eq ${#PARTS[@]} ]; then
        say "already running in $STORE_HOME: $(cat "$MARK")"
        exit 0
    fi
    [ ${#running[@]} -eq 0 ] || die "only a part of the stack in $STORE_HOME runs (${running[*]}): \`make down\` first"
}

check_ports() {
    ! port_taken "$STORE_HTTP_PORT" || die "port $STORE_HTTP_PORT is taken: set STORE_HTTP_PORT to a free one"
    ! port_taken "$STORE_PG_PORT" || die "port $STORE_PG_PORT is taken: set STORE_PG_PORT to a free one"
}

check_installation() {
    [ -e "$("$PG_CONFIG" --sharedir)/extension/$EXTENSION.control" ] \
        || die "$EXTENSION is not installed: \`make install\` first"
    [ -x "$POSTGREST" ] || die "there is no PostgREST at $POSTGREST: \`make setup\` first"
    command -v "$STORE_PROXY" >/dev/null || die "there is no $STORE_PROXY: \`make setup\` first (nginx: scripts/setup.sh --tests)"
}

# set_token FUNCTION TOKEN: the token is no argument of a command and in no log, not even when its statement fails
set_token() {
    STORE_TOKEN=$2 sql --output=/dev/null <<SQL
\\set VERBOSITY terse
\\getenv token STORE_TOKEN
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
SELECT projectalpha.$1(:'token');
SQL
}

make_database() {
    local token tokens
    sql -d postgres -c 'CREATE DATABASE projectalpha'
    sql -c "CREATE EXTENSION $EXTENSION" -f postgrest/roles.sql
    set_token set_admin_token "$admin_token"
    IFS=, read -r -a tokens <<<"$common_tokens"
    for token in "${tokens[@]}"; do
        [ -z "$token" ] || set_token add_common_token "$token"
    done
}

# Whatever fails: the end of each log, then nothing is left behind.
give_up() {
    local log
    for log in "$LOG"/*.log; do
        [ ! -s "$log" ] || { printf -- '--- %s\n' "$log" && tail -n 15 "$log"; } >&2
    done
    stop_all
    remove_folders
    die "the stack did not start"
}

check_what_runs
use_proxy "$STORE_PROXY_GIVEN"
check_installation
check_home
check_ports
trap give_up EXIT
make_folders
# Copies, as the checkout may be out of reach for postgres.
install -m 644 postgrest/postgrest.conf "$RUN"
case $STORE_PROXY in
    caddy) install -m 644 postgrest/Caddyfile "$RUN" ;;
    nginx) make_nginx_conf ;;
esac

say "starting PostgreSQL in $STORE_HOME (a throwaway cluster: whoever is on this machine may log in as anyone)"
start_postgresql
say "creating the database"
token_note=
if [ -z "$admin_token" ]; then
    admin_token=admin-$(random_token)
    token_note=", its admin token is $admin_token"
fi
make_database
say "starting PostgREST and $STORE_PROXY"
start_postgrest
"start_$STORE_PROXY"
await "$STORE_PROXY" 60 chain_answers
trap - EXIT

say "the stack answers${token_note}"
print_addresses
