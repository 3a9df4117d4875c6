"""A ward's lead at a tablet, over HTTP within the process: pages and API on a ward that has lived some nights."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
from fastapi import FastAPI
from sqlalchemy import select, text, update

from nattevakt.central.admin import api, routes
from nattevakt.central.columns import TENANT
from nattevakt.central.config import CentralConfig
from nattevakt.central.config_channels import Roads
from nattevakt.central.db import TenantSession
from nattevakt.central.people import sessions, tablets
from nattevakt.central.tables import access_log, devices, gateways, listed_devices, residents, rooms, staff, stays
from nattevakt.central.tables import wards as ward_rows
from tests.central.past_nights import Lived

FORM = "application/x-www-form-urlencoded"


@dataclass
class Desk:
    """One browser. Its cookies say who asks."""

    lived: Lived
    cookies: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.app = FastAPI(openapi_url=None)
        self.app.state.db, self.app.state.clock = self.lived.db, self.lived.clock
        self.app.state.config = CentralConfig()
        self.app.state.roads = Roads()
        self.app.include_router(routes.router)
        self.app.include_router(api.router)

    # --- who asks

    def enrol(self) -> int:
        """Make the browser a tablet of ward a; gives its id."""
        now_ms = self.lived.clock.at_ms
        with self.lived.db.write(self.lived.tenant.id) as s:
            code = tablets.new_code(s, "a", "PC", now_ms)
        cookie = tablets.redeem(self.lived.db, code, now_ms)
        assert cookie
        self.cookies["__Host-tablet"] = cookie.text()
        self.tablet_id = cookie.tablet_id
        return cookie.tablet_id

    def log_in(self, *, lead: bool = True) -> None:
        """Kari is at the tablet."""
        now_ms = self.lived.clock.at_ms
        with self.lived.db.write(self.lived.tenant.id) as s:
            s.execute(update(staff).where(staff.c.tenant_id == TENANT, staff.c.key == "kari"), {"lead": lead})
            self.cookies["__Host-person"] = sessions.start(s, self.tablet_id, self.lived.kari, now_ms)

    # --- asking

    def call(
        self, method: str, path: str, body: object = None, form: Sequence[tuple[str, str]] | None = None, **headers: str
    ) -> httpx.Response:
        """One request, as a page of ours would send it."""
        sent = {"Sec-Fetch-Site": "same-origin", "Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        content: bytes | None = None
        if form is not None:
            sent.setdefault("Content-Type", FORM)
            content = urlencode(form).encode()

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="https://centre") as http:
                if content is not None:
                    return await http.request(method, path, content=content, headers=sent)
                return await http.request(method, path, json=body, headers=sent)

        return asyncio.run(ask())

    def get(self, path: str) -> Any:
        """A JSON answer that must be there."""
        answer = self.call("GET", f"/v1/admin{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Mapping[str, object], method: str = "POST") -> httpx.Response:
        """A JSON request."""
        return self.call(method, f"/v1/admin{path}", body)

    def page(self, path: str) -> str:
        """A page that must be there, as its reader reads it."""
        answer = self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return plain(answer.text)

    # --- the ward

    def id_of(self, key: str) -> int:
        """A resident's id."""
        return self.lived.id_of(residents, key)

    def say_uses(self, **uses: str) -> None:
        """The gateway tells what its devices are for: `mat="bed"`; of all others that they hear water."""
        gateway = self.lived.id_of(gateways, "gw1")
        with self.lived.db.write(self.lived.tenant.id) as s:
            known = s.execute(select(devices.c.address).where(devices.c.tenant_id == TENANT)).scalars().all()
            told = [(address, uses.get(address.partition(":")[2], "leak")) for address in known]
            rows = [{"gateway_id": gateway, "address": address, "use": use} for address, use in told]
            s.add(listed_devices, rows)

    def other_ward(self) -> int:
        """Move r2 to a room on a ward that is nobody's here; gives their id."""
        number = self.id_of("r2")
        with self.lived.db.write(self.lived.tenant.id) as s:
            ward = s.insert(ward_rows, key="z", name="Avdeling Z", night_from_minute=1320, night_to_minute=420)
            room = s.insert(rooms, ward_id=ward, key="901", number="901", name="")
            s.insert(stays, resident_id=number, room_id=room, from_ms=0, to_ms=None)
        return number

    def readings(self) -> list[tuple[str, int, int]]:
        """What stands in the access log: what, whose, by whom."""
        with self.lived.db.read(self.lived.tenant.id) as s:
            rows = s.execute(select(access_log).where(access_log.c.tenant_id == TENANT).order_by(access_log.c.id))
            return [(row.what, row.resident_id, row.staff_id) for row in rows]

    def leave_ward(self) -> None:
        """Kari belongs to no ward any more."""
        with self.lived.db.write(self.lived.tenant.id) as s:
            s.execute(text("DELETE FROM staff_wards WHERE tenant_id = :tenant"))

    def write(self, work: Any) -> Any:
        """Do something to the database as no page does."""

        def run(s: TenantSession) -> Any:
            return work(s)

        return self.lived.db.transact(self.lived.tenant.id, run)


def plain(source: str) -> str:
    """A page's text without its tags."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", source)))


def fields(source: str) -> list[tuple[str, str]]:
    """What a browser would send of the plan's form, without a button."""
    part = re.search(r'<form method="post" action="/admin/residents/\d+/plan#plan".*?</form>', source, re.S)
    assert part, "no form of a plan"
    found: list[tuple[str, str]] = []
    for tag in re.finditer(
        r"<(input|textarea|select)\b([^>]*)>(.*?)(?=<(?:input|textarea|select|button)\b|$)", part[0], re.S
    ):
        held = dict(re.findall(r'([\w-]+)="([^"]*)"', tag[2]))
        if "name" not in held:
            continue
        if tag[1] == "textarea":
            found.append((held["name"], html.unescape(tag[3].partition("</textarea>")[0])))
        elif tag[1] == "select":
            chosen = re.search(r'value="([^"]*)" selected', tag[3]) or re.search(r'value="([^"]*)"', tag[3])
            found.append((held["name"], chosen[1] if chosen else ""))
        elif held.get("type") not in ("checkbox", "radio") or " checked" in tag[2]:
            found.append((held["name"], html.unescape(held.get("value", ""))))
    return found


def typed(form: Sequence[tuple[str, str]], **changes: str) -> list[tuple[str, str]]:
    """The same form with other values; `line_0_set_limit_min="20"` for "line-0-set-limit_min" by its own name too."""
    named = {key: value for key, value in changes.items() if key in dict(form)}
    others = {key: value for key, value in changes.items() if key not in named}
    return [(key, named.get(key, value)) for key, value in form] + list(others.items())
