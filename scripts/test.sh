#!/usr/bin/env bash
# Every test. What it starts is its own: it needs no running service and leaves none.
# shellcheck source=scripts/common.sh
. "$(dirname "$0")/common.sh"

LOGS=$(mktemp -d)
PGRX_DATA=$(mktemp -d /tmp/store-pgrx.XXXXXX)
[ "$(id -u)" -ne 0 ] || chown postgres: "$PGRX_DATA"
passed=0
failed=0

# cargo pgrx test stops its server by itself, unless it is interrupted.
clean_up() {
    local file
    for file in "$PGRX_DATA"/*/postmaster.pid; do
        [ ! -e "$file" ] || (cd / && "${as_server[@]}" "$(pg_bin pg_ctl)" -D "${file%/*}" -m immediate stop) || true
    done
    rm -rf "$LOGS" "$PGRX_DATA"
}
trap clean_up EXIT

# count PATTERN FILE: how many lines match
count() { grep -cE "$1" "$2" || true; }

# total WORD FILE: the number before the word in pytest's last line
total() { tail -n 1 "$2" | grep -oE "[0-9]+ $1" | grep -oE '[0-9]+' || echo 0; }

# stage NAME COMMAND...: runs it, shows its output, adds up its tests
stage() {
    local name=$1 log=$LOGS/log start=$SECONDS ok=true bad
    shift
    say "=== $name"
    "$@" 2>&1 </dev/null | tee "$log" || ok=false
    # cargo test and pg_regress have a line for each test; pytest ends in a sum.
    bad=$(($(count '^test .* \.\.\. FAILED' "$log") + $(total failed "$log") + $(total error "$log")))
    passed=$((passed + $(count '^test .* \.\.\. +ok' "$log") + $(total passed "$log")))
    $ok || [ "$bad" -gt 0 ] || bad=1
    failed=$((failed + bad))
    if [ "$bad" -eq 0 ]; then
        say "=== $name: passed in $((SECONDS - start)) s"
    else
        say "=== $name: FAILED after $((SECONDS - start)) s"
    fi
}

# Unit tests, and the #[pg_test]s inside a server. Its debug build replaces the installed release build for a while; the
# library is removed first, not written over, as a server that runs may have it loaded.
pgrx_test() {
    local user
    user=$(id -un)
    [ "$user" != root ] || user=postgres
    as_root rm -f "$("$PG_CONFIG" --pkglibdir)/$EXTENSION.so"
    # One after the other: each is a transaction that makes the same schema and tables, and would wait for the one before,
    # or the two for each other.
    RUST_TEST_THREADS=1 cargo pgrx test --runas "$user" --pgdata "$PGRX_DATA" "$(pg_feature)"
}

# The tests start their own stacks: scripts/up.sh, with folders and ports of their own. Two processes share the files of
# tests, in the order of tests/conftest.py.
python_tests() { "$VENV/bin/python" -m pytest -q -p no:cacheprovider -n 2 --dist loadfile --no-loadscope-reorder tests; }

say "=== set-up"
scripts/setup.sh --tests
stage "cargo pgrx test" pgrx_test
stage "release build" scripts/install.sh
stage "pg_regress and pg_isolation_regress" scripts/regress.sh
stage "pytest" python_tests

say "that was all"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
