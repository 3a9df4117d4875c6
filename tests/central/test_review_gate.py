"""Ways in which a plan, its ground, its pauses and its rounds might lose an alarm or ring one too many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update

from nattevakt.central import states, sweep
from nattevakt.central.alarms import register
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.alarms.requests import Act
from nattevakt.central.columns import TENANT
from nattevakt.central.migrations.versions import v0004_plans
from nattevakt.central.people.tablets import Tablet
from nattevakt.central.places import bases, off_list, pauses, plans
from nattevakt.central.places.plan_lines import Line
from nattevakt.central.refold import Fold
from nattevakt.central.seed import apply_seed
from nattevakt.central.seed_file import Seed, TenantEntry
from nattevakt.central.tables import alarms, residents, stays
from nattevakt.central.tablet import beside, i18n, views
from nattevakt.edge.events import Bed, Contact, Fall
from nattevakt.edge.rules.windows import Window
from tests.central.house import BED as BED_MAT
from tests.central.house import BUTTON, DOOR, LEAK, S1, SEED, House, line, moment
from tests.central.night import MAT, MIN, Delivery, Ward
from tests.central.test_gate import (
    BED,
    DAY_MS,
    HOUR_MS,
    LEFT,
    START_MS,
    at,
    bed,
    lived,
    saved,
    script,
    told,
    write,
)


@pytest.fixture
def ward(database_url: str, tmp_path: Path) -> Iterator[Ward]:
    """One resident's room on each database."""
    made = Ward(database_url, "furutun", START_MS)
    yield made
    made.close()


# --- a fall whose sensor never says that it is over ----------------------------------------------------------


def test_a_second_fall_sounds_again_though_the_first_was_seen_to(house: House) -> None:
    start = house.clock.at_ms
    house.gate.tell(1, Fall(BUTTON))
    (first,) = house.alarms("fall")
    for to in (State.TAKEN, State.ON_SITE, State.CLOSED):
        house.clock.at_ms += MIN
        wish = Act(first.id, to, 1, None, f"tap-{to}", "fall" if to is State.CLOSED else "", "hjelp_gitt")
        write(house, register.act, wish, house.clock.at_ms)
    house.clock.at_ms = start + HOUR_MS
    house.gate.tell(2, Fall(BUTTON))
    assert len(house.alarms("fall")) == 2
    for minute in range(1, 7):
        house.clock.at_ms = start + HOUR_MS + minute * MIN
        sweep.cycle(house.db, house.tenant, house.clock.at_ms)
    assert [(row.state, row.sound_seq) for row in house.alarms("fall")] == [("avsluttet", 1), ("eskalert", 2)]


# --- an upgrade while somebody is up -------------------------------------------------------------------------


def test_who_is_out_of_bed_during_the_upgrade_is_not_forgotten(ward: Ward) -> None:
    lived(ward, script(*LEFT), 0, 20)
    with ward.db.write(ward.tenant.id) as s:
        # What version 0003 kept of the same night.
        kept = Fold.load(states.lock(s, "resident:1", BED))
        out: Any = dict(kept.state["out"])  # type: ignore[call-overload]
        del out["more_ms"]
        out["back_ms"] = None
        old = {"beds": {MAT: False}, "told": {MAT: at(10)}, "out": out}
        states.keep(s, "resident:1", BED, {**kept.plain(), "state": old, "near": [], "far": []})
        s.execute(text("DELETE FROM rule_states WHERE tenant_id = :tenant AND rule = 'arming'"), {})
        v0004_plans.forget_states(s.connection, ward.tenant.id)
    ward.live([], Delivery(), at(22))
    ward.live([], Delivery(), at(26))
    assert told(ward) == [(BED, "eskalert", ())]
    with ward.db.read(ward.tenant.id) as s:
        assert [row.kind for row in s.execute(select(alarms).where(alarms.c.tenant_id == TENANT))] == [BED]


# --- what was due before the gate closed ---------------------------------------------------------------------


def test_an_opening_from_before_the_pause_rings_though_it_is_told_during_it(house: House) -> None:
    now = house.clock.at_ms
    write(house, pauses.begin, 2, None, now + HOUR_MS, "Datter på besøk", 1, now)
    house.gate.tell(1, Contact(DOOR, open=True), at_ms=now - 5 * MIN)
    house.clock.at_ms += MIN
    house.gate.tell(2, Contact(DOOR, open=True))
    assert [(row.kind, row.reason_code) for row in house.alarms()] == [("door_at_night", "door.opened_late")]


def test_a_deadline_that_passed_before_the_pause_is_judged_during_it(ward: Ward) -> None:
    """The data was complete only after the pause had begun."""
    lived(ward, script(*LEFT), 0, 24)
    ward.clock.at_ms = at(25.2)
    write(ward, pauses.begin, 1, None, at(90), "Stell", None, ward.clock.at_ms)
    ward.live([], Delivery(), at(27))
    assert told(ward) == [(BED, "eskalert", ())]


def test_a_deadline_before_the_day_shift_is_judged_by_a_centre_that_comes_back_after_it(ward: Ward) -> None:
    write(ward, bases.end, 1, None, START_MS)
    write(ward, bases.give, 1, "samtykke", 0, at(150), "Avdelingsleder", None, START_MS)
    seven = 450
    lived(ward, script((1, "in"), (seven - 20, "out"), (seven - 18, "moves")), 0, seven - 10)
    # Due at five to seven, while the centre is away.
    ward.clock.at_ms = at(seven + 1)
    ward.live([], Delivery(sweeps=(at(seven + 1), at(seven + 2))), at(seven + 3))
    assert told(ward) == [(BED, "eskalert", ())]


# --- a rule taken out and put in again before anybody looked --------------------------------------------------


def test_a_rule_that_was_out_for_two_seconds_knows_who_left_the_bed_then(ward: Ward) -> None:
    lived(ward, script((1, "in")), 0, 9)
    ward.clock.at_ms = at(10)
    saved(ward, 1)
    ward.gates[0].send(line(S1, 2, Bed(MAT, occupied=False), moment(at(10))))
    ward.clock.at_ms = at(10) + 2000
    saved(ward, 1, bed(15))
    ward.live([], Delivery(), at(60))
    assert [state for _, state, _ in told(ward)] == ["eskalert"]


# --- grounds that lie ahead ----------------------------------------------------------------------------------


def about_basis(ward: Ward) -> list[tuple[str, str]]:
    with ward.db.read(ward.tenant.id) as s:
        rows = s.execute(select(alarms).where(alarms.c.tenant_id == TENANT, alarms.c.kind == "basis_expired")).all()
    return [(row.reason_code, row.state) for row in rows]


def test_a_ground_that_begins_later_hides_not_that_todays_runs_out(ward: Ward) -> None:
    noon = START_MS + 12 * HOUR_MS
    write(ward, bases.give, 1, "samtykke", 0, noon, "Avdelingsleder", None, START_MS)
    later = START_MS + 30 * DAY_MS
    write(ward, bases.give, 1, "vedtak_4_6_a", later, later + DAY_MS, "Avdelingsleder", None, START_MS)
    ward.clock.at_ms = noon
    sweep.cycle(ward.db, ward.tenant, noon)
    assert about_basis(ward) == [("basis_expired", "meldt")]
    # One more that lies ahead renews nothing today either.
    write(ward, bases.give, 1, "vedtak_4_6_a", later, later + 2 * DAY_MS, "Avdelingsleder", None, noon)
    sweep.cycle(ward.db, ward.tenant, noon + MIN)
    assert about_basis(ward) == [("basis_expired", "meldt")]
    # When it begins the alarm is over.
    sweep.cycle(ward.db, ward.tenant, later)
    assert about_basis(ward) == [("basis_expired", "auto_avklart")]


def test_a_ground_that_takes_over_before_todays_runs_out_rings_nobody(ward: Ward) -> None:
    noon = START_MS + 12 * HOUR_MS
    write(ward, bases.give, 1, "samtykke", 0, noon, "Avdelingsleder", None, START_MS)
    write(ward, bases.give, 1, "vedtak_4_6_a", noon - HOUR_MS, noon + DAY_MS, "Avdelingsleder", None, START_MS)
    for when in (noon - HOUR_MS, noon, noon + HOUR_MS):
        sweep.cycle(ward.db, ward.tenant, when)
    assert about_basis(ward) == []
    sweep.cycle(ward.db, ward.tenant, noon + DAY_MS)
    assert about_basis(ward) == [("basis_expired", "meldt")]


# --- names ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told_text", "name"),
    [
        ("Bruk Karis rullator", "Kari Nordmann"),
        ("Ring Nordmanns datter", "Kari Nordmann"),
        ("Anne liker lys", "Anne-Lise Berg"),
        ("Lises lampe", "Anne-Lise Berg"),
        ("Pa\u030als stokk", "P\u00e5l Berg"),
    ],
)
def test_a_name_in_the_genitive_is_a_name(told_text: str, name: str) -> None:
    said = beside.unnamed(i18n.words("nb"), told_text, name)
    assert "beboeren" in said
    assert not any(part in said for part in ("Kari", "Nordmann", "Anne", "Lise", "P\u00e5l", "Pa\u030al"))


# --- the list ------------------------------------------------------------------------------------------------


def test_what_was_never_heard_stands_on_the_list(house: House) -> None:
    house.gate.beat()
    house.gate.tell(1, Contact(DOOR, open=False))
    with house.db.read(house.tenant.id) as s:
        found = off_list.off_now(s, house.clock.at_ms)
    assert {one.device for one in found if one.what == "device"} == {BUTTON, BED_MAT, LEAK}
    assert [one.params["name"] for one in found if one.what == "gateway"] == ["Kjelleren"]


def test_of_two_in_a_room_neither_name_is_read_in_what_the_plan_says(house: House) -> None:
    now = house.clock.at_ms
    with house.db.write(house.tenant.id) as s:
        s.insert(stays, resident_id=1, room_id=2, from_ms=0, to_ms=None)
        s.execute(update(residents).where(residents.c.tenant_id == TENANT, residents.c.id == 1).values(name="Ola Vik"))
        s.execute(update(residents).where(residents.c.tenant_id == TENANT, residents.c.id == 2).values(name="Kari Vik"))
        plans.save(
            s,
            2,
            [Line("door_at_night", (Window(0, 0),))],
            handling="Følg Kari inn. Olas seng står ved døra.",
            why="prøve",
            staff_id=None,
            by_name="prøve",
            now_ms=now,
            expected_version=1,
        )
    house.gate.tell(1, Contact(DOOR, open=True))
    tablet = Tablet(house.tenant, 1, 2, "Avdeling B")
    with house.db.read(house.tenant.id) as s:
        (card,) = views.board(s, tablet, None, i18n.words("nb"), now).cards
    assert card.handling == "Følg beboeren inn. beboeren seng står ved døra."


def test_a_file_of_before_the_migration_takes_nothing_back(house: House) -> None:
    """The same windows, once carried over, and changed by the ward since."""
    with house.db.write(house.tenant.id) as s:
        s.execute(text("UPDATE plan_versions SET by_name = 'overført' WHERE tenant_id = :tenant"), {})
    mine = saved(house, 2, Line("door_at_night", (Window(60, 120),)))
    again = Seed(
        TenantEntry("furutun", "furutun"),
        SEED.ward,
        SEED.room,
        SEED.resident,
        SEED.gateway,
        SEED.device,
        SEED.door_window,
        SEED.staff,
    )
    apply_seed(house.db, again, house.clock.at_ms)
    with house.db.read(house.tenant.id) as s:
        assert plans.current(s, 2) == mine


def test_a_ground_that_is_given_ahead_at_night_leaves_the_word_at_the_day_shift(ward: Ward) -> None:
    write(ward, bases.end, 1, None, START_MS)
    write(ward, bases.give, 1, "samtykke", 0, at(60), "Avdelingsleder", None, START_MS)
    sweep.cycle(ward.db, ward.tenant, at(61))
    assert about_basis(ward) == [("basis_expired.armed", "meldt")]
    later = START_MS + 30 * DAY_MS
    write(ward, bases.give, 1, "vedtak_4_6_a", later, later + DAY_MS, "Avdelingsleder", None, at(120))
    sweep.cycle(ward.db, ward.tenant, at(121))
    assert about_basis(ward) == [("basis_expired.armed", "meldt")]
    sweep.cycle(ward.db, ward.tenant, at(7.5 * 60))
    assert about_basis(ward) == [("basis_expired", "meldt")]
