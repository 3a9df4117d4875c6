"""Plans, their ground and pauses: versions, refusals that say what to do, and the list of what is off."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from nattevakt.central import sweep
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database, TenantSession
from nattevakt.central.places import bases, off_list, pauses, plans
from nattevakt.central.places.arming import standings
from nattevakt.central.places.plan_lines import Line, PlanError, check, read_lines
from nattevakt.central.places.templates import TEMPLATES, fitted
from nattevakt.central.tables import devices, listed_devices
from nattevakt.edge.errors import RejectError
from nattevakt.edge.rules.catalogue import BY_NAME, RULES
from nattevakt.edge.rules.windows import Window
from tests.central.house import BUTTON, DOOR, LEAK, House

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
NIGHT = Window(22 * 60, 7 * 60)
DOORS = (Line("door_at_night", (NIGHT,)),)


def save(s: TenantSession, lines: tuple[Line, ...], expected: int, **more: Any) -> plans.Plan:
    said = {"why": "prøve", "staff_id": 1, "by_name": "", "now_ms": 1_000, **more}
    return plans.save(s, 1, lines, expected_version=expected, **said)


# --- versions ------------------------------------------------------------------------------------------------


def test_every_change_is_a_version_with_who_when_what_and_why(house: House) -> None:
    with house.db.write(house.tenant.id) as s:
        assert plans.current(s, 1) is None
        save(s, DOORS, 0, handling="Følg tilbake", responsible="Kari", dense_rounds_min=30)
        second = save(s, (), 1, why="Sover trygt", staff_id=2, now_ms=2_000)
        assert (second.version, second.lines) == (2, ())
        found = plans.history(s, 1)
    assert [(one.version, one.at_ms, one.staff_id, one.why) for one in found] == [
        (2, 2_000, 2, "Sover trygt"),
        (1, 1_000, 1, "prøve"),
    ]
    first = found[1].body
    assert (first.handling, first.responsible, first.dense_rounds_min) == ("Følg tilbake", "Kari", 30)
    # What was a default when it was written stays what it was.
    known = {setting.name: setting.default for setting in BY_NAME["door_at_night"].settings}
    assert [(line.rule, line.windows, dict(line.settings)) for line in first.lines] == [
        ("door_at_night", (NIGHT,), known)
    ]


def test_who_changes_what_another_has_changed_is_told(house: House) -> None:
    with house.db.write(house.tenant.id) as s:
        save(s, DOORS, 0)
        for stale in (0, 2):
            with pytest.raises(plans.StalePlan) as caught:
                save(s, (), stale)
            assert caught.value.version == 1
        assert len(plans.history(s, 1)) == 1


def test_of_two_who_save_at_once_one_is_told(house: House, database_url: str) -> None:
    with house.db.write(house.tenant.id) as s:
        save(s, DOORS, 0)
    told: list[str] = []

    def saving(db: Database) -> None:
        try:
            db.transact(house.tenant.id, lambda s: save(s, (), 1))
            told.append("saved")
        except plans.StalePlan:
            told.append("stale")

    databases = [Database(database_url) for _ in range(2)]
    threads = [threading.Thread(target=saving, args=(db,)) for db in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for db in databases:
        db.close()
    assert sorted(told) == ["saved", "stale"]


def test_one_tenants_plans_are_not_anothers(house: House) -> None:
    with house.db.write(house.tenant.id) as s:
        save(s, DOORS, 0)
    other, _ = house.db.set_tenant("annen", "Annen", "Europe/Oslo")
    with house.db.read(other) as s:
        assert plans.current(s, 1) is None
        assert standings(s, (1,), house.clock.at_ms) == {}


# --- refusals ------------------------------------------------------------------------------------------------

BED = "not_back_in_bed"


@pytest.mark.parametrize(
    ("line", "field", "code"),
    [
        ({"rule": "fly"}, "lines[0].rule", "unknown_rule"),
        ({"rule": "call"}, "lines[0].rule", "rule_not_planned"),
        ({"rule": BED, "settings": {"limit_min": -1}}, "lines[0].settings.limit_min", "out_of_range"),
        ({"rule": BED, "settings": {"limit_min": 1.5}}, "lines[0].settings.limit_min", "not_whole"),
        ({"rule": BED, "settings": {"limit_min": True}}, "lines[0].settings.limit_min", "not_whole"),
        ({"rule": BED, "settings": {"grense": 5}}, "lines[0].settings.grense", "unknown_setting"),
        (
            {"rule": BED, "windows": [{"from_minute": 1440, "to_minute": 0}]},
            "lines[0].windows[0].from_minute",
            "window_impossible",
        ),
        (
            {"rule": BED, "windows": [{"from_minute": 0, "to_minute": 60, "weekdays": 0}]},
            "lines[0].windows[0].weekdays",
            "window_impossible",
        ),
        ({"rule": BED, "windows": [{"from": 0}]}, "lines[0].windows[0].from", "bad_form"),
        ({"rule": BED, "window": []}, "lines[0].window", "bad_form"),
        ("not_back_in_bed", "lines[0]", "bad_form"),
    ],
)
def test_a_line_that_cannot_be_is_refused_by_name(line: object, field: str, code: str) -> None:
    with pytest.raises(PlanError) as caught:
        check(read_lines([line]))
    assert (caught.value.field, caught.value.code) == (field, code)
    assert caught.value.reason


def test_a_line_twice_is_refused() -> None:
    with pytest.raises(PlanError) as caught:
        check((*DOORS, *DOORS))
    assert (caught.value.field, caught.value.code) == ("lines[1]", "line_twice")
    check((*DOORS, Line("door_at_night", (Window(0, 60),))))


def test_a_rule_that_the_room_has_no_sensor_for_is_refused_with_what_to_do(house: House) -> None:
    gateway = house.gate.sender.gateway_id
    with house.db.write(house.tenant.id) as s:
        # Nobody has told what hangs there: nothing is refused for it.
        assert plans.uses_of(s, 2) is None
        s.execute(update(devices).where(devices.c.tenant_id == TENANT).values(gateway_id=gateway))
        for address, use in ((DOOR, "door"), ("test:bed", "chair")):
            s.add(listed_devices, [{"gateway_id": gateway, "address": address, "use": use}])
        assert plans.uses_of(s, 2) == frozenset({"door", "chair"})
        plan = plans.current(s, 2)
        assert plan is not None
        with pytest.raises(PlanError) as caught:
            plans.save(
                s,
                2,
                (Line(BED, (NIGHT,)),),
                why="x",
                staff_id=None,
                by_name="x",
                now_ms=1,
                expected_version=plan.version,
            )
        assert (caught.value.code, caught.value.params["needs"]) == ("missing_sensor", "bed")
        assert "mount one, or take the line out" in caught.value.reason


@pytest.mark.parametrize(
    ("more", "field"),
    [({"why": " "}, "why"), ({"dense_rounds_min": 5}, "dense_rounds_min"), ({"handling": "x" * 2_001}, "handling")],
)
def test_a_plan_says_why_and_stays_within_bounds(house: House, more: dict[str, Any], field: str) -> None:
    with house.db.write(house.tenant.id) as s:
        with pytest.raises(RejectError) as caught:
            save(s, DOORS, 0, **more)
        assert caught.value.field == field
        assert plans.current(s, 1) is None


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_a_plan(name: str) -> None:
    assert TEMPLATES[name]
    check(TEMPLATES[name])
    can, lacks = fitted(name, frozenset({"door"}))
    check(can, frozenset({"door"}))
    assert [line for line in TEMPLATES[name] if line in can] == list(can)
    assert len(can) + len(lacks) == len(TEMPLATES[name])


def test_every_planned_rule_can_stand_in_a_plan_with_its_defaults() -> None:
    check([Line(rule.name) for rule in RULES if rule.planned])


# --- grounds and pauses --------------------------------------------------------------------------------------


def local(day: int, hour: int, minute: int = 0) -> int:
    return round(datetime(2026, 11, day, hour, minute, tzinfo=ZoneInfo("Europe/Oslo")).timestamp() * 1000)


@pytest.mark.parametrize(
    ("now", "last"),
    [((22, 23), (23, 7)), ((22, 6, 59), (22, 7)), ((22, 7), (22, 15)), ((22, 14), (22, 15)), ((22, 15), (22, 22))],
)
def test_no_pause_lasts_beyond_the_change_of_shift(house: House, now: tuple[int, ...], last: tuple[int, ...]) -> None:
    now_ms, last_ms = local(*now), local(*last)
    with house.db.write(house.tenant.id) as s:
        with pytest.raises(RejectError) as caught:
            pauses.begin(s, 2, None, last_ms + 1, "Besøk", 1, now_ms)
        assert caught.value.field == "to_ms"
        pause = pauses.begin(s, 2, None, last_ms, "Besøk", 1, now_ms)
        assert [one.id for one in pauses.in_force(s, (2,), last_ms - 1)[2]] == [pause]
        assert pauses.in_force(s, (2,), last_ms) == {}


@pytest.mark.parametrize(
    ("resident", "rule", "to_ms", "reason", "field"),
    [
        (1, None, HOUR_MS, "x", "resident_id"),
        (2, "leak", HOUR_MS, "x", "rule"),
        (2, BED, HOUR_MS, "x", "rule"),
        (2, None, 0, "x", "to_ms"),
        (2, None, HOUR_MS, " ", "reason"),
    ],
)
def test_a_pause_that_cannot_be_is_refused(
    house: House, resident: int, rule: str | None, to_ms: int, reason: str, field: str
) -> None:
    now_ms = local(22, 12)
    with house.db.write(house.tenant.id) as s:
        with pytest.raises(RejectError) as caught:
            pauses.begin(s, resident, rule, now_ms + to_ms, reason, 1, now_ms)
        assert caught.value.field == field


@pytest.mark.parametrize(
    ("kind", "days", "responsible", "field"),
    [
        ("lov", 10, "Kari", "kind"),
        ("samtykke", 0, "Kari", "review_ms"),
        ("samtykke", 400, "Kari", "review_ms"),
        ("vedtak_4_6_a", 10, " ", "responsible"),
    ],
)
def test_a_ground_that_cannot_be_is_refused(house: House, kind: str, days: int, responsible: str, field: str) -> None:
    now_ms = house.clock.at_ms
    with house.db.write(house.tenant.id) as s:
        with pytest.raises(RejectError) as caught:
            bases.give(s, 1, kind, now_ms, now_ms + days * DAY_MS, responsible, None, now_ms)
        assert caught.value.field == field


def test_a_new_ground_takes_the_place_of_the_old(house: House) -> None:
    now_ms = house.clock.at_ms
    with house.db.write(house.tenant.id) as s:
        assert bases.valid(s, (2,), now_ms)[2].kind == "overfort"
        bases.give(s, 2, "samtykke", now_ms, now_ms + DAY_MS, "Kari", 1, now_ms)
        assert bases.valid(s, (2,), now_ms)[2].kind == "samtykke"
        assert bases.end(s, 2, 1, now_ms + 1) == 1
        assert bases.valid(s, (2,), now_ms + 1) == {}


# --- what is off ---------------------------------------------------------------------------------------------


def test_the_list_says_what_is_off_whose_why_by_whom_and_until_when(house: House) -> None:
    now_ms = house.clock.at_ms
    with house.db.write(house.tenant.id) as s:
        pauses.begin(s, 2, "door_at_night", now_ms + HOUR_MS, "Datter på besøk", 1, now_ms)
        s.execute(update(devices).where(devices.c.tenant_id == TENANT, devices.c.address == DOOR).values(mute=True))
    with house.db.read(house.tenant.id) as s:
        found = off_list.off_now(s, now_ms)
        assert off_list.off_now(s, now_ms, ward_id=2) == [one for one in found if one.ward_id == 2]
    assert [(one.what, one.why, one.resident_id, one.rule, one.device, one.by, one.until_ms) for one in found] == [
        ("plan", "no_plan", 1, "", "", "", None),
        ("basis", "basis_carried", 2, "", "", "", now_ms + 30 * DAY_MS),
        ("rule", "paused", 2, "door_at_night", "", "Kari N.", now_ms + HOUR_MS),
        # Nothing of this house has been heard yet.
        ("device", "silent", None, "", BUTTON, "", None),
        ("device", "silent", None, "", LEAK, "", None),
        ("device", "silent", None, "", "test:bed", "", None),
        ("device", "mute", None, "", DOOR, "", None),
        ("gateway", "gateway_silent", None, "", "", "", None),
        ("gateway", "gateway_silent", None, "", "", "", None),
    ]
    assert found[2].reason == "Datter på besøk"
    assert {one.why for one in found} <= set(off_list.WHYS)


def test_the_list_follows_a_ground_that_runs_out_and_a_service_that_ends(house: House) -> None:
    # By day, so that no night stretches it.
    now_ms = local(22, 12)

    def whys(at_ms: int) -> list[tuple[str, str]]:
        with house.db.read(house.tenant.id) as s:
            return [(one.why, one.by) for one in off_list.off_now(s, at_ms) if one.resident_id == 2]

    with house.db.write(house.tenant.id) as s:
        bases.give(s, 2, "samtykke", now_ms, now_ms + 20 * DAY_MS, "Berit", 1, now_ms)
    assert whys(now_ms) == []
    assert whys(now_ms + 7 * DAY_MS) == [("basis_expiring", "Berit")]
    assert whys(now_ms + 20 * DAY_MS) == [("basis_ran_out", "")]
    with house.db.write(house.tenant.id) as s:
        bases.end(s, 2, 2, now_ms + 1)
    assert whys(now_ms + 2) == [("no_basis", "Per A.")]
    with house.db.write(house.tenant.id) as s:
        plans.end(s, 2, "Flyttet", 1, now_ms + 3)
    assert whys(now_ms + 4) == [("service_ended", "Kari N.")]


def test_a_silent_gateway_is_on_the_list(house: House) -> None:
    house.gate.beat()
    house.clock.at_ms += 10 * 60_000
    sweep.cycle(house.db, house.tenant, house.clock.at_ms)
    house.clock.at_ms += 2 * 60_000
    sweep.cycle(house.db, house.tenant, house.clock.at_ms)
    with house.db.read(house.tenant.id) as s:
        found = [one for one in off_list.off_now(s, house.clock.at_ms) if one.what == "gateway"]
    assert [(one.why, one.params["name"], one.since_ms is None) for one in found] == [
        ("gateway_silent", "Kjelleren", True),
        ("gateway_silent", "Loftet", False),
    ]


def test_a_ground_that_is_taken_back_does_not_come_back_by_itself(house: House) -> None:
    now = house.clock.at_ms
    later = now + 3 * 86_400_000
    with house.db.write(house.tenant.id) as s:
        bases.give(s, 1, "samtykke", now, now + 30 * 86_400_000, "Kari", None, now)
        bases.give(s, 1, "samtykke", later, later + 30 * 86_400_000, "Kari", None, now)
        assert bases.valid(s, (1,), later + 1)
        assert bases.end(s, 1, None, now) == 2
        assert not bases.valid(s, (1,), later + 1)
