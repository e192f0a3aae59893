#!/usr/bin/env bash
# Measures this checkout against plain PostgreSQL. What it starts is its own: it needs no running service, leaves none.
#   bench.sh [OPTION...]    options of bench/bench.py, such as --only store,list
# shellcheck source=scripts/common.sh
. "$(dirname "$0")/common.sh"

scripts/setup.sh --bench
scripts/install.sh
say "measuring"
exec "$VENV/bin/python" bench/bench.py "$@"
