"""Fixtures of the acceptance tests: a house on each database, one browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support.browser import chromium
from tests.support.house import House
from tests.support.postgres import Postgres


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A house that is not started yet; `house.start()` brings it up."""
    if request.param == "sqlite":
        url = admin = f"sqlite:///{tmp_path / 'central.sqlite'}"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        url, admin = server.fresh_database()
    with House(tmp_path, url, admin) as built:
        yield built


@pytest.fixture
def sqlite_house(tmp_path: Path) -> Iterator[House]:
    """A house on SQLite, where the database makes no difference to what is tested."""
    with House(tmp_path, f"sqlite:///{tmp_path / 'central.sqlite'}") as built:
        yield built
