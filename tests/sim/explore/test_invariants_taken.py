"""Invariant 6 about time: what is taken and forgotten rings again, for staff too; a centre that forgets is accused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.tables import alarms, transitions
from nattevakt.sim.acts import Act
from nattevakt.sim.broken import ignore
from nattevakt.sim.centre import Stock, Workings
from nattevakt.sim.explore.story import Manner
from tests.sim.explore.looking import Looked, looked
from tests.sim.explore.test_staffing import QUICK, Ward

SOONER = (
    "UPDATE alarms SET due_ms = due_ms - 300000 WHERE due_ms IS NOT NULL",
    "UPDATE wake_rows SET wake_at_ms = wake_at_ms - 300000 WHERE rule = 'taken'",
)


def taken(found: Looked) -> None:
    """Somebody presses, Kari takes it, and nobody goes."""
    found.happens("r204", (0.1, Act.PRESSES))
    found.run(1)
    found.world.moves("kari", "call", "204", State.TAKEN)
    found.run(1)


@pytest.mark.parametrize("broken", [False, True])
def test_what_is_taken_and_forgotten_rings_again(folder: Path, stock: Stock, *, broken: bool) -> None:
    deaf = Workings(handlers={**Workings().handlers, "taken": ignore})
    with looked(folder, stock, workings=deaf if broken else None) as found:
        taken(found)
        found.run(11)
        assert found.broken == ([6] if broken else [])
        assert found.said("ble tatt og glemt") is broken
        assert found.judge.counts.get("rang again", 0) == (0 if broken else 1)


def test_before_the_time_is_over_it_rings_for_nothing(folder: Path, stock: Stock) -> None:
    with looked(folder, stock) as found:
        taken(found)
        found.writes(*SOONER)
        found.run(8)
        assert found.broken == [2]
        assert found.said("før den tiden var ute")


def test_a_centre_that_was_off_is_given_its_time_to_come_back(folder: Path, stock: Stock) -> None:
    with looked(folder, stock) as found:
        taken(found)
        found.world.centre.off()
        found.run(30)
        found.world.centre.on()
        found.run(2)
        assert [one for one in found.judge.violations if one.about == "alarm 1"] == []
        assert found.judge.counts["rang again"] == 1


def test_a_clock_that_is_put_right_forgets_nothing(folder: Path, stock: Stock) -> None:
    with looked(folder, stock) as found:
        found.world.centre.clock.offset_ms = 7_200_000
        found.run(1)
        taken(found)
        found.world.centre.clock.offset_ms = 0
        found.run(14)
        assert [one for one in found.judge.violations if one.about == "alarm 1"] == []
        assert found.judge.counts["rang again"] >= 1


@pytest.mark.parametrize("alone", [True, False])
def test_who_forgets_is_rung_again_and_somebody_comes(tmp_path: Path, stock: Stock, *, alone: bool) -> None:
    """Whoever forgets for longer than the limit: alone they come themselves, else it may be a colleague."""
    forgetful = replace(QUICK, forgets=1000)
    other = Manner("per", answers_s=20, walks_s=10, stays_s=20, rounds_every_min=0, chance=5)
    again = 0
    for chance in range(3, 7):
        ward = Ward(tmp_path / str(chance), stock, replace(forgetful, chance=chance), *(() if alone else (other,)))
        ward.presses(1).run(40)
        (row,) = [row for row in ward.rows(alarms) if row.kind == "call"]
        again += sum(move.detail.get("why") == "overdue" for move in ward.rows(transitions) if move.alarm_id == row.id)
        assert row.state == State.CLOSED.value
        ward.end()
    assert again >= 2
