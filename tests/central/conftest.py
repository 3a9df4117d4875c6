"""Fixtures of the centre's tests: each database, a seeded ward, a service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nattevakt.central.db import Database
from nattevakt.sim.centre import Stock
from tests.central.house import Clock, House, build
from tests.support.postgres import Postgres


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Stock:
    """An empty SQLite database, migrated once: a migration costs more than most tests."""
    return Stock(tmp_path_factory.mktemp("stock"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path, stock: Stock) -> Iterator[str]:
    """A migrated, empty database of each kind."""
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        url = server.lend()
        yield url
        server.give_back(url)
        return
    stock.fresh(tmp_path / "central.sqlite")
    yield f"sqlite:///{tmp_path / 'central.sqlite'}"


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """The database as the service opens it."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until it is told otherwise."""
    return Clock()


@pytest.fixture
def house(db: Database, clock: Clock) -> House:
    """A ward with two rooms, residents, devices and gateways."""
    return build(db, clock)
