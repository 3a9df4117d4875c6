"""The night list on both databases: what stands on it, what is unknown, who may have it, that it is written down."""

from __future__ import annotations

import base64
import hashlib
import html
import re

import pytest
from sqlalchemy import delete, select, update

from nattevakt.central.admin import night_list, night_list_pages
from nattevakt.central.admin.night_list import Entry, NightList
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database
from nattevakt.central.places import plans
from nattevakt.central.tables import (
    access_log,
    alarms,
    device_states,
    gateways,
    placements,
    residents,
    rooms,
    staff,
    staff_wards,
    stays,
    sweep_runs,
    wards,
)
from nattevakt.central.tables_plans import round_tasks
from nattevakt.central.tablet.i18n import LANGUAGES, words
from tests.central.admin.browser import ask
from tests.central.admin.desk import plain
from tests.central.admin.evening import EVENING_MS, OTHER_WARD, Evening
from tests.central.admin.evening import evening as seeded
from tests.central.past_nights import HOUR, MIN
from tests.central.tablet.ward import NAME, NUMBERS

NB = words("nb")


@pytest.fixture
def evening(db: Database) -> Evening:
    return seeded(db)


def made(evening: Evening, now_ms: int = EVENING_MS, *, named: bool = True) -> NightList:
    """The list of the ward."""
    with evening.db.read(evening.tenant.id) as s:
        return night_list.of_ward(s, evening.tenant, evening.ward.ward, NB, now_ms, named=named)


def entry(found: NightList, number: str) -> Entry:
    """What stands at one room."""
    return next(one for one in found.entries if one.number == number)


def test_the_first_page_says_when_where_and_what_to_do(evening: Evening) -> None:
    found = made(evening)
    assert (found.ward, found.municipality) == ("Furutun, 2. etasje", "Furutun kommune")
    assert found.printed == "Skrevet ut søn 22.11.2026 kl. 21:30"
    assert found.night == "Gjelder natt til man 23.11.2026, kl. 22:00 til 07:00"
    assert len(found.down) == 5
    assert all(sentence.endswith(".") for sentence in found.down)
    assert "minst hvert 60. minutt" in found.down[1]
    assert found.rounds == "23:00, 02:00, 05:00"
    assert found.empty == "Rom der ingen bor nå: 215."
    assert found.first == ("204", "206", "208", "209")
    gateway, alarm = found.troubles
    assert gateway == "Mottaker kjeller: Ingen kontakt med mottakeren."
    assert alarm.startswith("Mottaker 2. etasje: Feil i mottakeren, kl. 21:00. Mottaker 2. etasje melder om en feil.")
    assert alarm.endswith("Ingen har tatt den.")
    assert [one.number for one in found.entries] == list(NUMBERS)


def test_everything_of_one_resident(evening: Evening) -> None:
    one = entry(made(evening), "204")
    assert one.name == NAME
    assert one.watched == (
        "Ikke tilbake i seng; 22:00–07:00; Lengste tid ute av sengen: 20 minutter; Frist for en sjekk: 15 minutter",
        "Dør åpnes; 22:00–07:00",
    )
    assert one.handling.startswith("Astrid går på toalettet selv.\n")
    assert one.responsible == "Kari N., tlf. 99 00 00 04"
    assert one.alarms == ("Dør åpnet, kl. 21:10. Døren ble åpnet i beboerens nattvindu. Ingen har tatt den.",)
    assert one.sensors == ("Alle sensorer som kan overvåkes, har meldt seg som de skal.",)
    assert [(box.at, box.done) for box in one.boxes] == [("23:00", ""), ("02:00", ""), ("05:00", "")]
    assert (one.offs, one.dense, one.doubtful, one.first) == ((), "", False, True)


def test_what_is_off_unknown_or_missing_is_said(evening: Evening) -> None:
    found = made(evening)
    paused, unknown, no_basis, taken, late = (entry(found, number) for number in ("205", "206", "207", "208", "209"))
    assert paused.offs[0].says == (
        "På pause, «Datter til Beboer 205 Testperson er på besøk», av Kari N., siden søn 22.11. kl. 20:30, "
        "til søn 22.11. kl. 21:55."
    )
    assert unknown.sensors == ("Ukjent siden søn 22.11. kl. 21:04: seng (radioen er borte).",)
    assert unknown.dense == "Tettere tilsyn: noen skal inn i rommet minst hvert 60. minutt."
    assert (unknown.doubtful, unknown.first) == (True, True)
    assert no_basis.offs == (night_list.OffLine("Mangler rettslig grunnlag: planen ringer ikke.", grave=True),)
    assert no_basis.handling == "Planen sier ikke hva som skal gjøres."
    assert no_basis.responsible == "Planen sier ikke hvem. Ring lederen på vakt."
    assert taken.alarms[0].endswith("Kari N. har tatt alarmen.")
    assert late.alarms == ("Tilsynet kl. 20:49 er ikke gjort.",)
    no_plan = entry(found, "201")
    assert (no_plan.watched, no_plan.offs[0].says) == ((), "Ingen plan: bare alarmknapp, fall og vann ringer.")
    assert entry(found, "213").sensors == ("Kan ikke overvåkes: seng.",)
    assert entry(found, "214").sensors == ("Ingen sensor i rommet.",)
    assert [box.at for box in entry(found, "210").boxes] == ["01:00"], "times of one's own replace the ward's"


def test_when_nobody_watches_no_sensor_is_said_to_be_well(evening: Evening) -> None:
    found = made(evening, EVENING_MS + 31_000)
    assert found.troubles[0].startswith("Sentralen har ikke overvåket siden søn 22.11. kl. 21:30.")
    for one in found.entries:
        if one.number != "214":
            assert one.sensors[0] == "Ikke kjent om sensorene melder seg: sentralen overvåker ikke."
            assert one.doubtful
    assert not any("meldt seg som de skal" in said for one in found.entries for said in one.sensors)
    evening.write(lambda s: s.execute(delete(sweep_runs).where(sweep_runs.c.tenant_id == TENANT)))
    assert made(evening).troubles[0].startswith("Sentralen har aldri overvåket.")


def test_a_gateway_that_is_away_makes_its_rooms_unknown(evening: Evening) -> None:
    gone = update(gateways).where(gateways.c.tenant_id == TENANT, gateways.c.key == "gw1")
    evening.write(lambda s: s.execute(gone, {"revoked_ms": EVENING_MS - HOUR}))
    found = made(evening)
    assert entry(found, "204").sensors == ("Ukjent siden søn 22.11. kl. 20:30: seng (mottakeren er tatt ut av bruk).",)
    assert len(found.first) == len(NUMBERS) - 1, "all but the room without a sensor"
    never = update(device_states).where(device_states.c.tenant_id == TENANT, device_states.c.address == "test:203")
    back = {"last_heard_ms": None, "unknown_since_ms": None}
    evening.write(lambda s: (s.execute(gone, {"revoked_ms": None}), s.execute(never, back)))
    assert entry(made(evening), "203").sensors == ("Ukjent: seng (aldri hørt).",)


def test_without_names_there_is_none_anywhere(evening: Evening) -> None:
    found = made(evening, named=False)
    assert entry(found, "204").name == ""
    assert entry(found, "204").handling.startswith("beboeren går på toalettet selv.")
    assert "«Datter til beboeren er på besøk»" in entry(found, "205").offs[0].says
    assert entry(found, "204").responsible == "Kari N., tlf. 99 00 00 04", "whom to call is no resident"
    sheet = night_list_pages.sheet(NB, found)
    assert "Testperson" not in sheet.html
    assert "Astrid" not in sheet.html
    assert "Rom 204" in plain(sheet.html)


def test_without_names_there_is_none_in_what_an_installer_called_a_thing(evening: Evening) -> None:
    """Names of rooms, spots, places and boxes, each in a line of its own. Numbers stay: they say where to go."""
    mine = (rooms.c.tenant_id == TENANT, rooms.c.number == "204")
    spots, where = update(placements).where(placements.c.tenant_id == TENANT), {"place": "Stua til Astrid"}
    fault = update(alarms).where(alarms.c.tenant_id == TENANT, alarms.c.kind == "gateway_fault")
    evening.write(lambda s: s.execute(update(rooms).where(*mine), {"name": "Rommet til Astrid Testperson"}))
    evening.write(lambda s: s.execute(spots, {"spot": "Astrids seng"}))
    evening.write(lambda s: s.execute(fault, where))
    boxes = update(gateways).where(gateways.c.tenant_id == TENANT)
    evening.write(lambda s: s.execute(boxes, {"name": "Boksen hos Testperson"}))
    full = str(made(evening))
    for there in ("Rommet til Astrid", "Astrids seng", "Stua til Astrid", "Boksen hos Testperson"):
        assert there in full, "with names it is said as it was written"
    found = made(evening, named=False)
    assert not re.findall("Astrid|Testperson", str(found))
    assert entry(found, "204").room == "Rommet til beboeren"
    assert entry(found, "206").sensors[0].startswith("Ukjent siden søn 22.11. kl. 21:04: beboeren seng (")
    assert any("beboeren seng" in line for line in entry(found, "213").sensors), "one that is mute"
    assert [line.split(":")[0] for line in found.troubles] == ["Boksen hos beboeren", "Stua til beboeren"]


def test_who_shares_a_room_has_an_entry_each_and_the_rooms_alarm_at_both(evening: Evening) -> None:
    def move_in(s: object) -> None:
        one = s.insert(residents, key="gjest", name="Gjest Gjestesen")  # type: ignore[attr-defined]
        room = evening.ward.rooms["203"]
        s.insert(stays, resident_id=one, room_id=room, from_ms=0, to_ms=None)  # type: ignore[attr-defined]

    evening.write(move_in)
    both = [one for one in made(evening).entries if one.number == "203"]
    assert [one.name for one in both] == ["Beboer 203 Testperson", "Gjest Gjestesen"]
    assert {one.shared for one in both} == {"Flere bor i rommet."}


def test_a_round_that_was_walked_before_it_was_printed_is_not_asked_for_again(evening: Evening) -> None:
    at_ms = EVENING_MS + 2 * HOUR

    def walk(s: object) -> None:
        due_ms = EVENING_MS + 90 * MIN + 3 * MIN
        values = {"resident_id": evening.ward.residents["204"], "room_id": evening.ward.rooms["204"], "attempt": 1}
        done = {"due_ms": due_ms, "done_ms": due_ms + 4 * MIN, "state": "done", "kind": "digital", "why": "planned"}
        s.insert(round_tasks, ward_id=evening.ward.ward, how="digital", **values, **done)  # type: ignore[attr-defined]

    evening.write(walk)
    found = made(evening, at_ms)
    assert [(box.at, box.done) for box in entry(found, "204").boxes] == [
        ("23:00", "gjort 23:07"),
        ("02:00", ""),
        ("05:00", ""),
    ]
    assert entry(found, "205").boxes[0].done == ""


def test_a_ward_without_residents_or_rounds_still_has_its_first_page(evening: Evening) -> None:
    evening.write(lambda s: s.execute(delete(stays).where(stays.c.tenant_id == TENANT)))
    found = made(evening)
    assert (found.entries, found.residents) == ((), ())
    assert found.empty.startswith("Rom der ingen bor nå: 201, 202,")
    assert "204: Dør åpnet" in " ".join(found.troubles), "an alarm of a room where nobody lives is not left out"
    assert "Når systemet er nede" in night_list_pages.sheet(NB, found).html


@pytest.mark.parametrize(
    ("now", "begins", "ends"),
    [
        (EVENING_MS, EVENING_MS + 30 * MIN, EVENING_MS + 9 * HOUR + 30 * MIN),
        (EVENING_MS + 5 * HOUR, EVENING_MS + 30 * MIN, EVENING_MS + 9 * HOUR + 30 * MIN),
        (EVENING_MS + 9 * HOUR + 30 * MIN, EVENING_MS + 24 * HOUR + 30 * MIN, EVENING_MS + 33 * HOUR + 30 * MIN),
    ],
)
def test_the_night_is_the_one_that_is_or_the_next(now: int, begins: int, ends: int) -> None:
    assert night_list.night_ms(1320, 420, now, "Europe/Oslo") == (begins, ends)


def test_the_night_on_both_dst_nights_and_for_a_ward_whose_night_is_all_day() -> None:
    spring, autumn = 1_774_724_400_000, 1_792_864_800_000  # 28 March 20:00 and 24 October 20:00 in Oslo
    assert [
        to - begins for begins, to in (night_list.night_ms(1320, 420, ms, "Europe/Oslo") for ms in (spring, autumn))
    ] == [
        8 * HOUR,
        10 * HOUR,
    ]
    begins, ends = night_list.night_ms(420, 420, EVENING_MS, "Europe/Oslo")
    assert (ends - begins, begins <= EVENING_MS < ends) == (24 * HOUR, True)


def log(evening: Evening) -> list[tuple[str, int, int | None, int | None]]:
    """The access log."""
    with evening.db.read(evening.tenant.id) as s:
        rows = s.execute(select(access_log).where(access_log.c.tenant_id == TENANT).order_by(access_log.c.id))
        return [(row.what, row.resident_id, row.staff_id, row.tablet_id) for row in rows]


def test_staff_of_the_ward_print_it_and_each_copy_is_written_down(evening: Evening) -> None:
    tablet = evening.enrol()
    evening.log_in(tablet, evening.per)
    path = f"/admin/night-list/{evening.ward.ward}"
    for _ in range(2):
        answer = ask(evening, path)
        assert answer.status_code == 200
        assert NAME in plain(answer.text)
    assert OTHER_WARD not in answer.text
    assert len(log(evening)) == 2 * len(NUMBERS), "each copy, not only the first"
    one = evening.ward.residents["204"]
    assert log(evening).count((f"night_list:{one}", one, evening.per, tablet)) == 2
    answer = ask(evening, f"{path}?names=no")
    assert "Testperson" not in answer.text
    assert (f"night_list_rooms:{one}", one, evening.per, tablet) in log(evening)


def test_who_may_not_have_it(evening: Evening) -> None:
    path = f"/admin/night-list/{evening.ward.ward}"
    answer = ask(evening, path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/tablet/enrol")
    tablet = evening.enrol()
    answer = ask(evening, path)
    assert (answer.status_code, NAME in answer.text) == (401, False)
    evening.log_in(tablet, evening.kari)
    assert ask(evening, path).status_code == 200
    for other in (evening.other_ward, 999, 2**80):
        answer = ask(evening, f"/admin/night-list/{other}")
        assert (answer.status_code, OTHER_WARD in answer.text) == (404, False)
    before = log(evening)
    with evening.db.read(evening.tenant.id) as s:
        ola = s.execute(select(staff.c.id).where(staff.c.tenant_id == TENANT, staff.c.key == "ola")).scalar_one()
    evening.log_in(evening.enrol("b"), ola)
    assert ask(evening, path).status_code == 404, "another ward's lead"
    assert ask(evening, f"/admin/night-list/{evening.other_ward}").status_code == 200
    assert [row for row in log(evening) if row not in before and row[1] in evening.ward.residents.values()] == []
    evening.write(lambda s: s.execute(delete(staff_wards).where(staff_wards.c.tenant_id == TENANT)))
    assert ask(evening, f"/admin/night-list/{evening.other_ward}").status_code == 401, "of no ward any more"


def test_another_municipality_has_another_list(evening: Evening, db: Database) -> None:
    stranger = seeded(db, "annen")
    renamed = update(residents).where(residents.c.tenant_id == TENANT)
    stranger.write(lambda s: s.execute(renamed, {"name": "Fremmed Fremmedsen"}))
    tablet = stranger.enrol()
    stranger.log_in(tablet, stranger.kari)
    answer = ask(stranger, f"/admin/night-list/{stranger.ward.ward}")
    assert (answer.status_code, NAME in answer.text, "Fremmed" in answer.text) == (200, False, True)
    assert log(evening) == []


def test_one_click_leads_to_the_tablets_own_ward(evening: Evening) -> None:
    evening.log_in(evening.enrol(), evening.per)
    answer = ask(evening, "/admin/night-list")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/admin/night-list/{evening.ward.ward}")


def test_the_page_may_do_what_it_needs_and_nothing_else(evening: Evening) -> None:
    nasty = '"; } body { display: none } </style><script>alert(1)</script> \\'
    evening.write(lambda s: s.execute(update(wards).where(wards.c.tenant_id == TENANT), {"name": nasty}))
    evening.log_in(evening.enrol(), evening.per)
    answer = ask(evening, f"/admin/night-list/{evening.ward.ward}")
    style = re.search(r"<style>(.*?)</style>", answer.text, re.S)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = answer.headers["content-security-policy"]
    assert f"style-src 'sha256-{digest}';" in policy
    assert "default-src 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert "display: none }" not in style[1].replace(".bar { display: none; }", "").replace(
        "[hidden] { display: none; }", ""
    )
    assert "<script>" not in answer.text
    assert html.escape(nasty, quote=True).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in answer.text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_file_needs_nothing_else_in_any_language(evening: Evening, lang: str) -> None:
    with evening.db.read(evening.tenant.id) as s:
        found = night_list.of_ward(s, evening.tenant, evening.ward.ward, words(lang), EVENING_MS, named=True)
    text = night_list_pages.sheet(words(lang), found).html
    assert f'<html lang="{lang}">' in text
    assert {"nb": "Når systemet er nede", "nn": "Sjå til først", "en": "When the system is down"}[lang] in text
    assert not re.findall(r'(?:src|href)="(?!data:)', text), "no address of anything"
    assert "<script" not in text
    assert "<nav" not in text


def test_a_plan_that_has_ended_is_said_to_have(evening: Evening) -> None:
    number = evening.ward.residents["204"]
    evening.write(lambda s: plans.end(s, number, "Flyttet", evening.kari, EVENING_MS - HOUR))
    one = entry(made(evening), "204")
    assert one.watched == ()
    assert one.offs[0].says.startswith("Tilsynet er avsluttet, «Flyttet», av Kari N.")


def test_the_room_has_its_name_and_order_is_that_of_the_corridor(evening: Evening) -> None:
    named = update(rooms).where(rooms.c.tenant_id == TENANT, rooms.c.number == "210")
    evening.write(lambda s: s.execute(named, {"number": "9", "name": "Storgata 9, 1. etasje"}))
    found = made(evening)
    assert (found.entries[0].number, found.entries[0].room) == ("9", "Storgata 9, 1. etasje")
    sensor = update(placements).where(placements.c.tenant_id == TENANT)
    evening.write(lambda s: s.execute(sensor, {"spot": ""}))
    assert entry(made(evening), "206").sensors[0].startswith("Ukjent siden søn 22.11. kl. 21:04: sensor (")
