"""What the plans say of a device's room, read from the centre's tables by hand. Serves the judge.

Owns a slow and simple reading of places, stays, plans, bases and pauses as they stand when it is asked. Nothing of the
product's own reading is used. Must not know what a rule makes of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from nattevakt.sim.explore.truth_books import Books

EVERY_DAY = 127


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a resident's plan for one rule. windows: (from minute, to minute, weekdays); none: all hours."""

    resident_id: int
    windows: tuple[tuple[int, int, int], ...]
    settings: dict[str, int]


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds a plan back. basis: there is a ground, or was within the night. paused: somebody has paused it, or has
    during the time asked about."""

    basis: bool
    paused: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where a device hangs, and who lives there. others: addresses and spots of what hangs in the same room."""

    room_id: int
    spot: str
    residents: tuple[int, ...]
    others: dict[str, str]


def place_of(books: Books, address: str, at_ms: int) -> Place | None:
    """Where a device hung at a moment, by the centre's time."""
    found = books.ask(
        "SELECT p.room_id, p.spot FROM placements p JOIN devices d ON d.id = p.device_id WHERE d.address = ?"
        " AND p.from_ms <= ? AND (p.to_ms IS NULL OR p.to_ms > ?) ORDER BY p.from_ms DESC LIMIT 1",
        (address, at_ms, at_ms),
    )
    if not found:
        return None
    room_id, spot = found[0]
    there = books.ask(
        "SELECT resident_id FROM stays WHERE room_id = ? AND from_ms <= ? AND (to_ms IS NULL OR to_ms > ?)",
        (room_id, at_ms, at_ms),
    )
    others = books.ask(
        "SELECT d.address, p.spot FROM placements p JOIN devices d ON d.id = p.device_id WHERE p.room_id = ?"
        " AND p.to_ms IS NULL",
        (room_id,),
    )
    return Place(room_id, spot, tuple(sorted(row[0] for row in there)), dict(others))


def lines_of(books: Books, residents: Iterable[int], rule: str) -> list[Line]:
    """The lines that the plans in force of these residents have for a rule."""
    found = []
    for resident_id in residents:
        rows = books.ask(
            "SELECT v.body FROM plans p JOIN plan_versions v ON v.plan_id = p.id AND v.version = p.version"
            " WHERE p.resident_id = ? AND p.ended_ms IS NULL",
            (resident_id,),
        )
        for (body,) in rows:
            for line in json.loads(body)["lines"]:
                if line["rule"] == rule:
                    windows = tuple((w["from_minute"], w["to_minute"], w["weekdays"]) for w in line["windows"])
                    found.append(Line(resident_id, windows, dict(line["settings"])))
    return found


_VERSIONS = (
    "SELECT count(*) FROM plan_versions v JOIN plans p ON p.id = v.plan_id WHERE p.resident_id = ?1 AND v.at_ms >= ?2"
)


def changed_since(books: Books, resident_id: int, at_ms: int) -> bool:
    """Whether a resident's plan, bases, pauses or place have been changed since a moment of the centre's time."""
    asked = (
        _VERSIONS,
        "SELECT count(*) FROM bases WHERE resident_id = ?1 AND (made_ms >= ?2 OR ended_ms >= ?2)",
        "SELECT count(*) FROM pauses WHERE resident_id = ?1 AND (from_ms >= ?2 OR ended_ms >= ?2 OR to_ms >= ?2)",
        "SELECT count(*) FROM stays WHERE resident_id = ?1 AND (from_ms >= ?2 OR to_ms >= ?2)",
    )
    return any(books.ask(one, (resident_id, at_ms))[0][0] for one in asked)


def standing(books: Books, resident_id: int, rule: str, from_ms: int, to_ms: int) -> Standing:
    """What held a rule of a resident's plan back between two moments of the centre's time."""
    bases = books.ask("SELECT from_ms, review_ms, ended_ms FROM bases WHERE resident_id = ?", (resident_id,))
    pauses = books.ask("SELECT rule, from_ms, to_ms, ended_ms FROM pauses WHERE resident_id = ?", (resident_id,))
    basis = any(b <= to_ms and r > from_ms and (e is None or e > to_ms) for b, r, e in bases)
    paused = any(
        (name is None or name == rule) and begin <= to_ms and min(end, ended or end) >= from_ms
        for name, begin, end, ended in pauses
    )
    return Standing(basis, paused)


def inside(line: Line, at_ms: int, zone: ZoneInfo) -> bool:
    """Whether the wall clock reads a time within one of the windows at this moment."""
    if not line.windows:
        return True
    local = datetime.fromtimestamp(at_ms / 1000, zone)
    minute, today = local.hour * 60 + local.minute, local.weekday()
    yesterday = (local - timedelta(days=1)).weekday() if local.hour >= 3 else (today - 1) % 7
    for begin, end, days in line.windows:
        if begin < end:
            within, began = begin <= minute < end, today
        elif minute >= begin:
            within, began = True, today
        else:
            within, began = minute < end, yesterday
        if within and days >> began & 1:
            return True
    return False


def surely(line: Line, from_ms: int, to_ms: int, near_ms: int, zone: ZoneInfo) -> bool | None:
    """Whether what happened between two moments is within a line's windows: None where so near to an edge either may be
    said. A doubtful time counts as inside where any of it is."""
    step_ms = 60_000
    core = [inside(line, at, zone) for at in (*range(from_ms, to_ms, step_ms), to_ms)]
    around = [inside(line, at, zone) for at in (from_ms - near_ms, from_ms + near_ms, to_ms - near_ms, to_ms + near_ms)]
    if any(core) and (from_ms != to_ms or all(around)):
        return True
    if not any(core) and not any(around):
        return False
    return None
