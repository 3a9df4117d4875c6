"""Findings about sensors: one a day of each device and code, the newest evidence, and a list in plain words."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from nattevakt.central import finding_words, findings
from nattevakt.central.tables_plans import findings as finding_rows
from nattevakt.central.tablet.i18n import words
from nattevakt.edge.events import Bed, Contact, Health
from nattevakt.edge.rules.rule import Finding, Reason
from nattevakt.edge.rules.windows import local_day
from tests.central.house import BED, DOOR, LOOSE, NOON_MS, House
from tests.central.watch import begun, cycle, well

MIN, HOUR, DAY = 60_000, 3_600_000, 24 * 3_600_000
OSLO = ZoneInfo("Europe/Oslo")
FLICKER = "implausible.bed_flicker"


def note(
    house: House, at_ms: int, times: int, *, device: str = BED, code: str = FLICKER, day: int | None = None
) -> None:
    found = Finding(device, Reason(code, {"times": times}), day)
    with house.db.write(house.tenant.id) as s:
        findings.note(s, "sensor_implausible", found, at_ms, "Europe/Oslo")


def recent(house: House, days: int = 7) -> list[findings.Found]:
    with house.db.read(house.tenant.id) as s:
        return list(findings.recent(s, house.clock.at_ms, days, "Europe/Oslo"))


def pass_to(house: House, at_ms: int) -> None:
    """The centre looks at that moment, and everything is known until then."""
    house.clock.at_ms = at_ms
    well(house.gates[0], heard={DOOR: 0, BED: 0})
    well(house.gates[1])
    cycle(house)
    # Who waited for that word looks in the next cycle.
    house.clock.at_ms += 1_000
    cycle(house)


def test_told_again_the_same_day_it_is_the_same_with_newer_evidence(house: House) -> None:
    note(house, NOON_MS, 80)
    note(house, NOON_MS + 30 * MIN, 120)
    note(house, NOON_MS - HOUR, 7)
    (row,) = house.rows(finding_rows)
    assert (row.address, row.rule, row.code) == (BED, "sensor_implausible", FLICKER)
    assert (row.day, row.at_ms, row.params) == (local_day(NOON_MS), NOON_MS + 30 * MIN, {"times": 120})


def test_each_day_device_and_code_is_one_of_its_own(house: House) -> None:
    note(house, NOON_MS, 80)
    note(house, NOON_MS, 80, device=DOOR)
    note(house, NOON_MS, 1, code="implausible.flood")
    note(house, NOON_MS, 99, day=local_day(NOON_MS) - 1)
    assert len(house.rows(finding_rows)) == 4


def test_the_list_is_newest_first_and_says_where_it_hangs(house: House) -> None:
    today = local_day(NOON_MS)
    for day in (today - 7, today - 6, today):
        note(house, NOON_MS, 214, day=day)
    note(house, NOON_MS, 61, device=LOOSE)
    found = recent(house)
    assert [(one.day, one.address) for one in found] == [(today, BED), (today, LOOSE), (today - 6, BED)]
    assert [len(recent(house, days)) for days in (1, 8)] == [2, 4]
    bed, loose = found[:2]
    assert (bed.room, bed.spot, loose.room, loose.room_id) == ("202", "seng", "", None)
    assert finding_words.line(bed, OSLO) == (
        f"{findings.date_of(today)}\t{BED}\trom 202 seng\t"
        "Sengesensoren meldte inn og ut 214 ganger i natt. Sjekk matta, kabelen og plasseringen."
    )
    assert "ikke plassert" in finding_words.line(loose, OSLO)
    assert "214 times" in finding_words.sentence(bed, OSLO, words("en"))
    assert bed.as_json()["date"] == findings.date_of(today).isoformat()


def test_a_moment_is_said_as_a_clock(house: House) -> None:
    found = Finding(DOOR, Reason("implausible.door_open", {"since_ms": NOON_MS, "hours": 14}))
    with house.db.write(house.tenant.id) as s:
        findings.note(s, "sensor_implausible", found, NOON_MS)
    (one,) = recent(house)
    assert "i 14 timer, siden kl. " in finding_words.sentence(one, OSLO)
    assert "{" not in finding_words.sentence(one, OSLO)


def test_a_door_open_since_noon_is_found_by_the_sweep_without_any_event(house: House) -> None:
    begun(house)
    house.gate.tell(1, Contact(DOOR, open=True))
    opened = house.clock.at_ms
    pass_to(house, opened + HOUR)
    assert house.rows(finding_rows) == []
    for hours in range(6, 60, 6):
        pass_to(house, opened + hours * HOUR)
    rows = house.rows(finding_rows)
    assert {row.code for row in rows} == {"implausible.door_open"}
    assert [row.day for row in rows] == sorted({row.day for row in rows})
    assert len(rows) == 2
    assert all(row.params["since_ms"] == opened for row in rows)
    assert house.alarms("rule_failed") == []


def test_a_mat_that_flickers_is_found_whether_its_word_comes_at_once_or_late(house: House) -> None:
    begun(house)
    began = house.clock.at_ms + HOUR
    for number in range(70):
        at_ms = began + number * 2_000
        if number == 30:
            continue  # told last of all
        house.clock.at_ms = at_ms
        house.gate.tell(number + 1, Bed(BED, occupied=number % 2 == 0))
    house.gate.tell(31, Bed(BED, occupied=True), at_ms=began + 60_000)
    for hours in range(2, 30, 4):
        pass_to(house, began + hours * HOUR)
    (row,) = house.rows(finding_rows)
    assert (row.code, row.params["times"]) == (FLICKER, 69)


def test_a_flood_that_the_gateway_tells_of_is_found_at_once(house: House) -> None:
    house.gate.tell(1, Health(DOOR, flood=True))
    house.gates[1].tell(1, Health(DOOR, flood=True))
    (one,) = recent(house)
    assert (one.code, one.room) == ("implausible.flood", "202")
