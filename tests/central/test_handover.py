"""A change of shift with open alarms: a named person has them, nothing rings for it, and it is written down."""

from __future__ import annotations

from typing import Any

import pytest

from nattevakt.central import handover
from nattevakt.central.alarms import overdue
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.tables_duty import handovers
from nattevakt.edge.errors import RejectError
from nattevakt.edge.rules.rule import Priority
from tests.central.house import House
from tests.central.taken_night import MINUTE_MS, Night


@pytest.fixture
def night(house: House) -> Night:
    return Night(house)


def hands_over(night: Night, leaves: str = "kari", note: str = "") -> handover.TakenOver:
    """Per takes the ward over."""
    args: dict[str, Any] = {"leaves": leaves, "note": note, "tablet_id": night.tablet, "now_ms": night.now_ms}
    limit_ms = overdue.LIMIT_MS
    return night.house.db.transact(
        night.house.tenant.id, lambda s: handover.take_over(s, 1, night.per, limit_ms=limit_ms, **args)
    )


def test_whoever_comes_has_the_alarms_of_whoever_leaves_and_their_whole_time(night: Night) -> None:
    taken, untaken, there = night.ring(), night.ring(subject="room:2"), night.ring(subject="room:3")
    night.act(taken, State.TAKEN)
    night.act(there, State.TAKEN)
    night.act(there, State.ON_SITE)
    sounds = night.row(taken).sound_seq
    night.passes(8)
    done = hands_over(night, note="Astrid sover urolig")
    assert done.alarms == (taken,)
    row = night.row(taken)
    assert (row.state, row.taken_by, row.taken_ms, row.sound_seq) == ("kvittert", night.per, night.now_ms, sounds)
    assert night.deadlines()[f"alarm:{taken}"] == night.now_ms + 10 * MINUTE_MS
    assert [move.cause for move in night.history(taken)] == ["raise", "take", "transfer", "take"]
    passed = night.history(taken)[2]
    assert (passed.staff_id, passed.detail["why"], passed.detail["holder"]) == (night.per, "handed_over", night.kari)
    assert (night.row(untaken).state, night.row(there).taken_by) == ("meldt", night.kari)
    (written,) = night.house.rows(handovers)
    assert (written.ward_id, written.from_staff, written.to_staff) == (1, night.kari, night.per)
    assert (written.note, written.at_ms) == ("Astrid sover urolig", night.now_ms)
    assert [one["id"] for one in written.body["alarms"]] == [taken, untaken, there]


def test_what_stands_is_shown_and_who_took_it_over_before(night: Night) -> None:
    night.ring("battery_low", Priority.LOW, subject="device:x")
    alarm = night.ring()
    hands_over(night, note="lampen på 204 er gått")
    with night.house.db.read(night.house.tenant.id) as s:
        now = handover.standing(s, 1, night.now_ms)
        other = handover.standing(s, 2, night.now_ms)
    assert now.alarms[0].id == alarm, "the most urgent first"
    assert now.last is not None
    assert (now.last.name, now.last.note) == ("Per A.", "lampen på 204 er gått")
    assert (other.alarms, other.last) == ((), None)
    assert any(off.why == "no_plan" for off in now.off)


def test_a_handover_from_nobody_or_to_oneself(night: Night) -> None:
    alarm = night.ring()
    night.act(alarm, State.TAKEN)
    for leaves, field in (("per", "from"), ("ukjent", "from")):
        with pytest.raises(RejectError) as caught:
            hands_over(night, leaves)
        assert caught.value.field == field
    with pytest.raises(RejectError, match="note"):
        hands_over(night, note="x" * 2_001)
    assert night.house.rows(handovers) == []
    assert hands_over(night, "").alarms == ()
    assert night.row(alarm).taken_by == night.kari
