"""A centre that is small enough to see through: it drives one rule as refold.py and silence.py do, over a night that
comes late, doubled, in another order, with restarts and with sweeps that stand still; and what becomes of what it says.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from nattevakt.edge.rules.rule import (
    UNCONFIRMED,
    Armed,
    Clear,
    Fact,
    Finding,
    JsonState,
    Key,
    Log,
    Raise,
    Rule,
    Step,
    Verdict,
    Wake,
)
from tests.edge.rule_nights import HOUR, MIN, S, at

LAG_MS = 60 * S
BACK_MS = 24 * HOUR
QUIET_MS = 12 * HOUR
"""Longer than any limit that the laws set: so long after the last event all has been said."""
EVENING = at("2026-11-20", "20:00")


@dataclass(frozen=True, slots=True)
class Said:
    """One verdict: when (ms), for which event (() at a deadline)."""

    at_ms: int
    verdict: Verdict
    key: Key = ()


def _position(fact: Fact) -> tuple[int, ...]:
    return (fact.occurred.to_ms, *fact.key)


def _stored(state: JsonState) -> JsonState:
    kept: JsonState = json.loads(json.dumps(state))
    return kept


@dataclass
class Centre:
    """Drives one rule over one subject. stored: what it keeps goes through JSON after each step. asleep: when no
    deadline is looked at. marks_ms: how far apart the states are that it can begin again from.
    """

    rule: Rule
    armed: Armed
    stored: bool = False
    asleep: Sequence[tuple[int, int]] = ()
    looks: Sequence[int] = ()
    marks_ms: int = 10 * MIN
    state: JsonState = field(default_factory=dict)
    wake_ms: int | None = None
    said: list[Said] = field(default_factory=list)
    known: dict[tuple[int, ...], Fact] = field(default_factory=dict)
    marks: list[tuple[tuple[int, ...], JsonState]] = field(default_factory=list)
    pos: tuple[int, ...] = ()
    look_ms: int = 0

    def live(self, arrivals: Iterable[tuple[int, Fact]], start_ms: int, end_ms: int) -> Iterator[int]:
        """All that comes and all that is looked at, to the end. Yields the time after each of them."""
        todo = sorted(arrivals, key=lambda entry: entry[0])
        if self.rule.timed:
            self._take(self.rule.step({}, Wake(start_ms), self.armed, start_ms), start_ms)
        now_ms = start_ms
        while True:
            arrive_ms = todo[0][0] if todo else end_ms
            if self.wake_ms is not None and self._look_ms() < min(arrive_ms, end_ms):
                now_ms = max(now_ms, self._look_ms())
                self._look(now_ms, [fact for _, fact in todo if _position(fact) not in self.known])
            elif todo:
                now_ms = max(now_ms, arrive_ms)
                self.deliver(todo.pop(0)[1], now_ms)
                self.look_ms = 0
            else:
                return
            yield now_ms

    def deliver(self, fact: Fact, now_ms: int) -> None:
        """An event has come; one that is stored already is not stored again."""
        fact = replace(fact, received_ms=max(now_ms, fact.occurred.to_ms))
        pos = _position(fact)
        if pos in self.known:
            return
        self.known[pos] = fact
        if self.rule.folding is None:
            self._take(self.rule.step(self.state, fact, self.armed, now_ms), now_ms, fact.key)
            return
        todo = [pos]
        if self.pos and pos < self.pos:
            todo = self._back_to(pos)
        for each in todo:
            if self.pos and (not self.marks or self.pos[0] - self.marks[-1][0][0] >= self.marks_ms):
                self.marks.append((self.pos, self.state))
            step = self.rule.step(self.state, self.known[each], self.armed, now_ms)
            self.pos = each
            self._take(step, now_ms, self.known[each].key)

    def _back_to(self, pos: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Go back to before this event; gives what is to be folded anew."""
        assert self.rule.folding is not None
        self.marks = [mark for mark in self.marks if mark[0] < pos]
        since: tuple[int, ...] = (pos[0] - BACK_MS,)
        self.pos, self.state = (), {}
        if self.marks:
            since, state = self.marks[-1]
            self.pos, self.state = since, self.rule.folding.unjudged(state)
        return sorted(each for each in self.known if each > since)

    def _look_ms(self) -> int:
        assert self.wake_ms is not None
        look_ms = max(self.wake_ms + 1, self.look_ms)
        for from_ms, to_ms in self.asleep:
            if from_ms <= look_ms < to_ms:
                look_ms = to_ms
        return look_ms

    def _look(self, now_ms: int, undelivered: Sequence[Fact]) -> None:
        """The deadline is looked at: judged, or left for a minute because the word of what happened is missing."""
        assert self.wake_ms is not None
        assert self.rule.folding is not None
        at_ms = self.wake_ms
        missing = [fact.occurred.to_ms for fact in undelivered if fact.occurred.to_ms <= now_ms]
        confirmed = min([*missing, now_ms]) > at_ms
        if not confirmed and now_ms <= min(missing) + LAG_MS:
            self.look_ms = min(missing) + LAG_MS + 1
            return
        since_ms = self.rule.folding.rests_on(self.state).since_ms
        answered = any(since_ms <= look_ms <= now_ms for look_ms in self.looks)
        step = self.rule.step(self.state, Wake(at_ms, confirmed, answered), self.armed, now_ms)
        self._take(step, now_ms)
        self.look_ms = now_ms + LAG_MS if self.wake_ms == at_ms else 0

    def _take(self, step: Step | None, now_ms: int, key: Key = ()) -> None:
        if step is None:
            return
        self.state = _stored(step.state) if self.stored else step.state
        self.wake_ms = step.wake_at_ms
        self.said += [Said(now_ms, verdict, key) for verdict in step.verdicts]


def lived(centre: Centre, arrivals: Iterable[tuple[int, Fact]], start_ms: int = EVENING) -> list[Said]:
    """All that is said of a night and of the quiet after it."""
    told = list(arrivals)
    end_ms = max([start_ms, *(fact.occurred.to_ms for _, fact in told)]) + QUIET_MS
    for count, _ in enumerate(centre.live(told, start_ms, end_ms)):
        assert count < 20_000, "the rule asks again and again"
    return centre.said


def at_once(told: Iterable[Fact]) -> list[tuple[int, Fact]]:
    """Each event comes when it happens."""
    return [(fact.occurred.to_ms, fact) for fact in told]


@dataclass
class Alarm:
    """One alarm, by the events that it is about. again: how often it has been made to sound once more."""

    keys: set[Key]
    kind: str
    priority: int
    code: str
    open: bool = True
    again: int = 0


Standing = Counter[tuple[str, str, frozenset[Key]]]


@dataclass
class Board:
    """What becomes of verdicts: who holds an event of an alarm is that alarm. Alarms that stand side by side join in
    the register; here they are kept apart, so that nothing hides in another.
    """

    alarms: list[Alarm] = field(default_factory=list)
    found: set[tuple[str, str]] = field(default_factory=set)
    explained: int = 0
    told: set[tuple[str, str, frozenset[Key]]] = field(default_factory=set)

    @classmethod
    def of(cls, said: Iterable[Said]) -> Board:
        """After all of this."""
        board = cls()
        for each in said:
            board._hear(each)
        return board

    def _hear(self, said: Said) -> None:
        verdict = said.verdict
        if isinstance(verdict, Log | Clear):
            self.explained += 1
        if isinstance(verdict, Finding):
            self.found.add((verdict.device, verdict.reason.code))
        elif isinstance(verdict, Raise):
            self._raise(verdict, {*verdict.holds, *((said.key,) if said.key else ())} or {()})
        elif isinstance(verdict, Clear):
            for alarm in self.alarms:
                if not verdict.holds or alarm.keys & set(verdict.holds):
                    alarm.open = False

    def _raise(self, verdict: Raise, keys: set[Key]) -> None:
        code = _plain(verdict.reason.code)
        sure = not code.endswith(UNCONFIRMED)
        if sure:
            self.told.add((verdict.kind, code, frozenset(keys)))
        mine = [alarm for alarm in self.alarms if alarm.keys & keys]
        if not mine:
            self.alarms.append(Alarm(keys, verdict.kind, int(verdict.priority), code))
            return
        alarm = mine[0]
        for other in mine[1:]:
            alarm.keys |= other.keys
            self.alarms.remove(other)
        new = not alarm.open
        louder = int(verdict.priority) < alarm.priority
        if new or louder or (int(verdict.priority) == alarm.priority and (sure or alarm.code.endswith(UNCONFIRMED))):
            alarm.code, alarm.kind, alarm.priority = code, verdict.kind, int(verdict.priority)
        alarm.open = True
        alarm.keys |= keys
        alarm.again += int(verdict.again)

    @property
    def standing(self) -> Standing:
        """The alarms that nothing has explained away."""
        return Counter((alarm.kind, alarm.code, frozenset(alarm.keys)) for alarm in self.alarms if alarm.open)

    @property
    def sounds(self) -> int:
        """How often anything sounded."""
        return sum(1 + alarm.again for alarm in self.alarms)


def _plain(code: str) -> str:
    """A reason's code without how late or doubtful the word was: that is the way it came, not what happened."""
    return code.removesuffix("_late").removesuffix("_uncertain")
