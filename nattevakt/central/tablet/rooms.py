"""The rooms of a ward as the board shows them: state, last sign of life, or that nothing is known. Serves arrow 9.

Owns what a room's sensors together mean to the eye. Must not know HTML or alarms beyond their level. Whatever is in
doubt is shown as unknown: a room is known only while every one of its sensors that can be supervised is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, bindparam, or_, select

from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.tables import device_states, devices, placements, rooms
from nattevakt.central.tablet import sentences
from nattevakt.central.tablet.i18n import N_, Words
from nattevakt.central.tablet.when import clock

IN_BED = N_("I seng")
UP = N_("Oppe")
UP_AT = N_("Oppe, {spot}")
DOOR_OPEN = N_("Dør åpen")
IN_CONTACT = N_("I kontakt")
UNKNOWN_SINCE = N_("Ukjent siden {at}")
UNKNOWN = N_("Ukjent")
NEVER_HEARD = N_("aldri hørt fra sensoren")
MUTE = N_("Kan ikke overvåkes")
NO_SENSOR = N_("ingen sensor")
MUTE_SENSOR = N_("sensor uten livstegn")
PARTLY_MUTE = N_("{n} sensor kan ikke overvåkes")
PARTLY_MUTE_MANY = N_("{n} sensorer kan ikke overvåkes")

# Made once: building a statement and its cache key costs more than running it.
_ROOMS = select(rooms.c.id, rooms.c.number, rooms.c.name).where(
    rooms.c.tenant_id == TENANT, rooms.c.ward_id == bindparam("ward_id")
)
_SENSORS = (
    select(
        placements.c.room_id,
        placements.c.spot,
        devices.c.id.label("device_id"),
        devices.c.mute,
        device_states.c.last_heard_ms,
        device_states.c.readings,
        device_states.c.unknown_since_ms,
        device_states.c.unknown_reason,
    )
    .select_from(placements)
    .join(rooms, (rooms.c.tenant_id == placements.c.tenant_id) & (rooms.c.id == placements.c.room_id))
    .join(devices, (devices.c.tenant_id == placements.c.tenant_id) & (devices.c.id == placements.c.device_id))
    .outerjoin(
        device_states,
        (device_states.c.tenant_id == devices.c.tenant_id)
        & (device_states.c.address == devices.c.address)
        & or_(devices.c.gateway_id.is_(None), device_states.c.gateway_id == devices.c.gateway_id),
    )
    .where(
        placements.c.tenant_id == TENANT,
        rooms.c.ward_id == bindparam("ward_id"),
        placements.c.from_ms <= bindparam("now_ms"),
        or_(placements.c.to_ms.is_(None), placements.c.to_ms > bindparam("now_ms")),
    )
)


@dataclass(frozen=True, slots=True)
class Sensor:
    """One sensor of a room as last heard. Unknown: since when (0: never heard) and why."""

    mute: bool
    spot: str = ""
    last_heard_ms: int | None = None
    readings: Mapping[str, object] = field(default_factory=dict)
    unknown_since_ms: int | None = None
    unknown_reason: str | None = None

    @property
    def unknown(self) -> bool:
        """True where a sensor that can be supervised is not known to be well."""
        return not self.mute and (self.unknown_since_ms is not None or self.last_heard_ms is None)


@dataclass(frozen=True, slots=True)
class RoomView:
    """One tile. seen: known, unknown or mute. level: of the room's worst alarm, "" for none."""

    number: str
    name: str
    seen: str
    icon: str
    words: str
    detail: str
    heard_ms: int | None
    level: str
    note: str


def of_ward(
    s: TenantSession, ward_id: int, levels: Mapping[int, str], words: Words, zone: ZoneInfo, now_ms: int
) -> tuple[RoomView, ...]:
    """All rooms of a ward in the order of their numbers."""
    found = s.execute(_ROOMS, {"ward_id": ward_id}).all()
    sensors = _sensors(s, ward_id, now_ms)
    ordered = sorted(found, key=lambda row: (len(row.number), row.number, row.id))
    return tuple(
        view(row.number, row.name, sensors.get(row.id, ()), levels.get(row.id, ""), words, zone) for row in ordered
    )


def _sensors(s: TenantSession, ward_id: int, now_ms: int) -> dict[int, list[Sensor]]:
    rows = s.execute(_SENSORS, {"ward_id": ward_id, "now_ms": now_ms})
    # A sensor that several gateways hear counts once, by whoever heard it last.
    best: dict[tuple[int, int], Row[Any]] = {}
    for row in rows:
        key = (row.room_id, row.device_id)
        if key not in best or (row.last_heard_ms or 0) > (best[key].last_heard_ms or 0):
            best[key] = row
    found: dict[int, list[Sensor]] = defaultdict(list)
    for (room_id, _), row in sorted(best.items()):
        found[room_id].append(
            Sensor(row.mute, row.spot, row.last_heard_ms, row.readings or {}, row.unknown_since_ms, row.unknown_reason)
        )
    return found


def view(number: str, name: str, sensors: Sequence[Sensor], level: str, words: Words, zone: ZoneInfo) -> RoomView:
    """What a room's sensors together show."""
    watched = [sensor for sensor in sensors if not sensor.mute]
    heard_ms = max((sensor.last_heard_ms for sensor in watched if sensor.last_heard_ms), default=None)
    mute = len(sensors) - len(watched)
    if not watched:
        why = words(MUTE_SENSOR) if sensors else words(NO_SENSOR)
        return RoomView(number, name, "mute", "eye-off", words(MUTE), why, None, level, "")
    note = words.count(PARTLY_MUTE, PARTLY_MUTE_MANY, mute) if mute else ""
    unknown = [sensor for sensor in watched if sensor.unknown]
    if unknown:
        first = min(unknown, key=lambda sensor: sensor.unknown_since_ms or 0)
        if first.unknown_since_ms is None:
            text, why = words(UNKNOWN), words(NEVER_HEARD)
        else:
            text = words(UNKNOWN_SINCE, {"at": clock(first.unknown_since_ms, zone)})
            why = sentences.unknown(words, first.unknown_reason)
        return RoomView(number, name, "unknown", "circle-question-mark", text, why, None, level, note)
    icon, text = _known(watched, words)
    return RoomView(number, name, "known", icon, text, "", heard_ms, level, note)


def _known(watched: Sequence[Sensor], words: Words) -> tuple[str, str]:
    newest = sorted(watched, key=lambda sensor: -(sensor.last_heard_ms or 0))
    beds = [sensor for sensor in newest if "bed" in sensor.readings]
    if any(sensor.readings["bed"] == "occupied" for sensor in beds):
        return "bed", words(IN_BED)
    for sensor in newest:
        if sensor.readings.get("presence") == "present":
            return "person-standing", words(UP_AT, {"spot": sensor.spot}) if sensor.spot else words(UP)
    if any(sensor.readings.get("contact") == "open" for sensor in newest):
        return "door-open", words(DOOR_OPEN)
    if beds:
        return "person-standing", words(UP)
    return "activity", words(IN_CONTACT)
