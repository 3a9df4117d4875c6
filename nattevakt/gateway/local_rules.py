"""The same rules over this gateway's own events, for as long as the centre is away. Serves arrow 7 at the gateway.

Owns which of its events each rule hears, what is called an alarm here, and which events each holds. Must not know
threads, storage or the page: it is fed, and read. Times are central time (Unix ms) as well as this box knows it.

What always rings (calls, falls, leaks, what nobody knows) has a driver of its own for each place, so that nothing a
plan says, and no rule that fails, can hide it. A rule that raises is left out from then on, and said so. What the
centre must have known before it went away is heard and not rung: `since_ms` and `unsent` tell the two apart.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from nattevakt.edge.events import Bed, Body, Call, Event, Fall, FallOver, Leak, Urgency, device_of, kind_of
from nattevakt.edge.rules import call, fall, leak, still_on_floor
from nattevakt.edge.rules.catalogue import BY_NAME
from nattevakt.edge.rules.replay import Driver, Said
from nattevakt.edge.rules.rule import (
    Armed,
    Clear,
    Entry,
    Fact,
    Key,
    Occurred,
    Per,
    Priority,
    Raise,
    RestsOn,
    Rule,
)
from nattevakt.edge.wire_plan import LocalPlan, PlanLine, PlanRoom
from nattevakt.gateway.inputs import Guard

ALWAYS = (call.SPEC, fall.SPEC, still_on_floor.SPEC, leak.SPEC)
UNKNOWN = "unknown_event"
PLAIN = ("call", "fall", "leak")
"""Kinds of events that are alarms of the same name."""
NOWHERE = PlanRoom(0, "")
"""Where a device hangs that the plan does not name."""


@dataclass(slots=True)
class Rung:
    """One alarm of this gateway's own. seqs: the rows that it is about. sounds: how often it has rung. told: whether it
    has been written down as an event."""

    number: int
    subject: str
    room: str
    place: str
    rule: str
    kind: str
    reason: str
    priority: int
    at_ms: int
    seqs: list[int] = field(default_factory=list)
    sounds: int = 1
    told: bool = False
    seen_ms: int | None = None
    over_ms: int | None = None

    @property
    def name(self) -> str:
        """This alarm as often as it has rung: what was said of an older page is said of another."""
        return f"{self.number}.{self.seqs[0] if self.seqs else 0}.{self.sounds}"

    @property
    def open(self) -> bool:
        """Whether it wants somebody now."""
        return self.seen_ms is None and self.over_ms is None

    @property
    def sounding(self) -> bool:
        """Whether it is to be heard; what is only to be looked into (a *sjekk*) stands on the page."""
        return self.open and self.priority < Priority.LOW


class Book:
    """The alarms, by the centre's own law: an event that an alarm holds makes no second one."""

    def __init__(self, rung: Iterable[Rung] = ()) -> None:
        self.rung = list(rung)

    def ring(self, at: Rung, verdict: Raise | None, keys: Collection[Key]) -> None:
        """An alarm is called for, as `at` would stand. verdict: None where it rings without a rule."""
        seqs = [key[0] for key in keys]
        same = [one for one in self.rung if one.rule == at.rule]
        held = next((one for one in reversed(same) if not set(seqs).isdisjoint(one.seqs)), None)
        standing = [one for one in reversed(same) if one.subject == at.subject and one.over_ms is None]
        found = held or next(iter(standing), None)
        if found is None:
            at.number, at.seqs = len(self.rung) + 1, seqs
            self.rung.append(at)
            return
        new = [seq for seq in seqs if seq not in found.seqs]
        found.seqs += new
        if not found.subject:
            # Of an earlier run of the agent: how loud it is, is known only now.
            found.subject, found.place, found.priority = at.subject, at.place, at.priority
        if not new and at.at_ms <= found.at_ms:
            return  # what is folded anew says again what it has said
        # Of what it holds already only what is louder, or asked for again, is heard again.
        again = verdict is None or verdict.again or at.priority < found.priority
        if (held is None and new) or again or found.over_ms is not None:
            found.kind = at.kind if at.priority < found.priority else found.kind
            found.priority, found.reason = min(at.priority, found.priority), at.reason
            found.sounds, found.at_ms, found.seen_ms, found.over_ms = found.sounds + 1, at.at_ms, None, None

    def clear(self, subject: str, rule: str, keys: Collection[Key], at_ms: int) -> None:
        """Later evidence explains an alarm away."""
        seqs = {key[0] for key in keys}
        for one in self.rung:
            meant = not seqs or not seqs.isdisjoint(one.seqs)
            if (one.subject, one.rule) == (subject, rule) and one.over_ms is None and meant:
                one.over_ms = at_ms

    def looked(self, subject: str, rule: Rule, rests_on: RestsOn, _at_ms: int) -> bool:
        """Whether somebody has seen an alarm of this rule since what a judgement rests on began."""
        name = rule.alarms_as or rule.name
        return any(
            one.seen_ms is not None and one.seen_ms >= rests_on.since_ms
            for one in self.rung
            if (one.subject, one.rule) == (subject, name)
        )


class Follow:
    """The rules of one outage, fed in the order in which things happened. book: may hold what has rung already.

    plan: None where there is none that may be believed; then only what always rings does. since_ms: what fell due from
    then on the centre may not have judged; unsent: rows that it does not have, and from_seq: from this one on it has
    none. begins_ms: when the first event is from; rules that wait for a time of day wait from there.
    """

    def __init__(
        self,
        plan: LocalPlan | None,
        since_ms: int,
        unsent: Collection[int],
        from_seq: int,
        begins_ms: int,
        book: Book,
        guard: Guard,
    ) -> None:
        self.book = book
        self.failed: dict[str, str] = {}
        self._guard = guard
        self._since_ms = since_ms
        self.now_ms = since_ms
        """When what is fed has become known."""
        self._unsent = frozenset(unsent)
        self._from_seq = from_seq
        self._zone = plan.time_zone if plan is not None else ""
        rooms = plan.rooms if plan is not None else ()
        self._rooms = {address: room for room in rooms for address in room.devices}
        self._drivers: dict[str, Driver] = {}
        self._lines: dict[str, PlanLine] = {}
        for room in rooms:
            if room.lines:
                self._of(f"room:{room.id}", room, begins_ms)

    def feed(self, seq: int, event: Event, occurred: Occurred) -> bool:
        """One stored event. False where it is older than what has been judged: all must be folded anew."""
        body, address = event.body, device_of(event.body)
        room = self._rooms.get(address or "", NOWHERE)
        place = room.devices.get(address or "", "")
        fact = Fact(_as_heard(event), occurred, occurred.to_ms, place, (seq,))
        urgent = event.urgency is Urgency.A
        if isinstance(body, FallOver) or (urgent and isinstance(body, Call | Fall | Leak)):
            self._ring(fact, room, address or "", seq)
        elif urgent:
            self._plainly(seq, body, occurred, room)
        elif event.urgency is Urgency.B and room.lines:
            return self._planned(fact, room, address or "")
        return True

    def _ring(self, fact: Fact, room: PlanRoom, address: str, seq: int) -> None:
        """What always rings."""
        subject = f"room:{room.id}" if room.id else f"device:{address}"
        name = f"{subject} always"
        driver = self._always(name, subject, room, fact.occurred.to_ms)
        # Never too late to ring: what is told late here has happened at the latest now.
        at_ms = max(fact.occurred.to_ms, driver.now_ms)
        told = replace(fact, occurred=Occurred(min(fact.occurred.from_ms, at_ms), at_ms))
        if not self._say(name, partial(driver.feed, told)) and not isinstance(fact.body, FallOver):
            self._plainly(seq, fact.body, fact.occurred, room)

    def until(self, now_ms: int) -> None:
        """All that happened before this moment has been fed: judge what falls due before it."""
        for name, driver in list(self._drivers.items()):
            self._say(name, partial(driver.until, now_ms))

    def _say(self, name: str, call_it: Callable[[], None]) -> bool:
        error = self._guard(f"local rules of {name}", call_it)
        if error is not None:
            self.failed[name] = error
            self._drivers.pop(name, None)
        return error is None

    def _plainly(self, seq: int, body: Body, occurred: Occurred, room: PlanRoom) -> None:
        if self._is_unsent(seq):
            address, kind = device_of(body) or "", kind_of(body)
            place, kind = room.devices.get(address, address), kind if kind in PLAIN else UNKNOWN
            subject = f"device:{address}"
            at = Rung(0, subject, room.number, place, kind, kind, "", Priority.HIGH, occurred.to_ms)
            self.book.ring(at, None, [(seq,)])

    # --- drivers ---------------------------------------------------------------------------------------------

    def _always(self, name: str, subject: str, room: PlanRoom, at_ms: int) -> Driver:
        if name not in self._drivers:
            rules = [(rule, Armed((_defaults(rule),), self._zone, room.devices, room.shared)) for rule in ALWAYS]
            self._drivers[name] = self._driver(rules, subject, room, at_ms)
        return self._drivers[name]

    def _planned(self, fact: Fact, room: PlanRoom, address: str) -> bool:
        bed = f"bed:{room.id}/{address}"
        subjects = [f"room:{room.id}"]
        if room.shared:
            # As at the centre: of who share a room each bed is watched by itself, once it has been heard.
            heard = isinstance(fact.body, Bed)
            beds = [name for name in self._drivers if name.startswith(f"bed:{room.id}/") and name != bed]
            subjects += [bed] if heard else [*beds, *([bed] if bed in self._drivers else [])]
        for subject in subjects:
            driver = self._of(subject, room, fact.occurred.to_ms)
            if driver is None:
                continue
            if fact.occurred.to_ms < driver.now_ms:
                return False
            self._say(subject, partial(driver.feed, fact))
        return True

    def _of(self, subject: str, room: PlanRoom, at_ms: int) -> Driver | None:
        if subject not in self._drivers and subject not in self.failed:
            rules = []
            for line in room.lines:
                rule = BY_NAME.get(line.rule)
                # A newer centre may name a rule that this version does not have.
                if rule is None or not rule.planned:
                    continue
                if room.shared and (rule.per is Per.BED) is not subject.startswith("bed:"):
                    continue
                self._lines[f"{subject} {rule.name}"] = line
                entries = tuple(_completed(rule, entry) for entry in line.entries)
                rules.append((rule, Armed(entries, self._zone, room.devices, room.shared)))
            self._drivers[subject] = self._driver(rules, subject, room, at_ms)
        return self._drivers.get(subject)

    def _driver(self, rules: Sequence[tuple[Rule, Armed]], subject: str, room: PlanRoom, at_ms: int) -> Driver:
        hear = partial(self._hear, subject, room)
        return Driver(rules, hear, from_ms=at_ms, answered=partial(self.book.looked, subject))

    # --- verdicts --------------------------------------------------------------------------------------------

    def _hear(self, subject: str, room: PlanRoom, said: Said) -> None:
        rule, verdict = said.rule.alarms_as or said.rule.name, said.verdict
        if isinstance(verdict, Clear):
            if said.rule.planned:
                self.book.clear(subject, rule, verdict.holds, max(said.at_ms, self.now_ms))
            return
        if not isinstance(verdict, Raise) or not self._counts(said) or not self._armed(subject, said):
            return
        keys = (*verdict.holds, said.fact_key) if said.fact_key else verdict.holds
        place = said.fact.place if said.fact is not None else ""
        if said.fact is not None and not room.id:
            place = device_of(said.fact.body) or ""
        priority = int(verdict.priority)
        at = Rung(0, subject, room.number, place, rule, verdict.kind, verdict.reason.code, priority, said.at_ms)
        self.book.ring(at, verdict, keys)

    def _counts(self, said: Said) -> bool:
        # An event that the centre has acknowledged it has judged; a deadline it may not have come to.
        return said.at_ms >= self._since_ms if said.fact is None else self._is_unsent(said.fact.key[0])

    def _is_unsent(self, seq: int) -> bool:
        return seq >= self._from_seq or seq in self._unsent

    def _armed(self, subject: str, said: Said) -> bool:
        line = self._lines.get(f"{subject} {said.rule.name}")
        if line is None:
            return True
        from_ms, to_ms = line.from_ms, line.to_ms
        return (from_ms is None or said.at_ms >= from_ms) and (to_ms is None or said.at_ms < to_ms)


def _defaults(rule: Rule) -> Entry:
    return Entry((), {setting.name: setting.default for setting in rule.settings})


def _completed(rule: Rule, entry: Entry) -> Entry:
    """With the numbers that a centre of another version does not name."""
    return replace(entry, values={**_defaults(rule).values, **entry.values})


def _as_heard(event: Event) -> Body:
    body = event.body
    if event.urgency is Urgency.A and isinstance(body, Call | Fall | Leak) and body.repeat_of is not None:
        return replace(body, repeat_of=None)
    return body
