"""Devices that fall silent, and those that never speak: alarmed once, and never for what stands between."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from nattevakt.central import technical, watching
from nattevakt.central.devices import mute_devices
from nattevakt.central.seed import apply_seed
from nattevakt.central.seed_file import DeviceEntry, Seed, TenantEntry
from nattevakt.central.tables import (
    devices,
    placements,
    transitions,
    wake_rows,
)
from nattevakt.edge.events import Bed, Contact, Health, SourceBack, SourceLost, Started
from nattevakt.edge.rules.rule import Priority
from tests.central.house import BED, BUTTON, DOOR, S1, S2, SEED, House, line, moment, press
from tests.central.watch import MIN, S, begun, cycle, end, live, reports, standing, state_of, take, well


def told(house: House) -> list[Any]:
    """The alarms but for rounds that nobody walks: whose sensor is silent is looked to by people."""
    return [alarm for alarm in house.alarms() if alarm.kind != "round_overdue"]


def test_a_device_that_should_report_and_does_not(house: House) -> None:
    begun(house)
    reports(house, BED, 300)
    house.gate.tell(1, Bed(BED, occupied=True))
    heard_ms = house.clock.at_ms
    live(house, 15 * MIN - S, *house.gates, step_ms=30 * S)
    assert told(house) == []
    live(house, 2 * S, *house.gates)
    (alarm,) = told(house)
    assert (alarm.kind, alarm.priority, alarm.subject) == ("device_silent", Priority.LOW, f"device:{BED}")
    assert (alarm.room_id, alarm.place, alarm.reason_code) == (2, "seng", "device_silent")
    state = state_of(house, BED)
    assert (state.unknown_since_ms, state.unknown_reason) == (heard_ms, "silent")
    live(house, 60 * MIN, *house.gates, step_ms=30 * S)
    assert [(row.sound_seq, row.version) for row in told(house)] == [(1, 1)]
    well(house.gate, heard={BED: 0})
    cycle(house)
    assert state_of(house, BED).unknown_since_ms is None
    assert [row.state for row in told(house)] == ["auto_avklart"]
    live(house, 16 * MIN, *house.gates, step_ms=30 * S)
    assert [row.state for row in told(house)] == ["auto_avklart", "meldt"]


def test_the_same_sign_of_life_told_again_a_little_later_ends_no_silence(house: House) -> None:
    begun(house)
    reports(house, BED, 60)
    well(house.gate, heard={BED: 0})
    heard_ms = house.clock.at_ms
    live(house, 11 * MIN, *house.gates)
    assert [row.state for row in told(house)] == ["meldt"]
    for late_ms in (5, 40, 1_500, 20):
        house.clock.at_ms += 15 * S
        for gate in house.gates:
            well(gate, heard={BED: house.clock.at_ms - heard_ms - late_ms})
        cycle(house)
    assert [(row.state, row.sound_seq) for row in told(house)] == [("meldt", 1)]
    assert state_of(house, BED).last_heard_ms == heard_ms
    house.clock.at_ms += 15 * S
    well(house.gate, heard={BED: 0})
    cycle(house)
    assert [row.state for row in told(house)] == ["auto_avklart"]
    assert state_of(house, BED).last_heard_ms == house.clock.at_ms


def test_ten_minutes_is_the_least(house: House) -> None:
    begun(house)
    reports(house, BED, 10)
    live(house, 10 * MIN - S, *house.gates)
    assert told(house) == []
    live(house, 2 * S, *house.gates)
    assert len(house.alarms("device_silent")) == 1


def test_a_device_alarm_that_somebody_has_gets_a_note(house: House) -> None:
    begun(house)
    reports(house, BED, 60)
    live(house, 11 * MIN, *house.gates)
    take(house, told(house)[0].id)
    live(house, MIN, house.gates[0], house.gates[1], heard={BED: 0})
    assert [row.state for row in told(house)] == ["kvittert"]
    assert [row.cause for row in house.rows(transitions)][-1] == "note"


@pytest.mark.parametrize(
    ("ended_at", "told_at"),
    [((14, 0), (15, 0)), ((14, 45), (15, 15)), ((15, 5), (22, 0))],
    ids=["the next shift", "not sooner than half an hour", "the shift after"],
)
def test_a_device_that_stays_silent_is_told_again_when_the_shift_changes(
    house: House, ended_at: tuple[int, int], told_at: tuple[int, int]
) -> None:
    """Whoever ended its alarm thought it mended. The next shift hears that it is not, and nobody twice a night."""

    def at(hour: int, minute: int) -> int:
        return int(datetime(2026, 11, 21, hour, minute, tzinfo=ZoneInfo("Europe/Oslo")).timestamp()) * S

    def states() -> list[str]:
        return [row.state for row in told(house)]

    house.clock.at_ms = at(*ended_at) - 12 * MIN
    begun(house)
    reports(house, BED, 60)
    live(house, 12 * MIN, *house.gates, step_ms=30 * S)
    end(house, told(house)[0].id)
    skips(house, at(*told_at) - 2 * MIN)
    assert states() == ["avsluttet"]
    live(house, 4 * MIN, *house.gates, step_ms=30 * S)
    assert states() == ["avsluttet", "meldt"]
    live(house, 45 * MIN, *house.gates, step_ms=30 * S)
    assert [row.sound_seq for row in told(house)] == [1, 1], "it stands, and says so once"
    live(house, MIN, *house.gates, heard={BED: 0})
    assert states() == ["avsluttet", "auto_avklart"]


def skips(house: House, to_ms: int) -> None:
    """Time passes in larger steps: both gateways are well at the end of each."""
    while house.clock.at_ms < to_ms:
        live(house, min(5 * MIN, to_ms - house.clock.at_ms), *house.gates, step_ms=5 * MIN)


def test_a_silent_device_is_not_told_again_while_its_gateway_is_not_heard(house: House) -> None:
    begun(house)
    reports(house, BED, 60)
    live(house, 12 * MIN, *house.gates, step_ms=30 * S)
    end(house, told(house)[0].id)
    ended_ms = house.clock.at_ms
    live(house, 5 * MIN, house.gates[1])
    again_ms = technical.at_next_shift(ended_ms, house.tenant.time_zone)
    while house.clock.at_ms < again_ms + 20 * MIN:
        live(house, 5 * MIN, house.gates[1], step_ms=5 * MIN)
    assert [(row.kind, standing(row)) for row in told(house)] == [
        ("device_silent", "avsluttet"),
        ("gateway_silent", "meldt"),
    ]
    live(house, 12 * MIN, *house.gates, step_ms=30 * S)
    assert [row.state for row in told(house) if row.kind == "device_silent"] == ["avsluttet", "meldt"]


def test_what_can_wait_for_the_day_is_not_told_twice_a_night() -> None:
    zone = ZoneInfo("Europe/Oslo")

    def at(day: int, hour: int, minute: int = 0, month: int = 11) -> int:
        return int(datetime(2026, month, day, hour, minute, tzinfo=zone).timestamp()) * S

    said = [technical.at_next_shift(ended_ms, "Europe/Oslo") for ended_ms in (at(20, 22, 5), at(21, 3), at(21, 6, 50))]
    assert said == [at(21, 7), at(21, 7), at(21, 7, 20)]
    assert technical.at_next_shift(at(24, 23, 0, 10), "Europe/Oslo") == at(25, 7, 0, 10), "a night of nine hours"


def test_heard_through_either_gateway_is_heard(house: House) -> None:
    begun(house)
    reports(house, BED, 60)
    well(house.gates[1], heard={BED: 0})
    for _ in range(60):
        house.clock.at_ms += 30 * S
        well(house.gates[0])
        well(house.gates[1], heard={BED: 0})
        cycle(house)
    assert told(house) == []
    live(house, 11 * MIN, *house.gates)
    assert len(told(house)) == 1
    assert state_of(house, BED, 0).unknown_reason == state_of(house, BED, 1).unknown_reason == "silent"


def test_thirteen_devices_behind_a_dead_gateway_are_one_alarm(house: House) -> None:
    """Also after it comes back: from a new start on, what it hears again counts."""
    names = [f"test:{number}" for number in range(13)]
    with house.db.write(house.tenant.id) as s:
        for name in names:
            number = s.insert(devices, address=name, gateway_id=None, name=name, mute=False, interval_s=60)
            s.insert(placements, device_id=number, room_id=1, spot="hylle", from_ms=0, to_ms=None)
            watching.expect_device(s, name, house.clock.at_ms)
    well(house.gate, heard=dict.fromkeys(names, 0))
    well(house.gates[1])
    cycle(house)
    live(house, 5 * MIN, *house.gates, heard=None)
    live(house, 60 * MIN, house.gates[1], step_ms=30 * S)
    assert [alarm.kind for alarm in told(house)] == ["gateway_silent"]
    # It starts anew; all it remembers of its devices is an hour old.
    house.gate.send(line(S2, 1, Started("0.1.0", S1, 0), moment(house.clock.at_ms)), firsts={S2: 1})
    hour = dict.fromkeys(names, 60 * MIN)
    well(house.gate, S2, {S2: 1}, hour)
    cycle(house)
    assert [alarm.state for alarm in told(house)] == ["auto_avklart"]
    for _ in range(19):
        house.clock.at_ms += 30 * S
        well(house.gate, S2, {S2: 1}, dict.fromkeys(names[:12], 0))
        well(house.gates[1])
        cycle(house)
    assert [alarm.kind for alarm in told(house)] == ["gateway_silent"]
    for _ in range(2):
        house.clock.at_ms += 30 * S
        well(house.gate, S2, {S2: 1}, dict.fromkeys(names[:12], 0))
        well(house.gates[1])
        cycle(house)
    assert [alarm.subject for alarm in house.alarms("device_silent")] == [f"device:{names[12]}"]


def test_after_a_dead_link_what_the_gateway_heard_meanwhile_counts(house: House) -> None:
    begun(house)
    reports(house, BED, 60)
    reports(house, DOOR, 60)
    live(house, 60 * MIN, house.gates[1], step_ms=30 * S)
    well(house.gate, heard={BED: 20 * S, DOOR: 50 * MIN})
    cycle(house)
    assert [alarm.subject for alarm in house.alarms("device_silent")] == [f"device:{DOOR}"]


def test_a_lost_source_is_waited_for_and_its_devices_get_their_time_again(house: House) -> None:
    begun(house)
    reports(house, BED, 60)
    reports(house, DOOR, 60)
    house.gate.tell(1, Bed(BED, occupied=True))
    house.gate.tell(2, SourceLost("z2m", "bridge offline", (BED, DOOR)))
    live(house, 60 * MIN, *house.gates, step_ms=30 * S)
    assert told(house) == []
    house.gate.tell(3, SourceBack("z2m", None, (BED, DOOR)))
    assert state_of(house, BED).unknown_reason == "source_back"
    reports(house, BED, 60)
    reports(house, DOOR, 60)
    live(house, 9 * MIN, *house.gates, step_ms=30 * S)
    assert told(house) == []
    # The one that tells of a lasting state and the one that told of none: both count from the source's return.
    live(house, 22 * MIN, *house.gates, step_ms=30 * S)
    assert sorted(alarm.subject for alarm in told(house)) == [f"device:{BED}", f"device:{DOOR}"]


def test_a_device_that_was_never_heard_counts_from_when_it_was_registered(house: House) -> None:
    well(house.gate)
    live(house, 20 * MIN, house.gate)
    reports(house, DOOR, 60)
    live(house, 9 * MIN, house.gate, step_ms=30 * S)
    assert told(house) == []
    live(house, 2 * MIN, house.gate, step_ms=30 * S)
    (alarm,) = told(house)
    assert (alarm.kind, alarm.reason_code) == ("device_silent", "device_silent.never")
    well(house.gate, heard={DOOR: 0})
    live(house, 11 * MIN - 2 * S, house.gate, heard={DOOR: 0}, step_ms=30 * S)
    assert [row.state for row in told(house)] == ["auto_avklart"]


def test_before_any_gateway_is_there_no_device_is_silent(house: House) -> None:
    reports(house, DOOR, 60)
    live(house, 60 * MIN, step_ms=30 * S)
    assert told(house) == []


@pytest.mark.parametrize(("interval_s", "mute"), [(60, True), (None, False)])
def test_what_gives_no_sign_of_life_or_none_that_is_known_is_never_alarmed(
    house: House, interval_s: int | None, mute: bool
) -> None:
    begun(house)
    reports(house, BUTTON, interval_s, mute=mute)
    live(house, 120 * MIN, *house.gates, step_ms=30 * S)
    assert told(house) == []


def test_a_device_that_is_let_go_while_it_is_silent_ends_its_alarm(house: House) -> None:
    begun(house)
    reports(house, BED, 60)
    live(house, 11 * MIN, *house.gates)
    reports(house, BED, 60, mute=True)
    cycle(house)
    assert [row.state for row in told(house)] == ["auto_avklart"]
    assert f"device:{BED}" not in {row.subject for row in house.rows(wake_rows)}


def test_a_press_proves_a_button_and_a_health_report_does_not(house: House) -> None:
    begun(house)
    reports(house, BUTTON, None, mute=True)

    def proved() -> list[tuple[str, int | None, bool]]:
        with house.db.read(house.tenant.id) as s:
            found = mute_devices(s, house.clock.at_ms)
        return [(one.room_number, one.proved_ms, one.due(house.clock.at_ms)) for one in found]

    house.gate.tell(1, Health(BUTTON, battery_percent=80.0))
    assert proved() == [("201", None, True)]
    house.gate.tell(2, press())
    pressed_ms = house.clock.at_ms
    assert proved() == [("201", pressed_ms, False)]
    house.gates[1].tell(1, press(), at_ms=pressed_ms - 5 * MIN)
    house.clock.at_ms += 30 * 24 * 60 * MIN
    assert proved() == [("201", pressed_ms, False)]
    house.clock.at_ms += 1
    assert proved() == [("201", pressed_ms, True)]
    house.gate.tell(3, Contact(BUTTON, open=True))
    assert proved()[0][2] is False


def test_a_seed_file_that_gives_a_device_an_interval_begins_its_watch(house: House) -> None:
    ward, room = SEED.ward, SEED.room
    entry = DeviceEntry(BED, room="202", spot="seng", interval_s=60)
    apply_seed(house.db, Seed(TenantEntry("furutun", "furutun"), ward, room, device=(entry,)), house.clock.at_ms)
    watched = [row.subject for row in house.rows(wake_rows) if row.subject.startswith("device:")]
    assert watched == [f"device:{BED}"]
    begun(house)
    live(house, 11 * MIN, *house.gates)
    assert [alarm.subject for alarm in told(house)] == [f"device:{BED}"]


def test_registering_a_device_again_moves_no_deadline(house: House) -> None:
    begun(house)
    reports(house, BED, 60)
    for _ in range(11):
        live(house, MIN, *house.gates)
        with house.db.write(house.tenant.id) as s:
            watching.expect_device(s, BED, house.clock.at_ms)
    cycle(house)
    assert len(house.alarms("device_silent")) == 1
