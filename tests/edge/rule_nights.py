"""One rule over one subject, by hand: facts and deadlines in the order of the test."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from nattevakt.edge.events import Bed, Body
from nattevakt.edge.rules.rule import Armed, Entry, Fact, JsonState, Occurred, Raise, Rule, Step, Verdict, Wake
from nattevakt.edge.rules.windows import Window

S, MIN, HOUR = 1_000, 60_000, 3_600_000
OSLO = ZoneInfo("Europe/Oslo")


def at(day: str, clock: str, fold: int = 0) -> int:
    """A local time of Norway as Unix ms."""
    return round(datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=OSLO, fold=fold).timestamp() * 1000)


T0 = at("2026-11-20", "02:00")


def entry(rule: Rule, *windows: Window, **values: int) -> Entry:
    """A line of a plan with this rule's defaults but for what is given."""
    return Entry(windows, {**{setting.name: setting.default for setting in rule.settings}, **values})


def armed(rule: Rule, *windows: Window, devices: Mapping[str, str] | None = None, **values: int) -> Armed:
    """A plan with one line."""
    return Armed((entry(rule, *windows, **values),), devices=devices)


@dataclass
class Night:
    """One subject's fold by hand; times are ms after `start_ms`, 02:00 if nothing else is said."""

    rule: Rule
    armed: Armed
    start_ms: int = T0
    state: JsonState = field(default_factory=dict)
    said: list[Verdict] = field(default_factory=list)
    wake: int | None = None
    seq: int = 0

    def tell(self, at_ms: int, body: Body, place: str = "", doubt_ms: int = 0) -> Night:
        """Something happened."""
        self.seq += 1
        now = self.start_ms + at_ms
        fact = Fact(body, Occurred(now - doubt_ms, now), now, place, (1, 1, self.seq, 0))
        return self._after(self.rule.step(self.state, fact, self.armed, now))

    def bed(self, at_ms: int, *, occupied: bool, mat: str = "mat", doubt_ms: int = 0) -> Night:
        """The bed sensor changed."""
        return self.tell(at_ms, Bed(mat, occupied), "seng", doubt_ms)

    def look(self, *, confirmed: bool = True, answered: bool = False, now_ms: int | None = None) -> Night:
        """The deadline that is armed has come."""
        assert self.wake is not None
        now = self.wake if now_ms is None else self.start_ms + now_ms
        return self._after(self.rule.step(self.state, Wake(self.wake, confirmed, answered), self.armed, now))

    def wake_at(self, at_ms: int) -> Night:
        """It is woken at a moment of somebody else's choosing."""
        now = self.start_ms + at_ms
        return self._after(self.rule.step(self.state, Wake(now), self.armed, now))

    def _after(self, step: Step | None) -> Night:
        if step is None:
            return self
        # What is stored goes through JSON.
        self.state, self.wake = json.loads(json.dumps(step.state)), step.wake_at_ms
        self.said += step.verdicts
        for verdict in step.verdicts:
            assert verdict.reason.code in self.rule.reasons
        return self

    @property
    def codes(self) -> list[str]:
        """The reasons of all that was said."""
        return [verdict.reason.code for verdict in self.said]

    @property
    def due(self) -> Any:
        """When it wants to look, ms after the start, or None; mypy would hold it for unchanged between two looks."""
        return None if self.wake is None else self.wake - self.start_ms

    @property
    def alarm(self) -> Raise:
        """What was said last, an alarm."""
        last = self.said[-1]
        assert isinstance(last, Raise)
        return last
