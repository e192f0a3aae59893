#!/usr/bin/env bash
# Release build of the extension, installed into the PostgreSQL that PG_CONFIG names.
# Built as oneself; sudo is used for copying alone, and only where it is needed.
# shellcheck source=scripts/common.sh
. "$(dirname "$0")/common.sh"

package=${CARGO_TARGET_DIR:-$ROOT/target}/package-$(pg_feature)

say "building $EXTENSION for $("$PG_CONFIG" --version) (release; minutes the first time)"
rm -rf "$package"
cargo pgrx package --pg-config "$PG_CONFIG" --out-dir "$package"

# The scripts of earlier versions, so that there is something to upgrade from: `CREATE EXTENSION ... VERSION '0.1.0'`.
cp sql/"$EXTENSION"--[0-9].[0-9].[0-9].sql "$package$("$PG_CONFIG" --sharedir)/extension/"

copy=()
[ -w "$("$PG_CONFIG" --pkglibdir)" ] && [ -w "$("$PG_CONFIG" --sharedir)/extension" ] || copy=(sudo)

# `install` replaces a file instead of writing into it: servers that run keep the library they loaded.
cd "$package"
find . -type f -printf '%P\n' | while read -r file; do
    "${copy[@]}" install -D -m 644 "$file" "/$file"
done
say "installed into $("$PG_CONFIG" --pkglibdir)"
say "policies that limit a rate need this in postgresql.conf, and a restart: shared_preload_libraries = '$EXTENSION'"
say "a server that has it there already goes on with the old library until it is restarted"
