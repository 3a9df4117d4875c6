"""`python -m bench [EVENTS]`: all figures as a table. Each is a ratio to a floor taken in the same run."""

from __future__ import annotations

import platform
import subprocess
import sys

from bench import latency
from tests.support.postgres import running_cluster


def bare_python_mb() -> float:
    """Resident memory of an idle interpreter, in MB."""
    program = "print(next(l for l in open('/proc/self/status') if l.startswith('VmRSS')).split()[1])"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    return int(said) / 1024


def show(rows: list[dict[str, float | str | int]]) -> None:
    """Print rows as a Markdown table."""
    head = list(rows[0])
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(str(row[key]) for key in head) + " |")


def main() -> None:
    """Measure on SQLite, then on PostgreSQL."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    print(f"Python {platform.python_version()}, {platform.machine()}, {events} events each\n")
    found: list[dict[str, float | str | int]] = []
    with running_cluster() as server:
        for database in ("SQLite", "PostgreSQL"):
            print(f"measuring latency on {database} ...", flush=True)
            url, admin = server.fresh_database() if database == "PostgreSQL" else ("", "")
            figures = latency.run(events, url, admin)
            found += [{"database": database, **row} for row in figures.rows]
            memory = figures.gateway_mb
    show(found)
    bare = bare_python_mb()
    print(f"\nGateway: {memory:.1f} MB resident after the run, bare Python {bare:.1f} MB.")


if __name__ == "__main__":
    main()
