"""How long a holder has is what the centre's settings say, from the tap on a tablet to the stored deadline."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from sqlalchemy import bindparam, select

from nattevakt.central.alarms import overdue
from nattevakt.central.app import create_app, equip
from nattevakt.central.columns import TENANT
from nattevakt.central.config import AlarmsConfig, CentralConfig, DatabaseConfig, checked
from nattevakt.central.db import Database
from nattevakt.central.tables import alarms, wake_rows
from nattevakt.central.tablet.live import Hub
from nattevakt.edge.errors import RejectError
from tests.central.admin.evening import EVENING_MS, Evening
from tests.central.admin.evening import evening as seeded
from tests.central.past_nights import MIN
from tests.central.tablet.ward import ring

DUE = select(alarms.c.due_ms).where(alarms.c.tenant_id == TENANT, alarms.c.id == bindparam("alarm_id"))
WAKE = select(wake_rows.c.wake_at_ms).where(
    wake_rows.c.tenant_id == TENANT,
    wake_rows.c.subject == bindparam("subject"),
    wake_rows.c.rule == bindparam("rule"),
)


@pytest.fixture
def evening(db: Database) -> Evening:
    return seeded(db)


def config(db: Database, taken_limit_min: int) -> CentralConfig:
    database = DatabaseConfig(url=db.url.render_as_string(hide_password=False))
    return CentralConfig(database, alarms=AlarmsConfig(taken_limit_min))


@pytest.mark.parametrize("limit_min", [3, 60])
def test_what_the_settings_say_is_stored_with_the_tap(evening: Evening, limit_min: int) -> None:
    app = create_app(config(evening.db, limit_min), evening.clock)
    equip(app, evening.db, Hub(evening.clock))
    evening.log_in(evening.enrol(), evening.kari)
    alarm = ring(evening.db, evening.ward, EVENING_MS, number="211")
    cookies = "; ".join(f"{name}={value}" for name, value in evening.cookies.items())
    headers = {"Cookie": cookies, "Sec-Fetch-Site": "same-origin", "Idempotency-Key": "takes-it-now"}

    async def take() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://centre") as http:
            return await http.post(f"/tablet/alarms/{alarm}/take", json={}, headers=headers)

    answer = asyncio.run(take())
    assert answer.status_code == 200, answer.text
    with evening.db.read(evening.tenant.id) as s:
        due_ms = s.execute(DUE, {"alarm_id": alarm}).scalar_one()
        wake_ms = s.execute(WAKE, {"subject": overdue.subject(alarm), "rule": overdue.RULE}).scalar_one()
    assert due_ms == wake_ms == EVENING_MS + limit_min * MIN


def test_the_settings_say_no_more_than_what_is_taken_for_a_wrong_clock(db: Database) -> None:
    most_min = overdue.LIMIT_MOST_MS // MIN
    assert checked(config(db, most_min)).alarms.taken_limit_min == most_min
    with pytest.raises(RejectError, match="taken_limit_min"):
        checked(config(db, most_min + 1))
    assert most_min >= overdue.PROMISE_MOST_MIN
