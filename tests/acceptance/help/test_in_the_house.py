"""From alarm to help within the house: tablets, people, sirens. Each case ends with the alarm's story."""

from __future__ import annotations

import pytest

from nattevakt.central.tablet import held
from tests.acceptance.help.centre import Person, Tablet
from tests.acceptance.help.night import SECOND_FLOOR, THIRD_FLOOR, Night


@pytest.fixture
def office(night: Night) -> Tablet:
    """The tablet of the second floor."""
    return night.tablet("Vaktrom 2", "2etg")


@pytest.fixture
def upstairs(night: Night) -> Tablet:
    """The tablet of the third floor."""
    return night.tablet("Vaktrom 3", "3etg")


@pytest.fixture
def kari(office: Tablet) -> Person:
    return Person.comes("kari", office)


@pytest.fixture
def per(upstairs: Tablet) -> Person:
    return Person.comes("per", upstairs)


def test_what_nobody_takes_reaches_the_other_ward_and_then_the_siren(
    night: Night, kari: Person, per: Person, office: Tablet, upstairs: Tablet
) -> None:
    night.loft.siren = True
    night.loft.beats()
    call = night.presses("204")
    assert (office.rings(call), upstairs.rings(call)) == (True, False)
    night.passes(seconds=85)
    assert not upstairs.rings(call), "the ward has its time"
    night.passes(seconds=5)
    assert upstairs.rings(call)
    night.passes(seconds=85)
    assert not night.loft.howls()
    night.passes(seconds=20)
    assert night.loft.howls()
    night.passes(seconds=15)
    night.hurries(minutes=4, seconds=45)
    per.takes(call)
    night.passes(seconds=15)
    assert not night.loft.howls(), "somebody has it"
    per.helps(call, night.hurries, "Fulgt til badet")

    story = night.story(call)
    assert story.lines == [
        "02:00:05 | meldt | raise",
        f"02:01:35 | eskalert | escalate | untaken | step 1 | {THIRD_FLOOR}",
        "02:03:05 | eskalert | escalate | untaken | step 2",
        "02:08:05 | eskalert | escalate | untaken | step 3",
        "02:08:20 | kvittert | Per Aas | take",
        "02:09:35 | hos_bruker | Per Aas | on_site",
        "02:14:35 | avsluttet | Per Aas | close",
    ]
    assert story.screens() == {"Vaktrom 2": "shown", "Vaktrom 3": "shown"}
    first, again = story.sendings
    assert first.startswith("02:03:05 | step 2 | siren | Loftet | confirmed | ")
    assert again == "02:08:05 | step 3 | siren | Loftet | withdrawn | taken", "it sounded, and said so no second time"
    story.says("Gikk videre 3 ganger, først etter 1 min 30 s.", "Varslet utenom nettbrettene: Loftet (sirene).")
    story.says(
        "«Fulgt til badet»", f"Vaktrom 3 {THIRD_FLOOR}", "Trinn 3: alle nettbrett, alle som er på vakt, sirenen."
    )


def test_who_cannot_gives_it_to_the_next_in_the_same_moment(
    night: Night, kari: Person, per: Person, upstairs: Tablet
) -> None:
    call = night.presses("204")
    night.passes(seconds=20)
    kari.takes(call)
    night.passes(seconds=10)
    kari.declines(call, "hos_annen_bruker")
    assert upstairs.rings(call)
    per.takes(call)
    per.helps(call, night.hurries)
    story = night.story(call)
    assert story.lines[1:5] == [
        "02:00:25 | kvittert | Kari Nes | take",
        "02:00:35 | avvist | Kari Nes | reject | declined | hos_annen_bruker",
        f"02:00:35 | eskalert | escalate | declined | step 1 | {THIRD_FLOOR}",
        "02:00:35 | kvittert | Per Aas | take",
    ]
    story.says(
        "Kari Nes kunne ikke, og ga den videre etter 30 s.", f"Grunn: {held.DECLINES['hos_annen_bruker'].lower()}."
    )
    story.says(
        "Kari Nes tok den etter 20 s. Kari Nes kunne ikke, og ga den videre etter 30 s. Gikk videre",
        "Sist tatt av Per Aas, etter 30 s.",
    )


def test_what_is_passed_on_to_a_ward_rings_there(night: Night, kari: Person, per: Person, upstairs: Tablet) -> None:
    call = night.presses("204")
    night.passes(seconds=20)
    kari.takes(call)
    kari.does(call, "transfer", ward="3etg")
    assert upstairs.rings(call)
    night.passes(seconds=10)
    per.takes(call)
    story = night.story(call)
    assert story.lines[2:] == [
        f"02:00:25 | overfort | Kari Nes | transfer | transferred | {THIRD_FLOOR}",
        "02:00:35 | kvittert | Per Aas | take",
    ]
    assert story.screens(2) == {"Vaktrom 2": "shown", "Vaktrom 3": "shown"}
    story.says(f"Kari Nes ga den videre til {THIRD_FLOOR} etter 20 s.", "Ringte for 2. gang kl. 02:00:25")


def test_two_take_it_in_the_same_moment_and_one_has_it(night: Night, kari: Person) -> None:
    per = Person.comes("per", night.tablet("Gang 2", "2etg"))
    call = night.presses("204")
    night.passes(seconds=20)
    both = (kari, per)
    answers = night.ask(*(one.wish(call, "take") for one in both))
    assert sorted(one.status_code for one in answers) == [200, 409]
    first, second = sorted(both, key=lambda one: answers[both.index(one)].status_code)
    first.did(call, "take")
    assert answers[both.index(second)].json()["taken_by"]["name"] == first.name
    night.settle()
    first.helps(call, night.hurries)
    story = night.story(call)
    assert [line.split(" | ")[2:] for line in story.lines[1:]] == [
        [first.name, cause] for cause in ("take", "on_site", "close")
    ]
    story.says(f"{first.name} tok den etter 20 s.")
    assert not [row for row in story.rows("done") if second.name in row]


def test_who_logs_off_with_an_alarm_in_hand_passes_it_on(
    night: Night, kari: Person, per: Person, upstairs: Tablet
) -> None:
    call = night.presses("204")
    night.passes(seconds=20)
    kari.takes(call)
    night.passes(minutes=2)
    assert kari.logs_off().json()["error"] == "has_alarms"
    assert not upstairs.rings(call)
    assert kari.logs_off(call, leave=True).status_code == 200
    assert upstairs.rings(call)
    night.passes(seconds=30)
    per.takes(call)
    story = night.story(call)
    assert story.lines[2:] == [
        "02:02:25 | avvist | Kari Nes | reject | declined | logger_av",
        f"02:02:25 | eskalert | escalate | declined | step 1 | {THIRD_FLOOR}",
        "02:02:55 | kvittert | Per Aas | take",
    ]
    story.says("Grunn: logget av.")


def test_a_tablet_whose_battery_dies_is_no_tablet(
    night: Night, office: Tablet, kari: Person, per: Person, upstairs: Tablet
) -> None:
    office.battery = 2
    night.passes(seconds=30)
    office.on = False
    call = night.presses("204")
    night.passes(seconds=10)
    assert not upstairs.rings(call)
    night.passes(seconds=5)
    assert upstairs.rings(call), "no tablet has shown it"
    per.takes(call)
    per.helps(call, night.hurries)
    story = night.story(call)
    assert story.lines[:3] == [
        "02:00:35 | meldt | raise",
        f"02:00:50 | eskalert | escalate | not_shown | step 1 | {THIRD_FLOOR}",
        "02:00:50 | kvittert | Per Aas | take",
    ]
    assert story.screens() == {"Vaktrom 2": "not_sent", "Vaktrom 3": "shown"}
    story.says("Ingen nettbrett hadde bekreftet i tide at den ble vist.", "Ikke sendt")

    unheard = night.one("ward_unheard")
    told = night.story(unheard)
    assert (told.api["reason"]["code"], told.api["ward"]) == ("ward_unheard.off", SECOND_FLOOR)
    assert [line.split(" | ")[1:5] for line in told.lines[1:2]] == [["eskalert", "escalate", "not_shown", "step 1"]]
    assert upstairs.rings(unheard)
    office.on = True
    night.passes(seconds=35)
    assert night.story(unheard).state == "auto_avklart"


def test_what_was_taken_and_forgotten_rings_again_after_ten_minutes(
    night: Night, kari: Person, per: Person, office: Tablet, upstairs: Tablet
) -> None:
    call = night.presses("204")
    night.passes(seconds=20)
    kari.takes(call)
    night.hurries(minutes=9, seconds=55)
    assert not office.rings(call)
    night.passes(seconds=5)
    assert office.rings(call)
    assert not upstairs.rings(call), "the way begins anew"
    night.passes(seconds=90)
    assert upstairs.rings(call)
    per.takes(call)
    per.helps(call, night.hurries)
    story = night.story(call)
    assert story.lines[1:5] == [
        "02:00:25 | kvittert | Kari Nes | take",
        "02:10:25 | eskalert | escalate | overdue",
        f"02:11:55 | eskalert | escalate | untaken | step 1 | {THIRD_FLOOR}",
        "02:11:55 | kvittert | Per Aas | take",
    ]
    assert story.api["changes"][2]["had"]["name"] == "Kari Nes"
    assert story.api["changes"][2]["says"] == "Alarmen ringte på nytt"
    assert [one["number"] for one in story.api["soundings"]] == [1, 2]
    assert story.screens(1) == {"Vaktrom 2": "shown"}
    assert story.screens(2) == {"Vaktrom 2": "shown", "Vaktrom 3": "shown"}
    story.says("Ringte på nytt fordi ingen hadde meldt seg hos bruker innen fristen. Antall ganger: 1.")
    story.says("Kari Nes hadde den.", "Ringte for 2. gang kl. 02:10:25")


def test_a_change_of_shift_hands_over_what_is_in_hand_and_rings_nothing(
    night: Night, kari: Person, office: Tablet
) -> None:
    mine, other = night.presses("204"), night.presses("205")
    night.passes(seconds=20)
    kari.takes(mine)
    kari.takes(other)
    kari.does(other, "on-site")
    night.hurries(minutes=8)
    per = Person.comes("per", night.tablet("Gang 2", "2etg"))
    per.takes_over_from(kari, mine, note="Astrid sover urolig")
    assert not office.rings(mine)
    night.hurries(minutes=8)
    assert not office.rings(mine), "the whole time anew"
    per.helps(mine, night.hurries)
    story = night.story(mine)
    assert story.lines[1:] == [
        "02:00:25 | kvittert | Kari Nes | take",
        "02:08:25 | overfort | Per Aas | transfer | handed_over",
        "02:08:25 | kvittert | Per Aas | take",
        "02:17:25 | hos_bruker | Per Aas | on_site",
        "02:22:25 | avsluttet | Per Aas | close",
    ]
    assert [one["number"] for one in story.api["soundings"]] == [1]
    story.says("Per Aas overtok den ved vaktskifte etter 8 min 20 s.", "Kari Nes hadde den.")
    assert night.story(other).lines[-1] == "02:00:25 | hos_bruker | Kari Nes | on_site", "who is there stays there"
