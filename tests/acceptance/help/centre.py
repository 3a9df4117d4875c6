"""The real application in this process, and who stands before it: tablets and people, over HTTP. Tests only.

It is the service's own factory without its threads: whoever lets time pass calls what those would call.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy import select

from nattevakt.central import app
from nattevakt.central.columns import TENANT
from nattevakt.central.config import CentralConfig, DatabaseConfig
from nattevakt.central.config_channels import Roads
from nattevakt.central.db import Database, Tenant
from nattevakt.central.people import tablets
from nattevakt.central.tables import live_seq
from nattevakt.central.tablet.live import Hub
from tests.central.house import Clock

PIN = "274193"
BEAT_MS = 30_000
"""How often a tablet says that it is there."""
VERBS = {"take": "take", "on-way": "on_way", "on-site": "on_site", "close": "close", "decline": "reject"}


@dataclass(frozen=True, slots=True)
class Deed:
    """What a person did to an alarm, as they know it themselves."""

    at_ms: int
    alarm: int
    cause: str
    who: str
    tablet: str


@dataclass(frozen=True, slots=True)
class Wish:
    """One request."""

    method: str
    path: str
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Centre:
    """The service. deeds, screens: what was done and shown, written down by those who did it."""

    def __init__(self, url: str, clock: Clock, roads: Roads | None = None) -> None:
        self.clock, self.roads = clock, roads or Roads()
        self.db = Database(url)
        self._seq = 0
        self.deeds: list[Deed] = []
        self.screens: dict[tuple[int, int, str], int] = {}
        self.tablets: list[Tablet] = []
        self._runner = asyncio.Runner()
        self.app = app.create_app(CentralConfig(DatabaseConfig(url)), clock)
        app.equip(self.app, self.db, Hub(clock), roads=self.roads)
        self._keys = itertools.count()

    def close(self) -> None:
        """The end."""
        self._runner.close()
        self.roads.close()
        self.db.close()

    @property
    def tenant(self) -> Tenant:
        """The one municipality."""
        (found,) = self.db.tenants()
        return found

    def ask(self, *wishes: Wish) -> list[httpx.Response]:
        """All of these requests at the same time."""

        async def one(wish: Wish) -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            content = wish.body if isinstance(wish.body, bytes) else None
            told = None if content is not None else wish.body
            async with httpx.AsyncClient(transport=transport, base_url="https://centre") as http:
                return await http.request(wish.method, wish.path, content=content, json=told, headers=wish.headers)

        async def all_of_them() -> list[httpx.Response]:
            return list(await asyncio.gather(*(one(wish) for wish in wishes)))

        return self._runner.run(all_of_them())

    def key(self) -> str:
        """A key that no other act has."""
        return f"deed-{next(self._keys):06}"

    def tablet(self, name: str, ward: str) -> Tablet:
        """A new tablet of a ward, on the wall and switched on."""
        found = Tablet(self, name, ward)
        self.tablets.append(found)
        found.says()
        found.looks()
        return found

    def settle(self) -> None:
        """Every tablet that is on has been told that something changed, and looks."""
        while (seq := self._now()) != self._seq:
            self._seq = seq
            for one in self.tablets:
                if one.on:
                    one.looks()

    def _now(self) -> int:
        """How often anything that tablets show has changed."""
        with self.db.read(self.tenant.id) as s:
            return int(s.execute(select(live_seq.c.seq).where(live_seq.c.tenant_id == TENANT)).scalar() or 0)

    def beat(self) -> None:
        """Every tablet that is on says so, each thirty seconds."""
        for one in self.tablets:
            if one.on and self.clock.at_ms - one.said_ms >= BEAT_MS:
                one.says()


class Tablet:
    """One tablet. on: whether it runs; board: the alarms that it shows, by their ids."""

    def __init__(self, centre: Centre, name: str, ward: str) -> None:
        self.centre, self.name, self.ward = centre, name, ward
        self.on, self.battery, self.said_ms = True, 80, 0
        self.board: dict[int, dict[str, Any]] = {}
        self.tests: list[int] = []
        self.cookies: dict[str, str] = {}
        db, tenant = centre.db, centre.tenant
        code = db.transact(tenant.id, lambda s: tablets.new_code(s, ward, name, centre.clock.at_ms))
        self.call("POST", "/tablet/enrol", {"code": code})

    def wish(self, method: str, path: str, body: object = None, **headers: str) -> Wish:
        """A request as its page makes it."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return Wish(method, path, body, {"Sec-Fetch-Site": "same-origin", "Cookie": cookies, **headers})

    def call(self, method: str, path: str, body: object = None, status: int = 200) -> httpx.Response:
        """One request that must be answered so."""
        (answer,) = self.centre.ask(self.wish(method, path, body))
        assert answer.status_code == status, answer.text
        for line in answer.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def says(self) -> None:
        """It is there, its page is visible and its sound runs."""
        told = {"audio": "running", "visible": True, "heard": True, "used": True, "battery": self.battery}
        self.call("POST", "/tablet/presence", told)
        self.said_ms = self.centre.clock.at_ms

    def looks(self) -> None:
        """It shows what there is, sounds what is new, and confirms it."""
        shown = self.call("GET", "/tablet/snapshot").json()
        self.board = {alarm["id"]: alarm for alarm in shown["alarms"]}
        self.tests = shown["tests"]["ids"]
        fresh = []
        for alarm in self.board.values():
            key = (alarm["id"], alarm["sound_seq"], self.name)
            if alarm["notice_id"] is not None and key not in self.centre.screens:
                self.centre.screens[key] = self.centre.clock.at_ms
                fresh.append({"id": alarm["notice_id"], "shown_ms": self.centre.clock.at_ms, "sounded": True})
        if fresh:
            self.call("POST", "/tablet/shown", {"notices": fresh})

    def rings(self, alarm: int) -> bool:
        """Whether it shows an alarm that nobody has."""
        return alarm in self.board and not self.board[alarm]["taken"]


@dataclass
class Person:
    """Somebody who is logged in on a tablet."""

    key: str
    name: str
    tablet: Tablet

    @classmethod
    def comes(cls, key: str, tablet: Tablet) -> Person:
        """They say who they are."""
        told = tablet.call("POST", "/tablet/person", {"staff": key, "pin": PIN}).json()
        tablet.centre.settle()
        return cls(key, told["name"], tablet)

    def wish(self, alarm: int, verb: str, **body: object) -> Wish:
        """A tap."""
        key = {"Idempotency-Key": self.tablet.centre.key()}
        return self.tablet.wish("POST", f"/tablet/alarms/{alarm}/{verb}", body, **key)

    def taps(self, alarm: int, verb: str, **body: object) -> httpx.Response:
        """A tap, whatever comes of it."""
        (answer,) = self.tablet.centre.ask(self.wish(alarm, verb, **body))
        self.tablet.centre.settle()
        return answer

    def does(self, alarm: int, verb: str, **body: object) -> None:
        """A tap that is carried out."""
        answer = self.taps(alarm, verb, **body)
        assert answer.status_code == 200, answer.text
        self.did(alarm, VERBS.get(verb, verb))

    def did(self, alarm: int, cause: str) -> None:
        """They remember what they did."""
        centre = self.tablet.centre
        centre.deeds.append(Deed(centre.clock.at_ms, alarm, cause, self.name, self.tablet.name))

    def takes(self, alarm: int) -> None:
        """They have it."""
        self.does(alarm, "take")

    def declines(self, alarm: int, reason: str) -> None:
        """They cannot."""
        self.does(alarm, "decline", reason=reason)

    def helps(self, alarm: int, passes: Callable[[float], None], note: str = "") -> None:
        """They are there after a minute, and done after five more."""
        passes(1)
        self.does(alarm, "on-site")
        passes(5)
        self.does(alarm, "close", cause="toalett", action="hjelp_gitt", note=note)

    def logs_off(self, *held: int, leave: bool = False) -> httpx.Response:
        """They leave the tablet. held: the alarms that they pass on by that."""
        (answer,) = self.tablet.centre.ask(self.tablet.wish("POST", "/tablet/person/end", {"leave": leave}))
        if answer.status_code == 200:
            for alarm in held:
                self.did(alarm, "reject")
            del self.tablet.cookies["__Host-person"]
        self.tablet.centre.settle()
        return answer

    def takes_over_from(self, other: Person, *alarms: int, note: str) -> None:
        """A change of shift. alarms: those that the other one has in hand."""
        told = {"from": other.key, "note": note}
        assert self.tablet.call("POST", "/tablet/handover", told).json()["alarms"] == list(alarms)
        for alarm in alarms:
            self.did(alarm, "transfer")
            self.did(alarm, "take")
        self.tablet.centre.settle()

    def reads(self, path: str) -> Any:
        """What the API of a ward's lead says."""
        return json.loads(self.tablet.call("GET", f"/v1/admin{path}").text)
