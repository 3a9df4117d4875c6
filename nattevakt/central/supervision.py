"""From stored events to verdicts: which rules look at what, and what they say is carried out. Serves arrow 7.

Owns the way of each event to its rules and the promise that every class-A row ends with an alarm or a written
reason. Must not know how rules decide, or how an alarm is written.

Each rule runs in a savepoint. One that raises costs nobody an alarm: an urgent event then rings plainly, with a
technical alarm beside it, and the other rules go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog
from prometheus_client import Counter
from sqlalchemy import bindparam, select, text
from sqlalchemy.exc import InterfaceError, OperationalError

from nattevakt.central import technical
from nattevakt.central.alarms import register
from nattevakt.central.alarms.kinds import KINDS
from nattevakt.central.alarms.requests import ClearRequest, EventKey, RaiseRequest, Where
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.places.places import Places, Spot, look_up, windows_of
from nattevakt.central.tables import events, rule_states
from nattevakt.central.technical import Origin
from nattevakt.central.twins import Twins
from nattevakt.edge.errors import RetryError
from nattevakt.edge.events import (
    Bed,
    Body,
    Call,
    Contact,
    Event,
    Fall,
    Leak,
    Motion,
    Presence,
    Urgency,
    device_of,
    kind_of,
)
from nattevakt.edge.rules import call, door_at_night, fall, leak
from nattevakt.edge.rules.rule import Clear, Fact, JsonState, Log, Occurred, Raise, Reason, Step

_log = structlog.get_logger("nattevakt.supervision")
RULE_FAILURES = Counter("nattevakt_rule_failures_total", "Rules that raised instead of deciding", ["rule"])


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule and what it wants to see. kind: the alarm that rings plainly if the rule itself fails."""

    name: str
    kind: str
    wants: tuple[type[Body], ...]
    step: Callable[[JsonState, Fact, Any, int], Step]
    of_room: bool = False
    """True where the room is the subject, not the resident: water does not care who lives there."""
    needs_windows: bool = False


RULES: tuple[Rule, ...] = (
    Rule(call.RULE, call.KIND, (Call,), call.step),
    Rule(fall.RULE, fall.KIND, (Fall,), fall.step),
    Rule(leak.RULE, leak.KIND, (Leak,), leak.step, of_room=True),
    Rule(
        door_at_night.RULE,
        door_at_night.KIND,
        (Contact, Bed, Presence, Motion),
        door_at_night.step,
        needs_windows=True,
    ),
)


@dataclass(frozen=True, slots=True)
class Stored:
    """One event row of this transaction, as the rules will see it."""

    key: EventKey
    event: Event
    occurred: Occurred
    received_ms: int

    @property
    def urgent(self) -> bool:
        """Whether it must end with an alarm or a written reason."""
        return self.event.urgency is Urgency.A


@dataclass(slots=True)
class Ending:
    """What an event row ends with."""

    alarm_id: int | None = None
    reason: str | None = None
    twin_of: str | None = None


@dataclass(frozen=True, slots=True)
class _Case:
    """One event for one rule."""

    stored: Stored
    fact: Fact
    where: Where
    settings: object


class _Supervision:
    """One batch's run over the rules, inside its transaction."""

    def __init__(self, s: TenantSession, origin: Origin, now_ms: int) -> None:
        self.s = s
        self.origin = origin
        self.now_ms = now_ms
        self.endings: dict[EventKey, Ending] = {}
        self._rung: set[EventKey] = set()
        self.twins = Twins(s, origin.gateway_id)

    def run(self, subject: str, rule: Rule, cases: Sequence[_Case]) -> None:
        """All of a batch's cases for one rule and subject; if one fails, each is tried alone."""
        if len(cases) > 1 and self._safely(subject, rule, self._lock(subject, rule), cases):
            return
        for case in cases:
            if not self._safely(subject, rule, self._lock(subject, rule), [case]):
                self._plainly(subject, rule, case)

    def _lock(self, subject: str, rule: Rule) -> JsonState:
        found: JsonState = self.s.execute(_LOCK, {"subject": subject, "rule": rule.name, "state": {}}).scalar_one()
        return found

    def _safely(self, subject: str, rule: Rule, state: JsonState, cases: Sequence[_Case]) -> bool:
        before = {key: replace(ending) for key, ending in self.endings.items()}
        try:
            with self.s.savepoint():
                self._steps(subject, rule, state, cases)
        except (RetryError, OperationalError, InterfaceError):
            raise
        except Exception as error:  # noqa: BLE001 - a rule may fail in any way, and nobody's alarm with it
            self.endings = before
            RULE_FAILURES.labels(rule.name).inc()
            _log.error("rule_failed", rule=rule.name, subject=subject, error=type(error).__name__, exc_info=True)
            return False
        return True

    def _steps(self, subject: str, rule: Rule, state: JsonState, cases: Sequence[_Case]) -> None:
        after = state
        for case in cases:
            step = rule.step(after, case.fact, case.settings, self.now_ms)
            after = step.state
            for verdict in step.verdicts:
                self._carry_out(subject, rule, case, verdict)
        if after != state:
            self.s.execute(_KEEP, {"subject": subject, "rule": rule.name, "state": dict(after)})

    def _carry_out(self, subject: str, rule: Rule, case: _Case, verdict: Raise | Clear | Log) -> None:
        ending = self.endings.setdefault(case.stored.key, Ending())
        if isinstance(verdict, Log):
            ending.reason = ending.reason or verdict.reason.code
        elif isinstance(verdict, Clear):
            request = ClearRequest(subject, rule.name, verdict.reason, case.stored.key)
            register.apply(self.s, request, self.now_ms)
        else:
            self._ring(subject, rule.name, verdict, case.stored, case.where)

    def _ring(self, subject: str, rule: str, verdict: Raise, stored: Stored, where: Where) -> None:
        twin = self.twins.of(stored.key, stored.event, stored.occurred) if stored.urgent else None
        request = RaiseRequest(
            subject=subject,
            rule=rule,
            kind=verdict.kind,
            priority=verdict.priority,
            reason=verdict.reason,
            occurred=stored.occurred,
            where=where,
            event=stored.key,
            belongs_to=twin.alarm_id if twin is not None else None,
            fresh=stored.key not in self._rung,
        )
        self._rung.add(stored.key)
        ending = self.endings.setdefault(stored.key, Ending())
        ending.alarm_id = register.apply(self.s, request, self.now_ms).alarm_id
        ending.twin_of = twin.name if twin is not None else ending.twin_of

    def _plainly(self, subject: str, rule: Rule, case: _Case) -> None:
        """The rule cannot say; an urgent event rings without it, and somebody hears that the rule is broken."""
        technical.sound(self.s, self.origin, "rule_failed", {"rule": rule.name}, self.now_ms, rule="rule_failed")
        if case.stored.urgent:
            reason = Reason("plain", {"kind": rule.kind, "place": case.fact.place})
            plain = Raise(rule.kind, KINDS[rule.kind].priority, reason)
            self._ring(subject, rule.name, plain, case.stored, case.where)

    def unknown(self, stored: Stored, places: Places) -> None:
        """An urgent event that no rule of this version understands rings as what it is: unknown."""
        address = device_of(stored.event.body) or ""
        spot = places.at(address, stored.occurred.to_ms)
        reason = Reason("unknown_event", {"kind": kind_of(stored.event.body), "device": address})
        verdict = Raise("unknown_event", KINDS["unknown_event"].priority, reason)
        subject = _subject(self.origin, address, spot, of_room=False)
        self._ring(subject, "unknown_event", verdict, stored, _where(self.origin, address, spot))


def supervise(
    s: TenantSession, origin: Origin, stored: Sequence[Stored], now_ms: int, rules: Sequence[Rule] = RULES
) -> Mapping[EventKey, Ending]:
    """Run all rules over a batch's new events, in order, and carry out what they say.

    Gives what each event row ends with; every class-A row is in it with an alarm or a reason.
    """
    wanted = tuple(body for rule in rules for body in rule.wants)
    seen = [item for item in stored if item.urgent or isinstance(item.event.body, wanted)]
    if not seen:
        return {}
    run = _Supervision(s, origin, now_ms)
    places = look_up(s, (device_of(item.event.body) or "" for item in seen))
    groups = _groups(s, origin, seen, places, rules)
    for subject, name in sorted(groups):
        rule, cases = groups[subject, name]
        run.run(subject, rule, cases)
    for item in seen:
        ending = run.endings.get(item.key)
        if item.urgent and (ending is None or (ending.alarm_id is None and ending.reason is None)):
            run.unknown(item, places)
    _follow_repeats(s, stored, run.endings)
    return run.endings


def _groups(
    s: TenantSession, origin: Origin, seen: Sequence[Stored], places: Places, rules: Sequence[Rule]
) -> dict[tuple[str, str], tuple[Rule, list[_Case]]]:
    """What each rule will look at, by subject and rule."""
    spots = {item.key: places.at(device_of(item.event.body) or "", item.occurred.to_ms) for item in seen}
    windowed = tuple(body for rule in rules if rule.needs_windows for body in rule.wants)
    windows = windows_of(
        s,
        (
            resident
            for item in seen
            if isinstance(item.event.body, windowed) and (spot := spots[item.key]) is not None
            for resident in spot.residents
        ),
    )
    groups: dict[tuple[str, str], tuple[Rule, list[_Case]]] = {}
    for item in seen:
        spot = spots[item.key]
        address = device_of(item.event.body) or ""
        for rule in rules:
            if not isinstance(item.event.body, rule.wants) or _is_repeat(item):
                continue
            settings: object = None
            if rule.needs_windows:
                residents = spot.residents if spot is not None else ()
                open_at = tuple(window for resident in residents for window in windows.get(resident, ()))
                # Who share a room share its door; that one of them is inside says nothing of the other.
                if not open_at or (len(residents) > 1 and not isinstance(item.event.body, Contact)):
                    continue
                settings = door_at_night.Settings(open_at, origin.time_zone)
            subject = _subject(origin, address, spot, of_room=rule.of_room)
            fact = Fact(_as_heard(item), item.occurred, item.received_ms, spot.spot if spot is not None else "")
            case = _Case(item, fact, _where(origin, address, spot), settings)
            groups.setdefault((subject, rule.name), (rule, []))[1].append(case)
    return groups


def _subject(origin: Origin, address: str, spot: Spot | None, *, of_room: bool) -> str:
    if spot is None:
        return f"device:{address}@{origin.gateway_id}"
    if of_room or spot.resident_id is None:
        return f"room:{spot.room_id}"
    return f"resident:{spot.resident_id}"


def _where(origin: Origin, address: str, spot: Spot | None) -> Where:
    if spot is None:
        # Nobody has said where it hangs: the gateway's ward is rung, and the address is all there is to show.
        return Where(origin.ward_id, place=address)
    return Where(spot.ward_id, spot.room_id, spot.resident_id, spot.spot)


def _as_heard(item: Stored) -> Body:
    """What a rule hears. A row that its sender calls class A rings, also one that says it repeats another."""
    body = item.event.body
    if item.urgent and isinstance(body, Call | Fall | Leak) and body.repeat_of is not None:
        return replace(body, repeat_of=None)
    return body


def _is_repeat(item: Stored) -> bool:
    return not item.urgent and getattr(item.event.body, "repeat_of", None) is not None


def _follow_repeats(s: TenantSession, stored: Sequence[Stored], endings: dict[EventKey, Ending]) -> None:
    """A repeat belongs to the alarm of the row it repeats."""
    for item in stored:
        if not _is_repeat(item):
            continue
        first = EventKey(item.key.gateway_id, item.key.stream_id, getattr(item.event.body, "repeat_of", 0))
        ending = endings.get(first)
        alarm_id = ending.alarm_id if ending is not None else s.execute(_ALARM_OF, _params(first)).scalar()
        if alarm_id is not None:
            endings[item.key] = Ending(alarm_id=alarm_id)


def _params(key: EventKey) -> dict[str, object]:
    return {"gateway_id": key.gateway_id, "stream_id": key.stream_id, "seq": key.seq}


# Inserted before it is locked: two transactions can neither both find nothing nor lock nothing.
_STATE = rule_states.c.state.type
_LOCK = (
    text(
        "INSERT INTO rule_states (tenant_id, subject, rule, state) VALUES (:tenant, :subject, :rule, :state) "
        "ON CONFLICT (tenant_id, subject, rule) DO UPDATE SET state = rule_states.state RETURNING state"
    )
    .bindparams(bindparam("state", type_=_STATE))
    .columns(state=_STATE)
)
_KEEP = text(
    "UPDATE rule_states SET state = :state WHERE tenant_id = :tenant AND subject = :subject AND rule = :rule"
).bindparams(bindparam("state", type_=_STATE))
_ALARM_OF = select(events.c.alarm_id).where(
    events.c.tenant_id == TENANT,
    events.c.gateway_id == bindparam("gateway_id"),
    events.c.stream_id == bindparam("stream_id"),
    events.c.seq == bindparam("seq"),
    events.c.variant == 0,
)
