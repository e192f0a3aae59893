# The door to everything; the work is in scripts/.
#
#   make demo          from a bare Debian 12 with a Rust toolchain to a running stack, showing the service at work
#   make test          every test
#   make bench         measures against plain PostgreSQL, in under 10 minutes: bench/results/latest.json and .svg
#   make up, down      the stack alone, in the background: STORE_HTTP_PORT (8080), STORE_PG_PORT (5433), STORE_HOME
#                      (a throwaway folder), ADMIN_TOKEN (generated if unset), COMMON_TOKENS (comma-separated)
#   make install       release build into the PostgreSQL that PG_CONFIG names
#   make installcheck  pg_regress and pg_isolation_regress of what is installed there
#   make lint          rustfmt, clippy with warnings as errors, shellcheck
#   make setup         installs what is missing for all of the above

PG_CONFIG ?= /usr/lib/postgresql/15/bin/pg_config
export PG_CONFIG

.PHONY: all setup install installcheck demo up down test bench lint

all: install

setup:
	@scripts/setup.sh

install: setup
	@scripts/install.sh

installcheck:
	@scripts/regress.sh

demo:
	@scripts/demo.sh

up:
	@scripts/up.sh

down:
	@scripts/down.sh

test:
	@scripts/test.sh

bench:
	@scripts/bench.sh

lint:
	@scripts/lint.sh
