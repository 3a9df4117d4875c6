"""The routes without a browser: who is let in, what is refused and how it is said, what goes out with every answer."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

import pytest

from tests.central.tablet.conftest import Server
from tests.central.tablet.ward import PIN
from tests.support.people import HttpTablet


@pytest.fixture
def tablet(server: Server) -> HttpTablet:
    return HttpTablet(server.port, str(server.order("code")))


def act_headers(**more: str) -> Mapping[str, str]:
    return {"Idempotency-Key": str(uuid.uuid4()), **more}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/tablet/snapshot"),
        ("GET", "/tablet/events"),
        ("GET", "/tablet/staff"),
        ("POST", "/tablet/person"),
        ("POST", "/tablet/person/end"),
        ("POST", "/tablet/alarms/1/take"),
        ("POST", "/tablet/presence"),
        ("POST", "/tablet/shown"),
    ],
)
def test_nothing_without_an_enrolled_tablet(server: Server, tablet: HttpTablet, method: str, path: str) -> None:
    for cookie in ("", "furutun.1." + "A" * 43, "furutun.99." + "A" * 43, "nowhere.1." + "A" * 43, "rubbish"):
        tablet.cookies = {"__Host-tablet": cookie}
        answer = tablet.call(method, path, {} if method == "POST" else None)
        assert answer.status == 401
        assert answer.body["error"] == "tablet_needed"


def test_the_board_sends_strangers_to_enrolment(server: Server, tablet: HttpTablet) -> None:
    tablet.cookies = {}
    answer = tablet.call("GET", "/")
    assert (answer.status, answer.headers["location"]) == (303, "/tablet/enrol")


def test_a_code_enrols_once(server: Server) -> None:
    code = str(server.order("code"))
    first = HttpTablet(server.port, code.lower().replace("-", " "))
    assert first.snapshot()["ward"] == {"name": "Furutun, 2. etasje"}
    answer = first.call("POST", "/tablet/enrol", {"code": code})
    assert (answer.status, answer.body["error"], answer.body["field"]) == (403, "code_wrong", "code")


def test_codes_can_be_tried_ten_times_a_minute(server: Server, tablet: HttpTablet) -> None:
    for _ in range(10):
        assert tablet.call("POST", "/tablet/enrol", {"code": "AAAAA-AAAAA"}).status == 403
    answer = tablet.call("POST", "/tablet/enrol", {"code": str(server.order("code"))})
    assert answer.status == 429
    assert 0 < int(answer.headers["retry-after"]) <= 61


def test_cookies_are_for_this_site_alone(server: Server) -> None:
    tablet = HttpTablet(server.port, str(server.order("code")))
    answer = tablet.call("POST", "/tablet/person", {"staff": "kari", "pin": PIN})
    cookie = answer.headers["set-cookie"]
    for part in ("__Host-person=", "HttpOnly", "Path=/", "SameSite=strict", "Secure"):
        assert part.lower() in cookie.lower()
    assert "domain" not in cookie.lower()


@pytest.mark.parametrize(
    ("headers", "status", "error"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403, "cross_site"),
        ({"Sec-Fetch-Site": "same-site"}, 403, "cross_site"),
        ({"Content-Type": "text/plain"}, 415, "bad_request"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415, "bad_request"),
    ],
)
def test_acts_come_from_our_own_page(
    server: Server, tablet: HttpTablet, headers: Mapping[str, str], status: int, error: str
) -> None:
    tablet.log_in("kari", PIN)
    alarm = server.ring(number="204")
    answer = tablet.call("POST", f"/tablet/alarms/{alarm}/take", {}, act_headers(**headers))
    assert (answer.status, answer.body["error"]) == (status, error)
    assert tablet.snapshot()["alarms"][0]["state"] == "meldt"


def test_refusals_name_the_field_in_bokmal(server: Server, tablet: HttpTablet) -> None:
    alarm = server.ring(number="204")
    answer = tablet.call("POST", f"/tablet/alarms/{alarm}/take", {}, act_headers())
    assert (answer.status, answer.body["error"]) == (401, "person_needed")
    tablet.log_in("kari", PIN)
    path = f"/tablet/alarms/{alarm}/take"
    cases = [
        (tablet.call("POST", path, {}, {"Idempotency-Key": "kort"}), 422, "idempotency-key"),
        (tablet.call("POST", path, {}), 422, "idempotency-key"),
        (tablet.call("POST", path, {"note": 5}, act_headers()), 422, "note"),
        (tablet.call("POST", f"/tablet/alarms/{alarm}/sing", {}, act_headers()), 422, "act"),
        (tablet.call("POST", f"/tablet/alarms/{alarm}/close", {"cause": "x"}, act_headers()), 422, "cause"),
        (tablet.call("POST", "/tablet/shown", {"notices": [{"id": "x"}]}), 422, "notices[0].id"),
        (tablet.call("POST", "/tablet/shown", {"notices": 5}), 422, "notices"),
        (tablet.call("POST", "/tablet/person", {"staff": "ola", "pin": PIN}), 422, "staff"),
        (tablet.call("POST", "/tablet/presence", {"battery": 10**400}), 422, "battery"),
    ]
    for answer, status, field in cases:
        assert (answer.status, answer.body.get("field")) == (status, field), answer.body
        assert answer.body["message"]
    assert tablet.call("POST", path, {"note": "x" * 40_000}, act_headers()).status == 413
    for unknown in (alarm + 1, -1, 2**63, 10**30):
        assert tablet.act(unknown, "take").status == 404
    assert tablet.act(alarm, "close", {"cause": "fall", "action": "ingen"}).body["error"] == "illegal_move"


def test_the_same_key_does_it_once(server: Server, tablet: HttpTablet) -> None:
    tablet.log_in("kari", PIN)
    alarm = server.ring(number="204")
    headers = act_headers()
    first = tablet.call("POST", f"/tablet/alarms/{alarm}/take", {}, headers)
    again = tablet.call("POST", f"/tablet/alarms/{alarm}/take", {}, headers)
    assert (first.status, first.body["state"], first.body["repeated"]) == (200, "kvittert", False)
    assert (again.status, again.body["version"], again.body["repeated"]) == (200, first.body["version"], True)


def test_the_second_is_told_who_was_first(server: Server, tablet: HttpTablet) -> None:
    other = HttpTablet(server.port, str(server.order("code")))
    tablet.log_in("kari", PIN)
    other.log_in("per", PIN)
    alarm = server.ring(number="204")
    assert tablet.act(alarm, "take").status == 200
    answer = other.act(alarm, "take")
    assert answer.status == 409
    assert answer.body["taken_by"] == {"name": "Kari N.", "initials": "KN"}


def test_a_person_is_known_on_one_tablet_only(server: Server, tablet: HttpTablet) -> None:
    tablet.log_in("kari", PIN)
    other = HttpTablet(server.port, str(server.order("code")))
    other.cookies["__Host-person"] = tablet.cookies["__Host-person"]
    assert other.snapshot()["person"] is None
    assert tablet.snapshot()["person"] == {"name": "Kari N.", "initials": "KN"}
    assert tablet.call("POST", "/tablet/person/end", {}).status == 200
    assert tablet.snapshot()["person"] is None


def test_five_wrong_pins_make_that_person_wait_on_that_tablet_alone(server: Server, tablet: HttpTablet) -> None:
    for _ in range(5):
        assert tablet.call("POST", "/tablet/person", {"staff": "kari", "pin": "918273"}).status == 403
    answer = tablet.call("POST", "/tablet/person", {"staff": "kari", "pin": PIN})
    assert answer.status == 429
    assert 0 < int(answer.headers["retry-after"]) <= 30
    assert tablet.call("POST", "/tablet/person", {"staff": "per", "pin": PIN}).status == 200
    other = HttpTablet(server.port, str(server.order("code")))
    assert other.call("POST", "/tablet/person", {"staff": "kari", "pin": PIN}).status == 200
    assert tablet.snapshot()["alarms"] == []


def test_every_answer_is_guarded(server: Server, tablet: HttpTablet) -> None:
    for path in ("/", "/tablet/snapshot", "/tablet/staff", "/tablet/enrol", "/tablet/offline", "/sw.js"):
        headers = tablet.call("GET", path).headers
        assert "unsafe" not in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == ("no-cache" if path == "/sw.js" else "no-store")


def test_static_files_by_build(server: Server, tablet: HttpTablet) -> None:
    page = tablet.call("GET", "/").body
    address = next(part for part in page.split('"') if part.endswith("js/main.js"))
    assert "immutable" in tablet.call("GET", address).headers["cache-control"]
    old = tablet.call("GET", "/static/0123456789abcdef/js/main.js")
    assert (old.status, old.headers["cache-control"]) == (200, "no-cache")
    for path in ("nothing.js", "../routes.py", "%2e%2e/routes.py", "js/../../routes.py", ""):
        assert tablet.call("GET", f"/static/0123456789abcdef/{path}").status == 404


def test_readers_language_in_refusals(server: Server, tablet: HttpTablet) -> None:
    said = tablet.call("POST", "/tablet/enrol", {"code": "x"}, {"Accept-Language": "en-GB,en;q=0.9"}).body["message"]
    assert said == "The code is wrong, used or too old."
    said = tablet.call("POST", "/tablet/enrol", {"code": "x"}, {"Accept-Language": "fr"}).body["message"]
    assert said == "Koden er feil, brukt eller for gammel."


def test_html_in_data_is_text(server: Server, tablet: HttpTablet) -> None:
    server.ring(number="204", spot="<img src=x onerror=alert(1)>")
    html = tablet.snapshot()["alarms"][0]["html"]
    assert "<img" not in html
    assert "&lt;img" in html
