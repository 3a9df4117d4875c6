"""From stored events to verdicts: which rules look at what, and what they say is carried out. Serves arrow 7.

Owns the way of each event to its rules and the promise that every class-A row ends with an alarm or a written
reason. Must not know how rules decide, or how an alarm is written. A rule that judges silence is only brought up to
date here; it is judged by the sweep (silence.py), once it is known that nothing is missing.

Rules are pure; what each says is carried out in a savepoint of its own. One that raises costs nobody an alarm: an
urgent event then rings plainly, with a technical alarm beside it, and the other rules go on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import structlog
from prometheus_client import Counter
from sqlalchemy import bindparam, select
from sqlalchemy.exc import InterfaceError, OperationalError

from nattevakt.central import findings, states, technical, wakes
from nattevakt.central.alarms import register
from nattevakt.central.alarms.kinds import KINDS
from nattevakt.central.alarms.requests import ClearRequest, EventKey, RaiseRequest, Where
from nattevakt.central.cases import Case, Groups, Stored, Told, Way, group, is_repeat, subject_of, where_of
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.memory import Memory
from nattevakt.central.places.arming import Gate, gate_of, standings
from nattevakt.central.places.places import Places, look_up
from nattevakt.central.refold import Fold
from nattevakt.central.statements import its_own_fault
from nattevakt.central.tables import events
from nattevakt.central.technical import Origin
from nattevakt.central.twins import Twins
from nattevakt.edge.errors import RetryError
from nattevakt.edge.events import Urgency, kind_of
from nattevakt.edge.rules.catalogue import BY_NAME, RULES
from nattevakt.edge.rules.rule import Clear, Finding, JsonState, Log, Per, Raise, Reason, Rule, Verdict

__all__ = ("RULES", "RULE_FAILURES", "Ending", "Rule", "Stored", "supervise")

_log = structlog.get_logger("nattevakt.supervision")
_ALWAYS_RINGS = Urgency.A
RULE_FAILURES = Counter("nattevakt_rule_failures_total", "Rules that raised instead of deciding", ["rule"])


@dataclass(slots=True)
class Ending:
    """What an event row ends with."""

    alarm_id: int | None = None
    reason: str | None = None
    twin_of: str | None = None


class _Supervision:
    """One batch's run over the rules, inside its transaction."""

    def __init__(self, s: TenantSession, origin: Origin, now_ms: int) -> None:
        self.s = s
        self.origin = origin
        self.now_ms = now_ms
        self.endings: dict[EventKey, Ending] = {}
        self._rung: set[EventKey] = set()
        self._texts: dict[states.Name, str] = {}
        self._written: dict[states.Name, str] = {}
        self._deadlines: dict[states.Name, int | None] = {}
        self._folded: dict[states.Name, list[Case]] = {}
        self._folds: Memory[Fold] = s.hints.setdefault("folds", Memory())
        self._states: Memory[JsonState] = s.hints.setdefault("states", Memory())
        self.twins = Twins(s, origin.gateway_id)

    def run_all(self, groups: Groups) -> None:
        """All of a batch's cases: the states taken in one statement, in order, and written back in another."""
        if not groups:
            return
        self._texts = states.lock_texts(self.s, groups)
        for subject, name in sorted(groups):
            rule, cases = groups[subject, name]
            self._run(subject, rule, cases)
        states.keep_all(self.s, self._written)
        wakes.arm_all(self.s, self._deadlines)

    def _run(self, subject: str, rule: Rule, cases: Sequence[Case]) -> None:
        """All cases for one rule and subject; if one fails, each is tried alone."""
        if len(cases) > 1 and self._safely(subject, rule, cases):
            return
        for case in cases:
            if not self._safely(subject, rule, [case]):
                self._plainly(subject, rule, case)

    def _safely(self, subject: str, rule: Rule, cases: Sequence[Case]) -> bool:
        # What is remembered is taken out before the rule sees it: one that fails may have written into it.
        try:
            if rule.folding is not None:
                self._fold(subject, rule, cases)
            else:
                self._steps(subject, rule, cases)
        except Exception as error:  # a rule may fail in any way, and nobody's alarm with it
            passing = isinstance(error, RetryError | MemoryError | OperationalError | InterfaceError)
            if passing and not its_own_fault(error):
                raise
            RULE_FAILURES.labels(rule.name).inc()
            _log.error("rule_failed", rule=rule.name, subject=subject, error=type(error).__name__, exc_info=True)
            return False
        return True

    def _steps(self, subject: str, rule: Rule, cases: Sequence[Case]) -> None:
        name = (subject, rule.name)
        text = self._text(name)
        state = self._states.take((self.s.tenant_id, *name), text)
        if state is None:
            state = states.read(text)
        after = state
        said: list[tuple[Case, Verdict]] = []
        for case in cases:
            step = rule.step(after, case[0].fact, case[1].settings, self.now_ms)
            if step is None:
                continue
            after = step.state
            if step.verdicts:
                said += [(case, verdict) for verdict in step.verdicts]
        kept = states.written(after) if after != state else text
        if said:
            self._say(subject, rule, said)
        if kept is not text:
            self._written[name] = kept
        self._states.put((self.s.tenant_id, *name), kept, after)

    def _fold(self, subject: str, rule: Rule, cases: Sequence[Case]) -> None:
        name = (subject, rule.name)
        text = self._text(name)
        before = self._folds.take((self.s.tenant_id, *name), text) or Fold.load(states.read(text))
        armed_ms = before.wake_ms
        told = self._folded.setdefault(name, [])
        if before.is_late(cases):
            # What comes late makes the fold read the database.
            with self.s.savepoint():
                after, said = before.with_late(self.s, subject, rule, told, cases, self.now_ms)
        else:
            after, said = before, before.through(rule, cases, self.now_ms)
        kept = after.written()
        if not wakes.is_moment(after.wake_ms):
            raise ValueError(f"no moment to be woken at: {after.wake_ms!r}")
        if said:
            self._say(subject, rule, said)
        if after.wake_ms != armed_ms:
            self._deadlines[name] = after.wake_ms
        self._written[name] = kept
        self._folds.put((self.s.tenant_id, *name), kept, after)
        told.extend(cases)

    def _text(self, name: states.Name) -> str:
        return self._written.get(name) or self._texts[name]

    def _say(self, subject: str, rule: Rule, said: Sequence[tuple[Case, Verdict]]) -> None:
        """Carry out what a rule says, all of it or nothing."""
        before = {key: replace(ending) for key, ending in self.endings.items()}
        try:
            with self.s.savepoint():
                for (told, way), verdict in said:
                    self._carry_out(subject, rule, told, way, verdict)
        except BaseException:
            self.endings = before
            raise

    def _carry_out(self, subject: str, rule: Rule, told: Told, way: Way, verdict: Verdict) -> None:
        stored = told.stored
        held = way.gate.holds(told.fact.occurred.from_ms)
        if isinstance(verdict, Raise) and held is not None:
            # A plan that is paused, or has no legal basis, is followed and rings nobody.
            verdict = Log(Reason(held))
        if isinstance(verdict, Log):
            if stored is not None:
                ending = self.endings.setdefault(stored.key, Ending())
                ending.reason = ending.reason or verdict.reason.code
        elif isinstance(verdict, Clear):
            holds = tuple(EventKey(*key) for key in verdict.holds)
            event = EventKey(*told.fact.key) if not holds else None
            name = rule.alarms_as or rule.name
            register.apply(self.s, ClearRequest(subject, name, verdict.reason, event, holds), self.now_ms)
        elif isinstance(verdict, Finding):
            findings.note(self.s, rule.name, verdict, self.now_ms, self.origin.time_zone)
        elif stored is not None:
            self._ring(subject, rule.alarms_as or rule.name, verdict, stored, way.where, way.gate)

    def _ring(self, subject: str, rule: str, verdict: Raise, stored: Stored, where: Where, gate: Gate) -> None:
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
            holds=tuple(EventKey(*key) for key in verdict.holds),
            insists=verdict.insists,
            again=verdict.again,
            marks=gate.marks,
            plan_version_id=gate.plan_version_id,
        )
        self._rung.add(stored.key)
        ending = self.endings.setdefault(stored.key, Ending())
        ending.alarm_id = register.apply(self.s, request, self.now_ms).alarm_id
        ending.twin_of = twin.name if twin is not None else ending.twin_of

    def _plainly(self, subject: str, rule: Rule, case: Case) -> None:
        """The rule cannot say; an urgent event rings without it, and somebody hears that the rule is broken."""
        technical.sound(self.s, self.origin, "rule_failed", {"rule": rule.name}, self.now_ms, rule="rule_failed")
        told, way = case
        if told.stored is not None and told.stored.urgent:
            reason = Reason("plain", {"kind": rule.kind, "place": told.fact.place})
            plain = Raise(rule.kind, KINDS[rule.kind].priority, reason)
            self._ring(subject, rule.name, plain, told.stored, way.where, way.gate)

    def unknown(self, stored: Stored, places: Places) -> None:
        """An urgent event that no rule of this version understands rings as what it is: unknown."""
        address = stored.device or ""
        spot = places.at(address, stored.occurred.to_ms)
        reason = Reason("unknown_event", {"kind": kind_of(stored.event.body), "device": address})
        verdict = Raise("unknown_event", KINDS["unknown_event"].priority, reason)
        subject = subject_of(self.origin.gateway_id, address, spot, Per.RESIDENT)
        people = spot.residents if spot is not None else ()
        gate, _ = gate_of(standings(self.s, people, self.now_ms), people, BY_NAME["call"])
        self._ring(subject, "unknown_event", verdict, stored, where_of(self.origin, address, spot), gate)


def supervise(
    s: TenantSession, origin: Origin, stored: Sequence[Stored], now_ms: int, rules: Sequence[Rule] = RULES
) -> Mapping[EventKey, Ending]:
    """Run all rules over a batch's new events, in order, and carry out what they say.

    Gives what each event row ends with; every class-A row is in it with an alarm or a reason.
    """
    wanted = tuple(body for rule in rules for body in rule.wants)
    kinds = {kind: issubclass(kind, wanted) for kind in {type(item.event.body) for item in stored}}
    seen = [item for item in stored if kinds[type(item.event.body)] or item.urgency is _ALWAYS_RINGS]
    if not seen:
        return {}
    run = _Supervision(s, origin, now_ms)
    places = look_up(s, {item.device or "" for item in seen})
    groups = group(s, origin, seen, places, rules, now_ms)
    run.run_all(groups)
    for item in seen:
        if item.urgency is not _ALWAYS_RINGS:
            continue
        ending = run.endings.get(item.key)
        if ending is None or (ending.alarm_id is None and ending.reason is None):
            run.unknown(item, places)
    repeating = {kind for kind in kinds if hasattr(kind, "repeat_of")}
    _follow_repeats(s, [item for item in stored if type(item.event.body) in repeating], run.endings)
    return run.endings


def _follow_repeats(s: TenantSession, stored: Sequence[Stored], endings: dict[EventKey, Ending]) -> None:
    """A repeat belongs to the alarm of the row it repeats."""
    for item in stored:
        if not is_repeat(item):
            continue
        first = EventKey(item.key.gateway_id, item.key.stream_id, getattr(item.event.body, "repeat_of", 0))
        ending = endings.get(first)
        alarm_id = ending.alarm_id if ending is not None else s.execute(_ALARM_OF, _params(first)).scalar()
        if alarm_id is not None:
            endings[item.key] = Ending(alarm_id=alarm_id)


def _params(key: EventKey) -> dict[str, object]:
    return {"gateway_id": key.gateway_id, "stream_id": key.stream_id, "seq": key.seq}


_ALARM_OF = select(events.c.alarm_id).where(
    events.c.tenant_id == TENANT,
    events.c.gateway_id == bindparam("gateway_id"),
    events.c.stream_id == bindparam("stream_id"),
    events.c.seq == bindparam("seq"),
    events.c.variant == 0,
)
