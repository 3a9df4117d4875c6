"""Facts that are all known by now, through one rule or several, as fast as can be. Serves arrow 7.

Owns the order of facts and deadlines where nothing is missing: what a rule would have said, and when, had each event
been heard the moment it happened. A deadline is judged once all that happened up to and including it has been folded,
as the centre does it. Must not know storage, plans, or what becomes of a verdict: `central/alarms/desk.py` (Desk)
tells what the register would make of them, because kinds and the alarm's life are the centre's.

This is the inner loop of the simulated year and of the benchmark: a fact that is nothing to a rule must cost next to
nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from nattevakt.edge.events import Body
from nattevakt.edge.rules.rule import (
    Armed,
    Fact,
    JsonState,
    Key,
    Occurred,
    Per,
    RestsOn,
    Rule,
    Step,
    Verdict,
    Wake,
)
from nattevakt.edge.rules.seats import NEVER_MS, Seat, Source

STUCK = 1000
"""So many deadlines in a row without time going on are a rule that goes round in circles."""


@dataclass(slots=True)
class Said:
    """One verdict and its moment. Nobody changes one, as with a `Step`.

    at_ms: when it is said. due_ms: the deadline at which, None where a fact led to it. fact: that fact. subject: the
    device's address for a rule that judges each device by itself, else "".
    """

    at_ms: int
    verdict: Verdict
    rule: Rule
    fact: Fact | None = None
    due_ms: int | None = None
    subject: str = ""

    @property
    def fact_key(self) -> Key:
        """The name of the event that led to it; () at a deadline."""
        return self.fact.key if self.fact is not None else ()

    @property
    def occurred(self) -> Occurred:
        """The moment that it is about: the fact's, or the deadline."""
        if self.fact is not None:
            return self.fact.occurred
        due_ms = self.at_ms if self.due_ms is None else self.due_ms
        return Occurred(due_ms, due_ms)


Asked = Callable[[Rule, RestsOn, int], bool]
"""Whether a person has looked since what the judgement rests on began, at the moment (ms) of a rule's deadline."""


def never(_rests_on: RestsOn, _at_ms: int) -> bool:
    """Nobody ever looks."""
    return False


def nobody(_rule: Rule, _rests_on: RestsOn, _at_ms: int) -> bool:
    """Nobody ever looks, for several rules."""
    return False


class Driver:
    """Several rules over the facts of one resident, or of one bed of a room that is shared.

    rules: each with what it is set to; a rule may be named once. hear: is given each verdict the moment it is said,
    before the next deadline is judged. from_ms: when the rules that wait for a time of day are woken first, None: at
    the first fact. answered: whether a person has looked. A rule per device has a state for each device it hears.
    """

    def __init__(
        self,
        rules: Iterable[tuple[Rule, Armed]],
        hear: Callable[[Said], None],
        *,
        from_ms: int | None = None,
        answered: Asked = nobody,
    ) -> None:
        self._hear = hear
        self._answered = answered
        self._seats: list[Seat] = []
        self._by_device: list[tuple[Rule, Armed]] = []
        for rule, armed in rules:
            if rule.per is Per.DEVICE:
                self._by_device.append((rule, armed))
            else:
                self._seats.append(Seat(rule, armed, ""))
        self._device_seats: dict[tuple[str, str], Seat] = {}
        self._sources: dict[type[Body], dict[str, Source]] = {}
        self._waiting: list[Seat] = []
        """Those that have ever asked for a deadline, in their order."""
        self._next_ms = NEVER_MS
        """No deadline lies before this; it may be too early, never too late."""
        self.now_ms = -NEVER_MS
        """Up to where it has come."""
        self._in_a_row = 0
        self._begun = False
        if from_ms is not None:
            self._begin(from_ms)

    def feed(self, fact: Fact) -> None:  # noqa: C901 - the inner loop: a call for each fact costs as much as a rule
        """The next fact, in order of the end of its time; the deadlines before it are judged first."""
        at_ms = fact.occurred.to_ms
        if self._next_ms < at_ms:
            self.until(at_ms)
        if at_ms > self.now_ms:
            if not self._begun:
                self._begin(at_ms)
            self.now_ms = at_ms
            self._in_a_row = 0
        elif at_ms < self.now_ms:
            raise ValueError(f"a fact of {at_ms} after {self.now_ms}: facts come in the order in which they happened")
        body = fact.body
        try:
            source = self._sources[type(body)][body.device]  # type: ignore[attr-defined]  # most bodies have one
        except (KeyError, AttributeError):
            source = self._source(fact)
        if fact.place != source.place:
            source.move(fact.place)
        elif (
            at_ms < source.quiet_ms and source.noter is not None and source.noter.seat.holds(source.noter, fact, at_ms)
        ):
            return
        told = False
        for way in source.ways:
            if at_ms < way.idle_ms:
                continue
            seat = way.seat
            if seat.notes:
                if way.noting is not None and seat.holds(way, fact, at_ms):
                    continue
                if seat.held is not None:
                    seat.settle()
                seat.noted_ms = NEVER_MS
            told = True
            state = seat.state
            step = seat.step(state, fact, seat.armed, at_ms)
            if step is None:
                if way.asked is not state:
                    way.ask(state, fact, at_ms)
                continue
            seat.state = step.state
            if seat.idle:
                seat.rouse()
            wake_ms = step.wake_at_ms
            if wake_ms != seat.wake_ms:
                seat.wake_ms = wake_ms
                if wake_ms is not None:
                    if wake_ms < self._next_ms:
                        self._next_ms = wake_ms
                    if not seat.waits:
                        self._waits(seat)
            if way.noting is not None:
                seat.told(way, fact)
            if step.verdicts:
                self._say(seat, step.verdicts, fact, None)
        if not told:
            source.lull()

    def _say(self, seat: Seat, verdicts: Iterable[Verdict], fact: Fact | None, due_ms: int | None) -> None:
        for verdict in verdicts:
            self._hear(Said(self.now_ms, verdict, seat.rule, fact, due_ms, seat.subject))

    def _wait(self, seat: Seat, wake_ms: int) -> None:
        """From now on this is a seat's deadline."""
        seat.wake_ms = wake_ms
        if wake_ms < self._next_ms:
            self._next_ms = wake_ms
        if not seat.waits:
            self._waits(seat)

    def _waits(self, seat: Seat) -> None:
        """It has asked for a deadline for the first time."""
        seat.waits = True
        self._waiting = [each for each in self._seats if each.waits]

    def until(self, until_ms: int) -> None:
        """All that happened before this moment is known: judge the deadlines that lie before it."""
        while self._next_ms < until_ms and self.wake(until_ms):
            pass

    def wake(self, before_ms: int) -> bool:
        """Judge the first deadline that lies before this moment; False where there is none."""
        if self._next_ms >= before_ms:
            return False
        first: Seat | None = None
        due_ms = after_ms = NEVER_MS
        for seat in self._waiting:
            wake_ms = seat.wake_ms
            if wake_ms is None or wake_ms >= after_ms:
                continue
            if wake_ms < due_ms:
                first, due_ms, after_ms = seat, wake_ms, due_ms
            else:
                after_ms = wake_ms
        if first is None or due_ms >= before_ms:
            self._next_ms = due_ms
            return False
        self._next_ms = after_ms
        self._judge(first, due_ms)
        return True

    def arm(self, armed: Callable[[Rule], Armed]) -> None:
        """From now on the rules are set to this."""
        for seat in self._seats:
            seat.settle()
            seat.armed = armed(seat.rule)
            seat.rouse()
        self._by_device = [(rule, armed(rule)) for rule, _ in self._by_device]

    def leave(self) -> None:
        """Whom this is about is there no more: the last word of each rule that folds, and nothing after it."""
        for seat in self._seats:
            seat.wake_ms = None
            if seat.rule.folding is not None:
                self._take(seat, seat.rule.folding.left(seat.settle()), self.now_ms)
                seat.wake_ms = None

    def states(self) -> dict[tuple[str, str], JsonState]:
        """Where each rule has come, by subject ("" or a device's address) and the rule's name."""
        return {(seat.subject, seat.rule.name): seat.settle() for seat in self._seats}

    def _judge(self, seat: Seat, due_ms: int) -> None:
        """A deadline has come. One that is asked for when it has passed already is judged at once."""
        if due_ms > self.now_ms:
            self.now_ms = due_ms
            self._in_a_row = 0
        self._in_a_row += 1
        if self._in_a_row > STUCK:
            raise RuntimeError(f"the rule {seat.rule.name} asks again and again for {due_ms}")
        state = seat.state if seat.held is None else seat.settle()
        seat.noted_ms = NEVER_MS
        wake, folding = Wake(due_ms), seat.rule.folding
        if self._answered is not nobody and folding is not None:
            wake.answered = self._answered(seat.rule, folding.rests_on(state), self.now_ms)
        seat.wake_ms = None
        step = seat.step(state, wake, seat.armed, self.now_ms)
        if step is not None:
            self._take(seat, step, due_ms)

    def _take(self, seat: Seat, step: Step, due_ms: int) -> None:
        """What a rule made of a deadline. The same one asked for again waits for a fact: nothing else is missing."""
        seat.state = step.state
        if seat.idle:
            seat.rouse()
        if step.wake_at_ms is not None and step.wake_at_ms != due_ms:
            self._wait(seat, step.wake_at_ms)
        if step.verdicts:
            self._say(seat, step.verdicts, None, due_ms)

    def _begin(self, at_ms: int) -> None:
        self._begun = True
        self.now_ms = at_ms
        for seat in list(self._seats):
            self._arm(seat)

    def _arm(self, seat: Seat) -> None:
        step = seat.step({}, Wake(self.now_ms), seat.armed, self.now_ms) if seat.rule.timed else None
        if step is not None:
            self._take(seat, step, -NEVER_MS)

    def _source(self, fact: Fact) -> Source:
        """The rules that want such a body, found once for each of its device."""
        kind = type(fact.body)
        known = self._sources.setdefault(kind, {})
        address = str(getattr(fact.body, "device", None) or "")
        found = known.get(address)
        if found is None:
            seats = [seat for seat in self._seats if not seat.subject and issubclass(kind, seat.rule.wants)]
            own = [self._own(rule, armed, address) for rule, armed in self._by_device if issubclass(kind, rule.wants)]
            found = known[address] = Source(kind, (*seats, *own), fact.place)
        return found

    def _own(self, rule: Rule, armed: Armed, address: str) -> Seat:
        """A rule's state for one device."""
        seat = self._device_seats.get((rule.name, address))
        if seat is None:
            seat = self._device_seats[rule.name, address] = Seat(rule, armed, address)
            self._seats.append(seat)
            self._arm(seat)
        return seat


def replay(
    rule: Rule,
    facts: Iterable[Fact],
    armed: Armed,
    until_ms: int,
    *,
    from_ms: int | None = None,
    answered: Callable[[RestsOn, int], bool] = never,
) -> Iterator[Said]:
    """What one rule says of facts in the order in which they happened, each verdict with its time.

    until_ms: facts of that moment and later are not read, and the deadlines before it are judged. from_ms: when a rule
    that waits for a time of day is woken first. answered: asked at each deadline whether a person has looked; what
    was said before has been handed out by then.
    """
    said: list[Said] = []

    def asked(_rule: Rule, rests_on: RestsOn, at_ms: int) -> bool:
        return answered(rests_on, at_ms)

    driver = Driver([(rule, armed)], said.append, from_ms=from_ms, answered=nobody if answered is never else asked)
    for fact in facts:
        at_ms = fact.occurred.to_ms
        if at_ms >= until_ms:
            break
        while driver.wake(at_ms):
            yield from said
            said.clear()
        driver.feed(fact)
        if said:
            yield from said
            said.clear()
    while driver.wake(until_ms):
        yield from said
        said.clear()
