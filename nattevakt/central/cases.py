"""Which rules look at which event, about whom. Serves arrow 7.

Owns the grouping of a batch's events by rule and subject, with what the plans set each rule to and how its gate
stands, read once a batch. Must not know what is done with a verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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


@dataclass(slots=True)
class Stored:
    """One event row of this transaction, as the rules will see it. Nobody changes one; frozen it would cost thrice as
    much, and a batch makes hundreds."""

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


Pos = tuple[int, ...]
"""A fact's place in the order: when it happened (the end of the interval), then the row's name."""


def position(fact: Fact) -> Pos:
    """Where a fact stands in the order in which things happened."""
    return (fact.occurred.to_ms, *fact.key)


@dataclass(slots=True)
class Told:
    """One event as all rules hear it. stored: None for an event of an earlier transaction, folded again."""

    fact: Fact
    pos: Pos
    stored: Stored | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """How an event comes to a rule: where an alarm about it is shown, what the rule is set to there, and its gate."""

    where: Where
    settings: Armed
    gate: Gate = OPEN


Case = tuple[Told, Way]
"""One event for one rule. There are several for each event, so that they must cost next to nothing."""
Groups = Mapping[tuple[str, str], tuple[Rule, list[Case]]]
"""By subject and rule, as they came; for a rule that folds, in the order in which they happened."""
_Lists = dict[tuple[str, str], tuple[Rule, list[Case]]]


def group(
    s: TenantSession, origin: Origin, seen: Sequence[Stored], places: Places, rules: Sequence[Rule], now_ms: int
) -> Groups:
    """What each rule will look at, by subject and rule."""
    likes: dict[_Like, _Route] = {}
    each = []
    spans: dict[str | None, tuple[int, int, Spot | None]] = {}
    for item in seen:
        at_ms, device = item.occurred.to_ms, item.device
        span = spans.get(device)
        if span is None or not span[0] <= at_ms < span[1]:
            span = spans[device] = places.around(device or "", at_ms)
        like = (device, type(item.event.body), item.urgency, span[0])
        route = likes.get(like)
        if route is None:
            route = likes[like] = _Route(item, span[2])
        each.append(route)
    settings = _settings(s, origin, likes, rules, now_ms)
    groups: _Lists = {}
    for route in likes.values():
        route.lists = _lists(s, rules, settings, route, origin, groups)
    last: Pos = ()
    in_order = True
    for item, route in zip(seen, each, strict=True):
        if not route.lists or (route.may_repeat and is_repeat(item)):
            continue
        named, occurred = item.key, item.occurred
        key = (named.gateway_id, named.stream_id, named.seq, named.variant)
        heard = _as_heard(item) if route.may_repeat else item.event.body
        pos = (occurred.to_ms, *key)
        told = Told(Fact(heard, occurred, item.received_ms, route.place, key), pos, item)
        if pos < last:
            in_order = False
        last = pos
        for add, way in route.lists:
            add((told, way))
    if not in_order:
        for rule, cases in groups.values():
            if rule.folding is not None:
                cases.sort(key=_pos)
    return {name: entry for name, entry in groups.items() if entry[1]}


def _pos(case: Case) -> Pos:
    return case[0].pos


_Like = tuple[str | None, type[Body], Urgency, int]
"""What all events have in common that are treated alike: device, body, class, and since when it hangs where it does."""


def _settings(
    s: TenantSession,
    origin: Origin,
    likes: Mapping[_Like, _Route],
    rules: Sequence[Rule],
    now_ms: int,
) -> Settings:
    """What holds for whoever a batch is about: those whose plan is asked for, and those for whom something rings."""
    watched = tuple(body for rule in rules if rule.planned or rule.folding for body in rule.wants)
    asked: list[Spot] = []
    people: set[int] = set()
    for (_, kind, urgency, _), route in likes.items():
        spot = route.spot
        if spot is None:
            continue
        if issubclass(kind, watched):
            asked.append(spot)
        if urgency is not Urgency.C:
            people.update(spot.residents)
    return Settings(s, asked, standings(s, people, now_ms), origin.time_zone, rules)


class _Route:
    """Where all events of one device, body and class go from one place: the lists in which each is a case. first: one
    of them."""

    __slots__ = ("first", "lists", "may_repeat", "place", "spot")

    def __init__(self, first: Stored, spot: Spot | None) -> None:
        self.first = first
        self.spot = spot
        self.place = spot.spot if spot is not None else ""
        self.may_repeat = type(first.event.body) in _REPEATABLE
        self.lists: list[tuple[Callable[[Case], None], Way]] = []


_Ways = tuple[tuple[Rule, str, Way], ...]
"""Which rules look at such an event, about whom, and how."""
_Found = dict[tuple[object, ...], tuple[tuple[object, ...], _Ways]]
FOUND_MAX = 5_000
"""Most ways that this process remembers."""


def _lists(
    s: TenantSession, rules: Sequence[Rule], settings: Settings, route: _Route, origin: Origin, groups: _Lists
) -> list[tuple[Callable[[Case], None], Way]]:
    item, spot = route.first, route.spot
    body, address = item.event.body, item.device or ""
    # All that the ways follow from has been read in this transaction; where it is what it was, so are they.
    found: _Found = s.hints.setdefault("ways", {})
    like = (s.tenant_id, origin.gateway_id, address, type(body), item.urgency)
    follows_from = (rules, origin.ward_id, spot, *settings.said_of(spot))
    known = found.get(like)
    if known is None or known[0] != follows_from:
        if len(found) >= FOUND_MAX:
            found.clear()
        known = found[like] = (follows_from, tuple(_ways(rules, settings, item, origin, spot)))
    return [(groups.setdefault((subject, rule.name), (rule, []))[1].append, way) for rule, subject, way in known[1]]


def _ways(
    rules: Sequence[Rule], settings: Settings, item: Stored, origin: Origin, spot: Spot | None
) -> Iterable[tuple[Rule, str, Way]]:
    body, address = item.event.body, item.device or ""
    where = where_of(origin, address, spot)
    for rule in rules:
        found = settings.of(rule, item.event, spot) if isinstance(body, rule.wants) else None
        if found is not None:
            way = Way(where, *found)
            for subject in settings.subjects(rule, body, origin, address, spot):
                yield rule, subject, way


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

    def said_of(self, spot: Spot | None) -> tuple[object, ...]:
        """All that was read and that the answers about a place follow from."""
        if spot is None:
            return (self._time_zone,)
        people = tuple(self._known.get(number) for number in spot.residents)
        return (self._time_zone, people, self._hanging.get(spot.room_id), self._followed)

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


_REPEATABLE = frozenset({Call, Fall, Leak})


def is_repeat(item: Stored) -> bool:
    """Whether a row says again what another row of the same device has just said."""
    body = item.event.body
    return type(body) in _REPEATABLE and body.repeat_of is not None and not item.urgent  # type: ignore[attr-defined]


def _as_heard(item: Stored) -> Body:
    """What a rule hears. A row that its sender calls class A rings, also one that says it repeats another."""
    body = item.event.body
    if item.urgent and isinstance(body, Call | Fall | Leak) and body.repeat_of is not None:
        return replace(body, repeat_of=None)
    return body
