#!/usr/bin/env bash
# pg_regress and pg_isolation_regress of the installed extension, in a throwaway cluster of their own. The library is not
# preloaded, unless asked for. The expected output is that of a server without: preloaded, `install` has another context of
# a setting, and `policies` has rates that are not refused.
#   regress.sh [--preloaded]
set -euo pipefail
STORE_HOME=$(mktemp -d /tmp/store-regress.XXXXXX)
chmod 755 "$STORE_HOME"
# shellcheck source=scripts/stack.sh
. "$(dirname "$0")/stack.sh"

STORE_PG_PORT=$(free_port)
[ "${1:-}" = --preloaded ] || PRELOAD=
RESULTS=${CARGO_TARGET_DIR:-$ROOT/target}/regress
TOOLS=$(dirname "$("$PG_CONFIG" --pgxs)")/../test

# tests FOLDER SUFFIX: their names, in the order they run
tests() { (cd "$1" && find . -name "*$2" -printf '%P\n' | sed "s/$2\$//" | LC_ALL=C sort); }

# regress TOOL FOLDER SUBFOLDER SUFFIX
regress() {
    local folder=$2 name output=$RESULTS/${2##*/} input=$RESULTS/${2##*/}/input names
    mapfile -t names < <(tests "$folder/$3" "$4")
    [ ${#names[@]} -gt 0 ] || { echo "there is no test in $folder/$3" && return 1; }

    # The tools stop at the first test without expected output. It shall fail like any other, and show what it gave.
    rm -rf "$output"
    mkdir -p "$output"
    cp -r "$folder" "$input"
    mkdir -p "$input/expected"
    for name in "${names[@]}"; do
        [ -e "$input/expected/$name.out" ] || echo "$folder/expected/$name.out is missing" | tee "$input/expected/$name.out"
    done

    if ! "$1" --bindir="$("$PG_CONFIG" --bindir)" --host=127.0.0.1 --port="$STORE_PG_PORT" --user=postgres \
        --dbname="${folder##*/}" --load-extension="$EXTENSION" \
        --inputdir="$input" --outputdir="$output" "${names[@]}"; then
        head -n 300 "$output/regression.diffs"
        return 1
    fi
}

trap 'stop postgresql; remove_folders' EXIT
make_folders
start_postgresql || die "PostgreSQL did not start: $(cat "$LOG"/*.log)"
# A worker would make its table whenever it comes to it. The tests of the access log turn it on.
sql -d postgres -c "LOAD '$EXTENSION'" -c "ALTER SYSTEM SET $EXTENSION.access_log = none" -c "SELECT pg_reload_conf()" >/dev/null
failed=0
regress "$TOOLS/regress/pg_regress" tests/pg_regress sql .sql || failed=1
regress "$TOOLS/isolation/pg_isolation_regress" tests/isolation specs .spec || failed=1
exit $failed
