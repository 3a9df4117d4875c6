"""Tablets that share a reading share it with nobody who may not have it: names, wards and tenants stay apart."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from nattevakt.central.app import create_app, equip
from nattevakt.central.columns import TENANT
from nattevakt.central.config import CentralConfig, DatabaseConfig
from nattevakt.central.db import Database
from nattevakt.central.people import sessions, tablets
from nattevakt.central.tables import staff, staff_wards, wards
from nattevakt.central.tablet.live import Hub
from nattevakt.central.tablet.sharing import Readings
from tests.central.house import NOON_MS, Clock
from tests.central.tablet.ward import NAME, Ward, ring, seed

OTHERS_NAME = "Beboer 205 Testperson"
WAIT_S = 8


class Told(Readings):
    """Readings that tell what each of them was of."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Hashable] = []

    def begin(self, what: Hashable) -> bool:
        """As those of the centre."""
        self.asked.append(what)
        return super().begin(what)


@dataclass(frozen=True, slots=True)
class Asker:
    """A browser. sees: what must stand on its board, and hides what must not."""

    name: str
    cookies: dict[str, str]
    lang: str
    sees: tuple[str, ...]
    hides: tuple[str, ...]


class Wards:
    """Two municipalities whose numbers are the same, and tablets of theirs."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.wards = [seed(db, NOON_MS, key) for key in ("furutun", "annen")]
        for ward, number in zip(self.wards, ("204", "205"), strict=True):
            ring(db, ward, NOON_MS, number=number)
        with db.write(self.wards[0].tenant) as s:
            other = s.execute(select(wards.c.id).where(wards.c.tenant_id == TENANT, wards.c.key == "3etg")).scalar_one()
            kari = s.execute(select(staff.c.id).where(staff.c.tenant_id == TENANT, staff.c.key == "kari")).scalar_one()
            s.add(staff_wards, [{"staff_id": kari, "ward_id": other}])
        assert self.wards[0].ward == self.wards[1].ward, "only the tenant tells them apart"

    def asker(
        self, name: str, ward: Ward, person: str = "", key: str = "2etg", lang: str = "nb", **says: tuple[str, ...]
    ) -> Asker:
        """A tablet of its own, and perhaps somebody at it."""
        with self.db.write(ward.tenant) as s:
            code = tablets.new_code(s, key, name, NOON_MS)
        cookie = tablets.redeem(self.db, code, NOON_MS)
        assert cookie is not None
        cookies = {"__Host-tablet": cookie.text(), "lang": lang}
        if person:
            with self.db.write(ward.tenant) as s:
                who = s.execute(
                    select(staff.c.id).where(staff.c.tenant_id == TENANT, staff.c.key == person)
                ).scalar_one()
                cookies["__Host-person"] = sessions.start(s, cookie.tablet_id, who, NOON_MS)
        return Asker(name, cookies, lang, says.get("sees", ()), says.get("hides", (NAME, OTHERS_NAME)))


@pytest.fixture
def askers(db: Database) -> list[Asker]:
    made = Wards(db)
    here, there = made.wards
    return [
        made.asker("kari", here, "kari", sees=(NAME,), hides=(OTHERS_NAME,)),
        made.asker("per", here, "per", sees=(NAME,), hides=(OTHERS_NAME,)),
        made.asker("nobody", here),
        made.asker("english", here, "kari", lang="en", sees=(NAME, "Take alarm"), hides=(OTHERS_NAME,)),
        made.asker("other ward", here, "kari", key="3etg"),
        made.asker("nobody on the other ward", here, key="3etg"),
        made.asker("other municipality", there, "kari", sees=(OTHERS_NAME,), hides=(NAME,)),
        made.asker("nobody in the other municipality", there),
    ]


async def ask(app: FastAPI, one: Asker) -> tuple[Asker, int, str]:
    """The snapshot, as its tablet gets it."""
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in one.cookies.items())}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://centre") as http:
        found = await asyncio.wait_for(http.get("/tablet/snapshot", headers=headers), WAIT_S)
    return one, found.status_code, found.text


def right(found: tuple[Asker, int, str]) -> bool:
    """Whether somebody was told what is theirs, and nothing else."""
    one, status, text = found
    return status == 200 and all(part in text for part in one.sees) and not any(part in text for part in one.hides)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # there both municipalities' numbers are the same
def test_a_reading_that_is_held_is_waited_for_by_nobody_whose_board_is_another(
    db: Database, askers: list[Asker]
) -> None:
    readings = Told()
    clock = Clock()
    config = CentralConfig(DatabaseConfig(url=db.url.render_as_string(hide_password=False)))
    app = create_app(config, clock)
    equip(app, db, Hub(clock))
    assert isinstance(app.state.readings, Readings)
    app.state.readings = readings

    async def night() -> None:
        for one in askers:
            assert right(await ask(app, one)), one.name
        whats = list(readings.asked)
        assert len(whats) == len(askers)
        for held, what in zip(askers, whats, strict=True):
            assert readings.begin(what), "nobody reads it now"
            waits: asyncio.Task[Any] = asyncio.create_task(ask(app, held))
            others = [one for one in askers if one is not held]
            told = await asyncio.gather(*(ask(app, one) for one in others))
            wrong = [one.name for one, status, text in told if not right((one, status, text))]
            assert not wrong, f"while {held.name} is read"
            assert not waits.done(), "who asks for the same waits"
            readings.end(what)
            assert right(await waits), held.name

    asyncio.run(night())
