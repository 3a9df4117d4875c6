"""Where each rule has come, and which facts need not be told to it, for replay.py's `Driver`. Serves arrow 7.

Owns that a fact which is nothing to a rule is not even shown to it (`Rule.idle`), and that of many which a rule only
notes it is told the last (`Rule.noting`). Must not know deadlines, what a rule says, or in which order facts come.
"""

from __future__ import annotations

from collections.abc import Sequence

from nattevakt.edge.rules.rule import Armed, Fact, JsonState, Noting, Rule

NEVER_MS = 2**63
LATE_MS = 5_000
"""What was heard later than this after it happened is told, not held back."""


class Seat:
    """One rule over one subject: where it has come. wake_ms: its deadline. waits: it has asked for one at some time.

    held: a fact that it has still to note; state is that without it. noting: what facts it may be noting now. noted_ms:
    when the last of them was, where the next may be held too; `NEVER_MS` where it must be told. until_ms: before which
    moment they may.
    """

    __slots__ = (
        *("armed", "held", "idle", "near_ms", "noted_ms", "noted_say", "noted_way", "notes", "noting", "rule", "state"),
        *("step", "subject", "turns", "until_ms", "waits", "wake_ms", "ways"),
    )

    def __init__(self, rule: Rule, armed: Armed, subject: str) -> None:
        self.rule = rule
        self.step = rule.step
        self.armed = armed
        self.subject = subject
        self.state: JsonState = {}
        self.wake_ms: int | None = None
        self.waits = False
        self.ways: list[Way] = []
        self.idle = False
        """Some way passes it by as long as its state stays."""
        self.notes = bool(rule.noting)
        self.noting: Noting | None = None
        self.near_ms = 0
        self.turns = ""
        self.held: Fact | None = None
        self.noted_ms = self.until_ms = NEVER_MS
        self.noted_way: Way | None = None
        self.noted_say: object = None

    def rouse(self) -> None:
        """It has changed: what it said of being idle holds no more."""
        self.idle = False
        for way in self.ways:
            way.idle_ms = way.source.quiet_ms = -NEVER_MS

    def holds(self, way: Way, fact: Fact, at_ms: int) -> bool:
        """Hold back a fact that would only be noted; what was held back before it is overtaken. False where it must be
        told.
        """
        if way.noting is not self.noting:
            return False
        noted_ms, known_ms = self.noted_ms, fact.received_ms
        if not noted_ms < fact.occurred.from_ms == at_ms < self.until_ms or known_ms - at_ms > LATE_MS:
            return False
        near_ms = noted_ms + self.near_ms
        if known_ms >= near_ms or at_ms >= near_ms:
            return False
        if self.turns:
            says = getattr(fact.body, self.turns)
            if way is not self.noted_way or says == self.noted_say:
                return False
            self.noted_say = says
            if self.idle:
                self.rouse()
        self.held, self.noted_ms = fact, at_ms
        return True

    def told(self, way: Way, fact: Fact) -> None:
        """It has been told of one that it notes: those after it may be held back where it did no more than that."""
        noting = way.noting
        if noting is not None:
            self.noted_ms = noting.since_ms(self.state, fact, self.armed)
            if self.noted_ms < NEVER_MS:
                self.until_ms = NEVER_MS if noting.until_ms is None else noting.until_ms(self.state)
                self.noting, self.noted_way = noting, way
                self.near_ms, self.turns = noting.near_ms, noting.turns
                if noting.turns:
                    self.noted_say = getattr(fact.body, noting.turns)

    def settle(self) -> JsonState:
        """Note what is held back, and hold nothing more back until the rule has been told of one; gives its state."""
        if self.held is not None and self.noting is not None:
            self.state = self.noting.noted(self.state, self.held)
            self.held = None
        self.noted_ms = NEVER_MS
        return self.state


class Way:
    """How facts of one kind and device come to one seat. idle_ms: before this none of them is anything to it, as long
    as its state and their place stay. asked: the state about which it was asked that last. noting: how it may only
    note them.
    """

    __slots__ = ("asked", "idle_ms", "noting", "seat", "source")

    def __init__(self, seat: Seat, source: Source, noting: Noting | None) -> None:
        self.seat = seat
        self.source = source
        self.noting = noting
        self.idle_ms = -NEVER_MS
        self.asked: JsonState | None = None

    def ask(self, state: JsonState, fact: Fact, at_ms: int) -> None:
        """Until when such facts may pass it by; it is asked once of each state, because asking costs as much as
        telling."""
        self.asked = state
        idle = self.seat.rule.idle
        if idle is not None:
            idle_ms = idle(state, fact)
            if idle_ms > at_ms:
                self.idle_ms = idle_ms
                self.seat.idle = True


class Source:
    """The facts of one kind and device: from where they come, and their ways to those who want them.

    noter: the way to who only notes them, if it is one. quiet_ms: before this they pass by everybody else.
    """

    __slots__ = ("noter", "place", "quiet_ms", "ways")

    def __init__(self, kind: type, seats: Sequence[Seat], place: str) -> None:
        self.ways = tuple([Way(seat, self, _noting(seat.rule, kind)) for seat in seats])
        noters = [way for way in self.ways if way.noting is not None]
        self.noter = noters[0] if len(noters) == 1 else None
        self.quiet_ms = -NEVER_MS
        self.place = place
        for way in self.ways:
            way.seat.ways.append(way)

    def lull(self) -> None:
        """Nobody was told of a fact: find how long that will be so."""
        if self.noter is not None:
            self.quiet_ms = min([way.idle_ms for way in self.ways if way.noting is None], default=NEVER_MS)

    def move(self, place: str) -> None:
        """It hangs elsewhere: what was said of its facts holds no more."""
        self.place = place
        self.quiet_ms = -NEVER_MS
        for way in self.ways:
            way.idle_ms, way.asked = -NEVER_MS, None


def _noting(rule: Rule, kind: type) -> Noting | None:
    """How a rule may only note facts of a kind."""
    return next((noting for noting in rule.noting if noting.body is kind), None)
