"""How the tests are shared out among processes: what waits longest begins first. Serves tests/conftest.py.

A file is one piece of work, because its tests share servers and browsers; a file whose tests each bring their own
stack is as many pieces as it has tests. Acceptance tests mostly wait, all others mostly work: side by side they fill
the processors, one after the other they do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, zip_longest

import pytest
from xdist.scheduler import LoadFileScheduling

ALONE = (
    "tests/acceptance/kill/test_kill.py",
    "tests/acceptance/test_delivery.py",
    "tests/acceptance/test_kills.py",
    "tests/acceptance/test_rounds.py",
    "tests/acceptance/test_watcher.py",
    "tests/edge/test_streams.py",
    "tests/sim/test_scenarios.py",
)
"""Files whose tests share nothing, so that any process may run any of them."""


class Sharing(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Files to processes, but for the files that are shared out test by test."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        return nodeid if file in ALONE else file


def in_order(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The same tests: a file that waits, a file that works, and so on; within each sort what is shared out by test
    comes first."""
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.nodeid.split("::", 1)[0], []).append(item)
    names = sorted(files, key=lambda name: name not in ALONE)
    waits = [name for name in names if name.startswith("tests/acceptance/")]
    works = [name for name in names if name not in waits]
    return [item for name in chain(*zip_longest(waits, works)) if name is not None for item in files[name]]
