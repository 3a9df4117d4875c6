"""Sirens on gateways: fetched with a heartbeat, confirmed by the next, silent once somebody has the alarm."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from nattevakt.central.alarms import escalating
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.columns import TENANT
from nattevakt.central.heartbeat import beat
from nattevakt.central.notify import dispatch, sendings, siren
from nattevakt.central.notify.sendings import SIREN, SMS
from nattevakt.central.tables import alarms, devices, gateways, wake_rows
from nattevakt.central.tables_duty import sendings as ledger
from nattevakt.edge.wire import GatewayHealth, Heartbeat, encode_message
from nattevakt.edge.wire_heartbeat import SirenAsked, SirenSaid
from tests.central.house import S1, Gate, House
from tests.central.taken_night import Night

HORN = "z2m:gang/sirene"
OFF, ON = SirenSaid("off", age_ms=4_000), SirenSaid("on", told=True, age_ms=200)
TOLD = SirenSaid("unknown", told=True)
AWAY, SILENT = SirenSaid("unreachable", told=True), SirenSaid("silent", told=True)
QUIET = SirenAsked(on=False)
SECOND = 1 / 60


@pytest.fixture
def night(house: House) -> Night:
    return Night(house)


def beats(night: Night, *said: SirenSaid, gate: int = 0, older: bool = False) -> SirenAsked | None:
    """A gateway's heartbeat with what it says of its sirens, and what the centre answers of them."""
    box: Gate = night.house.gates[gate]
    told = None if older else {f"{HORN}{number}": one for number, one in enumerate(said)}
    health = GatewayHealth("0.1.0", 1, 0, 0, 0, 0, 1000, clock_synced=True)
    heartbeat = Heartbeat(box.beats_at(), S1, (), None, health, sirens=told)
    return beat(box.db, box.sender, encode_message(heartbeat), night.now_ms).siren


def ask(night: Night, alarm: int, *gates: int, step: int = 2, more: tuple[tuple[str, str], ...] = ()) -> None:
    """The escalation takes a step that asks for sirens."""
    targets = [(SIREN, f"gateway:{night.house.gates[gate].sender.gateway_id}") for gate in gates or (0,)]
    row = update(alarms).where(alarms.c.tenant_id == TENANT, alarms.c.id == alarm).values(step=step)
    with night.house.db.write(night.house.tenant.id) as s:
        s.execute(row)
        sendings.ask(s, alarm, night.row(alarm).sound_seq, step, [*targets, *more], night.now_ms)


def rows(night: Night) -> list[Any]:
    return night.house.rows(ledger)


def states(night: Night) -> list[tuple[str, str | None]]:
    return [(row.state, row.reason) for row in rows(night)]


def woken(night: Night, alarm: int) -> bool:
    """Whether the alarm's escalation is due now."""
    due = [row.wake_at_ms for row in night.house.rows(wake_rows) if row.rule == escalating.RULE]
    return due == [night.now_ms] and night.row(alarm).closed_ms is None


def test_asked_it_sounds_is_confirmed_and_is_silent_once_somebody_has_the_alarm(night: Night) -> None:
    alarm = night.ring()
    assert beats(night, OFF) == QUIET
    ask(night, alarm)
    night.passes(5 * SECOND)
    asked_ms = night.now_ms
    assert beats(night, OFF) == SirenAsked(on=True, lease_s=120, why=(f"alarm {alarm}",))
    (row,) = rows(night)
    assert (row.state, row.attempts, row.sent_ms, row.lease_until_ms) == ("leased", 1, None, asked_ms + siren.LEASE_MS)
    night.passes(5 * SECOND)
    assert beats(night, TOLD) == SirenAsked(on=True, why=(f"alarm {alarm}",))
    (row,) = rows(night)
    assert (row.state, row.sent_ms, row.confirmed_ms) == ("sent", night.now_ms, None)
    night.passes(5 * SECOND)
    assert beats(night, ON) is not None
    (row,) = rows(night)
    assert (row.state, row.confirmed_ms) == ("confirmed", night.now_ms)
    night.passes(5)
    answer = beats(night, ON)
    assert answer is not None
    assert answer.on, "it goes on until somebody has the alarm"
    night.act(alarm, State.TAKEN)
    assert beats(night, ON) == QUIET
    assert states(night) == [("confirmed", None)]


def test_what_was_asked_for_before_somebody_had_the_alarm_does_not_sound_when_it_is_opened_again(night: Night) -> None:
    alarm = night.ring()
    ask(night, alarm)
    beats(night, OFF)
    beats(night, ON)
    night.passes(1)
    night.act(alarm, State.TAKEN)
    night.act(alarm, State.CLOSED)
    night.passes(1)
    night.act(alarm, State.REOPENED)
    assert beats(night, OFF) == QUIET
    ask(night, alarm, step=3)
    answer = beats(night, OFF)
    assert answer is not None
    assert answer.on


def test_a_second_press_does_not_silence_it(night: Night) -> None:
    alarm = night.ring()
    ask(night, alarm)
    beats(night, OFF)
    night.passes(1)
    assert night.ring() == alarm
    answer = beats(night, ON)
    assert answer is not None
    assert answer.on


def test_an_answer_that_was_lost_is_given_again(night: Night) -> None:
    alarm = night.ring()
    ask(night, alarm)
    for attempt in (1, 2, 3):
        answer = beats(night, OFF)
        assert answer is not None
        assert answer.on
        (row,) = rows(night)
        assert (row.state, row.attempts, row.sent_ms) == ("leased", attempt, None)
        night.passes(5 * SECOND)


def test_one_alarm_taken_leaves_the_siren_to_the_other(night: Night) -> None:
    first, second = night.ring(), night.ring(subject="room:2")
    ask(night, first)
    ask(night, second)
    assert beats(night, OFF) == SirenAsked(on=True, why=(f"alarm {first}", f"alarm {second}"))
    night.act(first, State.TAKEN)
    assert beats(night, ON) == SirenAsked(on=True, why=(f"alarm {second}",))
    assert states(night) == [("withdrawn", "taken"), ("confirmed", None)]


def test_no_siren_has_failed_at_once_and_the_next_step_comes(night: Night) -> None:
    for older in (False, True):
        alarm = night.ring(subject=f"room:{older}")
        ask(night, alarm)
        night.passes(5 * SECOND)
        assert beats(night, older=older) is None
        row = rows(night)[-1]
        assert (row.state, row.reason, row.failed_ms) == ("failed", siren.NO_SIREN, night.now_ms)
        assert woken(night, alarm)
        night.act(alarm, State.TAKEN)


def test_the_next_step_is_not_hurried_while_another_road_may_still_reach_somebody(night: Night) -> None:
    alarm = night.ring()
    ask(night, alarm, 0, more=((SMS, "staff:1"),))
    night.passes(5 * SECOND)
    beats(night, older=True)
    assert states(night) == [("failed", siren.NO_SIREN), ("pending", None)]
    assert not woken(night, alarm)


@pytest.mark.parametrize(("said", "reason"), [(AWAY, siren.UNREACHABLE), (SILENT, siren.SILENT)])
def test_one_that_cannot_be_had_has_failed_after_a_minute_and_may_still_come(
    night: Night, said: SirenSaid, reason: str
) -> None:
    alarm = night.ring()
    ask(night, alarm)
    beats(night, OFF)
    night.passes(59 * SECOND)
    beats(night, said)
    assert states(night) == [("sent", None)]
    night.passes(1 * SECOND)
    answer = beats(night, said)
    assert (states(night), woken(night, alarm)) == ([("failed", reason)], True)
    assert answer is not None
    assert answer.on, "should it be reached after all, it sounds"
    beats(night, said)
    assert [row.failed_ms for row in rows(night)] == [night.now_ms], "once"
    night.passes(1)
    beats(night, ON)
    assert states(night) == [("confirmed", None)]


def test_of_several_sirens_one_is_enough(night: Night) -> None:
    alarm = night.ring()
    ask(night, alarm)
    beats(night, OFF, AWAY)
    night.passes(2)
    beats(night, TOLD, AWAY)
    assert states(night) == [("sent", None)]
    beats(night, ON, AWAY)
    assert states(night) == [("confirmed", None)]


def test_one_that_sounds_for_another_reason_confirms_nothing(night: Night) -> None:
    alarm = night.ring()
    ask(night, alarm)
    beats(night, OFF)
    beats(night, SirenSaid("on", told=False, age_ms=10))
    assert states(night) == [("leased", None)]


def test_each_gateway_has_its_own_rows(night: Night) -> None:
    alarm = night.ring()
    ask(night, alarm, 1)
    assert beats(night, OFF) == QUIET
    answer = beats(night, OFF, gate=1)
    assert answer is not None
    assert answer.on


def test_a_copy_of_a_heartbeat_changes_nothing(night: Night) -> None:
    alarm = night.ring()
    ask(night, alarm)
    gate = night.house.gate
    early = gate.beats_at()
    night.passes(5 * SECOND)
    beats(night, OFF)
    health = GatewayHealth("0.1.0", 1, 0, 0, 0, 0, 1000, clock_synced=True)
    copy = encode_message(Heartbeat(early, S1, (), None, health, sirens={HORN: ON}))
    assert beat(gate.db, gate.sender, copy, night.now_ms).siren is None
    assert states(night) == [("leased", None)]


def test_what_no_gateway_fetches_is_given_up_and_the_next_step_comes(night: Night) -> None:
    alarm = night.ring()
    ask(night, alarm)
    night.passes(89 * SECOND)
    dispatch.keep(night.house.db, night.house.tenant, (), night.now_ms)
    assert states(night) == [("pending", None)]
    night.passes(1 * SECOND)
    dispatch.keep(night.house.db, night.house.tenant, (), night.now_ms)
    assert (states(night), woken(night, alarm)) == ([("failed", siren.NOT_FETCHED)], True)


def near(night: Night, room_id: int | None) -> list[int]:
    """The gateways near an alarm in that room, or in none."""
    alarm = night.ring()
    row = update(alarms).where(alarms.c.tenant_id == TENANT, alarms.c.id == alarm).values(room_id=room_id)
    with night.house.db.write(night.house.tenant.id) as s:
        s.execute(row)
    (found,) = (row for row in night.house.rows(alarms) if row.id == alarm)
    with night.house.db.read(night.house.tenant.id) as s:
        return siren.gateways_of(s, found)


def tie(night: Night, device: int, gate: int) -> None:
    number = night.house.gates[gate].sender.gateway_id
    row = update(devices).where(devices.c.tenant_id == TENANT, devices.c.id == device).values(gateway_id=number)
    with night.house.db.write(night.house.tenant.id) as s:
        s.execute(row)


def test_the_gateways_of_the_room_else_of_the_ward_and_first_those_with_a_siren(night: Night) -> None:
    one, two = (gate.sender.gateway_id for gate in night.house.gates)
    assert near(night, None) == near(night, 1) == [one, two]
    tie(night, 1, 1)
    assert near(night, 1) == [two]
    assert near(night, None) == [one, two]
    beats(night, OFF)
    assert near(night, 1) == [one], "the only one of the ward that has a siren"
    beats(night, OFF, gate=1)
    assert near(night, 1) == [two]
    assert near(night, None) == [one, two]
    with night.house.db.write(night.house.tenant.id) as s:
        s.execute(update(gateways).where(gateways.c.tenant_id == TENANT, gateways.c.id == two).values(revoked_ms=1))
    assert near(night, 1) == [one]
