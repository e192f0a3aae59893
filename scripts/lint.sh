#!/usr/bin/env bash
# Formatting, and every warning an error.
# shellcheck source=scripts/common.sh
. "$(dirname "$0")/common.sh"

scripts/setup.sh
say "cargo fmt"
cargo fmt --check
say "cargo clippy"
cargo clippy --quiet --all-targets --features pg_test -- -D warnings
say "shell scripts"
for script in scripts/*.sh .ci/run; do
    bash -n "$script"
done
if command -v shellcheck >/dev/null; then
    shellcheck -x scripts/*.sh .ci/run
else
    say "(shellcheck is not installed: their syntax alone was checked)"
fi
say "lint passed"
