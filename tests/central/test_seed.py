"""Seed files: strict, repeatable, and kind to the past."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nattevakt.central.db import Database
from nattevakt.central.people.staff import verify_pin
from nattevakt.central.seed import apply_seed
from nattevakt.central.seed_file import DeviceEntry, ResidentEntry, Seed, StaffEntry, WindowEntry, load_seed
from nattevakt.central.tables import door_windows, gateways, placements, staff, staff_wards, stays
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
    tables = (stays, placements, door_windows, gateways, staff, staff_wards)
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
        house, door_window=(WindowEntry("r1", 60, 120),), staff=(StaffEntry("kari", "Kari N.", "KN", wards=("a",)),)
    )
    assert said == ["beboer r1: dørvindu 01:00–02:00", "beboer r2: dørvindu av", "ansatt kari: avdelinger a"]
    assert [(row.resident_id, row.from_minute) for row in house.rows(door_windows)] == [(1, 60)]


def test_a_pin_is_hashed_and_left_alone_when_it_is_the_same(house: House) -> None:
    with_pin = (StaffEntry("kari", "Kari N.", "KN", "274193", ("a", "b")),)
    assert changed(house, staff=with_pin) == ["ansatt kari: endret (pin_argon2)"]
    assert verify_pin(house.rows(staff)[0].pin_argon2, "274193")
    assert changed(house, staff=with_pin) == []
    with pytest.raises(RejectError):
        changed(house, staff=(StaffEntry("kari", "Kari N.", "KN", "1234"),))


def test_a_gateways_key_is_shown_once_and_kept_as_a_digest(db: Database) -> None:
    seed = Seed(SEED.tenant, SEED.ward, gateway=SEED.gateway)
    said = apply_seed(db, seed, Clock().at_ms)
    tokens = [line.rpartition(" ")[2] for line in said if "nv1." in line]
    assert len(tokens) == 2
    assert not any("nv1." in line for line in apply_seed(db, seed, Clock().at_ms))
