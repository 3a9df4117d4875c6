"""The gateway as production runs it, for the measurements: it says how many messages it has acknowledged, and when.

Usage: python -m bench.gateway CONFIG. Each line on standard output is "COUNT MONOTONIC_S", at most one a millisecond
or so: after every round in which the broker was answered.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path

from nattevakt.gateway.cli import serve


class Counting:
    """A probe that counts acknowledgements, and tells of them when the next group begins or is stored."""

    def __init__(self) -> None:
        self._acked = 0
        self._told = 0

    def __call__(self, passed: str, _facts: Mapping[str, object]) -> None:
        if passed == "acked_broker":
            self._acked += 1
            if self._acked % 100 == 0:
                print(self._acked, time.monotonic(), flush=True)


if __name__ == "__main__":
    sys.exit(serve(Path(sys.argv[1]), Counting()))
