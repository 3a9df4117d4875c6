"""What a seed file says of telephones, duty and routing, on both databases: strict, repeatable, right on DST nights."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from nattevakt.central.db import Database
from nattevakt.central.notify import routing_rows
from nattevakt.central.notify.routing import Routing
from nattevakt.central.people import duties
from nattevakt.central.people.duties import Duty
from nattevakt.central.seed import apply_seed
from nattevakt.central.seed_file import load_seed
from nattevakt.edge.errors import RejectError

OSLO = ZoneInfo("Europe/Oslo")
HOUR = 3_600_000
DAY = 24 * HOUR
TEXT = """
[tenant]
key = "furutun"
name = "Furutun"
[[ward]]
key = "a"
name = "A"
[[ward]]
key = "b"
name = "B"
[[staff]]
key = "kari"
name = "Kari N."
initials = "KN"
wards = ["a", "b"]
phone = "+47 900 00 000"
[[staff]]
key = "per"
name = "Per A."
initials = "PA"
wards = ["b"]
[[duty]]
staff = "kari"
role = "vakt"
ward = "a"
from = "22:00"
to = "07:00"
days = 3
[[duty]]
staff = "per"
zone = "nord"
from = "07:00"
to = "15:00"
weekdays = 31
[[duty]]
staff = "kari"
role = "ansvarlig"
from = "08:00"
to = "08:00"
days = 2
[routing]
zones = [{ key = "nord", name = "Nord", wards = ["a", "b"] }]
routes = [{ chain = "alle", kinds = ["fall"] }]
[[routing.chains]]
key = "alle"
name = "Alle med en gang"
steps = [{ to = ["tablets:all", "duty:*"] }]
repeat_s = 120
"""


def at(words: str) -> int:
    """A local moment, ms."""
    return round(datetime.fromisoformat(words).replace(tzinfo=OSLO).timestamp() * 1000)


def written(folder: Path, old: str = "", new: str = "") -> Path:
    assert old in TEXT
    path = folder / "seed.toml"
    path.write_text(TEXT.replace(old, new, 1) if old else TEXT, encoding="utf-8")
    return path


def carry_out(db: Database, path: Path, now_ms: int) -> list[str]:
    return apply_seed(db, load_seed(path), now_ms)


def rows(db: Database, name: str = "") -> list[Duty]:
    (tenant,) = db.tenants()
    with db.read(tenant.id) as s:
        return [one for one in duties.between(s, 0, 2**62) if not name or one.role == name]


def spans(found: list[Duty]) -> list[tuple[str, float]]:
    """When each begins, and for how many hours it lasts."""
    return [
        (datetime.fromtimestamp(one.from_ms / 1000, OSLO).strftime("%d. %H:%M"), (one.to_ms - one.from_ms) / HOUR)
        for one in found
    ]


def test_a_file_puts_people_on_duty_and_says_who_is_told(db: Database, tmp_path: Path) -> None:
    noon = at("2026-11-22T12:00")  # a Sunday
    said = carry_out(db, written(tmp_path), noon)
    assert said[-4:] == [
        "varslingsplan: versjon 1",
        "vakt kari a: 3 nye",
        "vakt per nord: 10 nye",
        "vakt kari hele kommunen: 3 nye",
    ]
    nights = [one for one in rows(db, "vakt") if one.ward_id is not None]
    assert spans(nights) == [("22. 22:00", 9.0), ("23. 22:00", 9.0), ("24. 22:00", 9.0)]
    assert {one.phone for one in nights} == {"+4790000000"}
    days = [one for one in rows(db, "vakt") if one.zone == "nord"]
    assert len(days) == 10, "two weeks of weekdays"
    assert {one.phone for one in days} == {None}
    assert spans(rows(db, "ansvarlig")) == [("22. 08:00", 24.0), ("23. 08:00", 24.0), ("24. 08:00", 24.0)]
    (tenant,) = db.tenants()
    with db.read(tenant.id) as s:
        assert routing_rows.current(s).chains[0].steps[0].to == ("tablets:all", "duty:*")
    assert carry_out(db, written(tmp_path), noon) == []


def test_who_has_begun_is_on_duty(db: Database, tmp_path: Path) -> None:
    carry_out(db, written(tmp_path), at("2026-11-22T03:00"))
    assert spans(rows(db, "vakt"))[:2] == [("21. 22:00", 9.0), ("22. 22:00", 9.0)]


@pytest.mark.parametrize(
    ("now", "first", "hours"),
    [("2026-10-24T12:00", "24. 22:00", 10.0), ("2027-03-27T12:00", "27. 22:00", 8.0)],
)
def test_a_night_on_which_clocks_change_ends_when_the_clock_on_the_wall_says(
    db: Database, tmp_path: Path, now: str, first: str, hours: float
) -> None:
    carry_out(db, written(tmp_path), at(now))
    assert next(one for one in spans(rows(db, "vakt")) if one[0].endswith("22:00")) == (first, hours)
    day = {one[1] for one in spans(rows(db, "ansvarlig"))}
    assert day == {24.0, 24.0 + (hours - 9.0)}, "a whole day by the clock, once an hour longer or shorter"


def test_the_next_day_adds_one_day_and_leaves_what_people_have_changed(db: Database, tmp_path: Path) -> None:
    noon = at("2026-11-22T12:00")
    carry_out(db, written(tmp_path), noon)
    (tenant,) = db.tenants()
    with db.write(tenant.id) as s:
        taken_away = next(one for one in rows(db, "vakt") if one.ward_id is not None and one.from_ms > noon + DAY)
        duties.end(s, taken_away.id, noon)
        ward_id, kari = taken_away.ward_id, taken_away.staff_id
        other = duties.Asked(kari, "vakt", at("2026-11-25T21:00"), at("2026-11-26T07:00"), ward_id)
        duties.add(s, other, zones=(), made_by=None, now_ms=noon)
    assert "vakt kari a: 1 nye" not in carry_out(db, written(tmp_path), noon + DAY)
    assert spans([one for one in rows(db, "vakt") if one.ward_id is not None]) == [
        ("22. 22:00", 9.0),
        ("24. 22:00", 9.0),
        ("25. 21:00", 10.0),
    ]


def test_a_routing_that_somebody_has_changed_since_stays(db: Database, tmp_path: Path) -> None:
    noon = at("2026-11-22T12:00")
    carry_out(db, written(tmp_path), noon)
    (tenant,) = db.tenants()
    with db.write(tenant.id) as s:
        before = routing_rows.current(s)
        mine = Routing(before.zones, (), before.chains, ())
        routing_rows.save(s, mine, why="uten", staff_id=None, by_name="Kari", now_ms=noon, expected_version=1)
    assert carry_out(db, written(tmp_path), noon) == []
    with db.read(tenant.id) as s:
        assert routing_rows.current(s) == mine
    assert "varslingsplan: versjon 3" in carry_out(db, written(tmp_path, "repeat_s = 120", "repeat_s = 180"), noon)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('phone = "+47 900 00 000"', 'phone = "90000000"', "seed.staff[0].phone"),
        ('staff = "kari"', 'staff = "ola"', "seed.duty[0].staff"),
        ('ward = "a"', 'ward = "c"', "seed.duty[0].ward"),
        ('ward = "a"', 'ward = "a"\nzone = "nord"', "seed.duty[0]"),
        ('role = "vakt"', 'role = "vaktmester"', "seed.duty[0].role"),
        ('from = "22:00"', 'from = "22"', "seed.duty[0].from"),
        ("days = 3", "days = 0", "seed.duty[0].days"),
        ("days = 3", "day = 3", "seed.duty[0].day"),
        ("weekdays = 31", "weekdays = 128", "seed.duty[1].weekdays"),
        ('kinds = ["fall"]', 'kind = ["fall"]', "routing.routes[0].kind"),
        ("repeat_s = 120", "repeat_s = true", "routing.chains[0].repeat_s"),
    ],
)
def test_an_error_names_the_key(tmp_path: Path, old: str, new: str, named: str) -> None:
    with pytest.raises(RejectError) as caught:
        load_seed(written(tmp_path, old, new))
    assert caught.value.field == named


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('zone = "nord"', 'zone = "sor"', "zone"),
        ('wards = ["b"]', "wards = []", "staff_id"),
        ('chain = "alle"', 'chain = "ingen"', "routes[0].chain"),
        ('wards = ["a", "b"] }', 'wards = ["c"] }', "zones[0].wards"),
    ],
)
def test_what_makes_no_sense_leaves_nothing_behind(
    db: Database, tmp_path: Path, old: str, new: str, named: str
) -> None:
    with pytest.raises(RejectError) as caught:
        carry_out(db, written(tmp_path, old, new), at("2026-11-22T12:00"))
    assert caught.value.field == named
    assert rows(db) == []
