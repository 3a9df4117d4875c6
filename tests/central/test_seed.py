"""Seed files: strict, repeatable, and kind to the past."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database
from nattevakt.central.people.staff import verify_pin
from nattevakt.central.places.bases import valid
from nattevakt.central.places.plans import current, of_residents, save
from nattevakt.central.seed import apply_seed
from nattevakt.central.seed_file import DeviceEntry, ResidentEntry, Seed, StaffEntry, WindowEntry, load_seed
from nattevakt.central.tables import gateways, placements, staff, staff_wards, stays
from nattevakt.central.tables_plans import bases, plan_versions, plans, round_times
from nattevakt.edge.errors import RejectError
from tests.central.house import BUTTON, SEED, Clock, House
from tests.support.house import seed_text

GOOD = """
[tenant]
key = "furutun"
name = "Furutun"
[[ward]]
key = "a"
name = "A"
night_from = "21:30"
[[room]]
key = "1"
ward = "a"
number = "1"
[[resident]]
key = "r1"
name = "Prøve Person"
room = "1"
[[door_window]]
resident = "r1"
from = "22:00"
to = "06:00"
"""


def written(folder: Path, words: str) -> Path:
    path = folder / "seed.toml"
    path.write_text(words, encoding="utf-8")
    return path


def test_a_file_is_read(tmp_path: Path) -> None:
    seed = load_seed(written(tmp_path, GOOD))
    assert seed.ward[0].night_from == 21 * 60 + 30
    assert seed.door_window == (WindowEntry("r1", 22 * 60, 6 * 60),)
    assert load_seed(written(tmp_path, seed_text())).tenant.key == "furutun"


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('name = "A"', 'name = "A"\ncolour = "red"', "seed.ward[0].colour"),
        ('ward = "a"', 'ward = "b"', "seed.room[0].ward"),
        ('room = "1"', 'room = "2"', "seed.resident[0].room"),
        ('"22:00"', '"25:00"', "seed.door_window[0].from"),
        ('resident = "r1"', 'resident = "r2"', "seed.door_window[0].resident"),
        ('to = "06:00"', 'until = "06:00"', "seed.door_window[0].until"),
        ('key = "a"', 'key = "A b"', "seed.ward[0].key"),
        ("[tenant]", "[tenant]\ntime_zone = 'Nowhere'", "seed.tenant.time_zone"),
        ("[[room]]", "[[ward]]\nkey = 'a'\nname = 'B'\n[[room]]", "seed.ward[1].key"),
        ("[[ward]]", "[[avdeling]]", "seed.avdeling"),
        ("[tenant]", "[tenant", "seed.toml"),
    ],
)
def test_an_error_names_the_key(tmp_path: Path, old: str, new: str, named: str) -> None:
    with pytest.raises(RejectError) as caught:
        load_seed(written(tmp_path, GOOD.replace(old, new, 1)))
    assert named in caught.value.field


def test_seeding_twice_changes_nothing(house: House) -> None:
    tables = (stays, placements, plans, plan_versions, bases, gateways, staff, staff_wards)
    before = [house.rows(table) for table in tables]
    house.clock.at_ms += 1000
    seed = replace(SEED, tenant=replace(SEED.tenant, name="furutun"))
    assert apply_seed(house.db, seed, house.clock.at_ms) == []
    assert [house.rows(table) for table in tables] == before


def changed(house: House, **parts: object) -> list[str]:
    house.clock.at_ms += 1000
    seed = replace(SEED, tenant=replace(SEED.tenant, name="furutun"), **parts)  # type: ignore[arg-type]
    return apply_seed(house.db, seed, house.clock.at_ms)


def test_a_guest_who_moves_in_does_not_inherit_the_past(house: House) -> None:
    moved = (ResidentEntry("r1", "Prøve En"), ResidentEntry("r2", "Prøve To", "202"), ResidentEntry("r3", "Ny", "201"))
    assert changed(house, resident=moved) == ["beboer r1: bor ikke her lenger", "beboer r3: ny", "beboer r3: bor i 201"]
    old, _, new = house.rows(stays)
    assert (old.from_ms, old.to_ms, new.from_ms, new.to_ms) == (0, house.clock.at_ms, house.clock.at_ms, None)


def test_a_device_that_moves_keeps_where_it_was(house: House) -> None:
    device = (DeviceEntry(BUTTON, room="202", spot="stue"), *SEED.device[1:])
    assert changed(house, device=device) == [f"enhet {BUTTON}: henger i 202 stue"]
    first, *_, last = house.rows(placements)
    assert (first.to_ms, last.from_ms, last.spot) == (house.clock.at_ms, house.clock.at_ms, "stue")


def test_windows_and_wards_follow_the_file(house: House) -> None:
    said = changed(
        house,
        door_window=(WindowEntry("r1", 60, 120),),
        staff=(StaffEntry("kari", "Kari N.", "KN", wards=("a",), lead=True),),
    )
    assert said == [
        "beboer r1: tilsynsplan door_at_night 01:00–02:00",
        "beboer r1: grunnlag mangler, overført i 30 dager",
        "beboer r2: tilsynsplan av",
        "ansatt kari: avdelinger a",
    ]
    with house.db.read(house.tenant.id) as s:
        found = of_residents(s, (1, 2))
    assert [(number, [line.rule for line in plan.lines]) for number, plan in sorted(found.items())] == [
        (1, ["door_at_night"]),
        (2, []),
    ]
    assert [(row.plan_id, row.version) for row in house.rows(plan_versions)] == [(1, 1), (2, 1), (1, 2)]


PLANNED = """
[[plan]]
resident = "r1"
template = "nattevandrer"
handling = "Følg Prøve tilbake til sengen."
responsible = "Kari N."
dense_rounds_min = 30
startup_days = 14
[[plan.lines]]
rule = "not_back_in_bed"
windows = [{ from = "12:00", to = "15:00", weekdays = 31 }]
settings = { limit_min = 40 }
[[basis]]
resident = "r1"
kind = "vedtak_4_6_a"
responsible = "Avdelingsleder"
review_days = 60
[[round]]
ward = "a"
at = "02:00"
[[round]]
resident = "r1"
at = "05:00"
weekdays = 3
"""


def test_a_file_gives_plans_with_their_ground_and_rounds_once(db: Database, tmp_path: Path) -> None:
    seed = load_seed(written(tmp_path, GOOD + PLANNED))
    now_ms = Clock().at_ms
    said = apply_seed(db, seed, now_ms)
    assert "beboer r1: grunnlag vedtak_4_6_a, vurderes på nytt om 60 dager" in said
    tenant = db.tenant(seed.tenant.key)
    assert tenant is not None
    with db.read(tenant.id) as s:
        plan = current(s, 1)
        basis = valid(s, (1,), now_ms)[1]
        rounds = s.execute(select(round_times.c.minute).where(round_times.c.tenant_id == TENANT)).scalars().all()
    assert plan is not None
    assert plan.startup_to_ms == now_ms + 14 * 86_400_000
    assert [line.settings["limit_min"] for line in plan.lines if line.rule == "not_back_in_bed"] == [15, 40]
    assert sum(line.rule == "door_at_night" for line in plan.lines) == 2
    assert (basis.kind, basis.review_ms) == ("vedtak_4_6_a", now_ms + 60 * 86_400_000)
    assert sorted(rounds) == [120, 300]
    assert apply_seed(db, seed, now_ms + 1) == []


def test_a_file_that_says_nothing_new_leaves_a_plan_that_a_person_has_changed(house: House) -> None:
    with house.db.write(house.tenant.id) as s:
        plan = current(s, 2)
        assert plan is not None
        save(s, 2, (), why="ro", staff_id=1, by_name="", now_ms=house.clock.at_ms, expected_version=plan.version)
    assert changed(house) == []
    with house.db.read(house.tenant.id) as s:
        plan = current(s, 2)
    assert plan is not None
    assert (plan.version, plan.lines) == (2, ())


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('rule = "not_back', 'rule = "never_back', "seed.plan[0].lines[0].rule"),
        ("limit_min = 40", "limit_min = 4", "seed.plan[0].lines[0].settings.limit_min"),
        ("limit_min = 40", "limit_mn = 40", "seed.plan[0].lines[0].settings.limit_mn"),
        ('from = "12:00"', 'from = "24:00"', "seed.plan[0].lines[0].windows[0].from"),
        ("weekdays = 31", "weekdays = 0", "seed.plan[0].lines[0].windows[0].weekdays"),
        ('template = "natte', 'template = "dag', "seed.plan[0].template"),
        ("vedtak_4_6_a", "vedtak", "seed.basis[0].kind"),
        ("review_days = 60", "review_days = 600", "seed.basis[0].review_days"),
        ('ward = "a"\nat', 'ward = "x"\nat', "seed.round[0].ward"),
    ],
)
def test_a_plan_that_cannot_be_is_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    with pytest.raises(RejectError) as caught:
        load_seed(written(tmp_path, GOOD + PLANNED.replace(old, new, 1)))
    assert caught.value.field == named


def test_a_pin_is_hashed_and_left_alone_when_it_is_the_same(house: House) -> None:
    with_pin = (StaffEntry("kari", "Kari N.", "KN", "274193", ("a", "b"), lead=True),)
    assert changed(house, staff=with_pin) == ["ansatt kari: endret (pin_argon2)"]
    assert verify_pin(house.rows(staff)[0].pin_argon2, "274193")
    assert changed(house, staff=with_pin) == []
    with pytest.raises(RejectError):
        changed(house, staff=(StaffEntry("kari", "Kari N.", "KN", "1234", lead=True),))


def test_a_gateways_key_is_shown_once_and_kept_as_a_digest(db: Database) -> None:
    seed = Seed(SEED.tenant, SEED.ward, gateway=SEED.gateway)
    said = apply_seed(db, seed, Clock().at_ms)
    tokens = [line.rpartition(" ")[2] for line in said if "nv1." in line]
    assert len(tokens) == 2
    assert not any("nv1." in line for line in apply_seed(db, seed, Clock().at_ms))
