"""What the register would make of verdicts, without a database: for backtests and simulated nights. Serves arrow 8.

Owns the same decisions as `register.apply` and `register.act` over alarms that exist in memory only: who joins what,
what becomes louder or explained, what clears, what staff change. Whoever changes the register changes this;
tests/central/test_desk.py holds the two against each other. Must not know rules. Pure: no clock, no chance; what
people do comes from a callable.

Left out, because it takes a second gateway or a fault of the installation: twins, rooms that change, faults anew.
And the time of whoever has an alarm (overdue.py) and who is told after whom (escalating.py): what is tried on past
nights is what rings, not who forgets it or passes it on, so nothing that was taken rings again here.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from nattevakt.central.alarms.kinds import KINDS
from nattevakt.central.alarms.lifecycle import ALLOWED, GIVES_UP, PERSON_MOVES, UNTAKEN, Move, State, after
from nattevakt.central.alarms.register import EPISODE_BEGINS_EARLIER_MS
from nattevakt.edge.rules.replay import Asked, Said
from nattevakt.edge.rules.rule import (
    UNCONFIRMED,
    Clear,
    Finding,
    Key,
    Occurred,
    Priority,
    Raise,
    Reason,
    RestsOn,
    Rule,
)

NOBODY_MS = -(2**63)


@dataclass(frozen=True, slots=True)
class Heard:
    """One change of an alarm. how: as `requests.Applied` says it, or the move that a person made."""

    at_ms: int
    how: str
    kind: str
    reason: Reason
    sounded: bool = False


@dataclass(slots=True)
class Rung:
    """One alarm, as its row would stand. history: what has become of it, in order.
    holds: the events that it is about."""

    number: int
    subject: str
    rule: str
    kind: str
    priority: int
    reason: Reason
    raised_ms: int
    occurred: Occurred
    state: State = State.REPORTED
    sound_seq: int = 1
    taken_ms: int | None = None
    on_site_ms: int | None = None
    closed_ms: int | None = None
    cause: str = ""
    holds: set[Key] = field(default_factory=set)
    history: list[Heard] = field(default_factory=list)

    @property
    def cleared_ms(self) -> int | None:
        """When later evidence explained it away, None where it did not."""
        return self.closed_ms if self.state is State.CLEARED else None

    @property
    def joinable(self) -> bool:
        """Whether later events of its subject and rule join it."""
        return self.on_site_ms is None and self.closed_ms is None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person does with an alarm, and when. cause: why it rang, where the alarm is closed."""

    at_ms: int
    move: Move
    cause: str = ""


Staff = Callable[[Rung, int], Iterable[Answer]]
"""Asked each time an alarm sounds (the alarm, now in ms): what somebody will do with it because of that."""


def nobody_comes(_alarm: Rung, _now_ms: int) -> tuple[Answer, ...]:
    """No staff at all."""
    return ()


class Desk:
    """Alarms in memory. staff: who answers them. Time must not go back from call to call."""

    def __init__(self, staff: Staff = nobody_comes) -> None:
        self.alarms: list[Rung] = []
        self.findings: list[tuple[int, str, Finding]] = []
        """When, for whom, what a rule found out about a sensor."""
        self._staff = staff
        self._of: dict[tuple[str, str], list[Rung]] = {}
        self._open: dict[tuple[str, str], Rung] = {}
        self._visited: dict[tuple[str, str], int] = {}
        """The one that may be joinable, and the last visit: what is asked most, without a look at all of a year."""
        self._holds: dict[tuple[str, str, Key], Rung] = {}
        self._planned: list[tuple[int, int, Rung, Answer]] = []
        self._count = itertools.count()

    def ear(self, subject: str) -> Callable[[Said], None]:
        """What a `Driver` of this subject tells its verdicts to."""

        def hear(said: Said) -> None:
            self.take(said, subject)

        return hear

    def asked(self, subject: str) -> Asked:
        """What a `Driver` of this subject asks whether a person has looked."""

        def looked(rule: Rule, rests_on: RestsOn, at_ms: int) -> bool:
            return self.answered(subject, rule.alarms_as or rule.name, rests_on.keys, rests_on.since_ms, at_ms)

        return looked

    def take(self, said: Said, subject: str) -> None:
        """Carry out a verdict, as supervision and silence do it."""
        of = f"device:{said.subject}" if said.subject else subject
        rule = said.rule.alarms_as or said.rule.name
        verdict = said.verdict
        if isinstance(verdict, Raise):
            self.ring(of, rule, verdict, said.occurred, said.fact_key, said.at_ms)
        elif isinstance(verdict, Clear):
            self.clear(of, rule, verdict, said.at_ms)
        elif isinstance(verdict, Finding):
            self.findings.append((said.at_ms, of, verdict))

    def until(self, now_ms: int) -> None:
        """Staff have done what they do up to and including this moment. What is not possible any more is left."""
        while self._planned and self._planned[0][0] <= now_ms:
            _, _, alarm, answer = heapq.heappop(self._planned)
            self.act(alarm, answer)

    def answered(self, subject: str, rule: str, keys: Iterable[Key], since_ms: int, now_ms: int) -> bool:
        """Whether a person has looked since then, on site for any alarm of this rule or done with the one of these."""
        self.until(now_ms)
        if self._visited.get((subject, rule), NOBODY_MS) >= since_ms:
            return True
        holder = self._holding(subject, rule, keys)
        return holder is not None and (holder.on_site_ms is not None or holder.state is State.CLOSED)

    def ring(self, subject: str, rule: str, verdict: Raise, occurred: Occurred, event: Key, now_ms: int) -> str:
        """An alarm is called for; gives what became of it, as `requests.Applied.how`. event: () at a deadline."""
        self.until(now_ms)
        if event and (subject, rule, event) in self._holds:
            return "known"
        keys = (*verdict.holds, event) if event else verdict.holds
        holder = self._holding(subject, rule, verdict.holds)
        if holder is not None:
            return self._same(holder, verdict, keys, now_ms)
        joinable = self._joinable(subject, rule)
        technical = KINDS[verdict.kind].technical
        if joinable is not None:
            return self._join(joinable, verdict, keys, now_ms, not technical or verdict.priority is Priority.HIGH)
        if not occurred.uncertain and not technical:
            attended = self._attended(subject, rule, occurred)
            if attended is not None:
                return self._join(attended, verdict, keys, now_ms, sound=False)
        return self._begin(subject, rule, verdict, occurred, keys, now_ms)

    def clear(self, subject: str, rule: str, verdict: Clear, now_ms: int) -> str:
        """Later evidence explains an alarm away, if nobody has taken it."""
        self.until(now_ms)
        held = self._holding(subject, rule, verdict.holds) if verdict.holds else self._joinable(subject, rule)
        if held is None or not held.joinable:
            return "nothing"
        kind = KINDS[held.kind]
        may = kind.may_clear_itself and (held.priority != Priority.HIGH or not kind.technical)
        if held.state not in UNTAKEN or Move.CLEAR not in ALLOWED[held.state] or not may:
            held.history.append(Heard(now_ms, "noted", held.kind, verdict.reason))
            return "noted"
        held.state, held.closed_ms = State.CLEARED, now_ms
        held.history.append(Heard(now_ms, "cleared", held.kind, verdict.reason))
        return "cleared"

    def act(self, alarm: Rung, answer: Answer) -> bool:
        """A person's move; False where the alarm does not allow it where it stands."""
        move = answer.move
        if move not in PERSON_MOVES - GIVES_UP or move not in ALLOWED[alarm.state]:
            return False
        if move is Move.REOPEN and self._joinable(alarm.subject, alarm.rule) is not None:
            return False
        name = (alarm.subject, alarm.rule)
        alarm.state = after(alarm.state, move)
        if move is Move.CLOSE:
            alarm.closed_ms, alarm.cause = answer.at_ms, answer.cause
        elif move is Move.REOPEN:
            alarm.closed_ms = alarm.on_site_ms = alarm.taken_ms = None
            visits = [known.on_site_ms for known in self._of[name] if known.on_site_ms is not None]
            self._visited[name] = max(visits, default=NOBODY_MS)
            self._open[name] = alarm
        else:
            alarm.taken_ms = answer.at_ms if alarm.taken_ms is None else alarm.taken_ms
            if move is Move.ARRIVE:
                alarm.on_site_ms = answer.at_ms
                self._visited[name] = max(answer.at_ms, self._visited.get(name, NOBODY_MS))
        alarm.history.append(Heard(answer.at_ms, move.value, alarm.kind, alarm.reason))
        return True

    def _joinable(self, subject: str, rule: str) -> Rung | None:
        found = self._open.get((subject, rule))
        return found if found is not None and found.joinable else None

    def _attended(self, subject: str, rule: str, occurred: Occurred) -> Rung | None:
        """The first visit after it happened, of an episode that had begun by then."""
        found: Rung | None = None
        if self._visited.get((subject, rule), NOBODY_MS) < occurred.to_ms:
            return None
        begins_by_ms = occurred.from_ms + EPISODE_BEGINS_EARLIER_MS
        for known in self._of[subject, rule]:
            at_ms = known.on_site_ms
            if at_ms is None or at_ms < occurred.to_ms or known.occurred.from_ms > begins_by_ms:
                continue
            if found is None or found.on_site_ms is None or at_ms < found.on_site_ms:
                found = known
        return found

    def _holding(self, subject: str, rule: str, keys: Iterable[Key]) -> Rung | None:
        for key in keys:
            held = self._holds.get((subject, rule, key))
            if held is not None:
                return held
        return None

    def _hold(self, alarm: Rung, keys: Iterable[Key]) -> None:
        for key in keys:
            if self._holds.setdefault((alarm.subject, alarm.rule, key), alarm) is alarm:
                alarm.holds.add(key)

    def _begin(
        self, subject: str, rule: str, verdict: Raise, occurred: Occurred, keys: Iterable[Key], now_ms: int
    ) -> str:
        priority = int(verdict.priority)
        number = len(self.alarms) + 1
        made = Rung(number, subject, rule, verdict.kind, priority, verdict.reason, now_ms, occurred)
        self.alarms.append(made)
        self._of.setdefault((subject, rule), []).append(made)
        self._open[subject, rule] = made
        self._hold(made, keys)
        return self._sounds(made, "raised", verdict, now_ms)

    def _same(self, alarm: Rung, verdict: Raise, keys: Iterable[Key], now_ms: int) -> str:
        """What is already told is told anew."""
        if alarm.state is State.CLEARED:
            if self._joinable(alarm.subject, alarm.rule) is not None:
                return "known"
            return self._louder(alarm, verdict, keys, now_ms, "rung_again")
        self._hold(alarm, keys)
        if not alarm.joinable:
            return "known"
        rises = int(verdict.priority) < alarm.priority and (verdict.insists or alarm.state in UNTAKEN)
        again = verdict.again and alarm.reason != verdict.reason
        if again or rises:
            return self._louder(alarm, verdict, keys, now_ms, "rung_again" if again else "louder")
        less_sure = verdict.reason.code.endswith(UNCONFIRMED) and not alarm.reason.code.endswith(UNCONFIRMED)
        if int(verdict.priority) != alarm.priority or alarm.reason == verdict.reason or less_sure:
            return "known"
        alarm.reason = verdict.reason
        alarm.history.append(Heard(now_ms, "explained", alarm.kind, verdict.reason))
        return "explained"

    def _louder(self, alarm: Rung, verdict: Raise, keys: Iterable[Key], now_ms: int, how: str) -> str:
        if alarm.state is State.CLEARED:
            alarm.state, alarm.closed_ms = State.REOPENED, None
            self._open[alarm.subject, alarm.rule] = alarm
        self._rises(alarm, verdict)
        alarm.reason = verdict.reason
        alarm.sound_seq += 1
        self._hold(alarm, keys)
        return self._sounds(alarm, how, verdict, now_ms)

    def _join(self, alarm: Rung, verdict: Raise, keys: Iterable[Key], now_ms: int, sound: bool) -> str:
        self._hold(alarm, keys)
        if not sound:
            alarm.priority = min(alarm.priority, int(verdict.priority))
            alarm.history.append(Heard(now_ms, "joined_silently", alarm.kind, verdict.reason))
            return "joined_silently"
        self._rises(alarm, verdict)
        alarm.reason = verdict.reason
        alarm.sound_seq += 1
        return self._sounds(alarm, "joined", verdict, now_ms)

    def _rises(self, alarm: Rung, verdict: Raise) -> None:
        if int(verdict.priority) < alarm.priority:
            alarm.priority, alarm.kind = int(verdict.priority), verdict.kind

    def _sounds(self, alarm: Rung, how: str, verdict: Raise, now_ms: int) -> str:
        alarm.history.append(Heard(now_ms, how, alarm.kind, verdict.reason, sounded=True))
        for answer in self._staff(alarm, now_ms):
            heapq.heappush(self._planned, (max(answer.at_ms, now_ms), next(self._count), alarm, answer))
        return how
