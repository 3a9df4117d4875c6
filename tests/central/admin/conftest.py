"""Fixtures of the tests of who leads a ward, on each database."""

from __future__ import annotations

import pytest

from nattevakt.central.db import Database
from tests.central.admin.desk import Desk
from tests.central.house import Clock
from tests.central.past_nights import NOON_MS, Lived


@pytest.fixture
def lived(db: Database) -> Lived:
    """A ward at noon, with nothing planned yet."""
    return Lived(db, Clock(NOON_MS))


@pytest.fixture
def desk(lived: Lived) -> Desk:
    """Kari, who leads the ward, is logged in."""
    found = Desk(lived)
    found.enrol()
    found.log_in()
    return found
