"""What the tablets would show, noted as it changes. Serves the checks of a simulated night.

Owns the list of alarms that were seen, each with when and as what, and what came of it. Must not know what was
expected. It reads the database as a tablet's snapshot does, after each piece of work that said it changed something.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from nattevakt.central.alarms.lifecycle import ENDED, State
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.tables import alarms, devices, gateways, residents, rooms, wards
from nattevakt.central.tablet.i18n import Words
from nattevakt.central.tablet.rooms import RoomView, of_ward


@dataclass(slots=True)
class Seen:
    """One alarm under one kind: a *sjekk* that becomes an alarm is seen twice. Times are true Unix ms.

    room: its number, "" where it has none. about: the resident's name, or the gateway or device. ended_ms: when it
    ended or became another kind. soundings: when it sounded anew.
    """

    alarm_id: int
    kind: str
    room: str
    about: str
    at_ms: int
    occurred_from_ms: int
    occurred_to_ms: int
    reason: str
    priority: int
    state: str
    params: dict[str, object] = field(default_factory=dict)
    ended_ms: int | None = None
    ended_as: str = ""
    soundings: list[int] = field(default_factory=list)


LOST = "tapt"
"""How an alarm ended that an older copy of the database does not know."""
_ALARMS = (
    select(alarms, rooms.c.number.label("room"), residents.c.name.label("resident"))
    .outerjoin(rooms, (rooms.c.tenant_id == alarms.c.tenant_id) & (rooms.c.id == alarms.c.room_id))
    .outerjoin(residents, (residents.c.tenant_id == alarms.c.tenant_id) & (residents.c.id == alarms.c.resident_id))
    .where(alarms.c.tenant_id == TENANT)
    .order_by(alarms.c.id)
)
_NAMES = {
    "gateway": select(gateways.c.id, gateways.c.key.label("name")).where(gateways.c.tenant_id == TENANT),
    "room": select(rooms.c.id, rooms.c.number.label("name")).where(rooms.c.tenant_id == TENANT),
    "device": select(devices.c.id, devices.c.address.label("name")).where(devices.c.tenant_id == TENANT),
}


class Watch:
    """Whoever sits beside the tablets all night. told: called with each alarm that begins, changes kind, or ends."""

    def __init__(self, told: Callable[[Seen], None]) -> None:
        self.seen: list[Seen] = []
        self._told = told
        self._now: dict[int, Seen] = {}
        self._sounds: dict[int, int] = {}
        self._closed: set[int] = set()

    def look(self, s: TenantSession, now_ms: int) -> None:
        """Note what has changed since the last look."""
        for row in s.execute(_ALARMS):
            known = self._now.get(row.id)
            if known is None or known.kind != row.kind:
                if known is not None:
                    known.ended_ms, known.ended_as = now_ms, row.kind
                known = self._begin(s, row, now_ms)
            self._follow(known, row, now_ms)

    def restored(self, s: TenantSession, now_ms: int) -> None:
        """The database is another one, older than what was seen. What is not known there has ended as lost; a number
        that is given again is another alarm."""
        rows = {row.id: row for row in s.execute(_ALARMS)}
        for alarm_id, seen in list(self._now.items()):
            row = rows.get(alarm_id)
            if row is not None and (row.kind, row.occurred_from_ms) == (seen.kind, seen.occurred_from_ms):
                self._sounds[alarm_id] = row.sound_seq
                continue
            del self._now[alarm_id], self._sounds[alarm_id]
            if seen.ended_ms is None:
                seen.ended_ms, seen.ended_as = now_ms, LOST
                self._told(seen)

    def open(self, kind: str, room: str) -> Seen | None:
        """The newest alarm of this kind in this room that has not ended."""
        found = (seen for seen in reversed(self.seen) if (seen.kind, seen.room) == (kind, room))
        return next((seen for seen in found if seen.ended_ms is None), None)

    def _begin(self, s: TenantSession, row: Any, now_ms: int) -> Seen:
        seen = Seen(
            row.id,
            row.kind,
            row.room or "",
            row.resident or _name(s, row.subject),
            now_ms,
            row.occurred_from_ms,
            row.occurred_to_ms,
            row.reason_code,
            row.priority,
            row.state,
            dict(row.reason_params),
        )
        self._now[row.id] = seen
        self._sounds[row.id] = row.sound_seq
        self.seen.append(seen)
        self._told(seen)
        return seen

    def _follow(self, seen: Seen, row: Any, now_ms: int) -> None:
        if row.sound_seq > self._sounds[row.id]:
            self._sounds[row.id] = row.sound_seq
            seen.soundings.append(now_ms)
            seen.reason, seen.params = row.reason_code, dict(row.reason_params)
        ended = State(row.state) in ENDED
        if ended and seen.ended_ms is None:
            seen.ended_ms, seen.ended_as = now_ms, row.state
            seen.state = row.state
            self._told(seen)
        elif not ended:
            seen.ended_ms = None
        seen.state = row.state


def _name(s: TenantSession, subject: str) -> str:
    """A subject in words: its key, number or address."""
    sort, _, number = subject.partition(":")
    statement = _NAMES.get(sort)
    if statement is None or not number.isdigit():
        return number or subject
    return next((str(row.name) for row in s.execute(statement) if row.id == int(number)), subject)


def room_shown(s: TenantSession, number: str, words: Words, zone: ZoneInfo, now_ms: int) -> RoomView | None:
    """A room's tile as the tablet of its ward shows it now."""
    for ward_id in s.execute(select(wards.c.id).where(wards.c.tenant_id == TENANT)).scalars().all():
        for view in of_ward(s, ward_id, {}, words, zone, now_ms):
            if view.number == number:
                return view
    return None
