"""Simulated staff act through the product's own code: ledger, sessions, register; and fail as people and tablets do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from nattevakt.central.columns import TENANT
from nattevakt.central.tables import alarms, notices, person_sessions, residents, rooms, stays, transitions
from nattevakt.edge.drivers.driver import Use
from nattevakt.sim.acts import Act
from nattevakt.sim.centre import Stock, Workings
from nattevakt.sim.explore.staffing import LAPSES, Staffing
from nattevakt.sim.explore.story import Manner, Mishap, Story
from nattevakt.sim.explore.wards import ASIDE
from nattevakt.sim.people import Happening
from nattevakt.sim.ward import WARD
from nattevakt.sim.ward import Ward as Place
from nattevakt.sim.world import Plan, World
from tests.sim.explore.stories import story

NOON_MS = 1_795_262_400_000
MINUTE_MS = 60_000
QUICK = Manner("kari", answers_s=10, walks_s=10, stays_s=20, rounds_every_min=0, chance=3)
OTHER = Manner("per", answers_s=300, walks_s=10, stays_s=20, rounds_every_min=0, chance=5)
Step = Callable[["Ward"], None]


def two_wards() -> Place:
    """A house in which an alarm can be given to another ward."""
    return replace(WARD, more=f'[[ward]]\nkey = "{ASIDE}"\nname = "Furutun, 3. etasje"\n')


class Ward:
    """A ward at noon with staff; `at` lets something happen so many minutes later."""

    def __init__(self, folder: Path, stock: Stock, *manners: Manner, at: Place = WARD) -> None:
        self.lines: list[str] = []
        plan = Plan(at, NOON_MS, 1, folder, stock, Workings(idle_sweeps=False))
        self.world = World(plan, lambda _, said: self.lines.append(said))
        told: Story = replace(story(), staff=manners or (QUICK, OTHER))
        self.staffing = Staffing(self.world, told)
        self.world.start()
        self.staffing.start()

    def at(self, minutes: float, act: Callable[[], None]) -> Ward:
        self.world.line.at(NOON_MS + round(minutes * MINUTE_MS), act)
        return self

    def presses(self, minutes: float, who: str = "r204") -> Ward:
        self.world.happens(Happening(NOON_MS + round(minutes * MINUTE_MS), who, Act.PRESSES))
        return self

    def lapse(self, minutes: float, what: str, who: str = "kari", lasts_min: float = 0.0) -> Ward:
        mishap = Mishap(0, what, who, round(lasts_min * MINUTE_MS), 1)
        self.at(minutes, lambda: self.staffing.lapse(replace(mishap, at_ms=self.world.line.now_ms)))
        return self.at(minutes + lasts_min, lambda: self.staffing.over(mishap)) if lasts_min else self

    def run(self, minutes: float) -> Ward:
        self.world.run(NOON_MS + round(minutes * MINUTE_MS))
        return self

    def rows(self, table: Any) -> list[Any]:
        with self.world.centre.db.read(self.world.centre.tenant.id) as s:
            return list(s.execute(select(table).where(table.c.tenant_id == TENANT)))

    def said(self, part: str) -> list[str]:
        return [line for line in self.lines if part in line]

    def end(self) -> None:
        self.world.close()


def test_an_alarm_is_shown_sounded_taken_and_closed_by_whoever_is_logged_in(folder: Path, stock: Stock) -> None:
    ward = Ward(folder, stock).presses(3).run(9)
    (alarm,) = (row for row in ward.rows(alarms) if row.kind == "call")
    assert (alarm.state, alarm.cause) == ("avsluttet", "toalett")
    made = [row for row in ward.rows(transitions) if row.alarm_id == alarm.id and row.staff_id is not None]
    assert made[0].to_state == "kvittert"
    assert [row.to_state for row in made][-2:] == ["hos_bruker", "avsluttet"]
    assert all(row.tablet_id is not None and row.idempotency_key for row in made)
    ledger = [row for row in ward.rows(notices) if row.alarm_id == alarm.id]
    assert len(ledger) == 2
    for notice in ledger:
        assert alarm.raised_ms <= notice.sent_ms <= notice.shown_ms <= notice.sounded_ms < alarm.raised_ms + 5_000
    assert len(ward.rows(person_sessions)) == 2
    ward.end()


def test_a_double_tap_changes_nothing_twice(folder: Path, stock: Stock) -> None:
    ward = Ward(folder, stock, replace(QUICK, doubles=1000)).presses(3).run(9)
    (alarm,) = (row for row in ward.rows(alarms) if row.kind == "call")
    made = [row.to_state for row in ward.rows(transitions) if row.alarm_id == alarm.id and row.staff_id is not None]
    assert made == sorted(set(made), key=made.index)
    assert ward.said("(gjentatt)")
    ward.end()


def test_who_taps_twice_while_typing_the_pin_still_has_what_they_took(folder: Path, stock: Stock) -> None:
    """The first tap finds nobody logged in; the second one comes through before the PIN is typed in full."""
    ward = Ward(folder, stock, replace(QUICK, doubles=1000)).presses(40).run(39)
    assert ward.staffing.pages[0].person, "the tablet does not know yet that it has been idle for too long"
    ward.run(48)
    assert [row.state for row in ward.rows(alarms) if row.kind == "call"] == ["avsluttet"]
    ward.end()


def test_two_who_answer_in_the_same_second_are_told_who_was_first(folder: Path, stock: Stock) -> None:
    ward = Ward(folder, stock, QUICK, replace(OTHER, answers_s=10)).lapse(1, "same_second").presses(3).run(9)
    assert len(ward.said("→ kvittert: ")) == 1
    assert "var først" in ward.said("→ kvittert: ")[0]
    assert [row.state for row in ward.rows(alarms) if row.kind == "call"] == ["avsluttet"]
    ward.end()


def of_call(ward: Ward) -> list[Any]:
    """The notices about calls: a ward whose tablet is dead has an alarm about that too."""
    calls = {row.id for row in ward.rows(alarms) if row.kind == "call"}
    return [row for row in ward.rows(notices) if row.alarm_id in calls]


def test_a_dead_tablet_shows_nothing_until_it_lives(folder: Path, stock: Stock) -> None:
    ward = Ward(folder, stock, QUICK).lapse(2, "tablet_dies", lasts_min=8).presses(3).run(8)
    (notice,) = of_call(ward)
    assert (notice.state, notice.shown_ms) == ("pending", None)
    (page,) = ward.staffing.pages
    assert (page.on, page.shown) == (False, {})
    ward.run(16)
    (notice,) = of_call(ward)
    assert notice.shown_ms is not None
    assert notice.shown_ms >= NOON_MS + 10 * MINUTE_MS
    assert [row.state for row in ward.rows(alarms) if row.kind == "call"] == ["avsluttet"]
    ward.end()


@pytest.mark.parametrize(("gives_up", "cause"), [("declines", "reject"), ("transfers", "transfer")])
def test_who_gives_an_alarm_away_comes_after_all_if_nobody_has_it(
    tmp_path: Path, stock: Stock, gives_up: str, cause: str
) -> None:
    """Some say so at once, some when they have taken it; alone on the ward they go themselves in the end."""
    first = set()
    for chance in range(3, 9):
        manner = replace(QUICK, chance=chance, **{gives_up: 1000})  # type: ignore[arg-type]  # both are numbers
        ward = Ward(tmp_path / str(chance), stock, manner, at=two_wards()).presses(3).run(25)
        (row,) = [row for row in ward.rows(alarms) if row.kind == "call"]
        assert row.state == "avsluttet"
        causes = [move.cause for move in ward.rows(transitions) if move.alarm_id == row.id]
        assert cause in causes
        first.add(causes[1])
        ward.end()
    assert first == {"take", cause}


def test_who_has_logged_out_or_slept_types_the_pin_again(folder: Path, stock: Stock) -> None:
    ward = Ward(folder, stock, QUICK).lapse(2, "logs_out").presses(3).run(8)
    assert [row.state for row in ward.rows(alarms) if row.kind == "call"] == ["avsluttet"]
    before = len(ward.rows(person_sessions))
    ward.presses(50).run(56)
    assert {row.state for row in ward.rows(alarms) if row.kind == "call"} == {"avsluttet"}
    assert len(ward.rows(person_sessions)) == before == 1
    ward.end()


def test_a_centre_that_comes_back_is_asked_again(folder: Path, stock: Stock) -> None:
    ward = Ward(folder, stock, QUICK).presses(3)
    ward.at(3.05, ward.world.centre_off).at(5, ward.world.centre_on).run(12)
    assert [row.state for row in ward.rows(alarms) if row.kind == "call"] == ["avsluttet"]
    ward.end()


def test_who_forgets_remembers_and_who_is_away_comes(folder: Path, stock: Stock) -> None:
    ward = Ward(folder, stock, replace(QUICK, forgets=1000)).presses(3).run(8)
    assert ward.said("glemmer alarm")
    assert [row.state for row in ward.rows(alarms) if row.kind == "call"] == ["kvittert"]
    ward.run(22)
    assert [row.state for row in ward.rows(alarms) if row.kind == "call"] == ["avsluttet"]
    ward.lapse(24, "away", lasts_min=10).presses(25).run(33)
    assert [row.state for row in ward.rows(alarms) if row.kind == "call"][-1] == "eskalert"
    ward.run(55)
    assert [row.state for row in ward.rows(alarms) if row.kind == "call"][-1] == "avsluttet"
    ward.end()


def test_help_changes_the_story(folder: Path, stock: Stock) -> None:
    """Who lies on the floor is helped up by whoever comes; nobody else changes anything."""
    fallen = Happening(NOON_MS + 3 * MINUTE_MS, "r203", Act.FALLS, "stue")
    ward = Ward(folder, stock, QUICK)
    ward.at(3, lambda: ward.staffing.lives.happened(fallen))
    ward.world.happens(fallen)
    ward.run(9)
    assert ward.said("Dagny får hjelp (fall): gets_up_from_floor")
    assert WARD.residents[2].sensor(Use.FALL) is not None
    ward.end()


def test_every_lapse_can_be_played(folder: Path, stock: Stock) -> None:
    ward = Ward(folder, stock)
    for number, (what, lapse) in enumerate(LAPSES.items()):
        ward.lapse(2 + number / 10, what, lasts_min=2 if lapse.lasts else 0)
    ward.presses(4).run(15)
    for lapse in LAPSES.values():
        assert ward.said(f"kari {lapse.says}")
    assert [row.state for row in ward.rows(alarms) if row.kind == "call"] == ["avsluttet"]
    ward.end()


def test_what_the_centre_does_not_take_is_written_down_later_and_in_its_order(folder: Path, stock: Stock) -> None:
    """A disk that fails ended hard seed 27; two who cannot get their change in wait their turn, and one
    who asks twice gets it once."""
    ward = Ward(folder, stock).run(2)
    world, room = ward.world, next(row.id for row in ward.rows(rooms) if row.number == "202")

    def lives_there() -> list[str]:
        names = {row.id: row.name for row in ward.rows(residents)}
        return [names[stay.resident_id] for stay in ward.rows(stays) if (stay.room_id, stay.to_ms) == (room, None)]

    before = lives_there()
    well = world.centre.storage.failing(Random(1), 1.0)
    for key, name in (("g-1", "Første Gjest"), ("g-2", "Andre Gjest"), ("g-1", "Første Gjest")):
        world.guest_changes("202", key, name)
    ward.run(4)
    assert lives_there() == before
    well()
    world.centre_off()
    ward.run(4.5)
    world.centre_on()
    ward.run(6)
    assert lives_there() == ["Andre Gjest"]
    assert world.troubles == []
    ward.end()
