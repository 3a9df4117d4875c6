"""What grows for years is found by its key, however much there is of it."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.dialects import sqlite

from nattevakt.central import completeness
from nattevakt.central.migrate import make_ready
from nattevakt.central.places import sensors
from nattevakt.central.tablet import views


@pytest.mark.parametrize("asked", [completeness._SERVING, sensors._SENSORS], ids=["serving", "sensors"])
def test_device_states_are_found_by_gateway_and_address(tmp_path: Path, asked: Any) -> None:
    """By the address alone SQLite reads all that was ever heard, once for each device, and its one writer waits."""
    file = tmp_path / "central.sqlite"
    make_ready(f"sqlite:///{file}")
    plan = planned(file, asked)
    (states,) = [step for step in plan if "device_states" in step]
    assert "gateway_id=?" in states, plan
    assert "address=?" in states, plan


def test_who_has_read_names_is_found_without_reading_all_that_was_ever_read(tmp_path: Path) -> None:
    """Each snapshot asks it while somebody is logged in."""
    file = tmp_path / "central.sqlite"
    make_ready(f"sqlite:///{file}")
    (step,) = planned(file, views._LOGGED)
    assert "ix_access_log_reader" in step, step
    assert "at_ms>?" in step, step


def planned(file: Path, asked: Any) -> list[str]:
    """How SQLite goes about a statement."""
    sql = re.sub(r"\(__\[POSTCOMPILE_\w+\]\)", "(?)", str(asked.compile(dialect=sqlite.dialect())))
    with closing(sqlite3.connect(file)) as connection:
        return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", [1] * sql.count("?"))]
