"""Sensors that say what cannot be so: counted by night and by day, found once a day."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from nattevakt.edge.events import Bed, Body, Chair, Contact, Health, Presence
from nattevakt.edge.rules import sensor_implausible as rule
from nattevakt.edge.rules.rule import Armed, Fact, Finding, JsonState, Occurred, Step, Wake

S, MIN, HOUR = 1_000, 60_000, 3_600_000
OSLO = ZoneInfo("Europe/Oslo")
MAT, DOOR, PAD = "z2m:matte", "z2m:dør", "z2m:stol"


def at(day: str, clock: str) -> int:
    return round(datetime.fromisoformat(f"2026-11-{day}T{clock}").replace(tzinfo=OSLO).timestamp() * 1000)


@dataclass
class Watch:
    """One device's fold by hand; its deadlines are judged as time passes, when nothing is missing."""

    state: JsonState = field(default_factory=dict)
    found: list[Finding] = field(default_factory=list)
    wake: int | None = None
    confirmed: bool = True
    looks: bool = True

    def tell(self, at_ms: int, body: Body) -> Watch:
        self.until(at_ms)
        return self._after(rule.step(self.state, Fact(body, Occurred(at_ms, at_ms), at_ms), Armed(), at_ms))

    def until(self, at_ms: int) -> Watch:
        while self.looks and self.wake is not None and self.wake < at_ms:
            wake, self.wake = self.wake, None
            self._after(rule.step(self.state, Wake(wake, self.confirmed), Armed(), wake))
        return self

    def bed(self, day: str, clock: str, *, occupied: bool) -> Watch:
        return self.tell(at(day, clock), Bed(MAT, occupied))

    def door(self, day: str, clock: str, *, is_open: bool) -> Watch:
        return self.tell(at(day, clock), Contact(DOOR, is_open))

    def _after(self, step: Step | None) -> Watch:
        if step is not None:
            self.state = json.loads(json.dumps(step.state))
            for one in step.verdicts:
                assert isinstance(one, Finding)
                self.found.append(one)
            self.wake = step.wake_at_ms
        return self

    @property
    def codes(self) -> list[str]:
        return [one.reason.code.removeprefix("implausible.") for one in self.found]


def day_of(day: int) -> int:
    return (date(2026, 11, day) - date(1970, 1, 1)).days


def ordinary(watch: Watch, day: int, *, trips: int = 2) -> Watch:
    """An ordinary day and night of a bed: up at 07:30, a nap, to bed at 22:30, some trips."""
    for clock, occupied in (("07:30", False), ("13:00", True), ("14:10", False), ("22:30", True)):
        watch.bed(f"{day:02}", clock, occupied=occupied)
    for trip in range(trips):
        watch.bed(f"{day + 1:02}", f"0{1 + trip}:00", occupied=False)
        watch.bed(f"{day + 1:02}", f"0{1 + trip}:06", occupied=True)
    return watch


def test_a_good_mat_in_ten_ordinary_days_is_no_finding() -> None:
    watch = Watch()
    for day in range(10, 20):
        ordinary(watch, day, trips=day % 4)
    assert watch.until(at("20", "12:00")).found == []


@pytest.mark.parametrize("gaps", [50, 107, 1_000])
def test_a_bad_mat_is_found_in_the_morning_with_its_count(gaps: int) -> None:
    watch = ordinary(Watch(), 10, trips=0)
    chance = random.Random(gaps)
    night = sorted(chance.sample(range(at("10", "22:40"), at("11", "05:50"), 4 * S), gaps))
    for gap in night:
        watch.tell(gap, Bed(MAT, occupied=False)).tell(gap + chance.randint(1, 3) * S, Bed(MAT, occupied=True))
    assert watch.found == []
    watch.until(at("11", "06:31"))
    (found,) = watch.found
    assert (found.device, found.day, found.reason.code) == (MAT, day_of(11), "implausible.bed_flicker")
    # The one who lay down at 22:30 is a change of this night too.
    assert found.reason.params == {"from_ms": at("10", "22:00"), "to_ms": at("11", "06:00"), "times": 2 * gaps + 1}


def test_many_changes_by_day_are_somebody_on_the_edge_of_the_bed() -> None:
    watch = Watch()
    for minute in range(0, 400, 4):
        watch.tell(at("10", "09:00") + minute * MIN, Bed(MAT, occupied=minute % 8 == 0))
    assert watch.until(at("11", "12:00")).codes == []


def test_two_gateways_count_once() -> None:
    watch = Watch()
    for minute in range(45):
        for after in (0, 120):
            watch.tell(at("11", "01:00") + minute * MIN + after, Bed(MAT, occupied=minute % 2 == 0))
    assert watch.until(at("11", "12:00")).codes == []


def test_a_bed_that_is_never_empty() -> None:
    watch = Watch().bed("10", "12:00", occupied=True).until(at("11", "06:31"))
    assert watch.codes == []
    watch.until(at("12", "06:31"))
    assert watch.codes == ["bed_stuck", "bed_stuck"], "each evening and morning of a day are one finding of that day"
    assert [one.day for one in watch.found] == [day_of(11), day_of(12)]
    assert watch.found[0].reason.params["since_ms"] == at("10", "12:00")
    assert watch.found[0].reason.params["hours"] == 34


def test_a_chair_with_something_on_it() -> None:
    watch = Watch().tell(at("10", "12:00"), Chair(PAD, seated=True)).until(at("11", "22:31"))
    assert watch.codes == ["chair_stuck"]
    # Who sleeps in the chair gets up now and then.
    sleeper = Watch()
    for day in ("10", "11", "12"):
        sleeper.tell(at(day, "20:00"), Chair(PAD, seated=True)).tell(at(day, "21:30"), Chair(PAD, seated=False))
        sleeper.tell(at(day, "21:40"), Chair(PAD, seated=True)).tell(at(day, "23:59"), Chair(PAD, seated=False))
    assert sleeper.until(at("13", "12:00")).codes == []


def test_a_bed_that_says_the_opposite() -> None:
    watch = Watch()
    for day in range(10, 13):
        for clock, occupied in (("07:30", True), ("13:00", False), ("14:10", True), ("22:30", False)):
            watch.bed(f"{day:02}", clock, occupied=occupied)
    watch.until(at("13", "06:31"))
    assert watch.codes == ["bed_inverted"] * 2, "the first night had no whole day before it"
    assert watch.found[-1].day == day_of(13)
    params = watch.found[-1].reason.params
    assert (params["day_percent"], params["night_percent"]) == (83, 6)


def test_an_empty_bed_of_somebody_who_is_away_is_no_finding() -> None:
    assert Watch().bed("10", "12:00", occupied=False).until(at("15", "12:00")).codes == []


def test_a_door_open_since_noon_is_found_before_the_night() -> None:
    watch = Watch().door("10", "09:00", is_open=False).door("10", "11:55", is_open=True).until(at("10", "22:31"))
    (found,) = watch.found
    assert (found.reason.code, found.day) == ("implausible.door_open", day_of(10))
    assert found.reason.params["since_ms"] == at("10", "11:55")
    watch.until(at("13", "12:00"))
    assert [one.day for one in watch.found] == [day_of(10), day_of(11), day_of(12)], "once a day while it lasts"


def test_a_door_that_was_opened_in_the_afternoon_is_no_finding() -> None:
    watch = Watch().door("10", "09:00", is_open=False).door("10", "14:00", is_open=True).until(at("10", "22:31"))
    assert watch.codes == []


def test_an_ordinary_door_is_no_finding() -> None:
    watch = Watch()
    for day in range(10, 17):
        for hour in range(8, 22):
            watch.door(f"{day:02}", f"{hour:02}:20:00", is_open=True).door(
                f"{day:02}", f"{hour:02}:20:08", is_open=False
            )
    assert watch.until(at("18", "12:00")).codes == []


def test_a_door_that_reads_open_nine_tenths_of_the_day() -> None:
    watch = Watch()
    for day in range(10, 13):
        watch.door(f"{day:02}", "06:10", is_open=True).door(f"{day:02}", "20:00", is_open=False)
        watch.door(f"{day:02}", "21:30", is_open=True)
    watch.until(at("12", "22:31"))
    assert watch.codes == ["door_mostly_open"] * 2
    assert watch.found[-1].reason.params["percent"] == 93


def test_a_reed_that_is_mounted_the_other_way() -> None:
    watch = Watch().door("10", "05:00", is_open=True)
    for day in range(10, 13):
        for hour in range(8, 20, 2):
            watch.door(f"{day:02}", f"{hour:02}:20:00", is_open=False).door(
                f"{day:02}", f"{hour:02}:20:09", is_open=True
            )
    watch.until(at("12", "22:31"))
    assert watch.codes == ["door_inverted"] * 2
    assert watch.found[-1].reason.params == {
        "from_ms": at("12", "06:00"),
        "to_ms": at("12", "22:00"),
        "percent": 99,
        "times": 6,
    }


def test_a_contact_that_leaps() -> None:
    watch = Watch().door("10", "23:00", is_open=False)
    for minute in range(20):
        began = at("11", "01:00") + minute * MIN
        watch.tell(began, Contact(DOOR, open=True)).tell(began + 800, Contact(DOOR, open=False))
    watch.until(at("11", "06:31"))
    assert watch.codes == ["door_flicker"]
    assert watch.found[0].reason.params["times"] == 20


def test_a_flood_is_found_when_it_begins_and_each_day_until_it_ends() -> None:
    watch = Watch().door("10", "09:00", is_open=False)
    watch.tell(at("10", "10:00"), Health(DOOR, flood=True)).tell(at("10", "11:00"), Health(DOOR, battery_percent=80))
    assert watch.codes == ["flood"]
    watch.tell(at("10", "12:00"), Health(DOOR, flood=True))
    watch.until(at("11", "12:00")).tell(at("11", "13:00"), Health(DOOR, flood=False)).until(at("12", "12:00"))
    assert watch.codes == ["flood"] * 3
    assert [one.day for one in watch.found] == [day_of(10), day_of(10), day_of(11)]
    assert all(one.reason.params["since_ms"] == at("10", "10:00") for one in watch.found)


def test_a_button_that_floods_is_found_and_nothing_else_of_it() -> None:
    watch = Watch().tell(at("10", "10:00"), Health("z2m:knapp", flood=True)).until(at("11", "12:00"))
    assert watch.codes == ["flood"] * 3
    assert watch.found[0].device == "z2m:knapp"


def test_what_was_not_heard_is_not_judged() -> None:
    watch = Watch().door("10", "05:00", is_open=True).until(at("10", "06:31"))
    watch.confirmed = False
    watch.until(at("11", "12:00"))
    assert watch.codes == []
    watch.confirmed = True
    watch.until(at("11", "22:31"))
    assert watch.codes == ["door_open"], "a whole day was heard"
    assert watch.found[0].reason.params["since_ms"] == at("11", "06:00"), "and no longer than that"


def test_a_word_from_after_the_end_judges_it_as_the_look_would_have() -> None:
    """Restarts, outages, a sweep that is late: what is found is the same, of the same days."""
    looked, late = Watch(), Watch(looks=False)
    for watch in (looked, late):
        watch.door("10", "05:00", is_open=True)
        watch.door("13", "09:00", is_open=False)
    assert looked.found == late.found
    assert looked.state == late.state
    assert len(late.found) == 3


def test_one_late_look_at_several_ends_is_the_looks_it_replaces() -> None:
    on_time = Watch().door("10", "05:00", is_open=True).until(at("13", "09:00"))
    late = Watch(looks=False).door("10", "05:00", is_open=True)
    step = rule.step(late.state, Wake(at("13", "08:00")), Armed(), at("13", "08:00"))
    assert step is not None
    assert list(step.verdicts) == on_time.found
    assert step.state == on_time.state
    assert step.wake_at_ms == on_time.wake


def test_an_old_deadline_is_nothing() -> None:
    watch = Watch().door("10", "12:00", is_open=True)
    assert rule.step(watch.state, Wake(at("10", "06:00")), Armed(), at("10", "13:00")) is None
    assert rule.step({}, Wake(at("10", "06:00")), Armed(), at("10", "13:00")) is None


@pytest.mark.parametrize("day", ["2026-03-28", "2026-10-24"])
def test_on_the_nights_when_the_clock_changes_the_night_ends_at_six(day: str) -> None:
    begins = round(datetime.fromisoformat(f"{day}T23:00").replace(tzinfo=OSLO).timestamp() * 1000)
    step = rule.step({}, Fact(Bed(MAT, occupied=True), Occurred(begins, begins), begins), Armed(), begins)
    assert step is not None
    assert step.wake_at_ms is not None
    assert datetime.fromtimestamp(step.wake_at_ms / 1000, OSLO).strftime("%H") == "06"
    hours = {"2026-03-28": 6, "2026-10-24": 8}[day]
    assert hours * HOUR <= step.wake_at_ms - begins < hours * HOUR + 30 * MIN


def test_devices_are_looked_at_one_after_another() -> None:
    """All of them end their night at six; that a thousand are looked at then would hold up what rings."""
    noon = at("10", "12:00")
    wakes = set[int | None]()
    for number in range(500):
        body = Contact(f"z2m:{number}", open=False)
        step = rule.step({}, Fact(body, Occurred(noon, noon), noon), Armed(), noon)
        assert step is not None
        wakes.add(step.wake_at_ms)
    assert len(wakes) > 300
    assert all(wake is not None and at("10", "22:00") <= wake < at("10", "22:30") for wake in wakes)


def test_a_device_that_is_set_up_as_something_else_begins_anew() -> None:
    watch = Watch().door("10", "05:00", is_open=True).bed("10", "21:00", occupied=True)
    assert watch.until(at("10", "22:31")).codes == []
    assert watch.state["now"][0] == "bed"  # type: ignore[index]


def test_what_is_nothing_to_it_and_what_it_leaves() -> None:
    watch = Watch().door("10", "05:00", is_open=True)
    before = watch.state
    watch.tell(at("10", "05:01"), Presence("x", present=True)).tell(at("10", "05:02"), Health(DOOR, linkquality=3))
    watch.tell(at("10", "05:03"), Contact(DOOR, open=True))
    assert watch.state == before
    assert rule.rests_on(watch.state).devices == (DOOR,)
    assert rule.rests_on({}).devices == ()
    assert rule.unjudged(watch.state) == watch.state
    assert rule.left(watch.state) == Step({})
