#!/bin/sh
# Makes the virtual environment $1 from the lock file $2, checks every hash, and installs this project into it.
set -eu
dir=$1
lock=$2
python=${PYTHON:-python3}
"$python" - <<'PY' || { echo "Nattevakt needs Python 3.11 or newer with venv (Debian: apt install python3 python3-venv)." >&2; exit 1; }
import sys
sys.exit(sys.version_info < (3, 11))
PY
if [ ! -x "$dir/bin/python" ]; then
    echo "Making the virtual environment $dir ..."
    "$python" -m venv "$dir" || {
        rm -rf "$dir"
        echo "python3 cannot make virtual environments. On Debian: apt install python3-venv" >&2
        exit 1
    }
fi
echo "Installing what $lock names (the first time takes about a minute) ..."
"$dir/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
"$dir/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
touch "$dir/.stamp"
