"""`python -m bench [PART …] [--json FILE]`: every figure in one table, beside its floor and its bar.

Parts: latency outbox ingest mqtt rules drivers fanout gateway storm burst. Progress goes to standard error, the
table to standard output. Everything listens on 127.0.0.1 only and is bounded in number and time.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import time
from collections.abc import Callable, Mapping

from bench import burst, drivers, fanout, hour, ingest, latency, mqtt, outbox, rules, storm
from bench.figures import Figure, report, say
from tests.support.postgres import Postgres, available, running_cluster

PARTS: Mapping[str, Callable[[Postgres | None], list[Figure]]] = {
    "latency": latency.run,
    "outbox": lambda _server: outbox.run(),
    "ingest": ingest.run,
    "mqtt": lambda _server: mqtt.run(),
    "rules": lambda _server: rules.run(),
    "drivers": lambda _server: drivers.run(),
    "fanout": lambda _server: fanout.run(),
    "gateway": lambda _server: hour.run(),
    "storm": storm.run,
    "burst": burst.run,
}


def main() -> None:
    """Measure the parts that were asked for, all of them where none was."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Speed and memory beside their floors.")
    parser.add_argument("part", nargs="*", help=f"of: {' '.join(PARTS)}")
    parser.add_argument("--json", default="", metavar="FILE", help="write the figures as JSON too")
    args = parser.parse_args()
    if unknown := sorted(set(args.part) - set(PARTS)):
        parser.error(f"unknown part: {' '.join(unknown)}")
    figures: list[Figure] = []
    try:
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(running_cluster()) if available() else None
            if server is None:
                say("PostgreSQL's programs are not installed: SQLite alone")
            for name in args.part or PARTS:
                began = time.monotonic()
                figures += PARTS[name](server)
                say(f"{name}: {time.monotonic() - began:.0f} s")
    finally:  # also where somebody has had enough: what was measured is worth seeing
        machine = f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores"
        print(f"{machine}, load {os.getloadavg()[0]:.1f} at the end\n")
        report(figures, args.json)


if __name__ == "__main__":
    main()
