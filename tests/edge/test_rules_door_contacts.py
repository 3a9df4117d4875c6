"""Which contacts ring as a door, in which windows, and one opening that is heard twice."""

from __future__ import annotations

import json
from dataclasses import replace

from nattevakt.edge.events import Bed, Contact, Motion
from nattevakt.edge.rules import door_at_night
from nattevakt.edge.rules.rule import Armed, Entry, JsonState, Raise, Verdict
from nattevakt.edge.rules.windows import Window
from tests.edge.home import HOUR, MIN, NIGHT, T0, S, armed, at, fact

SPEC = door_at_night.SPEC
OPENED = Contact("c", open=True)


class Door:
    """One resident's door rule, fed facts as the centre gets them."""

    def __init__(self, setup: Armed) -> None:
        self.armed = setup
        self.state: JsonState = {}
        self.seq = 0

    def see(
        self, at_ms: int, body: Contact | Bed | Motion = OPENED, place: str = "ytterdør", late_ms: int = 0
    ) -> list[Verdict]:
        self.seq += 1
        step = SPEC.step(
            self.state, fact(self.seq, T0 + at_ms, body, place, late_ms=late_ms), self.armed, T0 + at_ms + late_ms
        )
        if step is None:
            return []
        self.state = json.loads(json.dumps(step.state))
        return list(step.verdicts)


def test_a_line_without_windows_is_all_hours() -> None:
    assert len(Door(armed(SPEC)).see(0)) == 1
    assert Door(Armed()).see(0) == []
    assert Door(Armed((Entry((Window(3 * 60, 4 * 60),)),))).see(0) == []


def test_windows_of_a_weekday() -> None:
    assert len(Door(armed(SPEC, Window(0, 0, 0b0010000))).see(0)) == 1, "20 November 2026 is a Friday"
    assert Door(armed(SPEC, Window(0, 0, 0b0100000))).see(0) == []


def test_a_refrigerator_is_no_door_unless_no_door_is_known() -> None:
    setup = armed(SPEC, NIGHT)
    assert Door(setup).see(0, place="kjøleskap") == []
    assert len(Door(setup).see(0, place="")) == 1, "nobody has said what it is"
    alone = replace(setup, devices={"c": "kjøleskap", "mat": "seng"})
    assert len(Door(alone).see(0, place="kjøleskap")) == 1
    assert len(Door(replace(setup, devices=None)).see(0, place="kjøleskap")) == 1


def test_one_opening_heard_twice_is_one_alarm_and_two_doors_are_two() -> None:
    door = Door(armed(SPEC, NIGHT))
    (first,) = door.see(0)
    (again,) = door.see(2 * S)
    (other,) = door.see(3 * S, Contact("veranda", open=True), "verandadør")
    (later,) = door.see(MIN)
    said = [verdict.holds for verdict in (first, again, other, later) if isinstance(verdict, Raise)]
    assert said == [(), ((1, 1, 1, 0),), (), ()]


def test_evidence_by_day_still_explains_what_comes_later_still() -> None:
    noon = at("2026-11-20", "12:00") - T0
    door = Door(armed(SPEC, NIGHT))
    door.see(noon, Motion("pir"), "stue")
    assert door.see(noon + 30 * S, Motion("pir"), "stue") == [], "nothing new until a window opens"
    assert [verdict.reason.code for verdict in door.see(4 * HOUR, late_ms=9 * HOUR)] == ["door.late_but_inside"]


def test_evidence_at_night_is_kept_to_the_moment() -> None:
    door = Door(armed(SPEC, NIGHT))
    for half_minute in range(20):
        door.see(half_minute * 30 * S, Motion("pir"), "stue")
    last_ms = 19 * 30 * S - door_at_night.MOVEMENT_MARGIN_MS
    assert [verdict.reason.code for verdict in door.see(last_ms - 1, late_ms=HOUR)] == ["door.late_but_inside"]
    assert [verdict.reason.code for verdict in door.see(last_ms + 1, late_ms=HOUR)] == ["door.opened_late"]


def test_a_late_opening_wakes_the_evidence_of_the_day() -> None:
    noon = at("2026-11-20", "12:00") - T0
    door = Door(armed(SPEC, NIGHT, Window(12 * 60, 12 * 60 + 1)))
    door.see(noon + 2 * MIN, Motion("pir"), "stue")
    assert door.see(noon + 3 * MIN, Motion("pir"), "stue") == []
    fresh = Door(armed(SPEC, NIGHT))
    fresh.see(4 * HOUR, late_ms=HOUR)
    cleared = fresh.see(noon, Motion("pir"), "stue")
    assert [verdict.reason.code for verdict in cleared] == ["door.seen_inside"]
