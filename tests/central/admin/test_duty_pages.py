"""The pages of duty and routing for who leads a ward: what is shown, drawn, refused and kept as typed."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from nattevakt.central.admin.duty_view import gaps, needed_roles, shifts_of
from nattevakt.central.columns import TENANT
from nattevakt.central.notify import routing_rows
from nattevakt.central.notify.routing import BUILT_IN, SHIFTS, Routing, read
from nattevakt.central.tables import staff
from nattevakt.central.tablet.i18n import LANGUAGES
from tests.central.admin.desk import Desk, plain
from tests.central.admin.duty_desk import DOCUMENT, kept, put
from tests.central.past_nights import DAY, HOUR, NOON_MS

# --- the page of duties ---------------------------------------------------------------------------------------


def add(desk: Desk, **changes: str) -> Any:
    """Send the form."""
    form = {
        "staff": str(desk.lived.kari),
        "role": "vakt",
        "place": "ward:1",
        "from": "2026-11-22T22:00",
        "to": "2026-11-23T07:00",
        "week": "2026-11-16",
        **changes,
    }
    return desk.call("POST", "/admin/duty/add", form=list(form.items()))


def test_the_week_says_who_is_on_duty_and_when_nobody_is(desk: Desk) -> None:
    said = desk.page("/admin/duty")
    assert "Uke 47" in said
    assert "Noen på vakt" in said
    # What is over is history: holes are told from now on.
    assert "Ingen på vakt: søn 22.11. kl. 12:00 og videre" in said
    answer = add(desk)
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/admin/duty?told=added&from=2026-11-22#duties",
    )
    said = desk.page("/admin/duty?told=added")
    assert "Vakten er lagret." in said
    assert "søn 22.11. kl. 22:00 til 07:00" in said
    assert "Ingen på vakt: søn 22.11. kl. 12:00 til 22:00" in said
    assert "uten telefonnummer" in said
    nxt = desk.page("/admin/duty?from=2026-11-25")
    assert "Uke 48" in nxt
    assert "Ingen på vakt: man 23.11. kl. 07:00 og videre" in nxt


def test_the_drawing_has_bars_and_hatched_holes(desk: Desk) -> None:
    add(desk)
    source = desk.call("GET", "/admin/duty").text
    wide = re.search(r'<svg class="duty-drawing wide".*?</svg>', source, re.S)
    assert wide
    assert wide[0].count('class="b"') == 1
    holes = re.findall(r'<rect class="hole"[^>]*fill="url\(#([\w-]+)\)"', wide[0])
    assert len(holes) == 1, "from now until Kari comes"
    assert f'id="{holes[0]}"' in wide[0]
    assert ">hull<" in wide[0]
    narrow = re.findall(r'<svg class="duty-drawing narrow".*?</svg>', source, re.S)
    assert len(narrow) == 1, "a strip for each day on which somebody is on duty or missing"
    assert sum(one.count('class="b"') for one in narrow) == 1
    ids = re.findall(r'\bid="([^"]+)"', source)
    assert len(ids) == len(set(ids))


def test_a_duty_is_taken_away_or_ended(desk: Desk) -> None:
    add(desk)
    (one,) = kept(desk)
    assert "Ta bort" in desk.page("/admin/duty")
    answer = desk.call("POST", f"/admin/duty/{one.id}/end", form=[("week", "2026-11-16")])
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/duty?told=ended&from=2026-11-16#duties")
    assert kept(desk) == []
    add(desk, **{"from": "2026-11-22T07:00", "to": "2026-11-22T15:00"})
    (one,) = kept(desk)
    assert "Avslutt nå" in desk.page("/admin/duty")
    desk.call("POST", f"/admin/duty/{one.id}/end", form=[])
    (one,) = kept(desk)
    assert one.to_ms == NOON_MS
    said = desk.page("/admin/duty?told=ended")
    assert "Avslutt nå" not in said
    assert "søn 22.11. kl. 07:00 til 12:00" in said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"staff": ""}, "Velg en ansatt."),
        ({"staff": "9" * 40}, "Velg en ansatt."),
        ({"to": "2026-11-22T22:00"}, "Vakten må slutte etter at den begynner."),
        ({"from": "i kveld"}, "Skriv dato og klokkeslett"),
        ({"to": ""}, "Skriv dato og klokkeslett"),
        ({"from": "2027-03-28T02:30", "to": "2027-03-28T07:00"}, "Klokken stilles fram den natten"),
        ({"place": "zone:sor"}, "Sonen sor finnes ikke"),
        ({"role": "*"}, "Velg en rolle"),
    ],
)
def test_what_cannot_be_saved_comes_back_as_it_was_typed(desk: Desk, changes: dict[str, str], said: str) -> None:
    answer = add(desk, **changes)
    assert answer.status_code == 422
    assert said in plain(answer.text)
    assert 'aria-invalid="true"' in answer.text
    for name in ("from", "to"):
        if name in changes:
            assert f'name="{name}" value="{changes[name]}"' in answer.text
    assert kept(desk) == []


def test_a_place_that_is_not_theirs_is_refused(desk: Desk) -> None:
    for place in ("ward:99", "ward:", "ward:x", "ward:" + "9" * 40):
        assert add(desk, place=place).status_code == 404
    assert kept(desk) == []


@pytest.mark.parametrize(
    "query", ["?from=", "?from=x", "?from=0001-01-01", "?from=9999-12-31", "?told=x", "?from=1&from=2"]
)
def test_a_week_that_is_none_is_this_one(desk: Desk, query: str) -> None:
    assert "Uke 47" in desk.page(f"/admin/duty{query}")


def test_zones_and_all_have_places_of_their_own_and_cover_the_ward(desk: Desk) -> None:
    put(desk, {**DOCUMENT, "routes": [*DOCUMENT["routes"], {"chain": "natt", "kinds": ["battery_low"]}]})
    # The night goes on into the next week, and so does what is said of it.
    assert "Ingen på vakt som vakthavende: søn 22.11. kl. 22:00 til 07:00" in desk.page("/admin/duty")
    nxt = desk.page("/admin/duty?from=2026-11-25")
    assert "Ingen på vakt som vakthavende: man 23.11. kl. 00:00 til 07:00" in nxt, (
        "the chain asks for one at night only"
    )
    assert "som vakthavende: man 23.11. kl. 22:00 til 07:00" in nxt
    add(desk, place="zone:nord")
    add(desk, place="all", role="sykepleier")
    said = desk.page("/admin/duty")
    assert "Sone Nordfløyen" in said
    assert "Hele kommunen" in said
    assert "Ingen på vakt som vakthavende" not in said
    assert "som sykepleier" not in said, "no chain asks for one"
    # By day and evening the built-in chain holds, and asks for anybody.
    assert "Ingen på vakt: søn 22.11. kl. 12:00 til 22:00" in said


def test_which_roles_are_asked_for_and_when() -> None:
    everything = frozenset(SHIFTS)
    assert needed_roles(BUILT_IN, "a") == needed_roles(Routing(), "a") == {"*": everything}
    routing = read(DOCUMENT)
    assert needed_roles(routing, "a") == {"vakt": {"night"}, "*": {"day", "evening"}}
    low = read({**DOCUMENT, "routes": [{"chain": "natt", "priorities": [3]}]})
    assert needed_roles(low, "a") == {"*": everything}
    other = read({**DOCUMENT, "routes": [{"chain": "natt", "zones": ["nord"]}]})
    assert needed_roles(other, "a") == {"vakt": everything}
    assert needed_roles(other, "b") == {"*": everything}


def test_a_week_is_cut_into_its_shifts_on_the_night_of_the_change_too() -> None:
    sunday = 1_792_886_400_000  # 2026-10-25 02:00 summer time
    found = shifts_of((sunday, sunday + DAY), "Europe/Oslo")
    assert [(shift, (ends - begins) / HOUR) for begins, ends, shift in found] == [
        ("night", 6.0),
        ("day", 8.0),
        ("evening", 7.0),
        ("night", 3.0),
    ]


def test_what_is_covered_leaves_these_gaps() -> None:
    assert gaps([], (0, 10)) == ((0, 10),)
    assert gaps([(0, 10)], (0, 10)) == ()
    assert gaps([(-5, 20)], (0, 10)) == ()
    assert gaps([(2, 4), (3, 6), (8, 9)], (0, 10)) == ((0, 2), (6, 8), (9, 10))
    assert gaps([(8, 12), (0, 3)], (0, 10)) == ((3, 8),)
    assert gaps([(3, 4), (0, 9)], (0, 10)) == ((9, 10),)
    assert gaps([(20, 30), (-9, -3)], (0, 10)) == ((0, 10),)


# --- the page of the routing ----------------------------------------------------------------------------------


def test_the_built_in_way_is_told_in_steps(desk: Desk) -> None:
    said = desk.page("/admin/routing")
    assert "Standardplanen gjelder." in said
    for part in ("straks", "nettbrettene på avdelingen", "etter 90 s", "etter 3 min", "sirenen", "hver 5 min"):
        assert part in said
    assert "ingen er på vakt nå" in said


def test_who_would_get_it_names_those_on_duty(desk: Desk) -> None:
    put(desk, DOCUMENT)
    day = desk.page("/admin/routing?ward=1&kind=call&shift=day")
    assert re.search(r"Hvem ville fått den\?.*?Standard straks", day)
    night = desk.page("/admin/routing?ward=1&kind=call&shift=night")
    part = night[night.index("Hvem ville fått den?") : night.index("Hvilke alarmer")]
    assert "Nattkjede straks nettbrettene i sonen etter 1 min" in part
    assert "den som er på vakt som vakthavende gruppen Falk" in part
    assert "etter 1 min 45 s alle nettbrett SMS til +4790000000 sirenen" in part
    add(desk, **{"from": "2026-11-22T07:00", "to": "2026-11-22T15:00"})
    again = desk.page("/admin/routing?ward=1&kind=call&shift=night")
    assert "(uten telefonnummer)" in again
    low = desk.page("/admin/routing?ward=1&kind=battery_low&shift=night")
    assert "så ikke mer" in low[: low.index("Hvilke alarmer")]
    for odd in ("?ward=99&kind=brann&shift=natt", "?ward=&kind=&shift="):
        assert "Hvem ville fått den?" in desk.page(f"/admin/routing{odd}")


def test_routes_zones_teams_and_versions_in_words(desk: Desk) -> None:
    put(desk, DOCUMENT)
    said = desk.page("/admin/routing?told=saved")
    assert "Varslingsplanen er lagret" in said
    assert "Prioritet: høy / middels; tid: Natt, 22 til 07" in said
    assert "Alle andre alarmer" in said
    assert "Andre alarmer med lav prioritet" in said
    assert "Nordfløyen" in said
    assert "Versjon 1" in said
    assert "Færre om natten" in said


def test_what_is_shown_to_be_edited_is_what_holds(desk: Desk) -> None:
    put(desk, DOCUMENT)
    source = desk.call("GET", "/admin/routing").text
    shown = re.search(r"<textarea[^>]*>(.*?)</textarea>", source, re.S)
    assert shown
    text = html.unescape(shown[1])
    with desk.lived.db.read(desk.lived.tenant.id) as s:
        before = routing_rows.current(s)
    form = [("text", text.replace("Nattkjede", "Kveldskjede")), ("why", "nytt navn"), ("version", "1")]
    answer = desk.call("POST", "/admin/routing/save", form=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/routing?told=saved")
    with desk.lived.db.read(desk.lived.tenant.id) as s:
        after = routing_rows.current(s)
        assert routing_rows.version(s) == 2
    assert after.chains[0].name == "Kveldskjede"
    assert (after.routes, after.zones, after.chains[0].steps) == (before.routes, before.zones, before.chains[0].steps)


@pytest.mark.parametrize(
    ("form", "said", "status"),
    [
        ({"text": "{"}, "Planen er ikke gyldig JSON. Se etter et tegn for mye eller for lite, ved linje 1.", 422),
        ({"text": "[]"}, "Planen er ikke gyldig JSON.", 422),
        ({"text": "{\n[]\n}"}, "ved linje 2.", 422),
        ({"text": "{}", "why": " "}, "Skriv hvorfor varslingsplanen endres", 422),
        ({"text": "{}", "version": "7"}, "Noen andre lagret varslingsplanen", 409),
        ({"text": "{}", "version": "x"}, "Noen andre lagret varslingsplanen", 409),
    ],
)
def test_a_document_that_cannot_be_saved_comes_back_as_typed(
    desk: Desk, form: dict[str, str], said: str, status: int
) -> None:
    sent = {"text": "{}", "why": "prøve", "version": "0", **form}
    answer = desk.call("POST", "/admin/routing/save", form=list(sent.items()))
    assert answer.status_code == status
    assert said in plain(answer.text)
    assert f">\n{sent['text']}</textarea>" in answer.text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_language(desk: Desk, lang: str) -> None:
    put(desk, DOCUMENT)
    add(desk)
    desk.cookies["lang"] = lang
    duty_page, routing_page = desk.page("/admin/duty"), desk.page("/admin/routing")
    expected = {"nb": ("Uke 47", "etter 1 min"), "nn": ("Veke 47", "etter 1 min"), "en": ("Week 47", "after 1 min")}
    assert expected[lang][0] in duty_page
    assert expected[lang][1] in routing_page


def test_whoever_has_left_can_not_be_chosen(desk: Desk) -> None:
    desk.write(
        lambda s: s.execute(
            staff.update().where(staff.c.tenant_id == TENANT, staff.c.key == "per").values(active=False)
        )
    )
    assert "Per A." not in desk.page("/admin/duty")


@pytest.mark.parametrize("path", ["/admin/duty/add", "/admin/routing/save"])
def test_a_form_from_elsewhere_is_refused_and_its_address_leads_back(desk: Desk, path: str) -> None:
    assert desk.call("POST", path, form=[], Sec_Fetch_Site="cross-site").status_code == 403
    assert desk.call("GET", path).headers["location"] == path.rpartition("/")[0]


def test_a_number_without_end_and_a_year_without_sense_are_refused_like_others(desk: Desk) -> None:
    typed = [("text", "{"), ("why", "x"), ("version", "9" * 5_000)]
    assert desk.call("POST", "/admin/routing/save", form=typed).status_code == 422
    for changes in ({"from": "0001-01-01 00:00"}, {"to": "9999-12-31 23:59"}):
        assert add(desk, **changes).status_code == 422
