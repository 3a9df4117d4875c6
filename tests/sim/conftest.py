"""Fixtures of the simulator's tests: memory-backed folders and one migrated database for all worlds."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from nattevakt.sim.centre import Stock
from nattevakt.sim.commands import MEMORY


@pytest.fixture(scope="session")
def memory() -> Iterator[Path]:
    """A folder that costs no disk, where the machine has one."""
    with tempfile.TemporaryDirectory(prefix="nattevakt-test-", dir=MEMORY if MEMORY.is_dir() else None) as made:
        yield Path(made)


@pytest.fixture(scope="session")
def stock(memory: Path) -> Stock:
    """The empty database that every centre is copied from."""
    return Stock(memory / "stock")


@pytest.fixture
def folder(memory: Path) -> Iterator[Path]:
    """A fresh folder for one world."""
    with tempfile.TemporaryDirectory(dir=memory) as made:
        yield Path(made)
