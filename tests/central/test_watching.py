"""Gateways that fall silent: one alarm each, never for the wrong thing, and an end when data is back."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete, update

from nattevakt.central import wakes, watching
from nattevakt.central.alarms import register
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.alarms.requests import Act
from nattevakt.central.columns import TENANT
from nattevakt.central.tables import (
    gateways,
    live_seq,
    staff,
    transitions,
    wake_rows,
)
from nattevakt.edge.events import Bed
from nattevakt.edge.rules.rule import Priority
from nattevakt.edge.wire import CompleteTo
from tests.central.house import BED, S1, House, moment
from tests.central.watch import LONG_MS, MIN, S, begun, cycle, live, reports, silent, take, well


def test_a_gateway_that_was_never_heard_is_not_alarmed(house: House) -> None:
    live(house, 10 * MIN)
    assert house.alarms() == []


def test_one_alarm_names_rooms_and_residents_and_sounds_once(house: House) -> None:
    begun(house)
    live(house, 59 * S, house.gates[1], step_ms=S)
    assert silent(house) == []
    live(house, 2 * S, house.gates[1], step_ms=S)
    (alarm,) = silent(house)
    assert (alarm.subject, alarm.priority) == (f"gateway:{house.gate.sender.gateway_id}", Priority.MEDIUM)
    assert alarm.reason_code == "gateway_silent"
    assert alarm.reason_params == {"gateway": "Loftet", "rooms": "201, 202", "residents": 2}
    live(house, 40 * MIN, house.gates[1])
    (alarm,) = silent(house)
    assert (alarm.sound_seq, alarm.state) == (1, "eskalert")
    written = [row.cause for row in house.rows(transitions) if row.alarm_id == alarm.id and row.cause != "escalate"]
    assert written == ["raise"]


def test_a_quiet_gateway_costs_few_looks(house: House) -> None:
    """A due row that waits is not taken again in each cycle, and a well gateway is looked at once a minute."""
    begun(house)
    live(house, 5 * MIN, house.gates[1])
    looks = []
    with house.db.read(house.tenant.id) as s:
        for _ in range(20):
            looks.append([wake.subject for wake in wakes.due(s, house.clock.at_ms)])
    assert looks == [[]] * 20


def test_it_clears_when_data_is_complete_again_and_rings_anew_for_a_new_silence(house: House) -> None:
    begun(house)
    live(house, 5 * MIN, house.gates[1])
    well(house.gate)
    assert silent(house)[0].state == "eskalert"
    cycle(house)
    assert silent(house)[0].state == "auto_avklart"
    live(house, 5 * MIN, *house.gates)
    assert len(silent(house)) == 1
    live(house, 5 * MIN, house.gates[1])
    assert [alarm.state for alarm in silent(house)] == ["auto_avklart", "eskalert"]


def test_what_somebody_has_taken_gets_a_note_and_a_second_silence_joins_without_a_sound(house: House) -> None:
    begun(house)
    live(house, 5 * MIN, house.gates[1])
    take(house, silent(house)[0].id)
    live(house, 1 * MIN, *house.gates)
    assert silent(house)[0].state == "kvittert"
    assert [row.cause for row in house.rows(transitions)][-1] == "note"
    live(house, 5 * MIN, house.gates[1])
    (alarm,) = silent(house)
    assert (alarm.sound_seq, alarm.state) == (1, "kvittert")


def test_who_has_the_alarm_of_the_evening_hears_of_another_silence_in_the_night(house: House) -> None:
    begun(house)
    live(house, 5 * MIN, house.gates[1])
    take(house, silent(house)[0].id, LONG_MS)
    live(house, 40 * MIN, *house.gates)
    live(house, 5 * MIN, house.gates[1])
    assert [(alarm.sound_seq, alarm.state) for alarm in silent(house)] == [(2, "kvittert")]


@pytest.mark.parametrize("beats", [False, True], ids=["grace in the future", "complete in the future"])
def test_a_clock_that_was_hours_ahead_and_is_set_back_hides_no_dead_gateway(house: House, beats: bool) -> None:
    begun(house)
    right_ms = house.clock.at_ms
    house.clock.at_ms = right_ms + 120 * MIN
    for gate in house.gates if beats else ():
        well(gate)
    cycle(house)
    house.clock.at_ms = right_ms
    live(house, 5 * MIN, house.gates[1])
    assert [alarm.subject for alarm in silent(house) if alarm.closed_ms is None] == ["gateway:1"]


def test_half_a_backlog_is_not_the_end_of_it(house: House) -> None:
    begun(house)
    gone_ms = house.clock.at_ms
    live(house, 60 * MIN, house.gates[1])
    house.gate.beat(complete_to=CompleteTo(moment(gone_ms + 30 * MIN), {}))
    cycle(house)
    assert silent(house)[0].state == "eskalert"
    live(house, 15 * S, *house.gates)
    assert silent(house)[0].state == "auto_avklart"


def test_heartbeats_that_never_become_complete_are_a_silence_too(house: House) -> None:
    begun(house)
    for _ in range(8):
        house.clock.at_ms += 15 * S
        house.gate.beat(complete_to=CompleteTo(moment(house.clock.at_ms), {S1: 1}))
        well(house.gates[1])
        cycle(house)
    (alarm,) = silent(house)
    assert alarm.reason_code == "gateway_silent.behind"
    house.gate.tell(1, Bed(BED, occupied=True))
    cycle(house)
    assert silent(house)[0].state == "auto_avklart", "a claim made before is reached by the batch that comes after it"


def test_a_line_that_is_cut_is_silent_also_where_the_last_heartbeats_were_not_complete(house: House) -> None:
    begun(house)
    house.clock.at_ms += 15 * S
    house.gate.beat(complete_to=CompleteTo(moment(house.clock.at_ms), {S1: 1}))
    live(house, 50 * S, house.gates[1], step_ms=5 * S)
    (alarm,) = silent(house)
    assert alarm.reason_code == "gateway_silent"


def test_a_gateway_that_never_says_how_complete_it_is_counts_from_its_first_heartbeat(house: House) -> None:
    for _ in range(4):
        house.gate.beat()
        cycle(house)
        assert house.alarms() == []
        house.clock.at_ms += 15 * S
    house.gate.beat()
    cycle(house)
    assert [alarm.reason_code for alarm in silent(house)] == ["gateway_silent.behind.empty"]


def test_a_busy_gateway_is_not_behind(house: House) -> None:
    """There is always a row under way when it beats: its newest claim is never reached, the one before it is."""
    begun(house)
    for seq in range(1, 40):
        house.clock.at_ms += 15 * S
        house.gate.beat(complete_to=CompleteTo(moment(house.clock.at_ms), {S1: seq}))
        well(house.gates[1])
        cycle(house)
        house.gate.tell(seq, Bed(BED, occupied=bool(seq % 2)))
    assert house.alarms() == []


def test_a_link_that_comes_and_goes_is_one_alarm_once_somebody_has_it(house: House) -> None:
    begun(house)
    live(house, 150 * S, house.gates[1])
    take(house, silent(house)[0].id, LONG_MS)
    for _ in range(6):
        live(house, 15 * S, *house.gates)
        live(house, 150 * S, house.gates[1])
    assert [(alarm.state, alarm.sound_seq) for alarm in silent(house)] == [("kvittert", 1)]


def test_a_centre_that_was_away_blames_no_gateway_for_a_minute(house: House) -> None:
    begun(house)
    house.clock.at_ms += 60 * MIN
    for _ in range(5):
        cycle(house)
        house.clock.at_ms += 10 * S
    assert silent(house) == []
    well(house.gates[1])
    live(house, 9 * S, house.gates[1], step_ms=3 * S)
    assert silent(house) == []
    live(house, 3 * S, house.gates[1], step_ms=3 * S)
    assert [alarm.subject for alarm in silent(house)] == [f"gateway:{house.gate.sender.gateway_id}"]


def test_a_centre_that_restarts_for_ever_hides_no_dead_gateway(house: House) -> None:
    """Every five minutes it is up for 40 seconds: never a whole minute of grace."""
    begun(house)
    began_ms = house.clock.at_ms
    raised: list[int] = []
    for _ in range(9):
        house.clock.at_ms += 4 * MIN + 20 * S
        for _ in range(8):
            house.clock.at_ms += 5 * S
            well(house.gates[1])
            cycle(house)
            if not raised and silent(house):
                raised.append(house.clock.at_ms - began_ms)
    assert raised
    assert raised[0] <= 12 * MIN
    # Each new grace, ten minutes after the last, must not end what is still so.
    assert [(alarm.state, alarm.sound_seq) for alarm in silent(house)] == [("eskalert", 1)]


def test_a_withdrawn_key_ends_the_watch(house: House) -> None:
    begun(house)
    live(house, 5 * MIN, house.gates[1])
    with house.db.write(house.tenant.id) as s:
        mine = (gateways.c.tenant_id == TENANT, gateways.c.id == house.gate.sender.gateway_id)
        s.execute(update(gateways).where(*mine).values(revoked_ms=house.clock.at_ms))
    live(house, 15 * MIN, house.gates[1])
    assert [alarm.state for alarm in silent(house)] == ["auto_avklart"]
    watched = {row.subject for row in house.rows(wake_rows) if row.rule.endswith("_silent")}
    assert watched == {f"gateway:{house.gates[1].sender.gateway_id}"}


def test_a_lost_deadline_is_planted_again(house: House) -> None:
    for gate in house.gates:
        well(gate)
    reports(house, BED, 60)
    there = {row.subject for row in house.rows(wake_rows) if row.rule.endswith("_silent")}
    assert there == {f"device:{BED}", *(f"gateway:{gate.sender.gateway_id}" for gate in house.gates)}
    with house.db.write(house.tenant.id) as s:
        s.execute(delete(wake_rows).where(wake_rows.c.tenant_id == TENANT))
        assert watching.ensure(s, house.clock.at_ms) == 3
        assert watching.ensure(s, house.clock.at_ms) == 0
        s.execute(delete(wake_rows).where(wake_rows.c.tenant_id == TENANT))
    # The sweep sees to it by itself.
    live(house, 5 * MIN, house.gates[1])
    assert len(silent(house)) == 1


def test_in_a_sped_up_demo_the_limit_is_never_shorter_than_five_real_seconds(house: House) -> None:
    begun(house)
    for _ in range(29):
        house.clock.at_ms += 10 * S
        well(house.gates[1])
        cycle(house, 60.0)
    assert silent(house) == []
    house.clock.at_ms += 10 * S
    cycle(house, 60.0)
    assert len(silent(house)) == 1


def test_tablets_look_when_a_gateway_goes_and_comes(house: House) -> None:
    begun(house)
    live(house, 55 * S, house.gates[1], step_ms=11 * S)
    (before,) = house.rows(live_seq)
    live(house, 11 * S, house.gates[1])
    (gone,) = house.rows(live_seq)
    live(house, 11 * S, *house.gates)
    (back,) = house.rows(live_seq)
    assert before.seq < gone.seq < back.seq


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_heartbeat_costs_few_statements(house: House) -> None:
    begun(house)
    house.clock.at_ms += 15 * S
    seen: list[str] = []
    with house.db.read(house.tenant.id) as s:
        driver: Any = s.connection.connection.driver_connection  # kept, and the next to be used
    driver.set_trace_callback(seen.append)
    well(house.gate)
    driver.set_trace_callback(None)
    # The gateway's row, its streams, successors, what waits for it, its sirens, tests, and the heartbeat itself.
    assert [sql.split()[0] for sql in seen[1:-1]].count("SELECT") == 6
    assert [sql.split()[0] for sql in seen[1:-1]].count("UPDATE") == 1
    assert len(seen) == 9


def test_tablets_look_when_a_gateway_returns_whose_alarm_is_closed_already(house: House) -> None:
    begun(house)
    live(house, 2 * MIN, house.gates[1])
    alarm_id = silent(house)[0].id
    take(house, alarm_id)
    person = house.id_of(staff, "kari")
    wish = Act(alarm_id, State.CLOSED, person, None, "close-00000001", "teknisk", "teknisk_rettet")
    house.db.transact(house.tenant.id, lambda s: register.act(s, wish, house.clock.at_ms))
    live(house, 10 * MIN, house.gates[1])
    (before,) = house.rows(live_seq)
    live(house, 15 * S, *house.gates)
    assert house.rows(live_seq)[0].seq > before.seq
    assert [alarm.state for alarm in silent(house)] == ["avsluttet"], "nobody is told twice of one silence"
