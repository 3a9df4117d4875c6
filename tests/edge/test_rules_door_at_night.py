"""A door in its window: rings at once, rings late unless the resident is seen inside, and never clears on closing."""

from __future__ import annotations

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from nattevakt.edge.events import Bed, Body, Call, Chair, Contact, Motion, Presence
from nattevakt.edge.rules.door_at_night import REASONS, step
from nattevakt.edge.rules.rule import Armed, Entry, Fact, JsonState, Occurred, Priority, Raise
from nattevakt.edge.rules.windows import Window

D = "z2m:door"
NIGHT = Armed((Entry((Window(23 * 60, 7 * 60),)),))
MIN = 60_000
OPENED = Contact(D, open=True)
EVIDENCE = [
    Bed("z2m:bed", occupied=True),
    Presence("z2m:p", present=True),
    Motion("z2m:m"),
    Chair("z2m:c", seated=True),
]


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Oslo")).timestamp() * 1000)


TEN_PAST_TWO = at("2026-11-22T02:10:00")


class Watch:
    """One resident's door rule, fed facts in the order the centre gets them."""

    def __init__(self, armed: Armed = NIGHT) -> None:
        self.armed = armed
        self.state: JsonState = {}

    def see(self, body: Body, at_ms: int, *, late_ms: int = 0, doubt_ms: int = 0) -> list[str]:
        fact = Fact(body, Occurred(at_ms - doubt_ms, at_ms), at_ms + late_ms, "inngangsdør")
        said = step(self.state, fact, self.armed, at_ms + late_ms)
        if said is None:
            return []
        self.state = json.loads(json.dumps(said.state))
        for verdict in said.verdicts:
            assert verdict.reason.code in REASONS
            if isinstance(verdict, Raise):
                assert (verdict.kind, verdict.priority) == ("door_at_night", Priority.MEDIUM)
        return [f"{type(v).__name__} {v.reason.code}" for v in said.verdicts]


def test_an_opening_in_the_window_rings() -> None:
    assert Watch().see(OPENED, TEN_PAST_TWO) == ["Raise door.opened"]
    assert Watch().see(OPENED, at("2026-11-22T12:00:00")) == []
    assert Watch(Armed()).see(OPENED, TEN_PAST_TWO) == []


@pytest.mark.parametrize(
    ("night", "inside"),
    [
        ("2026-03-29T01:59:00", True),
        ("2026-03-29T03:00:00", True),
        ("2026-03-29T06:59:00", True),
        ("2026-03-29T07:00:00", False),
        ("2026-10-25T02:30:00", True),
        ("2026-10-25T06:59:00", True),
        ("2026-10-25T07:00:00", False),
        ("2026-11-21T22:59:00", False),
        ("2026-11-21T23:00:00", True),
        ("2026-11-22T00:00:00", True),
    ],
)
def test_the_window_is_local_wall_time_on_every_night(night: str, inside: bool) -> None:
    assert bool(Watch().see(OPENED, at(night))) is inside


def test_closing_and_movement_do_not_clear_what_rang_at_once() -> None:
    watch = Watch()
    watch.see(OPENED, TEN_PAST_TWO)
    assert watch.see(Contact(D, open=False), TEN_PAST_TWO + 5000) == []
    for body in EVIDENCE:
        assert watch.see(body, TEN_PAST_TWO + 10 * MIN) == []


@pytest.mark.parametrize("body", EVIDENCE)
def test_a_late_opening_with_later_evidence_inside_is_written_down(body: Body) -> None:
    watch = Watch()
    assert watch.see(body, TEN_PAST_TWO + 10 * MIN) == []
    assert watch.see(OPENED, TEN_PAST_TWO, late_ms=20 * MIN) == ["Log door.late_but_inside"]


@pytest.mark.parametrize("body", EVIDENCE)
def test_evidence_after_a_late_alarm_clears_it_once(body: Body) -> None:
    watch = Watch()
    assert watch.see(OPENED, TEN_PAST_TWO, late_ms=20 * MIN) == ["Raise door.opened_late"]
    assert watch.see(body, TEN_PAST_TWO + 25 * MIN) == ["Clear door.seen_inside"]
    assert watch.see(body, TEN_PAST_TWO + 26 * MIN) == []


@pytest.mark.parametrize(
    "body",
    [
        Bed("z2m:bed", occupied=False),
        Presence("z2m:p", present=False),
        Chair("z2m:c", seated=False),
        Call("z2m:c", "x"),
    ],
)
def test_what_is_no_evidence_explains_nothing(body: Body) -> None:
    watch = Watch()
    watch.see(body, TEN_PAST_TWO + 10 * MIN)
    assert watch.see(OPENED, TEN_PAST_TWO, late_ms=20 * MIN) == ["Raise door.opened_late"]
    assert watch.see(body, TEN_PAST_TWO + 30 * MIN) == []


def test_earlier_evidence_and_movement_in_the_doorway_explain_nothing() -> None:
    watch = Watch()
    watch.see(Bed("z2m:bed", occupied=True), TEN_PAST_TWO - MIN)
    watch.see(Motion("z2m:m"), TEN_PAST_TWO + 20_000)
    assert watch.see(OPENED, TEN_PAST_TWO, late_ms=20 * MIN) == ["Raise door.opened_late"]
    assert watch.see(Motion("z2m:m"), TEN_PAST_TWO + 30_000, late_ms=30 * MIN) == []


def test_a_late_opening_never_clears_one_that_rang_at_once() -> None:
    watch = Watch()
    watch.see(OPENED, TEN_PAST_TWO + 30 * MIN)
    assert watch.see(OPENED, TEN_PAST_TWO, late_ms=40 * MIN) == ["Raise door.opened_late"]
    assert watch.see(Bed("z2m:bed", occupied=True), TEN_PAST_TWO + 45 * MIN) == []


def test_evidence_before_the_second_of_two_late_openings_explains_only_the_first() -> None:
    watch = Watch()
    watch.see(Bed("z2m:bed", occupied=True), TEN_PAST_TWO + 10 * MIN)
    assert watch.see(OPENED, TEN_PAST_TWO, late_ms=40 * MIN) == ["Log door.late_but_inside"]
    assert watch.see(OPENED, TEN_PAST_TWO + 20 * MIN, late_ms=20 * MIN) == ["Raise door.opened_late"]


def test_an_uncertain_opening_that_may_lie_in_the_window_rings() -> None:
    evening = at("2026-11-21T23:30:00")
    assert Watch().see(OPENED, evening, doubt_ms=60 * MIN) == ["Raise door.opened_uncertain"]
    noon = at("2026-11-21T12:00:00")
    assert Watch().see(OPENED, noon, doubt_ms=60 * MIN) == []
