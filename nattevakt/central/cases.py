"""Which rules look at which event, about whom. Serves arrow 7.

Owns the grouping of a batch's events by rule and subject, with what the plans set each rule to and how its gate
stands, read once a batch. Must not know what is done with a verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import bindparam, select

from nattevakt.central.alarms.requests import EventKey, Where
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.places.arming import OPEN, Gate, Standings, gate_of, standings
from nattevakt.central.places.places import Places, Spot, hanging_in
from nattevakt.central.tables import rule_states
from nattevakt.central.technical import Origin
from nattevakt.edge.events import Bed, Body, Call, Event, Fall, Leak, Urgency
from nattevakt.edge.rules.rule import Armed, Entry, Fact, Occurred, Per, Rule


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
    settings: Armed
    stored: Stored | None = None
    gate: Gate = OPEN


Groups = Mapping[tuple[str, str], tuple[Rule, list[Case]]]


def group(
    s: TenantSession, origin: Origin, seen: Sequence[Stored], places: Places, rules: Sequence[Rule], now_ms: int
) -> Groups:
    """What each rule will look at, by subject and rule."""
    spots = [places.at(item.device or "", item.occurred.to_ms) for item in seen]
    settings = _settings(s, origin, seen, spots, rules, now_ms)
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
        for where, wanted, gate, lists in known[1]:
            case = Case(fact, where, wanted, item, gate)
            for cases in lists:
                cases.append(case)
    return {name: entry for name, entry in groups.items() if entry[1]}


def _settings(
    s: TenantSession,
    origin: Origin,
    seen: Sequence[Stored],
    spots: Sequence[Spot | None],
    rules: Sequence[Rule],
    now_ms: int,
) -> Settings:
    """What holds for whoever a batch is about: those whose plan is asked for, and those for whom something rings."""
    watched = tuple(body for rule in rules if rule.planned or rule.folding for body in rule.wants)
    asked: dict[int, Spot] = {}
    people: set[int] = set()
    for item, spot in zip(seen, spots, strict=True):
        if spot is None:
            continue
        if id(spot) not in asked and isinstance(item.event.body, watched):
            asked[id(spot)] = spot
        if item.urgency is not Urgency.C:
            people.update(spot.residents)
    return Settings(s, asked.values(), standings(s, people, now_ms), origin.time_zone, rules)


_Way = tuple[Where, Armed, Gate, list[list[Case]]]
"""Where an alarm about such an event is shown, its rule's settings and gate, and the lists in which it is a case."""


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
    if found is None:
        return None
    address = item.device or ""
    subjects = settings.subjects(rule, item.event.body, origin, address, spot)
    lists = [groups.setdefault((subject, rule.name), (rule, []))[1] for subject in subjects]
    return where_of(origin, address, spot), *found, lists


NOT_ARMED = Armed()
"""What a rule is given that is only followed."""

_FOLLOWED = select(rule_states.c.subject, rule_states.c.rule).where(
    rule_states.c.tenant_id == TENANT,
    rule_states.c.subject.in_(bindparam("subjects", expanding=True)),
    rule_states.c.rule.in_(bindparam("rules", expanding=True)),
)


class Settings:
    """What the rules are set to in some places, read once."""

    def __init__(
        self, s: TenantSession, spots: Iterable[Spot], known: Standings, time_zone: str, rules: Sequence[Rule]
    ) -> None:
        asked = frozenset(spots)
        self._known = known
        self._hanging = hanging_in(s, {spot.room_id for spot in asked})
        beds = sorted({name for spot in asked if shared(spot) for name in self._beds(spot)})
        by_bed = [rule.name for rule in rules if rule.per is Per.BED]
        followed = s.execute(_FOLLOWED, {"subjects": beds, "rules": by_bed}).all() if beds and by_bed else ()
        self._followed = {(row.subject, row.rule) for row in followed}
        self._time_zone = time_zone
        self._made: dict[tuple[str, int, tuple[int, ...]], tuple[Armed, Gate]] = {}

    def of(self, rule: Rule, event: Event, spot: Spot | None) -> tuple[Armed, Gate] | None:
        """What a rule wants to know for an event there, and its gate; None where it does not see it."""
        if rule.planned and (spot is None or (rule.folding is not None and event.urgency is not Urgency.B)):
            # Class A rings as what it is; an edge that is declared so is nobody's silence.
            return None
        armed, gate = self.at(rule, spot)
        return None if rule.planned and not armed.entries else (armed, gate)

    def at(self, rule: Rule, spot: Spot | None) -> tuple[Armed, Gate]:
        """What a rule is set to in a place, and its gate."""
        if spot is None:
            return Armed((_defaults(rule),), self._time_zone), OPEN
        key = (rule.name, spot.room_id, spot.residents)
        found = self._made.get(key)
        if found is None:
            gate, entries = gate_of(self._known, () if rule.per is Per.DEVICE else spot.residents, rule)
            entries = entries if rule.planned else (_defaults(rule),)
            hanging = self._hanging.get(spot.room_id)
            found = self._made[key] = (Armed(entries, self._time_zone, hanging, shared(spot)), gate)
        return found

    def subjects(self, rule: Rule, body: Body, origin: Origin, address: str, spot: Spot | None) -> tuple[str, ...]:
        """Whom an event is about. Of who share a room each bed is watched by itself: one sleeper hides no other."""
        if spot is None or not shared(spot) or rule.per is not Per.BED:
            return (subject_of(origin.gateway_id, address, spot, rule.per),)
        if isinstance(body, Bed):
            return (_bed_subject(spot, address),)
        # Whoever it is that moves: it may be the one whose bed is empty.
        return tuple(name for name in self._beds(spot) if (name, rule.name) in self._followed)

    def _beds(self, spot: Spot) -> tuple[str, ...]:
        return tuple(_bed_subject(spot, address) for address in sorted(self._hanging.get(spot.room_id, ())))


def _defaults(rule: Rule) -> Entry:
    """What a rule is set to that no plan sets."""
    return Entry((), {setting.name: setting.default for setting in rule.settings})


def subject_of(gateway_id: int, address: str, spot: Spot | None, per: Per) -> str:
    """Who or what an event there is about."""
    if per is Per.DEVICE:
        return f"device:{address}"
    if spot is None:
        return f"device:{address}@{gateway_id}"
    return f"room:{spot.room_id}" if per is Per.ROOM else _subject(spot)


def concerns(subject: str, rule: Rule, body: Body, address: str, gateway_id: int, spot: Spot | None) -> bool:
    """Whether a stored event is about this subject."""
    if spot is None or rule.per is not Per.BED or not shared(spot):
        return subject == subject_of(gateway_id, address, spot, rule.per)
    if isinstance(body, Bed):
        return subject == _bed_subject(spot, address)
    return subject.startswith(_bed_subject(spot, ""))


def subjects_in(rule: Rule, spot: Spot, followed: Iterable[str]) -> tuple[str, ...]:
    """Whom a rule that a plan sets judges in a place now. followed: subjects that it has a memory of."""
    if rule.per is Per.BED and shared(spot):
        return tuple(sorted(name for name in followed if name.startswith(_bed_subject(spot, ""))))
    return (_subject(spot),) if rule.per is not Per.ROOM else (f"room:{spot.room_id}",)


def shared(spot: Spot) -> bool:
    """Whether several people live there."""
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
