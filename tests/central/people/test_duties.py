"""Who is on duty, on both databases: for a ward, its zone or all; what ends, what is put right, what cannot be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.people import duties
from nattevakt.central.people.duties import Asked, DutyError
from nattevakt.central.people.staff import set_phone
from nattevakt.central.tables import staff, staff_wards, wards
from nattevakt.edge.errors import RejectError
from tests.central.house import NOON_MS, House

HOUR = 3_600_000
EVENING, MORNING = NOON_MS + 10 * HOUR, NOON_MS + 19 * HOUR
ZONES = ("nord",)


@pytest.fixture
def people(house: House) -> tuple[int, int, int, int]:
    """Kari, Per, ward a, ward b."""
    return (
        house.id_of(staff, "kari"),
        house.id_of(staff, "per"),
        house.id_of(wards, "a"),
        house.id_of(wards, "b"),
    )


def put(s: TenantSession, asked: Asked, now_ms: int = NOON_MS) -> int:
    return duties.add(s, asked, zones=ZONES, made_by=None, now_ms=now_ms)


def names(s: TenantSession, ward: int, zone: str | None, at_ms: int, role: str = "*") -> list[tuple[str, str]]:
    return [(one.name, one.role) for one in duties.on_duty(s, ward, zone, at_ms, role)]


def test_of_the_ward_then_its_zone_then_all_and_not_a_moment_longer(
    house: House, people: tuple[int, int, int, int]
) -> None:
    kari, per, a, b = people
    with house.db.write(house.tenant.id) as s:
        set_phone(s, "per", "+47 900 00 000")
        put(s, Asked(per, "ansvarlig", EVENING, MORNING))
        put(s, Asked(per, "sykepleier", EVENING, MORNING, zone="nord"))
        put(s, Asked(kari, "vakt", EVENING, MORNING, ward_id=a))
        whole = [("Kari N.", "vakt"), ("Per A.", "sykepleier"), ("Per A.", "ansvarlig")]
        assert names(s, a, "nord", EVENING) == whole
        assert names(s, a, None, EVENING) == [whole[0], whole[2]]
        assert names(s, b, "nord", EVENING) == whole[1:]
        assert names(s, b, "sør", EVENING) == whole[2:]
        assert names(s, a, "nord", EVENING, "sykepleier") == [whole[1]]
        assert names(s, a, "nord", MORNING - 1) == whole
        assert names(s, a, "nord", MORNING) == names(s, a, "nord", EVENING - 1) == []
        first = duties.on_duty(s, b, "nord", EVENING)[0]
    assert first == duties.OnDuty(per, "Per A.", "sykepleier", "+4790000000", EVENING, MORNING)


def test_who_has_left_is_not_on_duty(house: House, people: tuple[int, int, int, int]) -> None:
    kari, _per, a, _b = people
    with house.db.write(house.tenant.id) as s:
        put(s, Asked(kari, "vakt", EVENING, MORNING, ward_id=a))
        s.execute(update(staff).where(staff.c.tenant_id == TENANT, staff.c.id == kari), {"active": False})
        assert names(s, a, None, EVENING) == []
        with pytest.raises(DutyError) as caught:
            put(s, Asked(kari, "vakt", MORNING, MORNING + HOUR, ward_id=a))
    assert caught.value.code == "unknown_staff"


def test_what_is_ended_holds_until_then_and_what_never_began_never_was(
    house: House, people: tuple[int, int, int, int]
) -> None:
    kari, per, a, _b = people
    with house.db.write(house.tenant.id) as s:
        begun = put(s, Asked(kari, "vakt", EVENING, MORNING, ward_id=a))
        ahead = put(s, Asked(per, "vakt", EVENING + HOUR, MORNING, ward_id=a))
        duties.end(s, begun, EVENING + HOUR)
        duties.end(s, ahead, EVENING)
        duties.end(s, ahead, EVENING + 2 * HOUR)
        assert names(s, a, None, EVENING + HOUR - 1) == [("Kari N.", "vakt")]
        assert names(s, a, None, EVENING + HOUR) == []
        assert [(one.id, one.to_ms) for one in duties.between(s, 0, MORNING)] == [(begun, EVENING + HOUR)]
        assert duties.between(s, EVENING + HOUR, MORNING) == []
        # Room again for what was taken away.
        put(s, Asked(per, "vakt", EVENING + HOUR, MORNING, ward_id=a), EVENING)
        with pytest.raises(DutyError) as caught:
            duties.end(s, 99, EVENING)
        assert caught.value.code == "unknown_duty"
        ended = duties.one(s, ahead)
    assert ended is not None
    assert ended.ended_ms == EVENING, "the first word holds"


def test_a_change_leaves_what_has_been_as_it_was(house: House, people: tuple[int, int, int, int]) -> None:
    kari, _per, a, _b = people
    now_ms = EVENING + 2 * HOUR
    more: dict[str, Any] = {"zones": ZONES, "made_by": kari}
    with house.db.write(house.tenant.id) as s:
        first = put(s, Asked(kari, "vakt", EVENING, MORNING, ward_id=a))
        duties.change(s, first, from_ms=EVENING, to_ms=MORNING, role="sykepleier", now_ms=now_ms, **more)
        found = duties.between(s, EVENING, MORNING)
        assert [(one.role, one.from_ms, one.to_ms) for one in found] == [
            ("vakt", EVENING, now_ms),
            ("sykepleier", now_ms, MORNING),
        ]
        ahead = put(s, Asked(kari, "vakt", MORNING, MORNING + HOUR, ward_id=a))
        moved = duties.change(s, ahead, from_ms=MORNING + HOUR, to_ms=MORNING + 3 * HOUR, role="vakt", now_ms=1, **more)
        assert [(one.id, one.from_ms) for one in duties.between(s, MORNING, MORNING + 9 * HOUR)] == [
            (moved, MORNING + HOUR)
        ]
        with pytest.raises(DutyError) as caught:
            duties.change(s, first, from_ms=EVENING, to_ms=MORNING, role="vakt", now_ms=now_ms, **more)
        assert caught.value.code == "over"


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("order", {"to_ms": EVENING}),
        ("order", {"to_ms": EVENING - 1}),
        ("long", {"to_ms": EVENING + 25 * HOUR + 1}),
        ("over", {"from_ms": NOON_MS - HOUR, "to_ms": NOON_MS}),
        ("unknown_role", {"role": "vaktmester"}),
        ("unknown_role", {"role": "*"}),
        ("unknown_staff", {"staff_id": 99}),
        ("unknown_ward", {"ward_id": 99}),
        ("unknown_zone", {"ward_id": None, "zone": "sør"}),
        ("two_places", {"zone": "nord"}),
        ("overlap", {"from_ms": EVENING - HOUR, "to_ms": EVENING + 1}),
        ("overlap", {"from_ms": MORNING - 1, "to_ms": MORNING + HOUR}),
        ("overlap", {"from_ms": EVENING + 1, "to_ms": EVENING + 2}),
    ],
)
def test_what_cannot_be(house: House, people: tuple[int, int, int, int], code: str, changes: dict[str, Any]) -> None:
    kari, _per, a, _b = people
    good = Asked(kari, "vakt", EVENING, MORNING, ward_id=a)
    with house.db.write(house.tenant.id) as s:
        put(s, good)
        with pytest.raises(DutyError) as caught:
            put(s, replace(good, **changes))
        assert caught.value.code == code
        assert len(duties.between(s, 0, 2**62)) == 1


def test_beside_another_duty_there_is_room(house: House, people: tuple[int, int, int, int]) -> None:
    kari, per, a, b = people
    good = Asked(kari, "vakt", EVENING, MORNING, ward_id=a)
    with house.db.write(house.tenant.id) as s:
        put(s, good)
        assert duties.is_there(s, good)
        assert not duties.is_there(s, replace(good, to_ms=MORNING + 1))
        for beside in (
            replace(good, from_ms=MORNING, to_ms=MORNING + HOUR),
            replace(good, from_ms=EVENING - HOUR, to_ms=EVENING),
            replace(good, role="sykepleier"),
            replace(good, staff_id=per),
            replace(good, ward_id=b),
            replace(good, ward_id=None, zone="nord"),
            replace(good, ward_id=None),
            replace(good, from_ms=EVENING + 24 * HOUR, to_ms=EVENING + 48 * HOUR),
        ):
            assert not duties.is_there(s, beside)
            put(s, beside)


def test_whoever_may_not_take_the_alarms_is_not_on_duty_for_them(
    house: House, people: tuple[int, int, int, int]
) -> None:
    kari, _per, a, b = people
    with house.db.write(house.tenant.id) as s:
        mine = (staff_wards.c.tenant_id == TENANT, staff_wards.c.staff_id == kari)
        s.execute(staff_wards.delete().where(*mine, staff_wards.c.ward_id == b))
        with pytest.raises(DutyError) as caught:
            put(s, Asked(kari, "vakt", EVENING, MORNING, ward_id=b))
        assert caught.value.code == "not_of_ward"
        put(s, Asked(kari, "teknisk", EVENING, MORNING, ward_id=b))
        put(s, Asked(kari, "vakt", EVENING, MORNING, zone="nord"))
        s.execute(staff_wards.delete().where(*mine))
        with pytest.raises(DutyError) as caught:
            put(s, Asked(kari, "ansvarlig", EVENING, MORNING))
        assert caught.value.code == "not_of_ward"
    assert a != b


def test_the_zones_that_somebody_is_on_duty_for(house: House, people: tuple[int, int, int, int]) -> None:
    kari = people[0]
    with house.db.write(house.tenant.id) as s:
        duty = put(s, Asked(kari, "vakt", EVENING, MORNING, zone="nord"))
        assert duties.zones_used(s, EVENING - HOUR) == {"nord"}
        assert duties.zones_used(s, MORNING) == frozenset()
        duties.end(s, duty, EVENING)
        assert duties.zones_used(s, EVENING) == frozenset()


@pytest.mark.parametrize(
    "phone", ["90000000", "+04790000000", "+47 9000", "+4790000000000000", "+47x0000000", "004790"]
)
def test_what_is_no_telephone_number_is_refused(house: House, phone: str) -> None:
    with house.db.write(house.tenant.id) as s, pytest.raises(RejectError) as caught:
        set_phone(s, "per", phone)
    assert caught.value.field == "phone"


def test_a_number_is_taken_away_again(house: House) -> None:
    with house.db.write(house.tenant.id) as s:
        set_phone(s, "per", "+4790000000")
        set_phone(s, "per", " ")
        with pytest.raises(RejectError):
            set_phone(s, "nobody", "")
    assert [row.phone for row in house.rows(staff)] == [None, None]
