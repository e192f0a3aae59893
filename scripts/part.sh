#!/usr/bin/env bash
# Starts or stops one part of a stack that `up.sh` made, to see the others live with its absence.
#   part.sh start|stop postgresql|postgrest|caddy|nginx
# shellcheck source=scripts/stack.sh
. "$(dirname "$0")/stack.sh"

case "$# ${2:-}" in
    "2 postgresql" | "2 postgrest" | "2 $STORE_PROXY") ;;
    *) die "usage: part.sh start|stop postgresql|postgrest|caddy|nginx" ;;
esac
[ -e "$MARK" ] || die "there is no stack in $STORE_HOME"
case $1 in
    start)
        runs "$2" || "start_$2" || die "$2 did not start: see $LOG"
        # With all three there, return when they have found each other.
        for part in "${PARTS[@]}"; do
            runs "$part" || exit 0
        done
        await "$2" 60 chain_answers || die "$2 runs, but the chain does not answer: see $LOG"
        ;;
    stop) stop "$2" ;;
    *) die "usage: part.sh start|stop postgresql|postgrest|caddy|nginx" ;;
esac
