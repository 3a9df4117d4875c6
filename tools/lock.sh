#!/bin/sh
# Renews the lock files in requirements/ from pyproject.toml. Needs uv (only here, never to install or run).
# --universal: one file serves Python 3.11 to 3.13, x86-64 and arm64. No index address is written.
set -eu
cd "$(dirname "$0")/.."
lock() {
    out=$1; shift
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
        --no-emit-index-url --no-emit-find-links "$@" pyproject.toml requirements/build.in -o "requirements/$out.lock"
}
lock gateway --extra gateway
lock central --extra central
lock demo --extra gateway --extra central --extra sim
lock dev --extra gateway --extra central --extra sim --extra dev
lock fuzz --extra fuzz
