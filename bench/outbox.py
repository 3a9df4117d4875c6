"""The outbox, 1 and 64 events a commit, beside raw appends of the same bytes with fdatasync.

`python -m bench.outbox`.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

from bench.figures import Bar, Figure, interleaved, quantile, report, say
from nattevakt.edge.events import Bed, Body, Call, Contact, Event, Health, Moment, Motion
from nattevakt.edge.wire import encode_event
from nattevakt.gateway.outbox import Outbox, OutboxLimits

GROUP = 64
MOMENT = Moment("6a1f0c1e-9a56-4c8e-bd6b-5a0f5f0f6f01", 3_600_000, 1_795_212_000_000, synced=True)


def bodies() -> Iterator[Body]:
    """A plain mixture of what a house says."""
    number = 0
    while True:
        number += 1
        device = f"z2m:0x00158d0002b4{number % 13:04x}"
        yield Motion(device)
        yield Contact(device, number % 2 == 0)
        yield Bed(device, number % 2 == 0)
        yield Health(device, battery_percent=80.0, linkquality=number % 250)
        yield Call(device, "press")


class Raw:
    """A file that grows: append, fdatasync."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def append(self, lines: list[bytes]) -> None:
        """Make some lines durable with one write."""
        self._file.write(b"\n".join(lines))
        os.fdatasync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def run(seconds: float = 1.0, turns: int = 7) -> list[Figure]:
    """Both figures; each turn lasts about `seconds` in all."""
    say("outbox: appends")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        box = Outbox(folder / "outbox.sqlite", OutboxLimits(unsent_rows_max=10_000_000), lambda: "1" * 32)
        box.open("bench", MOMENT)
        raw = Raw(folder / "raw")
        made = cycle([Event(body, MOMENT) for body in islice(bodies(), 640)])
        encoded = cycle([encode_event(event) for event in islice(made, 640)])
        singles = max(20, int(400 * seconds))

        def one() -> float:
            samples = []
            for event in islice(made, singles):
                began = time.perf_counter()
                box.append([event], {})
                samples.append(time.perf_counter() - began)
            return statistics.median(samples) * 1000

        def raw_one() -> float:
            samples = []
            for line in islice(encoded, singles):
                began = time.perf_counter()
                raw.append([line])
                samples.append(time.perf_counter() - began)
            return statistics.median(samples) * 1000

        groups = max(4, int(150 * seconds))

        def many() -> float:
            batches = [list(islice(made, GROUP)) for _ in range(groups)]
            samples = []
            for batch in batches:
                began = time.perf_counter()
                box.append(batch, {})
                samples.append(time.perf_counter() - began)
            return GROUP / quantile(samples, 0.5)

        def raw_many() -> float:
            batches = [list(islice(encoded, GROUP)) for _ in range(groups)]
            samples = []
            for batch in batches:
                began = time.perf_counter()
                raw.append(batch)
                samples.append(time.perf_counter() - began)
            return GROUP / quantile(samples, 0.5)

        single = interleaved(one, raw_one, turns)
        group = interleaved(many, raw_many, turns)
        raw.close()
        box.close()
    return [
        Figure("outbox", "1 event a commit, p50", single.measured, single.floor, "ms", single.ratio, Bar(1.5)),
        Figure(
            "outbox", f"{GROUP} a commit", group.measured, group.floor, "events/s", group.ratio, Bar(0.4, at_most=False)
        ),
    ]


if __name__ == "__main__":
    report(run())
