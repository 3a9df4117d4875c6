"""Fixtures: a fresh database of each kind, a night on it, and the other side of the roads out of the house."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nattevakt.sim.centre import Stock
from tests.acceptance.help.night import Night
from tests.support.postgres import Postgres


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Stock:
    """An empty SQLite database, migrated once."""
    return Stock(tmp_path_factory.mktemp("stock"))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, stock: Stock) -> Iterator[str]:
    """Each database, migrated and empty."""
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        found, _ = server.fresh_database()
        yield found
        server.drop(found)
        return
    stock.fresh(tmp_path / "central.sqlite")
    yield f"sqlite:///{tmp_path / 'central.sqlite'}"


@pytest.fixture
def night(url: str) -> Iterator[Night]:
    """A night in a house that has tablets, gateways and people, and no road beyond them."""
    found = Night(url)
    yield found
    found.close()
