"""Rules of devices through ingest and sweep: the fall that sounds again, battery, housing and wet pads."""

from __future__ import annotations

from typing import Any

import pytest

from nattevakt.central.alarms import register
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.alarms.requests import Act
from nattevakt.central.places import bases, plans
from nattevakt.central.tables import device_states, residents, staff, transitions
from nattevakt.edge.events import Fall, FallOver, Health, Wet
from tests.central.house import BUTTON, DOOR, LOOSE, House
from tests.central.watch import begun, cycle, take, well

S, MIN, HOUR = 1_000, 60_000, 3_600_000


def pass_min(house: House, minutes: int) -> None:
    """Time passes; all is known, and the centre looks each minute."""
    for _ in range(minutes):
        house.clock.at_ms += MIN
        well(house.gates[0], heard={BUTTON: 0, LOOSE: 0})
        well(house.gates[1])
        for _ in range(2):
            house.clock.at_ms += 1
            cycle(house)


def the_fall(house: House) -> Any:
    (alarm,) = house.alarms("fall")
    return alarm


def arrive(house: House, alarm_id: int) -> None:
    for number, state in enumerate((State.ON_THE_WAY, State.ON_SITE)):
        wish = Act(alarm_id, state, house.id_of(staff, "kari"), None, f"arrive-{alarm_id:06}-{number}")
        house.db.transact(house.tenant.id, lambda s, wish=wish: register.act(s, wish, house.clock.at_ms))  # type: ignore[misc]


def test_a_fall_that_nobody_sees_to_sounds_three_times_more(house: House) -> None:
    begun(house)
    house.gate.tell(1, Fall(BUTTON))
    pass_min(house, 4)
    assert the_fall(house).sound_seq == 1
    heard = []
    for _ in range(20):
        pass_min(house, 1)
        heard.append(the_fall(house).sound_seq)
    assert heard == sorted(heard)
    assert set(heard) - {1} == {2, 3, 4}
    alarm = the_fall(house)
    assert (alarm.rule, alarm.priority, alarm.reason_code, alarm.reason_params["min"]) == ("fall", 1, "fall.still", 15)
    sounds = [row for row in house.rows(transitions) if row.alarm_id == alarm.id and row.cause == "sound"]
    assert [row.detail["params"]["min"] for row in sounds] == [5, 10, 15]
    assert house.alarms("rule_failed") == []


@pytest.mark.parametrize("device", [BUTTON, LOOSE])
def test_also_where_nobody_has_said_where_the_sensor_hangs(house: House, device: str) -> None:
    begun(house)
    house.gate.tell(1, Fall(device))
    pass_min(house, 6)
    assert the_fall(house).sound_seq == 2


def test_taken_is_not_there_and_on_site_is(house: House) -> None:
    begun(house)
    house.gate.tell(1, Fall(BUTTON))
    take(house, the_fall(house).id)
    pass_min(house, 6)
    assert the_fall(house).sound_seq == 2, "acknowledged is not handled"
    arrive(house, the_fall(house).id)
    pass_min(house, 12)
    assert the_fall(house).sound_seq == 2


def test_a_fall_that_is_over_in_time_sounds_once(house: House) -> None:
    begun(house)
    house.gate.tell(1, Fall(BUTTON))
    pass_min(house, 2)
    house.gate.tell(2, FallOver(BUTTON))
    pass_min(house, 15)
    assert (the_fall(house).sound_seq, the_fall(house).state) == (1, "eskalert")


def test_an_older_word_that_makes_it_fold_anew_does_not_sound_it(house: House) -> None:
    begun(house)
    house.gate.tell(1, Fall(BUTTON))
    fell = house.clock.at_ms
    pass_min(house, 7)
    assert the_fall(house).sound_seq == 2
    house.gates[1].tell(1, FallOver(BUTTON), at_ms=fell - MIN)
    pass_min(house, 2)
    assert the_fall(house).sound_seq == 2
    pass_min(house, 3)
    assert the_fall(house).sound_seq == 3


def test_a_low_battery_is_one_alarm_until_it_is_changed(house: House) -> None:
    for number, low in enumerate((True, True, True)):
        house.gate.tell(number + 1, Health(DOOR, battery_low=low, linkquality=30))
        house.clock.at_ms += HOUR
    (alarm,) = house.alarms("battery_low")
    assert (alarm.subject, alarm.priority, alarm.place, alarm.sound_seq) == (f"device:{DOOR}", 3, "inngangsdør", 1)
    assert (alarm.reason_code, alarm.reason_params["device"]) == ("battery_low", DOOR)
    house.gate.tell(9, Health(DOOR, battery_percent=97, battery_low=False))
    (alarm,) = house.alarms("battery_low")
    assert alarm.state == State.CLEARED.value


def test_a_low_battery_that_two_gateways_hear_of_is_one_alarm(house: House) -> None:
    for gate in house.gates:
        gate.tell(1, Health(DOOR, battery_low=True))
    assert len(house.alarms("battery_low")) == 1


def test_a_low_number_twice(house: House) -> None:
    house.gate.tell(1, Health(LOOSE, battery_percent=12))
    assert house.alarms() == []
    house.clock.at_ms += HOUR
    house.gate.tell(2, Health(LOOSE, battery_percent=12))
    (alarm,) = house.alarms("battery_low")
    assert (alarm.reason_code, alarm.place) == ("battery_low.percent", LOOSE)


def test_an_opened_housing(house: House) -> None:
    house.gate.tell(1, Health(DOOR, tamper=True))
    house.gate.tell(2, Health(DOOR, tamper=True))
    (alarm,) = house.alarms("tamper")
    assert (alarm.priority, alarm.sound_seq) == (3, 1)
    house.gate.tell(3, Health(DOOR, tamper=False))
    (alarm,) = house.alarms("tamper")
    assert alarm.state == State.CLEARED.value


def test_a_pad_is_a_state_of_its_device_and_without_a_plan_nobodys_alarm(house: House) -> None:
    begun(house)
    house.gate.tell(1, Wet(BUTTON, wet=True))
    state = next(row for row in house.rows(device_states) if row.address == BUTTON)
    assert state.readings["pad"] == "wet"
    pass_min(house, 10)
    assert house.alarms("wet") == []


def plan(house: House, resident: str) -> None:
    """A plan for wet pads at all hours, with a basis."""
    number, now_ms = house.id_of(residents, resident), house.clock.at_ms
    line = plans.Line("wet", (), {"delay_min": 5})
    with house.db.write(house.tenant.id) as s:
        bases.give(s, number, "samtykke", now_ms, now_ms + 30 * 24 * HOUR, "Kari N.", None, now_ms)
        plans.save(s, number, [line], why="test", staff_id=None, by_name="test", now_ms=now_ms, expected_version=0)


def test_a_wet_pad_is_a_quiet_alarm_that_dry_takes_back(house: House) -> None:
    begun(house)
    plan(house, "r1")
    house.gate.tell(1, Wet(BUTTON, wet=True))
    pass_min(house, 4)
    assert house.alarms("wet") == []
    pass_min(house, 2)
    (alarm,) = house.alarms("wet")
    assert (alarm.priority, alarm.reason_code, alarm.place, alarm.sound_seq) == (3, "wet.wet", "bad", 1)
    house.gate.tell(2, Wet(BUTTON, wet=False))
    pass_min(house, 2)
    (alarm,) = house.alarms("wet")
    assert alarm.state == State.CLEARED.value


def test_a_wet_pad_that_somebody_has_taken_is_theirs(house: House) -> None:
    begun(house)
    plan(house, "r1")
    house.gate.tell(1, Wet(BUTTON, wet=True))
    pass_min(house, 6)
    (alarm,) = house.alarms("wet")
    take(house, alarm.id)
    house.gate.tell(2, Wet(BUTTON, wet=False))
    pass_min(house, 2)
    (alarm,) = house.alarms("wet")
    assert alarm.closed_ms is None
