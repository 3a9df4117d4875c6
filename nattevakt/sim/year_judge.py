"""The judge of the simulated year: what rang, held against what was true. Serves the simulator.

Owns what counts as caught in time and as false; fixed with the bars, before any rule was tuned. It knows kinds of alarm
and what each of them claims, and must not know how a rule comes to it.

An alarm is false where what it claims was not so when it sounded; each time it sounds counts. What sounds softly (kinds
of low priority, the *sjekk*) is counted by itself. A fall sensor that makes up a fall rings, as it must; these are
counted apart, and no rule can help it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from nattevakt.central.alarms.desk import Desk, Rung
from nattevakt.central.alarms.kinds import KINDS
from nattevakt.edge.rules.rule import Priority
from nattevakt.edge.rules.windows import inside
from nattevakt.sim.year_life import BEDROOM, MIN_MS, SEC_MS, Day, Span, absences
from nattevakt.sim.year_people import Person
from nattevakt.sim.year_plan import CHECK_MIN, LIMIT_MIN, beside

AT_ONCE_MS = 5 * SEC_MS
LIMIT_MS, REACHED_MS = LIMIT_MIN * MIN_MS, (LIMIT_MIN + CHECK_MIN) * MIN_MS
BATH_MS = 20 * MIN_MS
ACTIVE_MS = 10 * MIN_MS

BARRED = ("call", "fall", "leak", "door", "absence", "left", "silent")
"""What must be caught every time."""


@dataclass(frozen=True, slots=True)
class Sound:
    """One time that something sounded."""

    at_ms: int
    rule: str
    kind: str
    code: str
    how: str

    @property
    def soft(self) -> bool:
        """A *sjekk*, not an alarm."""
        return KINDS[self.kind].priority is Priority.LOW


@dataclass(frozen=True, slots=True)
class Case:
    """Something that a bar speaks of, or that was false: enough to find it again."""

    person: str
    night: int
    at_ms: int
    what: str


@dataclass(slots=True)
class Heard:
    """What one resident's year came to, with staff or without. caught: of `Truth.cases`, by what; missed: the rest."""

    caught: Counter[str] = field(default_factory=Counter)
    missed: list[Case] = field(default_factory=list)
    false: Counter[str] = field(default_factory=Counter)
    """By "rule/kind"; so with the next three."""
    true: Counter[str] = field(default_factory=Counter)
    soft: Counter[str] = field(default_factory=Counter)
    made_up: int = 0
    """Soundings of falls that the sensor made up."""
    cases: list[Case] = field(default_factory=list)
    """The false alarms one by one."""
    besides: Counter[str] = field(default_factory=Counter)
    """The same of a rule that is measured beside the plan: "false", "soft", "true"."""
    batteries: int = 0
    findings: Counter[str] = field(default_factory=Counter)


class Spans:
    """Stretches of time in order, for asking what was so at a moment. They do not overlap."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self.all: list[Span] = []
        for span in sorted(spans, key=lambda one: one.from_ms):
            if self.all and span.from_ms <= self.all[-1].to_ms:
                before = self.all.pop()
                span = Span(before.from_ms, max(before.to_ms, span.to_ms), before.what)
            self.all.append(span)
        self._begins = [span.from_ms for span in self.all]

    def at(self, at_ms: int) -> Span | None:
        """The stretch that holds a moment."""
        found = bisect_right(self._begins, at_ms) - 1
        return self.all[found] if found >= 0 and at_ms < self.all[found].to_ms else None

    def touch(self, from_ms: int, to_ms: int) -> bool:
        """Whether any of them lies partly between two moments."""
        found = bisect_right(self._begins, to_ms) - 1
        return found >= 0 and self.all[found].to_ms >= from_ms


class Truth:
    """All that was true of one resident's year."""

    def __init__(self, person: Person, days: Sequence[Day]) -> None:
        self.person = person
        self.nights = [day.from_ms for day in days]
        self.slept = sum(day.sleeps for day in days)
        lies = [span for day in days for span in day.in_bed]
        self.in_bed = Spans(lies)
        self.absences = absences(lies)
        self._away = Spans(self.absences)
        self.floor = Spans(span for day in days for span in day.floor)
        self.out = Spans(span for day in days for span in day.out)
        self.bath = Spans(span for day in days for span in day.bath)
        self.chair = Spans(span for day in days for span in day.chair)
        self.moves = Spans(span for day in days for span in day.moves if span.what != BEDROOM)
        self.made_up = Spans(span for day in days for span in day.falls if span.what == "false")
        self.cases = self._cases(days)

    def night_of(self, at_ms: int) -> int:
        """Which night a moment belongs to, from 1."""
        return bisect_right(self.nights, at_ms)

    def _case(self, at_ms: int, what: str) -> Case:
        return Case(self.person.key, self.night_of(at_ms), at_ms, what)

    def _cases(self, days: Sequence[Day]) -> list[Case]:
        """Everything that must be caught."""
        window = self.person.night
        found = []
        for day in days:
            found += [self._case(at_ms, "call") for at_ms in day.calls]
            found += [self._case(at_ms, "leak") for at_ms in day.leaks]
            found += [self._case(span.from_ms, "fall") for span in day.falls if span.what != "false"]
            found += [self._case(span.from_ms, "door") for span in day.doors if inside(window, span.from_ms)]
            for span in day.out:
                if span.what == "wander" and inside(window, span.from_ms) and span.to_ms - span.from_ms >= LIMIT_MS:
                    found.append(self._case(span.from_ms, "left"))
        for span in self.absences:
            if span.to_ms - span.from_ms >= LIMIT_MS and inside(window, span.from_ms):
                found.append(self._case(span.from_ms, "silent" if span.what == "rolls" else "absence"))
        return found

    def claims(self, sound: Sound) -> bool:
        """Whether what an alarm claims is so when it sounds."""
        told = _CLAIMS.get(sound.kind)
        return True if told is None else told(self, sound.at_ms)

    def long_out_of_bed(self, at_ms: int) -> bool:
        """Out of bed, and that for longer than the limit before all is over."""
        return _long(self._away.at(at_ms), LIMIT_MS)


def _long(span: Span | None, limit_ms: int) -> bool:
    return span is not None and span.to_ms - span.from_ms >= limit_ms


_CLAIMS: dict[str, Callable[[Truth, int], bool]] = {
    "not_back_in_bed": Truth.long_out_of_bed,
    "out_of_bed": lambda truth, at_ms: truth.in_bed.at(at_ms) is None,
    "in_bed_late": lambda truth, at_ms: truth.in_bed.at(at_ms) is None,
    "not_up": lambda truth, at_ms: truth.in_bed.at(at_ms) is not None or truth.floor.at(at_ms) is not None,
    "chair": lambda truth, at_ms: truth.chair.at(at_ms) is None,
    "left_home": lambda truth, at_ms: _long(truth.out.at(at_ms), LIMIT_MS),
    "long_bathroom": lambda truth, at_ms: _long(truth.bath.at(at_ms), BATH_MS),
    # Who has been away for hours is not there: that is so, whatever the door said.
    "inactivity": lambda truth, at_ms: truth.floor.at(at_ms) is not None or truth.out.at(at_ms) is not None,
    "unexpected_activity": lambda truth, at_ms: truth.moves.touch(at_ms - ACTIVE_MS, at_ms),
}
"""What each kind claims. A kind that is not here rings for what its sensor said, and that is so."""


class _Rang:
    """The soundings of one desk, by rule and in order, and when somebody was on site."""

    def __init__(self, alarms: Sequence[Rung]) -> None:
        self.sounds: list[Sound] = sorted(
            (
                Sound(heard.at_ms, alarm.rule, heard.kind, heard.reason.code, heard.how)
                for alarm in alarms
                for heard in alarm.history
                if heard.sounded
            ),
            key=lambda sound: sound.at_ms,
        )
        self._by_rule: dict[str, list[int]] = {}
        for sound in self.sounds:
            self._by_rule.setdefault(sound.rule, []).append(sound.at_ms)
        self._loud = [sound.at_ms for sound in self.sounds if not sound.soft and not KINDS[sound.kind].technical]
        self._visits = sorted(alarm.on_site_ms for alarm in alarms if alarm.on_site_ms is not None)

    def sounded(self, rule: str, from_ms: int, within_ms: int) -> bool:
        """Whether a rule's alarm sounded within this time."""
        return _any_between(self._by_rule.get(rule, []), from_ms, from_ms + within_ms + AT_ONCE_MS)

    def seen(self, from_ms: int, within_ms: int) -> bool:
        """Whether somebody was there."""
        return _any_between(self._visits, from_ms, from_ms + within_ms + AT_ONCE_MS)

    def loud(self, from_ms: int, within_ms: int) -> bool:
        """Whether any alarm about the resident sounded, not a *sjekk*."""
        return _any_between(self._loud, from_ms, from_ms + within_ms + AT_ONCE_MS)


def _any_between(times: list[int], from_ms: int, to_ms: int) -> bool:
    found = bisect_right(times, to_ms) - 1
    return found >= 0 and times[found] >= from_ms


RULE_OF = {"call": "call", "fall": "fall", "leak": "leak", "door": "door_at_night", "left": "not_returned"}


def _caught(case: Case, rang: _Rang) -> bool:
    at_ms = case.at_ms
    if case.what == "silent":
        return rang.loud(at_ms, REACHED_MS) or rang.seen(at_ms, REACHED_MS)
    if case.what == "absence":
        # Who is with the resident when they get up needs no alarm.
        return rang.sounded("not_back_in_bed", at_ms, LIMIT_MS) or rang.seen(at_ms, LIMIT_MS)
    if case.what == "left":
        return rang.sounded(RULE_OF["left"], at_ms, LIMIT_MS) or rang.seen(at_ms, LIMIT_MS)
    return rang.sounded(RULE_OF[case.what], at_ms, 0)


def judge(truth: Truth, desk: Desk, blind: frozenset[int] = frozenset()) -> Heard:
    """Hold what rang against what was true. blind: when a silent fall began that the mat cannot have told (ms)."""
    found = Heard()
    rang = _Rang(desk.alarms)
    for case in truth.cases:
        what = "blind" if case.what == "silent" and case.at_ms in blind else case.what
        if _caught(case, rang):
            found.caught[what] += 1
        else:
            found.missed.append(Case(case.person, case.night, case.at_ms, what))
    for sound in rang.sounds:
        _count(found, truth, sound)
    for _, _, finding in desk.findings:
        found.findings[finding.reason.code] += 1
    return found


def _count(found: Heard, truth: Truth, sound: Sound) -> None:
    if KINDS[sound.kind].technical:
        found.batteries += sound.kind == "battery_low"
        return
    if sound.rule == "fall" and truth.made_up.touch(sound.at_ms - AT_ONCE_MS, sound.at_ms):
        found.made_up += 1
        return
    name = f"{sound.rule}/{sound.kind}"
    so = truth.claims(sound)
    what = "soft" if sound.soft else "true" if so else "false"
    if beside(sound.rule, truth.person):
        found.besides[what] += 1
        return
    if what == "soft":
        found.soft[name] += 1
    elif so:
        found.true[name] += 1
    else:
        found.false[name] += 1
        night = truth.night_of(sound.at_ms)
        found.cases.append(Case(truth.person.key, night, sound.at_ms, f"{name} {sound.code} ({sound.how})"))
