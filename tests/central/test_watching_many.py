"""What is asked when a gateway falls silent costs no more where there are thousands of them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy.dialects import sqlite

from nattevakt.central import gateway_silence
from nattevakt.central.migrate import make_ready


def test_the_rooms_of_a_silent_gateway_are_found_without_reading_what_all_others_heard(tmp_path: Path) -> None:
    """A power cut silences a town: 2,000 of these questions follow, and SQLite's one writer waits for them."""
    file = tmp_path / "central.sqlite"
    make_ready(f"sqlite:///{file}")
    compiled = gateway_silence._SERVED.compile(dialect=sqlite.dialect())
    with closing(sqlite3.connect(file)) as connection:
        values = [1] * len(compiled.positiontup or ())
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {compiled}", values)]
    (states,) = [step for step in plan if "device_states" in step]
    assert "gateway_id=?" in states, plan
    assert "address=?" in states, plan
