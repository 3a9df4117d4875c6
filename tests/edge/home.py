"""One home's fold by hand: facts told, deadlines looked at, and what stands in the end, for the rules about a home."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from nattevakt.edge.events import Body
from nattevakt.edge.rules.rule import (
    UNCONFIRMED,
    Armed,
    Clear,
    Entry,
    Fact,
    JsonState,
    Key,
    Occurred,
    Raise,
    Rule,
    Step,
    Verdict,
    Wake,
)
from nattevakt.edge.rules.windows import Window

S, MIN, HOUR = 1_000, 60_000, 3_600_000
OSLO = ZoneInfo("Europe/Oslo")
NIGHT = Window(23 * 60, 7 * 60)
HANGING = {"door": "inngangsdør", "pir": "stue", "bath": "bad", "mat": "seng", "radar": "soverom"}


def at(day: str, clock: str, fold: int = 0) -> int:
    return round(datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=OSLO, fold=fold).timestamp() * 1000)


T0 = at("2026-11-20", "02:00")


def armed(rule: Rule, *windows: Window, shared: bool = False, **values: int) -> Armed:
    """The rule's defaults, with these in their place, in these windows (none: at all hours)."""
    numbers = {setting.name: setting.default for setting in rule.settings} | values
    return Armed((Entry(windows, numbers),), devices=HANGING, shared=shared)


def fact(seq: int, at_ms: int, body: Body, place: str = "", *, doubt_ms: int = 0, late_ms: int = 0) -> Fact:
    return Fact(body, Occurred(at_ms - doubt_ms, at_ms), at_ms + late_ms, place, (1, 1, seq, 0))


@dataclass
class Home:
    """One subject's fold; times are ms after 02:00."""

    rule: Rule
    armed: Armed
    state: JsonState = field(default_factory=dict)
    said: list[Verdict] = field(default_factory=list)
    wake: int | None = None
    seq: int = 0

    def tell(self, at_ms: int, body: Body, place: str = "", *, doubt_ms: int = 0, late_ms: int = 0) -> Home:
        self.seq += 1
        return self.hear(fact(self.seq, T0 + at_ms, body, place, doubt_ms=doubt_ms, late_ms=late_ms))

    def hear(self, told: Fact) -> Home:
        return self._after(self.rule.step(self.state, told, self.armed, told.received_ms))

    def look(self, *, confirmed: bool = True, answered: bool = False, now_ms: int | None = None) -> Home:
        """The deadline that is armed has come."""
        assert self.wake is not None
        wake = Wake(self.wake, confirmed, answered)
        return self._after(self.rule.step(self.state, wake, self.armed, self.wake if now_ms is None else T0 + now_ms))

    def until(self, at_ms: int) -> Home:
        """Every deadline up to here is judged on time."""
        for _ in range(100):
            if self.wake is None or self.wake > T0 + at_ms:
                return self
            self.look()
        raise AssertionError("a deadline that comes again and again")

    def _after(self, step: Step | None) -> Home:
        if step is not None:
            # What is stored goes through JSON.
            self.state, self.wake = json.loads(json.dumps(step.state)), step.wake_at_ms
            self.said += step.verdicts
            known = {verdict.reason.code for verdict in step.verdicts}
            assert known <= set(self.rule.reasons), known
        return self

    @property
    def codes(self) -> list[str]:
        """What was said, but for what clears an alarm that was never raised."""
        return [f"{type(verdict).__name__} {verdict.reason.code}" for verdict in self.said]

    @property
    def raised(self) -> list[Raise]:
        return [verdict for verdict in self.said if isinstance(verdict, Raise)]

    @property
    def due(self) -> int | None:
        return None if self.wake is None else self.wake - T0


@dataclass
class Standing:
    """What the register would make of what is said: which alarms stand, by the events that they hold."""

    alarms: list[tuple[set[Key], bool, str]] = field(default_factory=list)

    def hear(self, said: Iterable[Verdict]) -> None:
        for verdict in said:
            if isinstance(verdict, Raise):
                self._raise(verdict)
            elif isinstance(verdict, Clear):
                self.alarms = [
                    (keys, open_ and not keys & set(verdict.holds), code) for keys, open_, code in self.alarms
                ]

    def _raise(self, verdict: Raise) -> None:
        assert verdict.holds
        for number, (keys, _, _) in enumerate(self.alarms):
            if keys & set(verdict.holds):
                self.alarms[number] = (keys | set(verdict.holds), True, verdict.reason.code)
                return
        self.alarms.append((set(verdict.holds), True, verdict.reason.code))

    @property
    def standing(self) -> set[str]:
        """The codes of those that stand."""
        return {code.removesuffix(UNCONFIRMED) for _, open_, code in self.alarms if open_}


def on_time(home: Home, facts: Sequence[Fact], end_ms: int) -> Standing:
    """All is known at once and every deadline judged at its moment."""
    stands = Standing()
    for told in sorted(facts, key=lambda item: (item.occurred.to_ms, item.key)):
        home.until(told.occurred.to_ms - T0 - 1)
        home.hear(told)
    home.until(end_ms - T0)
    stands.hear(home.said)
    return stands


def judged_late(home: Home, facts: Sequence[Fact], end_ms: int) -> Standing:
    """All facts are known before the first deadline is looked at."""
    for told in sorted(facts, key=lambda item: (item.occurred.to_ms, item.key)):
        home.hear(told)
    home.until(end_ms - T0)
    stands = Standing()
    stands.hear(home.said)
    return stands


def told_late(rule: Rule, setup: Armed, facts: Sequence[Fact], late: int, end_ms: int) -> Standing:
    """One fact is known only at the end; then everything is folded anew."""
    ordered = sorted(facts, key=lambda item: (item.occurred.to_ms, item.key))
    first = Home(rule, setup)
    stands = on_time(first, [item for number, item in enumerate(ordered) if number != late], end_ms)
    missed = ordered[late]
    told = Fact(missed.body, missed.occurred, end_ms, missed.place, missed.key)
    again = Home(rule, setup)
    before = ordered[:late]
    for item in before:
        again.until(item.occurred.to_ms - T0 - 1)
        again.hear(item)
    assert rule.folding is not None
    again.state, again.said = rule.folding.unjudged(again.state), []
    again.wake = first.wake if again.wake is None else again.wake
    for item in (told, *ordered[late + 1 :]):
        again.hear(item)
    if again.wake is not None:
        again.until(end_ms - T0)
    stands.hear(again.said)
    return stands
