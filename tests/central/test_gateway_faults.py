"""A gateway's faults: each rings once, stands while it comes and goes, and is over when it has been quiet for long."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from nattevakt.central import states
from nattevakt.central.columns import TENANT
from nattevakt.central.gateway_faults import STANDS_MS
from nattevakt.central.gateway_silence import ANEW_MS
from nattevakt.central.tables import alarms, gateways, rule_states, transitions, wake_rows
from nattevakt.edge.rules.rule import Priority
from nattevakt.edge.wire import CompleteTo
from tests.central.house import House, moment
from tests.central.watch import LONG_MS, MIN, S, cycle, end, promise, standing, take

CARD = ("store: input/output error",)


def pass_time(house: House, ms: int, *, faults: tuple[str, ...] = (), heard: bool = True) -> None:
    """The sweep runs and the gateway beats, every 15 s."""
    for _ in range(ms // (15 * S)):
        house.clock.at_ms += 15 * S
        if heard:
            house.gate.beat(faults=faults, complete_to=CompleteTo(moment(house.clock.at_ms), {}))
        cycle(house)


def flap(house: House, times: int, *, well_ms: int = MIN) -> None:
    for _ in range(times):
        pass_time(house, 30 * S, faults=CARD)
        pass_time(house, well_ms)


def faults(house: House) -> list[tuple[str, str, int]]:
    return [(alarm.rule.partition(":")[2], standing(alarm), alarm.sound_seq) for alarm in house.alarms("gateway_fault")]


def test_a_fault_of_the_road_rings_once_the_next_heartbeat_says_it_too(house: House) -> None:
    """What has just come by the road may be the first that did; its answer will show the gateway."""
    house.gate.beat(faults=("centre: heartbeat answered 502",))
    house.gate.beat()
    house.gate.beat(faults=("centre: answer not understood",))
    house.gate.beat()
    assert house.alarms() == []
    for why in ("answered 504", "answered 502", "answered 502"):
        house.gate.beat(faults=(f"centre: {why}",))
    (alarm,) = house.alarms()
    assert (alarm.kind, alarm.sound_seq, alarm.version, alarm.state) == ("gateway_fault", 1, 1, "meldt")
    pass_time(house, STANDS_MS)
    assert faults(house) == [("centre", "meldt", 1)]
    pass_time(house, 30 * S)
    assert faults(house) == [("centre", "auto_avklart", 1)]


def test_other_faults_ring_at_once_beside_one_of_the_road(house: House) -> None:
    house.gate.beat(faults=("centre: answered 504", "undelivered: an urgent event waits", "store: disk full"))
    assert {alarm.rule for alarm in house.alarms()} == {"gateway_fault:undelivered", "gateway_fault:store"}
    pass_time(house, STANDS_MS + 30 * S, faults=("centre: answered 504",))
    states = {name: state for name, state, _ in faults(house)}
    assert states == {"undelivered": "auto_avklart", "store": "auto_avklart", "centre": "meldt"}


def test_faults_raise_once_and_clear_themselves(house: House) -> None:
    for _ in range(2):
        house.gate.beat(faults=("parked: 1 row", "store: disk full"))
    raised = {(alarm.kind, alarm.priority, alarm.sound_seq, alarm.version) for alarm in house.alarms()}
    assert raised == {("parked_event", Priority.LOW, 1, 1), ("gateway_fault", Priority.MEDIUM, 1, 1)}
    pass_time(house, STANDS_MS + 30 * S)
    assert {alarm.state for alarm in house.alarms()} == {"auto_avklart"}
    assert [row for row in house.rows(wake_rows) if row.rule == "gateway_fault"] == []
    house.gate.beat(faults=("parked: 1 row",))
    assert len(house.alarms("parked_event")) == 2


def test_a_card_that_fails_once_a_minute_for_an_hour_is_one_alarm_with_one_sound(house: House) -> None:
    flap(house, 40)
    (alarm,) = house.alarms("gateway_fault")
    assert (alarm.state, alarm.sound_seq) == ("eskalert", 1)
    written = [row.cause for row in house.rows(transitions) if row.alarm_id == alarm.id and row.cause != "escalate"]
    assert written == ["raise"], "nor is anything written while it goes on, but that nobody takes it"
    pass_time(house, STANDS_MS + 30 * S)
    assert faults(house) == [("store", "auto_avklart", 1)]


def test_a_road_that_is_bad_now_and_then_is_one_alarm_too(house: House) -> None:
    for _ in range(20):
        for said in (True, True, False, True, False, False):
            pass_time(house, 15 * S, faults=("centre: answer not understood",) if said else ())
    assert faults(house) == [("centre", "meldt", 1)]


@pytest.mark.parametrize("well_ms", [STANDS_MS - 30 * S, STANDS_MS + 30 * S])
def test_it_is_the_same_fault_until_it_has_been_quiet_for_long_enough(house: House, well_ms: int) -> None:
    flap(house, 3, well_ms=well_ms)
    states = [state for _, state, _ in faults(house)]
    assert states == (["meldt"] if well_ms < STANDS_MS else ["auto_avklart"] * 3)


def test_who_has_taken_it_gets_a_note_and_hears_of_it_again_only_when_it_was_gone_for_long(house: House) -> None:
    pass_time(house, MIN, faults=CARD)
    take(house, house.alarms()[0].id, LONG_MS)
    flap(house, 5)
    flap(house, 3, well_ms=STANDS_MS + MIN)
    assert faults(house) == [("store", "kvittert", 1)]
    for _ in range(2):
        promise(house, house.alarms()[0].id)
        pass_time(house, (STANDS_MS + ANEW_MS) // 2 + MIN)
    pass_time(house, MIN, faults=CARD)
    assert faults(house) == [("store", "kvittert", 2)]


def test_a_fault_that_goes_on_although_its_alarm_was_ended_rings_again_after_half_an_hour(house: House) -> None:
    pass_time(house, MIN, faults=CARD)
    end(house, house.alarms()[0].id)
    pass_time(house, ANEW_MS - MIN, faults=CARD)
    assert faults(house) == [("store", "avsluttet", 1)]
    pass_time(house, MIN + 15 * S, faults=CARD)
    assert faults(house) == [("store", "avsluttet", 1), ("store", "meldt", 1)]
    pass_time(house, 2 * ANEW_MS, faults=CARD)
    assert faults(house) == [("store", "avsluttet", 1), ("store", "meldt", 1)], "it stands, and says so once"


def test_who_has_ended_it_is_not_called_again_by_the_same_fault(house: House) -> None:
    pass_time(house, MIN, faults=CARD)
    end(house, house.alarms()[0].id)
    flap(house, 10)
    assert faults(house) == [("store", "avsluttet", 1)]
    flap(house, 12)
    assert faults(house) == [("store", "avsluttet", 1), ("store", "meldt", 1)], "who ended it thought it mended"
    pass_time(house, STANDS_MS + MIN)
    assert faults(house) == [("store", "avsluttet", 1), ("store", "auto_avklart", 1)]


@pytest.mark.parametrize("again", [False, True], ids=["its alarm was ended", "and one stands since"])
def test_an_alarm_that_was_ended_by_a_clock_ahead_silences_for_no_longer_than_others(house: House, again: bool) -> None:
    """Whoever ends an alarm at a wrong hour must not end the fault's voice until that hour."""
    pass_time(house, MIN, faults=CARD)
    right_ms = house.clock.at_ms
    house.clock.at_ms = right_ms + 300 * MIN
    end(house, house.alarms()[0].id)
    house.clock.at_ms = right_ms
    pass_time(house, STANDS_MS + 2 * MIN, faults=CARD)
    assert faults(house) == [("store", "avsluttet", 1), ("store", "meldt", 1)]
    if again:
        pass_time(house, ANEW_MS, faults=CARD)
        assert len(faults(house)) == 2, "it stands, and says so once"
        end(house, house.alarms()[1].id)
    pass_time(house, ANEW_MS + MIN, faults=CARD)
    assert len(faults(house)) == (3 if again else 2), "the newest counts, not the one that ends last"


MQTT, SERIAL = "source: mqtt is down: broker gone", "source: serial:enocean is down: no such port"


def test_each_source_that_is_down_is_a_fault_of_its_own(house: House) -> None:
    pass_time(house, MIN, faults=(MQTT,))
    pass_time(house, MIN, faults=(MQTT, SERIAL))
    assert faults(house) == [("source:mqtt", "meldt", 1), ("source:serial:enocean", "meldt", 1)]
    assert [alarm.reason_params["why"] for alarm in house.alarms()] == [MQTT, SERIAL]
    pass_time(house, STANDS_MS + MIN, faults=(SERIAL,))
    assert faults(house) == [("source:mqtt", "auto_avklart", 1), ("source:serial:enocean", "meldt", 1)]
    pass_time(house, STANDS_MS + MIN)
    assert {state for _, state, _ in faults(house)} == {"auto_avklart"}


def test_whoever_is_told_again_hears_what_it_is_now(house: House) -> None:
    pass_time(house, MIN, faults=(MQTT,))
    end(house, house.alarms()[0].id)
    now = "source: mqtt is down: not authorised"
    pass_time(house, ANEW_MS + MIN, faults=(now,))
    assert [alarm.reason_params["why"] for alarm in house.alarms()] == [MQTT, now]


def test_what_an_older_version_kept_of_all_sources_as_one_becomes_a_fault_of_each(house: House) -> None:
    """After an upgrade: the old alarm ends by itself, and what is still down is told under its own name."""
    old = {"kind": "gateway_fault", "quiet_ms": None, "why": MQTT, "priority": Priority.LOW.value}
    pass_time(house, MIN, faults=(MQTT, SERIAL))
    gateway_id = house.gate.sender.gateway_id
    with house.db.write(house.tenant.id) as s:
        states.lock(s, f"gateway:{gateway_id}", "gateway_fault")
        states.keep(
            s, f"gateway:{gateway_id}", "gateway_fault", {"standing": {"gateway_fault:source": old}, "over": {}}
        )
        of_old = update(alarms).where(alarms.c.tenant_id == TENANT, alarms.c.rule == "gateway_fault:source:mqtt")
        s.execute(of_old.values(rule="gateway_fault:source"))
        gone = alarms.update().where(
            alarms.c.tenant_id == TENANT, alarms.c.rule == "gateway_fault:source:serial:enocean"
        )
        s.execute(gone.values(state="avsluttet", closed_ms=house.clock.at_ms - ANEW_MS))
    assert house.rows(gateways)[0].health["faults"] == [MQTT, SERIAL]
    pass_time(house, STANDS_MS + MIN, faults=(MQTT, SERIAL))
    open_now = [(name, sounds) for name, state, sounds in faults(house) if state == "meldt"]
    assert open_now == [("source", 1), ("source:mqtt", 1), ("source:serial:enocean", 1)]
    pass_time(house, STANDS_MS + MIN, faults=(MQTT, SERIAL))
    open_now = [(name, sounds) for name, state, sounds in faults(house) if state == "meldt"]
    assert open_now == [("source:mqtt", 1), ("source:serial:enocean", 1)]


def test_a_gateway_that_says_nothing_does_not_say_that_it_is_well(house: House) -> None:
    pass_time(house, MIN, faults=CARD)
    pass_time(house, MIN)
    pass_time(house, 3 * STANDS_MS, heard=False)
    assert faults(house) == [("store", "meldt", 1)]
    pass_time(house, 3 * MIN)
    assert faults(house) == [("store", "auto_avklart", 1)]


def test_another_process_sweeps_and_a_clock_that_was_ahead_holds_nothing_up(house: House) -> None:
    """What stands is on the disk: the row that wakes, and what it is about."""
    pass_time(house, MIN, faults=CARD)
    right_ms = house.clock.at_ms
    house.clock.at_ms = right_ms + 300 * MIN
    house.gate.beat()
    (wake,) = (row for row in house.rows(wake_rows) if row.rule == "gateway_fault")
    assert wake.wake_at_ms == house.clock.at_ms + STANDS_MS
    (state,) = (row.state for row in house.rows(rule_states) if row.rule == "gateway_fault")
    fault = {"why": CARD[0], "priority": Priority.MEDIUM.value, "kind": "gateway_fault", "quiet_ms": house.clock.at_ms}
    assert state["standing"] == {"gateway_fault:store": fault}
    house.clock.at_ms = right_ms
    pass_time(house, STANDS_MS + 3 * MIN)
    assert faults(house) == [("store", "auto_avklart", 1)]
