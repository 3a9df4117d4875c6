"""What a device says of itself: battery and housing. One alarm a battery, never on one odd number."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from types import ModuleType
from zoneinfo import ZoneInfo

import pytest

from nattevakt.edge.events import Body, Contact, Health
from nattevakt.edge.rules import battery_low, tamper
from nattevakt.edge.rules.rule import Armed, Clear, Fact, Finding, JsonState, Log, Occurred, Priority, Raise, Wake

MIN, HOUR, DAY = 60_000, 3_600_000, 24 * 3_600_000
T0 = round(datetime(2026, 11, 20, 12, 0, tzinfo=ZoneInfo("Europe/Oslo")).timestamp() * 1000)
DEVICE = "z2m:dør"


@dataclass
class Self:
    """One device's word of itself; times are ms after noon."""

    rule: ModuleType
    state: JsonState = field(default_factory=dict)
    said: list[Raise | Clear | Log | Finding] = field(default_factory=list)
    changes: int = 0

    def tell(self, at_ms: int, body: Body) -> Self:
        now = T0 + at_ms
        step = self.rule.step(self.state, Fact(body, Occurred(now, now), now, "inngangsdør"), Armed(), now)
        if step is not None:
            self.state = json.loads(json.dumps(step.state))
            self.said += step.verdicts
            self.changes += 1
            assert step.wake_at_ms is None
        return self

    def low(self, at_ms: int, *, low: bool = True) -> Self:
        return self.tell(at_ms, Health(DEVICE, battery_low=low))

    def percent(self, at_ms: int, percent: float, *, low: bool | None = None) -> Self:
        return self.tell(at_ms, Health(DEVICE, battery_percent=percent, battery_low=low))

    @property
    def codes(self) -> list[str]:
        return [one.reason.code for one in self.said]


def battery() -> Self:
    return Self(battery_low)


def test_the_devices_own_warning_is_one_alarm() -> None:
    found = battery().low(0).low(HOUR).percent(2 * HOUR, 9, low=True)
    (said,) = found.said
    assert isinstance(said, Raise)
    assert (said.kind, said.priority, said.reason.code) == ("battery_low", Priority.LOW, "battery_low")
    assert said.reason.params == {"device": DEVICE, "place": "inngangsdør"}


def test_one_odd_number_is_no_battery() -> None:
    assert battery().percent(0, 0).percent(2 * HOUR, 80).percent(4 * HOUR, 3).said == []
    assert battery().percent(0, 10).percent(HOUR - 1, 10).said == []


def test_a_low_number_twice_an_hour_apart_is_low() -> None:
    found = battery().percent(0, 15).percent(10 * MIN, 14).percent(HOUR, 14.4)
    assert found.codes == ["battery_low.percent"]
    assert found.said[0].reason.params["percent"] == 14
    assert battery().percent(0, 16).percent(DAY, 16).said == []


def test_a_report_without_a_number_does_not_forget_the_first() -> None:
    assert battery().percent(0, 12).low(30 * MIN, low=False).percent(2 * HOUR, 12).codes == ["battery_low.percent"]


@pytest.mark.parametrize("percent", [50, 100])
def test_a_new_battery_ends_it_and_a_little_better_does_not(percent: float) -> None:
    found = battery().low(0).percent(HOUR, 49).percent(2 * HOUR, 30)
    assert found.codes == ["battery_low"]
    found.percent(3 * HOUR, percent)
    assert found.codes == ["battery_low", "battery_low.changed"]
    assert isinstance(found.said[1], Clear)
    assert found.low(9 * DAY).codes[-1] == "battery_low", "the next battery"


def test_a_warning_that_is_taken_back_for_a_day_ends_it() -> None:
    found = battery().low(0).low(HOUR, low=False).low(12 * HOUR, low=False)
    assert found.codes == ["battery_low"]
    assert found.low(HOUR + DAY, low=False).codes == ["battery_low", "battery_low.changed"]


def test_a_warning_that_comes_and_goes_in_the_cold_stays_one_alarm() -> None:
    found = battery().low(0)
    for hours in range(1, 23):
        found.low(hours * HOUR, low=hours % 2 == 0)
    assert found.codes == ["battery_low"]
    found.low(23 * HOUR, low=False).low(40 * HOUR, low=False)
    assert found.codes == ["battery_low"], "not a whole day yet"


def test_a_flag_that_says_well_beside_a_low_number_ends_nothing() -> None:
    found = battery().percent(0, 10, low=False).percent(HOUR, 10, low=False)
    assert found.codes == ["battery_low.percent"]
    assert "battery_low.changed" not in found.percent(3 * DAY, 9, low=False).codes


def test_it_is_told_daily_and_by_day_only() -> None:
    """Where the first alarm is open still this joins it without a sound; where it was closed it rings again."""
    found = battery().low(0)
    for hours in range(1, 73):
        found.low(hours * HOUR)
    assert found.codes == ["battery_low"] * 4  # at 12 on four days
    night = battery().low(14 * HOUR)  # 02:00: the first is told at once, whenever
    for hours in range(15, 50):
        night.low(hours * HOUR)
    assert night.codes == ["battery_low"] * 2
    assert night.state["told_ms"] == T0 + 44 * HOUR  # 08:00, the second morning


def test_an_older_word_that_comes_late_changes_nothing() -> None:
    found = battery().low(0).percent(HOUR, 100).low(30 * MIN)
    assert found.codes == ["battery_low", "battery_low.changed"]


def test_what_comes_late_counts_where_nothing_newer_says_otherwise() -> None:
    assert battery().percent(2 * HOUR, 30).low(HOUR).codes == []
    assert battery().percent(2 * HOUR, 9).low(HOUR).codes == ["battery_low"]
    assert battery().percent(2 * HOUR, 9).percent(0, 9).codes == ["battery_low.percent"]
    assert battery().low(2 * HOUR).percent(HOUR, 90).codes == ["battery_low"]


def test_what_is_no_word_of_the_battery() -> None:
    assert battery().tell(0, Health(DEVICE, tamper=True)).tell(1, Contact(DEVICE, open=True)).changes == 0
    assert battery_low.step({}, Wake(T0), Armed(), T0) is None


def test_an_opened_housing_is_one_alarm_until_it_is_shut() -> None:
    found = Self(tamper).tell(0, Health(DEVICE, tamper=False))
    for minutes in (1, 2, 3):
        found.tell(minutes * MIN, Health(DEVICE, tamper=True))
    (said,) = found.said
    assert isinstance(said, Raise)
    assert (said.kind, said.priority, said.reason.code) == ("tamper", Priority.LOW, "tamper")
    found.tell(5 * MIN, Health(DEVICE, tamper=False)).tell(6 * MIN, Health(DEVICE, tamper=False))
    assert found.codes == ["tamper", "tamper.shut"]
    found.tell(2 * MIN, Health(DEVICE, tamper=True))
    assert found.codes == ["tamper", "tamper.shut"], "an older word"
    assert Self(tamper).tell(9, Health(DEVICE, tamper=False)).tell(5, Health(DEVICE, tamper=True)).codes == []
    found.tell(9 * MIN, Health(DEVICE, tamper=True))
    assert found.codes[-1] == "tamper"


def test_what_is_no_word_of_the_housing() -> None:
    assert Self(tamper).tell(0, Health(DEVICE, battery_low=True)).tell(1, Contact(DEVICE, open=True)).changes == 0
    assert tamper.step({}, Wake(T0), Armed(), T0) is None
