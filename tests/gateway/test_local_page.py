"""The gateway's own page: what it shows, to whom, in which language, and what can be done on it."""

from __future__ import annotations

import base64
import http.client
import queue
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from time import monotonic
from typing import Any

import pytest

from nattevakt.edge.rules.catalogue import RULES
from nattevakt.gateway.local_html import render
from nattevakt.gateway.local_mode import View
from nattevakt.gateway.local_page import LocalPage, PageConfig
from nattevakt.gateway.local_rules import ALWAYS, UNKNOWN, Rung
from nattevakt.gateway.local_words import LANGUAGES, kind, language
from tests.support.wait import until

NOW_MS = 1_795_306_500_000
"""01:15 at night in Oslo."""
CALL = Rung(1, "room:7", "201", "bad", "call", "call", "call.pressed", 1, NOW_MS - 180_000, [4])
LOST = View(NOW_MS, NOW_MS - 600_000, alarms=(CALL,))


def plain(text: str) -> str:
    """What a reader reads."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text.partition("<body>")[2]))


def test_an_alarm_says_where_what_and_for_how_long() -> None:
    said = plain(render(LOST, "nb"))
    assert "Sentralen er ikke i kontakt siden kl. 01:05." in said
    assert "Rom 201 Ringer etter hjelp · bad kl. 01:12, for 3 min siden Jeg ser den" in said
    assert "Vist kl. 01:15:00" in said


def test_what_is_not_of_today_has_its_date_and_what_is_long_ago_its_hours() -> None:
    days = View(NOW_MS, NOW_MS - 50 * 3_600_000, alarms=(replace(CALL, at_ms=NOW_MS - 49 * 3_600_000),))
    said = plain(render(days, "nb"))
    assert "Sentralen er ikke i kontakt siden kl. 23:15 (19.11.)." in said
    assert "kl. 00:15 (20.11.), for 49 timer siden" in said
    yesterday = replace(LOST, alarms=(replace(CALL, at_ms=NOW_MS - 76 * 60_000),))
    assert "kl. 23:59 (21.11.), for 76 min siden" in plain(render(yesterday, "nb"))


def test_a_check_does_not_look_like_an_alarm() -> None:
    check = replace(CALL, number=2, priority=3, kind="bed_check")
    looks = re.findall(r'<li class="(\w+)">', render(replace(LOST, alarms=(check, CALL)), "nb"))
    assert looks == ["alarm", "check"]


def test_what_is_seen_or_over_says_so_and_has_no_button() -> None:
    seen = plain(render(replace(LOST, alarms=(replace(CALL, seen_ms=NOW_MS),)), "nb"))
    assert "Sett kl. 01:15" in seen
    assert "Jeg ser den" not in seen
    over = plain(render(replace(LOST, alarms=(replace(CALL, over_ms=NOW_MS),)), "nb"))
    assert "Avklart av seg selv kl. 01:15" in over
    assert "Jeg ser den" not in over


def test_quiet_is_not_called_well_and_old_plans_and_clocks_are_said() -> None:
    said = plain(render(View(NOW_MS, NOW_MS - 1, clock=False, plan="old"), "nb"))
    assert "Det betyr ikke at alt er vel" in said
    assert "mer enn sju dager gamle" in said
    assert "Klokken i mottakeren er kanskje feil" in said
    assert "har ingen planer" in plain(render(View(NOW_MS, NOW_MS - 1, plan="none"), "nb"))
    assert "Sentralen er i kontakt" in plain(render(View(NOW_MS), "nb"))
    assert "Mottakeren starter" in plain(render(View(0), "nb"))


def test_what_comes_from_outside_is_text() -> None:
    nasty = replace(CALL, room="<b>", place="<script>", kind="<i>")
    text = render(replace(LOST, alarms=(nasty,)), "nb")
    assert "<script>" not in text
    assert "<b>" not in text
    assert "<i>" not in text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_kind_that_can_ring_here_has_words(lang: str) -> None:
    rung = {kind for rule in RULES if rule.planned or rule in ALWAYS for kind in (rule.kind, *rule.kinds)}
    for code in {*rung, UNKNOWN}:
        assert kind(lang, code) != code
    assert "{" not in plain(render(replace(LOST, clock=False, plan="old"), lang))


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("", "nb"),
        ("nn-NO,nb;q=0.8", "nn"),
        ("en-GB", "en"),
        ("de,fr", "nb"),
        ("de,en;q=0.5,nn;q=0.9", "nn"),
        ("x;q=y", "nb"),
    ],
)
def test_the_browser_says_which_language(asked: str, given: str) -> None:
    assert language(asked) == given


# --- over the network ----------------------------------------------------------------------------------------


@contextmanager
def served(view: Callable[[], View], see: Callable[[str], None], code: str = "") -> Iterator[int]:
    page = LocalPage(PageConfig("127.0.0.1", 0, code), view, see, monotonic)
    thread = threading.Thread(target=page.run)
    thread.start()
    try:
        until(lambda: page.port != 0, "the page listens")
        yield page.port
    finally:
        page.stop()
        thread.join(10)
    assert not thread.is_alive()


def ask(port: int, method: str = "GET", path: str = "/", body: str = "", **headers: str) -> tuple[int, str, Any]:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        line.request(method, path, body or None, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = line.getresponse()
        return answer.status, answer.read().decode(), answer.headers
    finally:
        line.close()


def test_a_second_device_reads_it_and_says_that_somebody_sees_an_alarm() -> None:
    seen: queue.SimpleQueue[str] = queue.SimpleQueue()
    with served(lambda: LOST, seen.put) as port:
        status, text, headers = ask(port, Accept_Language="en")
        assert status == 200
        assert "Calls for help" in text
        assert headers["Cache-Control"] == "no-store"
        assert ask(port, path="/etc/passwd")[0] == 404
        assert ask(port, "POST", body="alarm=1.4.1")[0] == 303
        assert seen.get(timeout=5) == "1.4.1"
        assert ask(port, "POST", body="alarm=-1;drop")[0] == 303
        assert ask(port, "POST", body="alarm=2.4.1", Origin="http://elsewhere.example")[0] == 403
        assert ask(port, "POST", body="x" * 2_000)[0] == 400
        assert ask(port, "PUT", body="x")[0] == 501
        assert seen.empty()


def test_who_has_tapped_is_shown_that_it_was_taken() -> None:
    views = [LOST]

    def see(_name: str) -> None:
        seen = replace(CALL, seen_ms=NOW_MS)
        threading.Timer(0.4, lambda: views.append(replace(LOST, alarms=(seen,)))).start()

    with served(lambda: views[-1], see) as port:
        assert ask(port, "POST", body="alarm=1.4.1")[0] == 303
        assert "Jeg ser den" not in ask(port)[1]


def test_a_code_is_asked_for_where_one_is_set() -> None:
    def login(code: str) -> str:
        return "Basic " + base64.b64encode(f"x:{code}".encode()).decode()

    with served(lambda: LOST, lambda _: None, "1234") as port:
        assert ask(port)[0] == 401
        assert ask(port, Authorization=login("4321"))[0] == 401
        assert ask(port, Authorization="Basic æøå".encode().decode("latin-1"))[0] == 401
        assert ask(port, "POST", body="alarm=1.4.1")[0] == 401
        assert ask(port, Authorization=login("1234"))[0] == 200


def test_an_address_that_is_taken_is_tried_again_and_stops_at_once() -> None:
    with served(lambda: LOST, lambda _: None) as port:
        page = LocalPage(PageConfig("127.0.0.1", port), lambda: LOST, lambda _: None, monotonic)
        thread = threading.Thread(target=page.run)
        thread.start()
        page.stop()
        thread.join(10)
        assert not thread.is_alive()
        assert page.port == 0


def test_what_goes_wrong_with_one_reader_is_logged_and_harms_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """`handle_error` of the server takes it."""
    views = iter((None, LOST))

    def view() -> View:
        found = next(views)
        if found is None:
            raise ZeroDivisionError("a bug")
        return found

    with served(view, lambda _: None) as port:
        with pytest.raises(http.client.RemoteDisconnected):
            ask(port)
        assert ask(port)[0] == 200
    assert "event=local_page_broken_off error=ZeroDivisionError" in caplog.text
