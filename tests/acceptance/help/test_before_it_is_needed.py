"""That help would come is known before it is needed: holes in the duty plan, tests of the whole way each shift."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.help.centre import Person
from tests.acceptance.help.night import HOUR_MS, SECOND_FLOOR, Night
from tests.acceptance.help.told import clock, plain
from tests.central.taken_night import oslo

TEN_MS = oslo("2026-11-23T10:00")


@pytest.fixture
def day(url: str) -> Iterator[Night]:
    """Begins at ten in the morning."""
    found = Night(url, start_ms=TEN_MS)
    yield found
    found.close()


def gaps(day: Night) -> list[int]:
    """The alarms about holes in the duty plan, one a ward."""
    return [int(row["id"]) for row in day.alarms() if row["kind"] == "duty_gap"]


def test_a_hole_in_tomorrows_duty_is_found_today_and_over_once_it_is_filled(day: Night) -> None:
    kari = Person.comes("kari", day.tablet("Vaktrom 2", "2etg"))
    day.tablet("Vaktrom 3", "3etg")
    day.on_duty("kari", hours=12)
    day.on_duty("per", hours=9, ahead=12)
    day.passes(seconds=65)
    found = gaps(day)
    assert len(found) == 2
    about = next(one for one in map(day.story, found) if one.api["ward"] == SECOND_FLOOR)
    assert (about.api["priority"], about.state, about.api["reason"]["code"]) == (3, "meldt", "duty_gap.ahead")
    assert about.api["reason"]["params"]["from_ms"] == day.clock.at_ms // HOUR_MS * HOUR_MS + 21 * HOUR_MS + 5_000
    day.passes(minutes=3)
    assert [line.split(" | ")[1:3] for line in day.story(found[0]).lines] == [["meldt", "raise"]], (
        "said once, in its ward"
    )
    filled = {
        "staff_id": 2,
        "role": "vakt",
        "from_ms": about.api["reason"]["params"]["from_ms"],
        "to_ms": day.clock.at_ms + 25 * HOUR_MS,
    }
    kari.tablet.call("POST", "/v1/admin/duties", filled)
    day.passes(seconds=65)
    for alarm in found:
        story = day.story(alarm)
        assert [line.split(" | ")[1:] for line in story.lines] == [["meldt", "raise"], ["auto_avklart", "clear"]]
        story.says("Avklart av seg selv")


def test_a_hole_that_nobody_filled_rings_when_it_begins_and_goes_on(day: Night) -> None:
    kari = Person.comes("kari", day.tablet("Vaktrom 2", "2etg"))
    day.on_duty("kari", hours=0.25)
    day.passes(seconds=65)
    alarm = gaps(day)[0]
    assert day.story(alarm).api["priority"] == 3
    day.passes(minutes=13, seconds=45, step_s=15)
    assert day.story(alarm).api["soundings"][-1]["number"] == 1
    day.passes(seconds=65)
    story = day.story(alarm)
    assert (story.api["priority"], story.api["reason"]["code"]) == (2, "duty_gap.no_duty")
    assert kari.tablet.rings(alarm)
    day.passes(seconds=90)
    kari.takes(alarm)
    story = day.story(alarm)
    assert [line.split(" | ")[1:4] for line in story.lines][1:] == [
        ["meldt", "sound"],
        ["eskalert", "escalate", "untaken"],
        ["kvittert", "Kari Nes", "take"],
    ]


def through_the_chain(day: Night, person: Person) -> None:
    """Asked for at a tablet, brought by the gateway, shown, sounded, answered."""
    person.tablet.call("POST", "/tablet/tests", {})
    day.answers_test(day.loft)
    ids = person.tablet.tests
    assert len(ids) == 2
    person.tablet.call("POST", "/tablet/tests/shown", {"shown": ids, "sounded": ids})
    for number in ids:
        person.tablet.call("POST", f"/tablet/tests/{number}/tap", {})
    day.settle()
    assert person.tablet.tests == []


def test_the_whole_way_is_tested_in_each_shift_and_what_stops_is_told_where(day: Night) -> None:
    office, upstairs = day.tablet("Vaktrom 2", "2etg"), day.tablet("Vaktrom 3", "3etg")
    day.loft.beats()
    stands: dict[str, set[str]] = {}
    for hours in (0, 8, 7):
        day.sleeps(hours)
        kari = Person.comes("kari", office)
        through_the_chain(day, kari)
    told = kari.reads("/chain-tests")["chains"]
    for one in told:
        stands.setdefault(one["room"], set()).add(f"{one['shift']} {one['standing']}")
    good = {"dag good", "kveld good", "natt good"}
    assert (stands["204"], stands["205"]) == (good, good)
    assert stands["301"] == {"dag never", "kveld never", "natt never"}
    for one in told:
        if one["done"] is not None:
            times = [one["done"][f"{name}_ms"] for name in ("asked", "given", "received", "shown", "tapped")]
            assert times == sorted(times)
            page = plain(kari.tablet.call("GET", f"/admin/chain-tests/{one['done']['id']}").text)
            for said in (one["room"], "Loftet", "Kari Nes", clock(one["done"]["tapped_ms"])[:5]):
                assert said in page, said
    assert not [kind for kind in day.kinds() if kind == "call"], "a test rings nothing"

    day.cellar.on = False
    per = Person.comes("per", upstairs)
    per.tablet.call("POST", "/tablet/tests", {})
    day.passes(minutes=5, seconds=10, step_s=10)
    failed = day.one("chain_test_failed")
    assert upstairs.rings(failed)
    day.cellar.on = True
    per.tablet.call("POST", "/tablet/tests", {})
    day.answers_test(day.cellar)
    (number,) = upstairs.tests
    per.tablet.call("POST", f"/tablet/tests/{number}/tap", {})
    story = day.story(failed)
    assert (story.api["reason"]["code"], story.state) == ("chain_test_failed.not_given", "auto_avklart")
    story.says("Prøven stoppet før mottakeren (Kjelleren)", "En ny prøve av varslingskjeden kom fram og ble bekreftet.")
