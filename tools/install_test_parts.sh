#!/bin/sh
# Installs the real parts that the tests talk to, where they are missing: a broker, a database, a browser, npm.
set -eu
missing=""
need() { # need PACKAGE PATH...: PACKAGE is missing unless one of the paths exists
    package=$1; shift
    for path in "$@"; do
        for found in $path; do [ -e "$found" ] && return 0; done
    done
    missing="$missing $package"
}
need mosquitto /usr/sbin/mosquitto
need postgresql "/usr/lib/postgresql/*/bin/initdb"
need chromium /usr/bin/chromium
need python3-venv "/usr/lib/python3*/ensurepip/__init__.py"
command -v npm >/dev/null 2>&1 || missing="$missing nodejs npm"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ]; then
    echo "The tests need these Debian packages:$missing" >&2
    echo "Run as root: apt-get update && apt-get install --no-install-recommends$missing" >&2
    exit 1
fi
echo "Installing:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# A test database and broker are started by the tests themselves; the packages' own services stay down.
# shellcheck disable=SC2086
RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $missing
