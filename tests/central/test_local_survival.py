"""The link is lost: the gateway judges by itself, and afterwards both histories are one. Both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from nattevakt.central import local_history
from nattevakt.central.db import Database
from nattevakt.central.tables import alarms, events, rule_states, transitions
from nattevakt.edge.events import Event, LocalAlarm
from nattevakt.edge.wire import decode_event
from tests.central.local_house import BED, BUTTON, LocalHouse
from tests.central.taken_night import oslo

NIGHT_MS = oslo("2026-11-22T01:00")


@pytest.fixture
def house(db: Database, tmp_path: Path) -> LocalHouse:
    found = LocalHouse(db, tmp_path, NIGHT_MS)
    found.passes(2)
    return found


def rung(house: LocalHouse) -> list[tuple[str, str]]:
    return [(one.kind, one.room) for one in house.local.view.alarms if one.sounding]


def since(house: LocalHouse) -> int | None:
    return house.local.view.lost_ms


def notes(house: LocalHouse) -> list[tuple[int, str]]:
    return [(row.alarm_id, row.detail["reason"]) for row in house.rows(transitions) if row.cause == "note"]


def told(house: LocalHouse) -> list[LocalAlarm]:
    found = [decode_event(row.body).body for row in house.box.after(0, 10_000)]
    return [body for body in found if isinstance(body, LocalAlarm)]


def test_the_plan_has_come_down_and_the_centre_is_in_contact(house: LocalHouse) -> None:
    view = house.local.view
    assert (view.lost_ms, view.plan, view.clock, view.alarms) == (None, "ok", True, ())


def test_a_call_without_the_centre_rings_here_and_is_one_alarm_there(house: LocalHouse) -> None:
    house.up = False
    house.passes(1.5)
    assert since(house) is not None
    house.hears(BUTTON, action="press")
    house.passes(0.2)
    assert rung(house) == [("call", "201")]
    name = house.local.view.alarms[0].name
    assert house.local.faults() == {f"local {name}": "local alarm: call, room 201"}
    house.local.see(name)
    house.passes(0.2)
    assert rung(house) == []
    house.up = True
    house.passes(3)
    assert since(house) is None
    ((alarm),) = [row for row in house.rows(alarms) if row.kind == "call"]
    assert notes(house) == [(alarm.id, "local.rung"), (alarm.id, "local.seen")]
    assert [row.alarm_id for row in house.rows(events) if row.kind == "local_alarm"] == [alarm.id] * 2


def test_a_call_just_before_the_link_went_rings_when_it_is_known_to_be_lost(house: LocalHouse) -> None:
    house.up = False
    house.hears(BUTTON, action="press")
    house.passes(0.7)
    assert rung(house) == []
    house.passes(0.5)
    assert rung(house) == [("call", "201")]


def test_who_left_bed_before_the_link_was_lost_is_watched_and_joined(house: LocalHouse) -> None:
    house.hears(BED, occupied=True)
    house.passes(10, step_s=15)
    house.hears(BED, occupied=False)
    house.passes(1)
    house.up = False
    house.passes(60, step_s=20)
    assert [kind for kind, _ in rung(house)] == ["not_back_in_bed"]
    before = len(told(house))
    house.up = True
    house.passes(5)
    mine = [row for row in house.rows(alarms) if row.rule == "not_back_in_bed"]
    assert len(mine) == 1
    assert notes(house) == [(mine[0].id, "local.rung")] * before
    assert before == 1


def test_who_is_back_in_bed_is_not_rung_for(house: LocalHouse) -> None:
    house.hears(BED, occupied=True)
    house.passes(10, step_s=15)
    house.up = False
    house.hears(BED, occupied=False)
    house.passes(4)
    house.hears(BED, occupied=True)
    house.passes(60, step_s=20)
    assert rung(house) == []
    assert told(house) == []


def test_what_the_centre_has_is_not_rung_again_here(house: LocalHouse) -> None:
    house.hears(BUTTON, action="press")
    house.passes(0.5)
    house.up = False
    house.passes(30, step_s=20)
    assert rung(house) == []


@pytest.mark.parametrize("power", [False, True])
def test_an_agent_that_restarts_meanwhile_goes_on_and_tells_nothing_twice(house: LocalHouse, *, power: bool) -> None:
    house.hears(BED, occupied=True)
    house.passes(10, step_s=15)
    house.hears(BED, occupied=False)
    house.up = False
    house.passes(5)
    house.hears(BUTTON, action="press")
    house.passes(1)
    assert rung(house) == [("call", "201")]
    house.restart(boot=power)
    house.passes(60, step_s=20)
    assert rung(house) == [("call", "201"), ("not_back_in_bed", "201")]
    assert [body.alarm for body in told(house)] == ["call", "bed_check"]
    house.up = True
    house.passes(5)
    assert sorted(code for _, code in notes(house)) == ["local.rung"] * 2
    assert sorted(
        row.kind for row in house.rows(alarms) if row.priority < 3 and row.rule in ("call", "not_back_in_bed")
    ) == [
        "call",
        "not_back_in_bed",
    ]


def test_a_plan_that_is_old_leaves_calls_only_and_says_so(house: LocalHouse) -> None:
    house.hears(BED, occupied=True)
    house.passes(1)
    house.up = False
    house.passes(8 * 24 * 60, step_s=6 * 3600)
    assert house.local.view.plan == "old"
    house.hears(BED, occupied=False)
    house.passes(40, step_s=120)
    assert rung(house) == []
    house.hears(BUTTON, action="press")
    house.passes(1)
    assert [kind for kind, _ in rung(house)] == ["call"]


def test_a_word_that_finds_no_alarm_is_kept_and_said_to_have_found_none(house: LocalHouse) -> None:
    body = LocalAlarm("rung", "leak", "leak", "leak.wet", "201", (f"{house.box.stream}/1",))
    house.box.append([Event(body, house.now().moment)], {})
    house.passes(2)
    assert _outcomes(house) == [(None, None)]
    house.passes(20, step_s=15)
    assert _outcomes(house) == [(None, "local_only")]
    assert notes(house) == []


def test_a_gateway_that_tells_of_thousands_costs_no_more_than_some(house: LocalHouse) -> None:
    """Each waits in one row, which is written anew with every one: their number is bounded."""
    body = LocalAlarm("rung", "leak", "leak", "leak.wet", "201", (f"{house.box.stream}/1",))
    house.box.append([Event(body, house.now().moment)] * (local_history.WAITING_MAX + 50), {})
    house.passes(0.5)
    (state,) = [row.state for row in house.rows(rule_states) if row.rule == local_history.RULE]
    assert len(state["waiting"]) == local_history.WAITING_MAX
    house.hears(BUTTON, action="press")
    assert [row.kind for row in house.rows(alarms)] == ["call"]
    assert len(_outcomes(house)) == local_history.WAITING_MAX + 50


def _outcomes(house: LocalHouse) -> list[tuple[int | None, str | None]]:
    return [(row.alarm_id, row.outcome_reason) for row in house.rows(events) if row.kind == "local_alarm"]
