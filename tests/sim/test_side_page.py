"""The demo's side page over real HTTP: what it shows, what it does, and whom it refuses."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator

import pytest

from nattevakt.sim.side_page import SidePage


class Told:
    """What the page was asked to do."""

    def __init__(self) -> None:
        self.acts: list[tuple[str, str]] = []

    def act(self, key: str, act: str) -> str | None:
        """Takes note of what it knows."""
        if act != "trykk":
            return None
        self.acts.append((key, act))
        return f"{key} trykker."


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def page(told: Told) -> Iterator[SidePage]:
    status = {"now": "Kl. 02:31", "speed": "Vanlig fart.", "next": ["03:05 <b>Astrid</b> står opp"], "lines": {}}
    rows = [("r201", "201 <i>Astrid</i>", [("trykk", "Trykker")])]
    made = SidePage(0, rows, "http://127.0.0.1:8080/", lambda: status, told.act)
    made.start()
    yield made
    made.stop()


def ask(page: SidePage, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str]:
    """One request, with the headers as given."""
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=10)
    try:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body.encode() if method == "POST" else None, sent)
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    finally:
        connection.close()


def test_it_shows_the_night_and_does_what_its_own_buttons_say(page: SidePage, told: Told) -> None:
    status, html = ask(page, "GET", "/")
    assert status == 200
    assert "201 &lt;i&gt;Astrid&lt;/i&gt;" in html
    found = re.search(r'name="token" content="([^"]+)"', html)
    assert found
    assert json.loads(ask(page, "GET", "/status")[1])["now"] == "Kl. 02:31"
    body = json.dumps({"key": "r201", "act": "trykk"})
    assert ask(page, "POST", "/act", body, X_Token=found[1]) == (200, '{"said": "r201 trykker."}')
    assert told.acts == [("r201", "trykk")]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [({}, 403), ({"X_Token": "guess"}, 403), ({"X_Token": "ø"}, 403), ({"Host": "evil.example"}, 403)],
)
def test_no_other_site_can_press(page: SidePage, told: Told, headers: dict[str, str], expected: int) -> None:
    given = {"X_Token": page.token, **headers} if "Host" in headers else headers
    given = {name: value.encode().decode("latin-1") for name, value in given.items()}
    assert ask(page, "POST", "/act", '{"key": "r201", "act": "trykk"}', **given)[0] == expected
    assert told.acts == []


def test_a_name_that_was_made_to_point_here_sees_nothing(page: SidePage) -> None:
    for path in ("/", "/status"):
        assert ask(page, "GET", path, Host="evil.example") == (403, "")


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "null", '{"key": 1}', '{"key": "r201", "act": "fly"}', "x" * 2_000, "\0"]
)
def test_nonsense_is_refused_and_the_page_goes_on(page: SidePage, told: Told, body: str) -> None:
    assert ask(page, "POST", "/act", body, X_Token=page.token)[0] == 400
    assert ask(page, "POST", "/other", "{}", X_Token=page.token)[0] == 400
    assert ask(page, "GET", "/etc/passwd")[0] == 404
    assert told.acts == []
    assert ask(page, "GET", "/status")[0] == 200
