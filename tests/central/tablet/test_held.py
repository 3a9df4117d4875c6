"""Who has an alarm and until when: every act from every state over HTTP, promises, and an alarm that rings again."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from nattevakt.central.alarms.lifecycle import ALLOWED, ENDED, GIVES_UP, HELD, LEADS_TO, PERSON_MOVES, Move, State
from nattevakt.central.tablet import held
from nattevakt.central.tablet.i18n import LANGUAGES, words
from nattevakt.central.tablet.routes import STATE_OF
from tests.central.tablet.conftest import WAIT_MS, Server, Tablets, card, log_in
from tests.central.tablet.test_acts import query
from tests.central.tablet.ward import PIN
from tests.support.people import Answer, HttpTablet
from tests.support.wait import until

ACTS = {
    "take": Move.TAKE,
    "on-way": Move.GO,
    "on-site": Move.ARRIVE,
    "close": Move.CLOSE,
    "decline": Move.REJECT,
    "transfer": Move.TRANSFER,
}
KARI, PER = 1, 2
ENDING = {"cause": "annet", "action": "tilsyn", "reason": "annet", "ward": "3etg"}


@pytest.fixture
def tablet(server: Server) -> HttpTablet:
    found = HttpTablet(server.port, str(server.order("code")))
    found.log_in("kari", PIN)
    return found


def put(folder: Path, alarm: int, state: State, holder: int | None) -> None:
    """Bring an alarm to a state, however that may have come about."""
    database = sqlite3.connect(folder / "central.sqlite", timeout=30)
    with database:
        database.execute(
            "UPDATE alarms SET state = ?, taken_by = ?, taken_ms = raised_ms, closed_ms = ?, on_site_ms = ?,"
            " version = version + 1 WHERE id = ?",
            (state.value, holder, 1 if state in ENDED else None, 1 if state is State.ON_SITE else None, alarm),
        )
    database.close()


def post(tablet: HttpTablet, alarm: int, act: str, body: Mapping[str, object], lang: str = "nb") -> Answer:
    headers = {"Idempotency-Key": str(uuid.uuid4()), "Accept-Language": lang}
    return tablet.call("POST", f"/tablet/alarms/{alarm}/{act}", dict(body), headers)


def test_the_tablet_offers_what_a_person_may_do_of_the_table() -> None:
    assert {LEADS_TO[move] for move in ACTS.values()} == set(STATE_OF.values())
    assert set(ACTS) == set(STATE_OF)
    assert set(ACTS.values()) == PERSON_MOVES - {Move.REOPEN}
    assert set(held.REFUSED) == set(State)


def test_every_act_from_every_state_is_done_or_refused_with_a_sentence(
    server: Server, tablet: HttpTablet, tmp_path: Path
) -> None:
    alarm, seen = server.ring(number="204"), set()
    for state in State:
        for act, move in ACTS.items():
            for holder in (KARI, PER):
                put(tmp_path, alarm, state, holder)
                answer = post(tablet, alarm, act, ENDING)
                to = LEADS_TO[move]
                what = (state, act, holder)
                # Whoever closed it stands in its history alone: that was Kari, in a state before.
                again = state is to and (state is State.CLOSED or (state in HELD and holder == KARI))
                too_late = state is State.ESCALATED and holder == KARI and move not in {Move.TAKE, *GIVES_UP}
                anothers = state in HELD and holder == PER and move in GIVES_UP
                if (move in ALLOWED[state] and not anothers) or again or too_late:
                    assert (answer.status, answer.body["state"]) == (200, to.value), what
                    assert answer.body["repeated"] is again, what
                    seen.add("done")
                elif state in HELD and holder == PER:
                    assert (answer.status, answer.body["error"]) == (409, "someone_first"), what
                    assert answer.body["message"] == "Per A. var først.", what
                    seen.add("first")
                else:
                    assert (answer.status, answer.body["error"]) == (409, "illegal_move"), what
                    for lang in LANGUAGES:
                        said = post(tablet, alarm, act, ENDING, lang).body["message"]
                        assert said == words(lang)(held.REFUSED[state]) != "", what
                    assert query(tmp_path, "SELECT state FROM alarms") == [(state.value,)], what
                    seen.add("refused")
    assert seen == {"done", "first", "refused"}


@pytest.mark.parametrize("act", ["reject", "escalate", "clear", "reopen", "sing", "promise"])
def test_what_no_tablet_does_is_refused_with_a_sentence(
    server: Server, tablet: HttpTablet, tmp_path: Path, act: str
) -> None:
    alarm = server.ring(number="204")
    for lang, said in (
        ("nb", "Det gjøres ikke på nettbrettet."),
        ("nn", "Det gjer ein ikkje på nettbrettet."),
        ("en", "That is not done on the tablet."),
    ):
        answer = post(tablet, alarm, act, {}, lang)
        assert (answer.status, answer.body["field"], answer.body["message"]) == (422, "act", said)
    assert query(tmp_path, "SELECT count(*) FROM transitions") == [(1,)]


def test_what_is_no_promise_is_refused_by_its_field(server: Server, tablet: HttpTablet, tmp_path: Path) -> None:
    alarm = server.ring(number="204")
    for wrong in (0, 31, -5, 10**400, "10", 10.0, 9.5, True, [10], {"min": 10}, ""):
        answer = post(tablet, alarm, "take", {"promise_min": wrong})
        assert (answer.status, answer.body["field"]) == (422, "promise_min"), wrong
        assert answer.body["message"]
    assert query(tmp_path, "SELECT state, due_ms FROM alarms") == [("meldt", None)]
    assert post(tablet, alarm, "take", {"promise_min": None}).status == 200
    for act in ("on-site", "close"):
        answer = post(tablet, alarm, act, {**ENDING, "promise_min": 5})
        assert (answer.status, answer.body["field"]) == (422, "promise_min")
    assert query(tmp_path, "SELECT state, promised_min FROM alarms") == [("kvittert", None)]


def test_a_promise_is_stored_and_a_card_stays_the_same_while_it_counts(server: Server, tablet: HttpTablet) -> None:
    alarm = server.ring(number="204")
    assert post(tablet, alarm, "take", {"promise_min": 20}).status == 200
    first = tablet.snapshot()["alarms"][0]["html"]
    assert "Kommer innen kl." in first
    assert "data-left-to" in first
    assert " igjen<" not in first
    assert tablet.snapshot()["alarms"][0]["html"] == first
    assert post(tablet, alarm, "take", {"promise_min": 5}).body["state"] == "kvittert"
    assert tablet.snapshot()["alarms"][0]["html"] != first


def box(page: Page, number: str, name: str) -> dict[str, float]:
    found = card(page, number).get_by_role("button", name=name).bounding_box()
    assert found
    return dict(found)


def test_coming_in_ten_minutes_is_said_with_two_taps_and_counts_for_everybody(
    server: Server, tablets: Tablets, tmp_path: Path
) -> None:
    mine, other = tablets.enrolled(), tablets.enrolled()
    log_in(mine)
    log_in(other, "Per A.")
    server.ring(number="204")
    card(mine, "204").wait_for(timeout=WAIT_MS)
    primary, quiet = box(mine, "204", "Ta alarm"), box(mine, "204", "Kommer om")
    assert min(quiet["width"], quiet["height"]) >= 48
    assert quiet["x"] + quiet["width"] <= primary["x"]
    card(mine, "204").get_by_role("button", name="Kommer om").click()
    dialog = mine.get_by_role("dialog")
    expect(dialog).to_contain_text("204")
    assert dialog.get_by_role("button").all_inner_texts() == ["", "Om 5 min", "Om 10 min", "Om 20 min"]
    dialog.get_by_role("button", name="Om 10 min").click()
    for page in (mine, other):
        expect(card(page, "204")).to_contain_text("Kommer innen kl.", timeout=WAIT_MS)
        left = card(page, "204").locator("[data-left-to]")
        expect(left).to_contain_text("igjen")
        before = left.inner_text()
        expect(left).not_to_have_text(before, timeout=WAIT_MS)
    after = box(mine, "204", "På vei")
    assert (after["x"], after["width"], after["height"]) == (primary["x"], primary["width"], primary["height"])
    expect(card(other, "204").get_by_role("button", name="Kommer om")).to_have_count(0)
    assert query(tmp_path, "SELECT state, promised_min FROM alarms") == [("kvittert", 10)]
    card(mine, "204").get_by_role("button", name="På vei").click()
    expect(card(mine, "204")).to_contain_text("er på vei", timeout=WAIT_MS)
    card(mine, "204").get_by_role("button", name="Kommer om").click()
    mine.get_by_role("dialog").get_by_role("button", name="Om 20 min").click()
    expect(card(mine, "204").locator("[data-left-to]")).to_contain_text("19 min", timeout=WAIT_MS)
    assert query(tmp_path, "SELECT state, promised_min FROM alarms") == [("til_utrykning", 20)]


def test_a_promise_that_is_lost_on_its_way_is_tried_again_as_it_was(
    server: Server, tablets: Tablets, tmp_path: Path
) -> None:
    page = tablets.enrolled()
    log_in(page)
    server.ring(number="204")
    quiet = card(page, "204").get_by_role("button", name="Kommer om")
    page.route("**/tablet/alarms/*/take", lambda route: route.abort())
    quiet.click(timeout=WAIT_MS)
    page.get_by_role("dialog").get_by_role("button", name="Om 5 min").click()
    expect(card(page, "204")).to_contain_text("Ikke registrert: sentralen svarer ikke.", timeout=WAIT_MS)
    expect(card(page, "204").get_by_role("button", name="Ta alarm")).to_be_visible()
    page.unroute("**/tablet/alarms/*/take")
    card(page, "204").get_by_role("button", name="Prøv igjen").click()
    expect(card(page, "204")).to_contain_text("Kommer innen kl.", timeout=WAIT_MS)
    assert query(tmp_path, "SELECT state, promised_min FROM alarms") == [("kvittert", 5)]


def test_it_rings_again_on_every_tablet_also_the_holders_and_says_who_did_not_come(
    server: Server, tablets: Tablets, tmp_path: Path
) -> None:
    pages = [tablets.enrolled(), tablets.enrolled()]
    for page, name in zip(pages, ("Kari N.", "Per A."), strict=True):
        log_in(page, name)
        page.get_by_role("button", name="Start vakt").click()
        page.get_by_role("button", name="Ja, jeg hørte den").click()
    alarm = server.ring(number="204")
    card(pages[0], "204").get_by_role("button", name="Ta alarm").click(timeout=WAIT_MS)
    for page in pages:
        expect(card(page, "204")).to_contain_text("Ringer igjen kl.", timeout=WAIT_MS)
    server.order("overdue", alarm=alarm)
    for page in pages:
        mine = card(page, "204")
        expect(mine).to_contain_text("Tatt av Kari N. kl.", timeout=WAIT_MS)
        expect(mine).to_contain_text("ikke framme")
        expect(mine).to_contain_text("Noen trykket på alarmknappen.")
        expect(mine).to_have_attribute("data-taken", "false")
        expect(page.locator("#announce")).to_contain_text("204", timeout=WAIT_MS)
    ledger = "SELECT count(*) FROM notices WHERE alarm_id = 1 AND sound_seq = 2 AND sounded_ms IS NOT NULL"
    until(lambda: query(tmp_path, ledger) == [(2,)], "both tablets have sounded it")
