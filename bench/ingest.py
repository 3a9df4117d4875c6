"""Ingest over HTTP in batches of 1, 100 and 200, without supervision, with it, and with all of it, beside the database.

`python -m bench.ingest`. One centre process; each connection is a gateway of its own. Batches go in the backlog lane,
as stored rows do; single events in the urgent lane. With supervision one event in a hundred is a call. "Supervision" is
a door window for each resident, "full supervision" a plan with every rule that the room has sensors for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from bench.centre import Centre, Line, centre, databases, supervised, ward
from bench.copying import Copying, together
from bench.figures import Bar, Figure, interleaved, report, say
from tests.support.postgres import Postgres, available, running_cluster

CONNECTIONS = 4
BARS = {
    (200, "without"): Bar(0.35, at_most=False),
    (200, "with supervision"): Bar(0.2, at_most=False),
    (200, "with full supervision"): Bar(0.15, at_most=False),
}
ROOMS = 4


@dataclass(frozen=True)
class Size:
    """A batch size and how many batches each connection sends in a turn."""

    batch: int
    product: int
    floor: int


SIZES = (Size(1, 60, 300), Size(100, 20, 40), Size(200, 15, 30))
TINY = (Size(1, 2, 2), Size(200, 1, 1))


class Load:
    """Gateways that send to a centre, all at once."""

    def __init__(self, centre: Centre) -> None:
        self._senders = centre.senders[:CONNECTIONS]
        self._lines = [Line(centre.port) for _ in self._senders]

    def events_per_s(self, size: Size, *, calls: bool) -> float:
        """One turn."""
        lane = "urgent" if size.batch == 1 else "backlog"
        work = [
            [sender.batch(size.batch, calls=calls, lane=lane) for _ in range(size.product)] for sender in self._senders
        ]

        def run(line: Line, requests: list[bytes]) -> None:
            for request in requests:
                line.deliver(request)

        elapsed_s = together([partial(run, one, mine) for one, mine in zip(self._lines, work, strict=True)])
        return size.batch * size.product * len(work) / elapsed_s

    def close(self) -> None:
        """Hang up."""
        for line in self._lines:
            line.close()


def measure(database: str, server: Postgres | None, sizes: tuple[Size, ...], turns: int) -> list[Figure]:
    """All sizes on one database, without supervision, with it, and with all of it."""
    figures = []
    for how in ("without", "with supervision", "with full supervision"):
        rules = how != "without"
        url, admin = server.fresh_database() if server is not None and database == "PostgreSQL" else ("", "")
        floor = Copying(admin, CONNECTIONS)
        plain = ward(CONNECTIONS, ROOMS)
        seed = supervised(plain) if how == "with full supervision" else plain
        with centre(url, CONNECTIONS, ROOMS, rules=rules, seed=seed) as made:
            load = Load(made)
            for size in sizes:
                say(f"ingest: {database}, batches of {size.batch}, {how}")
                load.events_per_s(size, calls=rules)
                found = interleaved(
                    partial(load.events_per_s, size, calls=rules),
                    partial(floor.events_per_s, size.batch, size.floor),
                    turns,
                )
                what = f"{database}, batches of {size.batch}, {how}"
                bar = BARS.get((size.batch, how))
                figures.append(Figure("ingest", what, found.measured, found.floor, "events/s", found.ratio, bar))
            load.close()
        floor.close()
    return figures


def run(server: Postgres | None, sizes: tuple[Size, ...] = SIZES, turns: int = 3) -> list[Figure]:
    """Everything; without a server SQLite alone."""
    return [figure for database in databases(server) for figure in measure(database, server, sizes, turns)]


def main() -> None:
    """Measure and show."""
    if available():
        with running_cluster() as server:
            report(run(server))
    else:
        report(run(None))


if __name__ == "__main__":
    main()
