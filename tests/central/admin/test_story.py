"""An alarm's story as a ward's lead reads it, on both databases: page and API say the same, and only to them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import update

from nattevakt.central.admin import story_going, story_words
from nattevakt.central.alarms import overdue, register
from nattevakt.central.alarms.lifecycle import DECLINES, Move, State
from nattevakt.central.alarms.requests import Act, RaiseRequest, Where
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.notify.escalation import Why
from nattevakt.central.notify.sendings import CHANNELS, SendingState
from nattevakt.central.tables import alarms, rooms, tablets, transitions
from nattevakt.central.tables import wards as ward_rows
from nattevakt.edge.events import KINDS as EVENT_KINDS
from nattevakt.edge.rules.rule import Occurred, Priority, Reason
from tests.central.admin.desk import Desk, plain
from tests.central.past_nights import MIN, NOON_MS

HOSTILE = ("0", "-1", "999", str(2**63 - 1), str(2**63), "9" * 400, "1e3", "abc", "%00", "1;drop", "٣")


def ring(desk: Desk, *, late_ms: int = 0, ward: int = 1, kind: str = "call", subject: str = "room:1") -> int:
    """An alarm of r1's."""
    now = desk.lived.clock.at_ms
    reason = Reason("call.pressed_late" if late_ms else "call.pressed", {"late_min": late_ms // MIN})
    happened = Occurred(now - late_ms, now - late_ms)
    request = RaiseRequest(subject, kind, kind, Priority.HIGH, reason, happened, Where(ward, None, desk.id_of("r1")))
    number = desk.write(lambda s: register.apply(s, request, now)).alarm_id
    assert number is not None
    return int(number)


def act(desk: Desk, alarm: int, to: State, **more: Any) -> None:
    """Kari's move, at the desk's own tablet."""
    key = f"key-{alarm}-{to}-{desk.lived.clock.at_ms}"
    desk.lived.clock.at_ms += MIN
    wish = Act(alarm, to, desk.lived.kari, desk.tablet_id, key, **more)
    desk.write(lambda s: register.act(s, wish, desk.lived.clock.at_ms))


def ended(desk: Desk) -> int:
    """One that has been taken, come to and closed."""
    alarm = ring(desk)
    for to in (State.TAKEN, State.ON_SITE):
        act(desk, alarm, to)
    act(desk, alarm, State.CLOSED, cause="fall", action="lege_kontaktet", note="<b>Ringte</b> legevakten")
    return alarm


def test_the_page_says_it_in_words(desk: Desk) -> None:
    page = desk.page(f"/admin/alarms/{ended(desk)}")
    for said in (
        "Ringer etter hjelp",
        "Prøve En, Avdeling A",
        "Kari N. tok den etter 1 min 0 s.",
        "Hos bruker etter 2 min 0 s.",
        "Avsluttet etter 3 min 0 s: Hadde falt; Kontaktet lege.",
        "«<b>Ringte</b> legevakten»",
        "Noen trykket på alarmknappen.",
        "Ingen nettbrett bekreftet at den ble vist, men noen tok hånd om den på et av dem.",
        "Brukt der, visning ikke bekreftet",
        "Nasjonal kode 4.13",
    ):
        assert said in page, said
    assert "<script" not in desk.call("GET", "/admin/alarms/1").text


def test_the_api_says_the_same(desk: Desk) -> None:
    alarm = ended(desk)
    told = desk.get(f"/alarms/{alarm}")
    assert (told["id"], told["kind"], told["vkp_code"], told["state"]) == (alarm, "call", "4.13", "avsluttet")
    assert told["reason"]["says"] == "Noen trykket på alarmknappen."
    assert [change["cause"] for change in told["changes"]] == ["raise", "take", "on_site", "close"]
    assert [change["automatic"] for change in told["changes"]] == [True, False, False, False]
    assert told["changes"][-1]["answers"]["note"] == "<b>Ringte</b> legevakten"
    (rang,) = told["soundings"]
    assert (rang["verdict"], rang["tablets"], rang["shown"]) == ("acted", 1, 0)
    assert rang["notices"][0]["after_event_ms"] == {"made": 0, "taken": MIN}
    (chapter,) = told["chapters"]
    after = {one["code"]: one["after_event_ms"] for one in chapter["moments"]}
    assert (after["taken"], after["on_site"], after["closed"]) == (MIN, 2 * MIN, 3 * MIN)
    assert [(look["what"], look["by"]["name"]) for look in told["looks"]] == [("story", "Kari N.")]


def test_a_late_one_that_nobody_was_shown_says_both(desk: Desk) -> None:
    alarm = ring(desk, late_ms=41 * MIN)
    desk.write(lambda s: s.execute(update(tablets).where(tablets.c.tenant_id == TENANT), {"name": "Vaktrom"}))
    page = desk.page(f"/admin/alarms/{alarm}")
    assert "Ingen er vist den ennå: den er ikke kommet ut til noe nettbrett." in page
    assert "Fristen gikk ut" in page, "no event raised it"
    assert "Ingen har tatt den ennå." in page


def test_the_drawing_has_a_lane_for_each_tablet_and_words_for_who_sees_nothing(desk: Desk) -> None:
    desk.write(lambda s: s.execute(update(tablets).where(tablets.c.tenant_id == TENANT), {"name": "Gang <øst>"}))
    source = desk.call("GET", f"/admin/alarms/{ended(desk)}").text
    wide, narrow = re.findall(r"<svg class=\"story-drawing.*?</svg>", source, re.S)
    for drawing in (wide, narrow):
        assert 'role="img" aria-label="Tidslinje fra 12:00:00 til' in drawing
        assert "Gang &lt;øst&gt;" in drawing
        assert drawing.count('class="hollow"') == 2, "the notice, and the legend"
        assert 'class="ring"' in drawing
        assert 'class="site"' in drawing


@pytest.mark.parametrize("lang", ["nn", "en"])
def test_it_is_told_in_each_language(desk: Desk, lang: str) -> None:
    alarm = ended(desk)
    said = {"nn": "Kari N. tok han etter 1 min 0 s.", "en": "Kari N. took it after 1 min 0 s."}[lang]
    assert said in plain(desk.call("GET", f"/admin/alarms/{alarm}", Accept_Language=lang).text)


def test_every_cause_that_is_written_has_words() -> None:
    written = {"raise", "sound", "join", "note", overdue.PROMISE, *(move.value for move in Move)}
    assert written <= set(story_words.CHANGES)
    assert set(story_words.STATES) == set(State)
    assert {kind for kind, _, _ in story_words.EVENTS} == set(EVENT_KINDS)
    assert {overdue.OVERDUE, *Why} - {Why.TRANSFERRED} <= set(story_going.WHYS)
    assert set(DECLINES) == set(story_going.REASONS)
    assert set(SendingState) == set(story_going.STATES)
    assert set(CHANNELS) == set(story_going.CHANNELS)


def test_what_a_newer_version_wrote_is_shown_as_its_code(desk: Desk) -> None:
    alarm = ring(desk)

    def write(s: TenantSession) -> None:
        change = {"from_state": "meldt", "to_state": "sov", "at_ms": NOON_MS + 5, "cause": "snoozed"}
        s.insert(transitions, alarm_id=alarm, **change, detail={"why": "tired", "holder": "x", "event": 7})
        new = {"state": "sov", "kind": "brand_new", "priority": 9, "marks": ["odd"], "reason_code": "new.code"}
        s.execute(update(alarms).where(alarms.c.tenant_id == TENANT), new)

    desk.write(write)
    page = desk.page(f"/admin/alarms/{alarm}")
    for code in ("snoozed", "sov", "brand_new", "odd", "new.code"):
        assert code in page
    assert desk.get(f"/alarms/{alarm}")["changes"][-1]["says"] == "snoozed"
    assert "brand_new" in desk.page("/admin/alarms")


def test_another_wards_or_tenants_alarm_is_as_one_that_is_not(desk: Desk) -> None:
    def other(s: TenantSession) -> int:
        ward = s.insert(ward_rows, key="z", name="Z", night_from_minute=1320, night_to_minute=420)
        s.insert(rooms, ward_id=ward, key="901", number="901", name="")
        return ward

    alarm = ring(desk, ward=desk.write(other))
    for path in (f"/admin/alarms/{alarm}", f"/v1/admin/alarms/{alarm}", f"/admin/alarms/{alarm + 1}"):
        answer = desk.call("GET", path)
        assert (answer.status_code, "Prøve En" in answer.text) == (404, False)
    assert desk.get("/alarms") == {"alarms": [], "more_before": None}
    assert "Prøve En" not in desk.page("/admin/alarms")
    assert desk.readings() == []


@pytest.mark.parametrize("number", HOSTILE)
def test_any_id_is_answered_without_a_fault(desk: Desk, number: str) -> None:
    for path in (f"/admin/alarms/{number}", f"/v1/admin/alarms/{number}"):
        assert desk.call("GET", path).status_code in (404, 422)
    for query in (f"before={number}", f"resident={number}", f"resident_id={number}"):
        for path in ("/admin/alarms", "/v1/admin/alarms"):
            assert desk.call("GET", f"{path}?{query}").status_code in (200, 403, 404, 422)


def test_who_leads_no_ward_reads_none(desk: Desk) -> None:
    alarm = ring(desk)
    desk.log_in(lead=False)
    for path in ("/admin/alarms", f"/admin/alarms/{alarm}", f"/v1/admin/alarms/{alarm}", "/v1/admin/alarms"):
        assert desk.call("GET", path).status_code == 403
    del desk.cookies["__Host-person"]
    assert desk.call("GET", f"/v1/admin/alarms/{alarm}").status_code == 401
    assert desk.readings() == []


def test_each_look_is_in_the_access_log_once_a_log_in(desk: Desk) -> None:
    alarm, resident = ring(desk), desk.id_of("r1")
    for _ in range(2):
        desk.page(f"/admin/alarms/{alarm}")
        desk.get(f"/alarms/{alarm}")
    assert desk.readings() == [(f"story:{alarm}", resident, desk.lived.kari)]
    desk.page("/admin/alarms")
    assert desk.readings()[1:] == [(f"alarms:{resident}", resident, desk.lived.kari)]


def test_the_list_leads_to_each_and_goes_on(desk: Desk) -> None:
    numbers = [ring(desk, subject=f"room:{n}") for n in range(52)]
    first = desk.get("/alarms")
    assert [row["id"] for row in first["alarms"]] == numbers[:1:-1]
    rest = desk.get(f"/alarms?before={first['more_before']}&resident_id={desk.id_of('r1')}")
    assert [row["id"] for row in rest["alarms"]] == numbers[1::-1]
    assert rest["more_before"] is None
    source = desk.call("GET", "/admin/alarms").text
    assert f'href="/admin/alarms/{numbers[-1]}"' in source
    assert f'href="/admin/alarms?before={first["more_before"]}"' in source
    assert "/admin/alarms?resident=" in desk.call("GET", f"/admin/residents/{desk.id_of('r1')}").text
    assert "/admin/alarms?resident=" in desk.call("GET", "/admin/alarm-health").text
    assert desk.get(f"/alarms?resident_id={desk.id_of('r1')}")["alarms"][0]["resident"] == "Prøve En"
