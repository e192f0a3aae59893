# shellcheck shell=bash
# One running stack: its settings, its folder and its three parts. Sourced, never run.
# shellcheck disable=SC2034 # what looks unused is used by those who source this
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

STORE_HTTP_PORT=${STORE_HTTP_PORT:-8080}
STORE_PG_PORT=${STORE_PG_PORT:-5433}
STORE_PROXY_GIVEN=${STORE_PROXY:-caddy} # or nginx
STORE_HOME_GIVEN=${STORE_HOME:-}
STORE_HOME=${STORE_HOME:-${TMPDIR:-/tmp}/$EXTENSION-$(id -un)}
STORE_HOME=${STORE_HOME%/}

DATA=$STORE_HOME/data     # the cluster
RUN=$STORE_HOME/run       # sockets, process ids, the configuration in use
LOG=$STORE_HOME/log       # postgresql.log, postgrest.log, and caddy.log or nginx.log
MARK=$RUN/$EXTENSION      # says that the three folders are ours

PRELOAD=$EXTENSION        # rates need it

use_proxy() {
    [[ $1 =~ ^(caddy|nginx)$ ]] || die "STORE_PROXY is caddy or nginx, not $1"
    STORE_PROXY=$1
    PARTS=(postgresql postgrest "$STORE_PROXY")
}

# A stack that is there has the proxy it was made with.
if [ -e "$RUN/nginx.conf" ]; then
    use_proxy nginx
elif [ -e "$RUN/Caddyfile" ]; then
    use_proxy caddy
else
    use_proxy "$STORE_PROXY_GIVEN"
fi

base_url() { printf 'http://127.0.0.1:%s' "$STORE_HTTP_PORT"; }

# Before anything is made: is STORE_HOME a place for a stack?
check_home() {
    # PostgreSQL's socket is $RUN/.s.PGSQL.<port>, and the path of a socket has at most 107 bytes.
    [ ${#STORE_HOME} -le 80 ] || die "the path is too long for a socket, set STORE_HOME to a shorter one: $STORE_HOME"
    [[ $STORE_HOME =~ ^/[[:alnum:]/._+@-]+$ ]] || die "STORE_HOME must be absolute and plain, without spaces: $STORE_HOME"
    [ ! -e "$STORE_HOME" ] || [ -O "$STORE_HOME" ] || die "$STORE_HOME belongs to someone else: set STORE_HOME to another folder"
    [ ! -e "$MARK" ] || remove_folders # of a stack that ended without `make down`
    local folder
    for folder in "$DATA" "$RUN" "$LOG"; do
        [ ! -e "$folder" ] || die "$folder is there, but not as part of a stack: set STORE_HOME to another folder"
    done
}

make_folders() {
    [ -e "$STORE_HOME" ] || { mkdir -p "$STORE_HOME" && chmod 755 "$STORE_HOME"; }
    mkdir -m 755 "$RUN" "$LOG"
    echo "$(base_url), PostgreSQL on port $STORE_PG_PORT" >"$MARK"
    mkdir -m 700 "$DATA"
    if [ "$(id -u)" -eq 0 ]; then
        chown postgres:postgres "$DATA" "$RUN" "$LOG"
        (cd / && "${as_server[@]}" test -w "$DATA") \
            || die "the user postgres cannot reach $STORE_HOME: set STORE_HOME to another folder"
    fi
}

# sql [OPTION...]: psql as the superuser, stopping at the first error
sql() {
    "$(pg_bin psql)" -X -q -P pager=off -v ON_ERROR_STOP=1 -h "$RUN" -p "$STORE_PG_PORT" -U postgres -d projectalpha "$@"
}

# pid_of PART: the process id, if the part runs. A process that merely got a dead one's id is not mistaken for it.
pid_of() {
    local file=$RUN/$1.pid pid
    [ "$1" != postgresql ] || file=$DATA/postmaster.pid
    { read -r pid <"$file"; } 2>/dev/null || return 1
    grep -qsF "$STORE_HOME/" "/proc/$pid/cmdline" || return 1
    echo "$pid"
}

runs() { pid_of "$1" >/dev/null; }

# has_ended PART: looked at for a second, as a process has no command line at the moment in which it becomes another program
has_ended() {
    for _ in {1..10}; do
        ! runs "$1" || return 1
        sleep 0.1
    done
}

# await PART SECONDS COMMAND...: until the command succeeds; fails when the part ends or the time is up
await() {
    local part=$1 end=$((SECONDS + $2))
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] && ! has_ended "$part" || return 1
        sleep 0.1
    done
}

# launch PART VARIABLE=VALUE... COMMAND...: in the background, away from the terminal, with nothing but that environment
launch() {
    local part=$1
    shift
    (
        cd /
        exec setsid "${as_server[@]}" env -i PATH="$PATH" "$@" </dev/null >>"$LOG/$part.log" 2>&1
    ) &
    local pid=$!
    echo "$pid" >"$RUN/$part.pid"
    # Until it is what it becomes, pid_of does not know it.
    until runs "$part" || ! kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
}

start_postgresql() {
    local settings="-c listen_addresses=127.0.0.1 -c port=$STORE_PG_PORT -c unix_socket_directories='$RUN'"
    settings+=" -c shared_preload_libraries='$PRELOAD'"
    # Each session that is denied something has a worker for a second, and PostgREST has 20 sessions.
    settings+=" -c max_worker_processes=40"
    (
        cd /
        [ -e "$DATA/PG_VERSION" ] || "${as_server[@]}" "$(pg_bin initdb)" -D "$DATA" -U postgres --auth=trust \
            --encoding=UTF8 --locale=C.UTF-8 --no-sync
        "${as_server[@]}" "$(pg_bin pg_ctl)" -D "$DATA" -l "$LOG/postgresql.log" -o "$settings" -w start
    ) </dev/null >"$LOG/pg_ctl.log" 2>&1
}

start_postgrest() {
    launch postgrest \
        PGRST_DB_URI="host='$RUN' port=$STORE_PG_PORT dbname=projectalpha user=authenticator" \
        PGRST_SERVER_UNIX_SOCKET="$RUN/postgrest.sock" \
        PGRST_OPENAPI_SERVER_PROXY_URI="$(base_url)" \
        "$POSTGREST" "$RUN/postgrest.conf"
    await postgrest 60 curl --silent --unix-socket "$RUN/postgrest.sock" http://postgrest/
}

start_caddy() {
    launch caddy \
        STORE_HTTP_PORT="$STORE_HTTP_PORT" STORE_UPSTREAM="unix/$RUN/postgrest.sock" \
        XDG_CONFIG_HOME="$RUN" XDG_DATA_HOME="$RUN" \
        caddy run --config "$RUN/Caddyfile" --adapter caddyfile
    await caddy 60 curl --silent "$(base_url)/"
}

# The copy of the configuration, with the settings in it: nginx reads no environment.
make_nginx_conf() {
    sed -E -e "/# STORE_UPSTREAM/s|server [^ ]+|server unix:$RUN/postgrest.sock|" \
        -e "/# STORE_HTTP_BIND/s|listen .*;|listen 127.0.0.1:$STORE_HTTP_PORT;|" \
        postgrest/nginx.conf >"$RUN/nginx.conf"
    chmod 644 "$RUN/nginx.conf"
}

start_nginx() {
    launch nginx nginx -e stderr -p "$RUN/" -c "$RUN/nginx.conf"
    await nginx 60 curl --silent "$(base_url)/"
}

chain_answers() { curl --silent --max-time 5 "$(base_url)/tools/is_the_chain_up" | grep -q 'Tool not found'; }

# stop PART
stop() {
    local pid
    pid=$(pid_of "$1") || return 0
    case $1 in
        postgresql) (cd / && "${as_server[@]}" "$(pg_bin pg_ctl)" -D "$DATA" -m fast -w stop >/dev/null) ;;
        *)
            kill "$pid"
            for _ in {1..50}; do
                runs "$1" || return 0
                sleep 0.1
            done
            kill -KILL "$pid" 2>/dev/null || true
            ;;
    esac
}

# The one that others depend on goes last.
stop_all() {
    stop "$STORE_PROXY"
    stop postgrest
    stop postgresql
}

# What up.sh made, and the folder itself if nothing else is in it.
remove_folders() {
    rm -rf "$DATA" "$LOG" "$RUN"
    rmdir --ignore-fail-on-non-empty "$STORE_HOME"
}

# The three lines one needs next.
print_addresses() {
    printf '  %s\n' \
        "psql -h 127.0.0.1 -p $STORE_PG_PORT -U postgres projectalpha" \
        "$(base_url)" \
        "${STORE_HOME_GIVEN:+STORE_HOME=$STORE_HOME }make down"
}
