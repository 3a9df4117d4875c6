"""Fixtures of the rounds' tests: a ward of fourteen rooms on each database, with a sweep at any moment."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Table, select, update

from nattevakt.central import sweep
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database, Tenant
from nattevakt.central.places import plans
from nattevakt.central.rounds import tasks, times
from nattevakt.central.rounds.tasks import Confirmed, Task
from nattevakt.central.tables import alarms, device_states, listed_devices
from nattevakt.edge.rules.windows import Window
from tests.central.tablet import ward as wards

OSLO = ZoneInfo("Europe/Oslo")
MIN = 60_000
HOUR = 60 * MIN
NIGHT = ((23 * 60, 127), (2 * 60, 127), (5 * 60, 127))
KARI, PER = 1, 2


def ms(text: str) -> int:
    """A local moment, "2026-11-21 22:00"."""
    return round(datetime.fromisoformat(text).replace(tzinfo=OSLO).timestamp() * 1000)


EVENING_MS = ms("2026-11-21 22:00")


@dataclass
class Rounds:
    """One ward in the evening, and what happens to it."""

    db: Database
    tenant: Tenant
    ward: wards.Ward
    now_ms: int = EVENING_MS

    def sweep(self, at: str | int | None = None) -> None:
        """One cycle of the sweep, at a moment."""
        if at is not None:
            self.now_ms = ms(f"2026-11-{at}") if isinstance(at, str) else at
        assert sweep.cycle(self.db, self.tenant, self.now_ms)

    def live(self, until: str, step_ms: int = MIN) -> None:
        """The sweep goes on until a moment, all sensors that are known speaking."""
        end_ms = ms(f"2026-11-{until}")
        while self.now_ms < end_ms:
            self.sweep(min(end_ms, self.now_ms + step_ms))

    def set_times(self, *given: tuple[int, int]) -> None:
        """The ward's times."""
        with self.db.write(self.tenant.id) as s:
            times.set_ward(s, self.ward.ward, given, self.tenant.time_zone, self.now_ms)

    def rows(self, table: Table) -> list[Any]:
        """All rows of a table, by key."""
        with self.db.read(self.tenant.id) as s:
            return list(s.execute(select(table).where(table.c.tenant_id == TENANT).order_by(*table.primary_key)).all())

    def open(self) -> list[Task]:
        """The turns that want to be done."""
        with self.db.read(self.tenant.id) as s:
            return tasks.open_of(s, self.ward.ward)

    def of(self, number: str) -> list[Task]:
        """The open turns of the resident in a room."""
        return [task for task in self.open() if task.resident_id == self.ward.residents[number]]

    def confirm(self, task: Task | int, how: str, outcome: str = "ok", staff_id: int = KARI) -> Confirmed:
        """A person has looked."""
        number = task if isinstance(task, int) else task.id
        return self.db.transact(
            self.tenant.id, lambda s: tasks.confirm(s, number, how, outcome, staff_id, None, "", self.now_ms)
        )

    def alarms(self) -> list[Any]:
        """The alarms about rounds."""
        return [row for row in self.rows(alarms) if row.kind == "round_overdue"]

    def sensor(self, number: str, **values: object) -> None:
        """Change what is known of the bed sensor in a room."""
        with self.db.write(self.tenant.id) as s:
            mine = (device_states.c.tenant_id == TENANT, device_states.c.address == f"test:{number}")
            s.execute(update(device_states).where(*mine).values(**values))

    def silent(self, number: str) -> None:
        """The bed sensor in a room has fallen silent."""
        self.sensor(number, unknown_since_ms=self.now_ms, unknown_reason="silent", known_after_ms=self.now_ms)

    def back(self, number: str) -> None:
        """It is heard again."""
        self.sensor(number, unknown_since_ms=None, unknown_reason=None, known_after_ms=None, last_heard_ms=self.now_ms)

    def plan(self, number: str, dense_rounds_min: int | None = None) -> None:
        """A plan that leans on the bed sensor of a room, which its gateway has told to be one."""
        line = plans.Line("not_back_in_bed", (Window(23 * 60, 7 * 60),), {})
        with self.db.write(self.tenant.id) as s:
            s.add(listed_devices, [{"gateway_id": 1, "address": f"test:{number}", "use": "bed"}])
            who: Mapping[str, Any] = {"staff_id": KARI, "by_name": "Kari N.", "why": "test"}
            plans.save(
                s,
                self.ward.residents[number],
                [line],
                dense_rounds_min=dense_rounds_min,
                now_ms=self.now_ms,
                expected_version=0,
                **who,
            )


_numbers = itertools.count()


@pytest.fixture
def rounds(db: Database) -> Rounds:
    """A ward that has rounds at 23, 02 and 05, at ten in the evening."""
    key = f"furutun{next(_numbers)}"
    ward = wards.seed(db, EVENING_MS, key)
    tenant = db.tenant(key)
    assert tenant is not None
    found = Rounds(db, tenant, ward)
    found.set_times(*NIGHT)
    found.sweep()
    return found
