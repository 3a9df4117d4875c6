"""A resident's past nights as the rules would hear them again. Serves no arrow; it only reads.

Owns which stored events were about the resident at their time, in which order, and the plans that are tried on them
all in one pass (`tried`). Must not know what a plan is compared with, or how it is shown.

It is told as if every event had been heard the moment it happened. Guests change: what was heard while somebody else
lived there is nobody's here, and who shared a room is watched as in production (`cases.concerns`).
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, bindparam, func, select, text

from nattevakt.central.alarms.desk import Answer, Desk, Rung
from nattevakt.central.alarms.lifecycle import Move
from nattevakt.central.cases import concerns
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.places.places import Places, Spot, devices_of, look_up
from nattevakt.central.tables import events, stays
from nattevakt.edge.errors import RejectError
from nattevakt.edge.events import KIND_OF, Bed
from nattevakt.edge.rules.catalogue import BY_NAME
from nattevakt.edge.rules.replay import Driver
from nattevakt.edge.rules.rule import Armed, Entry, Fact, Occurred, Per, Rule
from nattevakt.edge.rules.windows import DAY_MS, next_at_ms
from nattevakt.edge.wire import decode_event

NIGHTS_MAX = 60
ROWS_MAX = 200_000
"""Most nights and events of one run: about half a minute of work with every rule armed."""
WARM_MS = DAY_MS
"""So long before the first night the rules are fed already, so that they know who lay in bed when it began."""
NOON_MINUTE = 12 * 60
STAFF_MIN = (4, 6, 10)
"""Minutes after an alarm sounds at which the staff of a backtest take it, are on site, and close it. A call is answered
after a mean of 3.5 to 8 minutes; what clears itself before they are there costs nobody a walk."""

Entries = Mapping[str, tuple[Entry, ...]]
"""A plan as the rules are given it: what each is set to, by its name."""
Progress = Callable[[int, int], None]
"""Told how many of how many events have been looked at."""


def silent(_done: int, _of: int) -> None:
    """Nobody watches."""


def staff(_alarm: Rung, now_ms: int) -> tuple[Answer, ...]:
    """The staff of every backtest: always the same, so that only the plans differ."""
    take, arrive, close = (now_ms + minutes * 60_000 for minutes in STAFF_MIN)
    return Answer(take, Move.TAKE), Answer(arrive, Move.ARRIVE), Answer(close, Move.CLOSE, "annet")


@dataclass(slots=True)
class Past:
    """A resident's past nights. begins: the noon at which each begins, and the end of the last, which may lie ahead.

    counted: how many events of each night were about the resident, once they have been read.
    """

    resident_id: int
    time_zone: str
    begins: tuple[int, ...]
    now_ms: int
    counted: list[int] = field(default_factory=list)

    @property
    def from_ms(self) -> int:
        """The beginning of the first night."""
        return self.begins[0]

    @property
    def to_ms(self) -> int:
        """The end of the last."""
        return self.begins[-1]

    def night_of(self, at_ms: int) -> int:
        """Which night a moment belongs to; negative or too large where to none."""
        return bisect_right(self.begins, at_ms) - 1


_ZONE = text("SELECT time_zone FROM tenants WHERE id = :tenant")


def past(s: TenantSession, resident_id: int, nights: int, now_ms: int) -> Past:
    """The last nights, noon to noon, that have come past midnight. Raises RejectError where that is too many."""
    if not 1 <= nights <= NIGHTS_MAX:
        raise RejectError("nights", f"must be from 1 to {NIGHTS_MAX}")
    time_zone = str(s.execute(_ZONE).scalar_one())
    begins = [next_at_ms(NOON_MINUTE, now_ms - 12 * 3_600_000, time_zone)]
    while len(begins) <= nights:
        # A day has 23 to 25 hours.
        begins.insert(0, next_at_ms(NOON_MINUTE, begins[0] - 26 * 3_600_000, time_zone))
    return Past(resident_id, time_zone, tuple(begins), now_ms, [0] * nights)


def tried(
    s: TenantSession, nights: Past, plans: Sequence[Entries], progress: Progress = silent
) -> list[tuple[Rung, ...]]:
    """For each of these plans the alarms that it would have raised in these nights, with what became of them.

    Raises RejectError where there are more events than can be tried.
    """
    subject = f"resident:{nights.resident_id}"
    devices = devices_of(s, subject)
    places = look_up(s, devices)
    rules = {name for entries in plans for name in entries}
    trials = [_Trial(nights, places, devices, entries) for entries in plans]
    gone = _gone(s, nights)
    for told in _told(s, nights, places, devices, rules, progress):
        if isinstance(told, int):
            for trial in trials:
                trial.look_round(told)
            continue
        while gone and gone[0] < told.fact.occurred.to_ms:
            left_ms = gone.pop(0)
            for trial in trials:
                trial.leave(left_ms)
        for trial in trials:
            trial.feed(told)
    return [trial.end(gone) for trial in trials]


@dataclass(frozen=True, slots=True)
class _Told:
    """One stored event and where it was then."""

    fact: Fact
    address: str
    spot: Spot


_OF_DEVICES = (
    events.c.tenant_id == TENANT,
    events.c.urgency == "B",
    events.c.device.in_(bindparam("devices", expanding=True)),
    events.c.occurred_to_ms >= bindparam("from_ms"),
    events.c.occurred_to_ms < bindparam("to_ms"),
    events.c.kind.in_(bindparam("kinds", expanding=True)),
)
_HOW_MANY = select(func.count()).select_from(select(events.c.seq).where(*_OF_DEVICES).limit(ROWS_MAX + 1).subquery())
_NAME = (events.c.gateway_id, events.c.stream_id, events.c.seq, events.c.variant)
_ROWS = (
    select(*_NAME, events.c.device, events.c.occurred_from_ms, events.c.occurred_to_ms, events.c.raw)
    .where(*_OF_DEVICES)
    .order_by(events.c.occurred_to_ms, *_NAME)
)


def _told(
    s: TenantSession,
    nights: Past,
    places: Places,
    devices: Sequence[str],
    rules: set[str],
    progress: Progress,
) -> Iterator[_Told | int]:
    """What happened, in order, a day at a time; each day begins with its moment."""
    kinds = sorted({KIND_OF[body] for name in rules for body in BY_NAME[name].wants})
    end_ms = min(nights.now_ms + 1, nights.to_ms)
    asked = {"devices": list(devices), "kinds": kinds, "from_ms": nights.from_ms - WARM_MS, "to_ms": end_ms}
    known = bool(devices and kinds)
    of = int(s.execute(_HOW_MANY, asked).scalar_one()) if known else 0
    if of > ROWS_MAX:
        raise RejectError("nights", f"more than {ROWS_MAX} events: choose fewer nights")
    done = 0
    parts = (nights.from_ms - WARM_MS, *nights.begins)
    for from_ms, to_ms in itertools.pairwise(parts):
        if from_ms >= end_ms:
            break
        yield from_ms
        part = {**asked, "from_ms": from_ms, "to_ms": min(to_ms, end_ms)}
        for row in s.execute(_ROWS, part) if known else ():
            done += 1
            if done % 1000 == 0:
                progress(done, of)
            spot = places.at(row.device, row.occurred_to_ms)
            if spot is None or nights.resident_id not in spot.residents:
                continue
            if from_ms >= nights.from_ms:
                nights.counted[nights.night_of(row.occurred_to_ms)] += 1
            yield _Told(_fact(row, spot), row.device, spot)
    progress(of, of)


def _fact(row: Row[Any], spot: Spot) -> Fact:
    at_ms = int(row.occurred_to_ms)
    key = (row.gateway_id, row.stream_id, row.seq, row.variant)
    return Fact(decode_event(row.raw).body, Occurred(row.occurred_from_ms, at_ms), at_ms, spot.spot, key)


_STAYS = select(stays.c.from_ms, stays.c.to_ms).where(
    stays.c.tenant_id == TENANT, stays.c.resident_id == bindparam("resident_id")
)


def _gone(s: TenantSession, nights: Past) -> list[int]:
    """When the resident had no room any more, in order, as far as these nights go."""
    rows = s.execute(_STAYS, {"resident_id": nights.resident_id}).all()
    end_ms = min(nights.now_ms, nights.to_ms)
    ends = {int(row.to_ms) for row in rows if row.to_ms is not None and nights.from_ms - WARM_MS < row.to_ms < end_ms}
    return sorted(
        at_ms
        for at_ms in ends
        if not any(row.from_ms <= at_ms and (row.to_ms is None or row.to_ms > at_ms) for row in rows)
    )


class _Trial:
    """One plan over these nights: a driver for each of whom it is about, and a register in memory."""

    def __init__(self, nights: Past, places: Places, devices: Sequence[str], entries: Entries) -> None:
        self._nights = nights
        self._places = places
        self._devices = devices
        self._rules = [(BY_NAME[name], found) for name, found in entries.items()]
        self._desk = Desk(staff)
        self._drivers: dict[str, Driver] = {}
        self._residents: tuple[int, tuple[int, ...]] = (0, ())

    def feed(self, told: _Told) -> None:
        """One event, after what is due before it."""
        at_ms, spot = told.fact.occurred.to_ms, told.spot
        self._pass(at_ms)
        if (spot.room_id, spot.residents) != self._residents:
            self._live_with(spot)
        if len(spot.residents) == 1:
            self._driver(f"resident:{self._nights.resident_id}", self._rules, spot, at_ms).feed(told.fact)
            return
        for rules in (self._of(bed=False), self._of(bed=True)):
            if not rules:
                continue
            for subject in self._subjects(rules[0][0], told):
                self._driver(subject, rules, spot, at_ms).feed(told.fact)

    def look_round(self, at_ms: int) -> None:
        """A day begins: the rules are told what hangs there now, and whoever was not watched yet is."""
        self._pass(at_ms)
        for address in self._devices:
            spot = self._places.at(address, at_ms)
            if spot is None or self._nights.resident_id not in spot.residents:
                continue
            alone = len(spot.residents) == 1
            subject = f"resident:{self._nights.resident_id}" if alone else f"room:{spot.room_id}"
            rules = self._rules if alone else self._of(bed=False)
            if rules:
                self._residents = (spot.room_id, spot.residents)
                self._driver(subject, rules, spot, at_ms)
            for driver in self._drivers.values():
                driver.arm(self._armed(spot, at_ms))
            return

    def leave(self, left_ms: int) -> None:
        """The resident has moved away."""
        self._pass(left_ms)
        for driver in self._drivers.values():
            driver.leave()
        self._drivers.clear()

    def end(self, gone: Sequence[int]) -> tuple[Rung, ...]:
        """All has been told. gone: when the resident moved away after the last event."""
        for left_ms in gone:
            self.leave(left_ms)
        self._pass(min(self._nights.now_ms, self._nights.to_ms))
        nights = self._nights
        return tuple(alarm for alarm in self._desk.alarms if nights.from_ms <= alarm.raised_ms < nights.to_ms)

    def _pass(self, to_ms: int) -> None:
        for driver in self._drivers.values():
            driver.until(to_ms)
        self._desk.until(to_ms)

    def _live_with(self, spot: Spot) -> None:
        """Who lived alone has company now, or the other way round: another subject is watched from here on."""
        self._residents = (spot.room_id, spot.residents)
        alone = len(spot.residents) == 1
        for subject in [name for name in self._drivers if name.startswith("resident:") is not alone]:
            self._drivers.pop(subject).leave()

    def _of(self, *, bed: bool) -> list[tuple[Rule, tuple[Entry, ...]]]:
        return [entry for entry in self._rules if (entry[0].per is Per.BED) is bed]

    def _subjects(self, rule: Rule, told: _Told) -> list[str]:
        """Whom an event of a shared room is about: a bed is there once it has been heard."""
        room = told.spot.room_id
        names = [f"room:{room}"] if rule.per is not Per.BED else [f"bed:{room}/{name}" for name in self._devices]
        heard = isinstance(told.fact.body, Bed)
        return [
            name
            for name in names
            if (heard or rule.per is not Per.BED or name in self._drivers)
            and concerns(name, rule, told.fact.body, told.address, told.fact.key[0], told.spot)
        ]

    def _driver(self, subject: str, rules: Sequence[tuple[Rule, tuple[Entry, ...]]], spot: Spot, at_ms: int) -> Driver:
        found = self._drivers.get(subject)
        if found is None:
            armed = self._armed(spot, at_ms)
            ear, asked = self._desk.ear(subject), self._desk.asked(subject)
            found = Driver([(rule, armed(rule)) for rule, _ in rules], ear, from_ms=at_ms, answered=asked)
            self._drivers[subject] = found
        return found

    def _armed(self, spot: Spot, at_ms: int) -> Callable[[Rule], Armed]:
        """What the rules are set to, with what hangs in the room at a moment."""
        hanging = {
            address: found.spot
            for address in self._devices
            if (found := self._places.at(address, at_ms)) is not None and found.room_id == spot.room_id
        }
        entries = {rule.name: found for rule, found in self._rules}
        shared = len(spot.residents) > 1
        return lambda rule: Armed(entries[rule.name], self._nights.time_zone, hanging, shared)
