"""Which rules look at which event, about whom. Serves arrow 7.

Owns the table of rules, and the grouping of a batch's events by rule and subject with the settings that each rule
wants, read once a batch. Must not know what is done with a verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import bindparam, select

from nattevakt.central.alarms.requests import EventKey, Where
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.places.places import (
    Places,
    Spot,
    bed_windows_of,
    hanging_in,
    windows_of,
)
from nattevakt.central.tables import rule_states
from nattevakt.central.technical import Origin
from nattevakt.edge.events import Bed, Body, Call, Chair, Contact, Event, Fall, Leak, Motion, Presence, Urgency
from nattevakt.edge.rules import call, door_at_night, fall, leak, not_back_in_bed
from nattevakt.edge.rules.rule import Fact, JsonState, Occurred, RestsOn, Step


@dataclass(frozen=True, slots=True)
class Folding:
    """What a rule that folds over its facts has beside its step.

    unjudged: the state with its deadlines still to be judged. rests_on: what the next judgement leans on. left: the
    last word when the subject is there no more.
    """

    unjudged: Callable[[JsonState], JsonState]
    rests_on: Callable[[JsonState], RestsOn]
    left: Callable[[JsonState], Step]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule and what it wants to see. kind: the alarm that rings plainly if the rule itself fails."""

    name: str
    kind: str
    wants: tuple[type[Body], ...]
    step: Callable[[JsonState, Any, Any, int], Step]
    of_room: bool = False
    """True where the room is the subject, not the resident: water does not care who lives there."""
    needs_windows: bool = False
    """The residents' windows are its settings; without one it sees nothing."""
    folding: Folding | None = None
    """Set where its facts must come in the order in which they happened, late ones too."""


RULES: tuple[Rule, ...] = (
    Rule(call.RULE, call.KIND, (Call,), call.step),
    Rule(fall.RULE, fall.KIND, (Fall,), fall.step),
    Rule(leak.RULE, leak.KIND, (Leak,), leak.step, of_room=True),
    Rule(
        door_at_night.RULE,
        door_at_night.KIND,
        (Contact, Bed, Presence, Chair, Motion),
        door_at_night.step,
        needs_windows=True,
    ),
    Rule(
        not_back_in_bed.RULE,
        not_back_in_bed.KIND,
        (Contact, Bed, Presence, Chair, Motion),
        not_back_in_bed.step,
        needs_windows=True,
        folding=Folding(not_back_in_bed.unjudged, not_back_in_bed.rests_on, not_back_in_bed.left),
    ),
)


@dataclass(frozen=True, slots=True)
class Stored:
    """One event row of this transaction, as the rules will see it."""

    key: EventKey
    event: Event
    occurred: Occurred
    received_ms: int
    device: str | None
    urgency: Urgency
    """Of the event, worked out once."""

    @property
    def urgent(self) -> bool:
        """Whether it must end with an alarm or a written reason."""
        return self.urgency is Urgency.A


@dataclass(frozen=True, slots=True)
class Case:
    """One event for one rule. stored: None for an event of an earlier transaction, folded again."""

    fact: Fact
    where: Where
    settings: object
    stored: Stored | None = None


Groups = Mapping[tuple[str, str], tuple[Rule, list[Case]]]


def group(s: TenantSession, origin: Origin, seen: Sequence[Stored], places: Places, rules: Sequence[Rule]) -> Groups:
    """What each rule will look at, by subject and rule."""
    spots = [places.at(item.device or "", item.occurred.to_ms) for item in seen]
    watched = tuple(body for rule in rules if rule.needs_windows for body in rule.wants)
    asked = {id(spot): spot for item, spot in zip(seen, spots, strict=True) if isinstance(item.event.body, watched)}
    settings = Settings(s, (spot for spot in asked.values() if spot is not None), origin.time_zone)
    groups: dict[tuple[str, str], tuple[Rule, list[Case]]] = {}
    ways: dict[tuple[str, type[Body], Urgency], tuple[Spot | None, list[_Way]]] = {}
    for item, spot in zip(seen, spots, strict=True):
        if is_repeat(item):
            continue
        body, address = item.event.body, item.device or ""
        like = (address, type(body), item.urgency)
        known = ways.get(like)
        if known is None or known[0] is not spot:
            found = [_way(rule, settings, item, origin, spot, groups) for rule in rules if isinstance(body, rule.wants)]
            known = ways[like] = (spot, [way for way in found if way is not None])
        if not known[1]:
            continue
        place = spot.spot if spot is not None else ""
        fact = Fact(_as_heard(item), item.occurred, item.received_ms, place, item.key.plain)
        for where, wanted, lists in known[1]:
            case = Case(fact, where, wanted, item)
            for cases in lists:
                cases.append(case)
    return {name: entry for name, entry in groups.items() if entry[1]}


_Way = tuple[Where, object, list[list[Case]]]
"""Where an alarm about such an event is shown, its rule's settings, and the lists in which it is a case."""


def _way(
    rule: Rule,
    settings: Settings,
    item: Stored,
    origin: Origin,
    spot: Spot | None,
    groups: dict[tuple[str, str], tuple[Rule, list[Case]]],
) -> _Way | None:
    """The way of an event to a rule, the same for all of its device, body and class in one place."""
    found = settings.of(rule, item.event, spot)
    if rule.needs_windows and found is None:
        return None
    address = item.device or ""
    subjects = settings.subjects(rule, item.event.body, origin, address, spot)
    lists = [groups.setdefault((subject, rule.name), (rule, []))[1] for subject in subjects]
    return where_of(origin, address, spot), found, lists


_FOLLOWED = select(rule_states.c.subject).where(
    rule_states.c.tenant_id == TENANT,
    rule_states.c.subject.in_(bindparam("subjects", expanding=True)),
    rule_states.c.rule == bindparam("rule"),
)


class Settings:
    """The residents' windows for some places, read once."""

    def __init__(self, s: TenantSession, spots: Iterable[Spot], time_zone: str) -> None:
        asked = frozenset(spots)
        residents = sorted({resident for spot in asked for resident in spot.residents})
        self._doors = windows_of(s, residents)
        self._beds = bed_windows_of(s, residents)
        self._hanging = hanging_in(s, {spot.room_id for spot in asked if spot.residents})
        unsure = (spot for spot in asked if spot.residents and (_shared(spot) or not self._windows(spot)))
        self._followed = self._known(s, (name for spot in unsure for name in self._names(spot)))
        self._time_zone = time_zone
        self._made: dict[tuple[int, tuple[int, ...]], not_back_in_bed.Settings] = {}

    def of(self, rule: Rule, event: Event, spot: Spot | None) -> object:
        """What a rule wants to know for an event there; None where its supervision is off."""
        if not rule.needs_windows or spot is None:
            return None
        if rule.folding is not None:
            # Class A rings as what it is; an edge that is declared so is nobody's silence.
            return self._bed(spot) if event.urgency is Urgency.B else None
        open_at = tuple(window for resident in spot.residents for window in self._doors.get(resident, ()))
        # Who share a room share its door; that one of them is inside says nothing of the other.
        if not open_at or (len(spot.residents) > 1 and not isinstance(event.body, Contact)):
            return None
        return door_at_night.Settings(open_at, self._time_zone)

    def subjects(self, rule: Rule, body: Body, origin: Origin, address: str, spot: Spot | None) -> tuple[str, ...]:
        """Whom an event is about. Of who share a room each bed is watched by itself: one sleeper hides no other."""
        if rule.folding is None or spot is None or not _shared(spot):
            return (subject_of(origin, address, spot, of_room=rule.of_room),)
        if isinstance(body, Bed):
            return (_bed_subject(spot, address),)
        # Whoever it is that moves: it may be the one whose bed is empty.
        return tuple(name for name in self._names(spot) if name in self._followed)

    def _names(self, spot: Spot) -> tuple[str, ...]:
        if not _shared(spot):
            return (_subject(spot),)
        return tuple(_bed_subject(spot, address) for address in sorted(self._hanging[spot.room_id]))

    def _windows(self, spot: Spot) -> tuple[not_back_in_bed.BedWindow, ...]:
        return tuple(window for resident in spot.residents for window in self._beds.get(resident, ()))

    def _bed(self, spot: Spot) -> not_back_in_bed.Settings | None:
        windows = self._windows(spot)
        if not windows and (not spot.residents or self._followed.isdisjoint(self._names(spot))):
            return None
        key = (spot.room_id, spot.residents)
        if key not in self._made:
            self._made[key] = not_back_in_bed.Settings(windows, self._time_zone, self._hanging[spot.room_id])
        return self._made[key]

    def _known(self, s: TenantSession, unwatched: Iterable[str]) -> frozenset[str]:
        """Those whose bed was watched once: it is followed on, so that the rule knows it when it is watched again."""
        wanted = sorted(set(unwatched))
        params = {"subjects": wanted, "rule": not_back_in_bed.RULE}
        return frozenset(s.execute(_FOLLOWED, params).scalars()) if wanted else frozenset()


def subject_of(origin: Origin, address: str, spot: Spot | None, *, of_room: bool) -> str:
    """Who or what an event there is about."""
    if spot is None:
        return f"device:{address}@{origin.gateway_id}"
    return f"room:{spot.room_id}" if of_room else _subject(spot)


def concerns(subject: str, rule: Rule, body: Body, address: str, spot: Spot) -> bool:
    """Whether a stored event at a place of its own is about this subject."""
    if rule.folding is None or not _shared(spot):
        return subject == (f"room:{spot.room_id}" if rule.of_room else _subject(spot))
    if isinstance(body, Bed):
        return subject == _bed_subject(spot, address)
    return subject.startswith(_bed_subject(spot, ""))


def _shared(spot: Spot) -> bool:
    return len(spot.residents) > 1


def _bed_subject(spot: Spot, address: str) -> str:
    return f"bed:{spot.room_id}/{address}"


def _subject(spot: Spot) -> str:
    return f"room:{spot.room_id}" if spot.resident_id is None else f"resident:{spot.resident_id}"


def where_of(origin: Origin, address: str, spot: Spot | None) -> Where:
    """Where an alarm about an event there is shown."""
    if spot is None:
        # Nobody has said where it hangs: the gateway's ward is rung, and the address is all there is to show.
        return Where(origin.ward_id, place=address)
    return Where(spot.ward_id, spot.room_id, spot.resident_id, spot.spot)


def is_repeat(item: Stored) -> bool:
    """Whether a row says again what another row of the same device has just said."""
    return getattr(item.event.body, "repeat_of", None) is not None and not item.urgent


def _as_heard(item: Stored) -> Body:
    """What a rule hears. A row that its sender calls class A rings, also one that says it repeats another."""
    body = item.event.body
    if item.urgent and isinstance(body, Call | Fall | Leak) and body.repeat_of is not None:
        return replace(body, repeat_of=None)
    return body
