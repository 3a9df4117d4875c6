"""The rooms of a ward as the board shows them: state, last sign of life, or that nothing is known. Serves arrow 9.

Owns what a room's sensors together mean to the eye. Must not know HTML, or alarms beyond their word. Whatever is in
doubt is shown as unknown: a room is known only while every one of its sensors that can be supervised is, and every
gateway that they speak through. While somebody of the room is alarmed about, the tile says that and no state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select

from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.devices import proof_due
from nattevakt.central.places.sensors import Sensor, in_ward
from nattevakt.central.rounds import degraded
from nattevakt.central.tables import rooms
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
PARTLY_MUTE = N_("{n} sensor kan ikke overvåkes")
PARTLY_MUTE_MANY = N_("{n} sensorer kan ikke overvåkes")
TRIED_TODAY = N_("prøvd i dag")
TRIED = N_("prøvd for {n} d siden")
TRIED_NEVER = N_("aldri prøvd")
TRY_IT = N_("må prøves, sist for {n} d siden")
DENSE = N_("Tettere tilsyn: {what} stille siden {at}")
DENSE_MISSING = N_("Tettere tilsyn: sensor mangler i rommet")
A_SENSOR = N_("sensor")
DAY_MS = 24 * 3_600_000

# Made once: building a statement and its cache key costs more than running it.
_ROOMS = select(rooms.c.id, rooms.c.number, rooms.c.name).where(
    rooms.c.tenant_id == TENANT, rooms.c.ward_id == bindparam("ward_id")
)


@dataclass(frozen=True, slots=True)
class RoomAlarm:
    """The open alarm that a tile speaks of. words: its kind, "" where it is about the installation. at: "02:12"."""

    level: str
    icon: str
    words: str
    at: str


@dataclass(frozen=True, slots=True)
class RoomView:
    """One tile. seen: known, unknown or mute. level: of the room's worst alarm, "" for none. note: how many of its
    sensors are mute beside others that are not. proof: whether they have been tried; due: they must be. doubt: that
    the room is unknown, where an alarm has taken the first word. dense: why its resident is looked to more often."""

    number: str
    name: str
    seen: str
    icon: str
    words: str
    detail: str
    heard_ms: int | None
    level: str
    note: str
    proof: str = ""
    due: bool = False
    doubt: str = ""
    dense: str = ""


def of_ward(
    s: TenantSession, ward_id: int, alarms: Mapping[int, RoomAlarm], words: Words, zone: ZoneInfo, now_ms: int
) -> tuple[RoomView, ...]:
    """All rooms of a ward in the order of their numbers. alarms: by room, where one is open."""
    found = s.execute(_ROOMS, {"ward_id": ward_id}).all()
    sensors = in_ward(s, ward_id, now_ms)
    ordered = sorted(found, key=lambda row: (len(row.number), row.number, row.id))
    thin = {one.room_id: dense(one, words, zone) for one in reversed(degraded.now(s, ward_id))}
    tiles = (
        view(row.number, row.name, sensors.get(row.id, ()), words, zone, now_ms, alarms.get(row.id)) for row in ordered
    )
    return tuple(replace(tile, dense=thin.get(row.id, "")) for tile, row in zip(tiles, ordered, strict=True))


def dense(thin: degraded.Thin, words: Words, zone: ZoneInfo) -> str:
    """Why somebody is looked to more often, and since when."""
    if thin.why == degraded.MISSING:
        return words(DENSE_MISSING)
    return words(DENSE, {"what": thin.spot or words(A_SENSOR), "at": clock(thin.since_ms, zone)})


def view(
    number: str,
    name: str,
    sensors: Sequence[Sensor],
    words: Words,
    zone: ZoneInfo,
    now_ms: int,
    alarm: RoomAlarm | None = None,
) -> RoomView:
    """What a room's sensors and its open alarm together show."""
    found = _state(number, name, sensors, words, zone, now_ms)
    if alarm is None:
        return found
    if not alarm.words:
        return replace(found, level=alarm.level)
    doubt = found.words if found.seen == "unknown" else ""
    said = replace(found, level=alarm.level, icon=alarm.icon, words=alarm.words, detail=alarm.at)
    return replace(said, heard_ms=None, doubt=doubt)


def _state(number: str, name: str, sensors: Sequence[Sensor], words: Words, zone: ZoneInfo, now_ms: int) -> RoomView:
    watched = [sensor for sensor in sensors if not sensor.mute]
    mute = [sensor for sensor in sensors if sensor.mute]
    proof, due = _proof(mute, words, now_ms)
    unknown = [sensor for sensor in sensors if sensor.unknown]
    note = words.count(PARTLY_MUTE, PARTLY_MUTE_MANY, len(mute)) if mute and watched else ""
    if unknown:
        text, why = _unknown(unknown, words, zone)
        return RoomView(number, name, "unknown", "circle-question-mark", text, why, None, "", note, proof, due)
    if not watched:
        why = proof if sensors else words(NO_SENSOR)
        return RoomView(number, name, "mute", "eye-off", words(MUTE), "", None, "", "", why, due)
    heard_ms = max((sensor.last_heard_ms for sensor in watched if sensor.last_heard_ms), default=None)
    icon, text = _known(watched, words)
    return RoomView(number, name, "known", icon, text, "", heard_ms, "", note, proof, due)


def _unknown(unknown: Sequence[Sensor], words: Words, zone: ZoneInfo) -> tuple[str, str]:
    """Since when a room is unknown, and why: what keeps all of it from us before what keeps one sensor."""
    cut = [sensor.outage for sensor in unknown if sensor.outage is not None]
    if cut:
        first = min(cut, key=lambda one: one.since_ms)
        return words(UNKNOWN_SINCE, {"at": clock(first.since_ms, zone)}), sentences.unknown(words, first.reason)
    one = min(unknown, key=lambda sensor: sensor.unknown_since_ms or 0)
    if one.unknown_since_ms is None:
        return words(UNKNOWN), words(NEVER_HEARD)
    at = clock(one.unknown_since_ms, zone)
    return words(UNKNOWN_SINCE, {"at": at}), sentences.unknown(words, one.unknown_reason)


def _proof(mute: Sequence[Sensor], words: Words, now_ms: int) -> tuple[str, bool]:
    """How long ago the mute device that was tried least lately was seen to work, and whether it is due."""
    if not mute:
        return "", False
    least = min(sensor.proved_ms or 0 for sensor in mute)
    if not least:
        return words(TRIED_NEVER), True
    days = max(0, now_ms - least) // DAY_MS
    if proof_due(least, now_ms):
        return words(TRY_IT, {"n": days}), True
    return words(TRIED, {"n": days}) if days else words(TRIED_TODAY), False


def _known(watched: Sequence[Sensor], words: Words) -> tuple[str, str]:
    newest = sorted(watched, key=lambda sensor: -(sensor.last_heard_ms or 0))
    beds = [sensor for sensor in newest if "bed" in sensor.readings]
    if any(sensor.readings["bed"] == "occupied" for sensor in beds):
        return "bed", words(IN_BED)
    for sensor in newest:
        if sensor.readings.get("presence") == "present" or sensor.readings.get("chair") == "seated":
            return "person-standing", words(UP_AT, {"spot": sensor.spot}) if sensor.spot else words(UP)
    if any(sensor.readings.get("contact") == "open" for sensor in newest):
        return "door-open", words(DOOR_OPEN)
    if beds:
        return "person-standing", words(UP)
    return "activity", words(IN_CONTACT)
