#!/usr/bin/env bash
# Stops the stack in STORE_HOME and removes its cluster, sockets and logs.
# shellcheck source=scripts/stack.sh
. "$(dirname "$0")/stack.sh"

if [ ! -e "$MARK" ]; then
    say "there is no stack in $STORE_HOME"
    exit 0
fi
stop_all
remove_folders
say "stopped and removed the stack in $STORE_HOME"
