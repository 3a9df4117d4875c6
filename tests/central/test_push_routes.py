"""A person asks to be told by push on the browser that they use, and to be told no more. Both databases."""

from __future__ import annotations

import os
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from nattevakt.central.config_channels import Roads
from nattevakt.central.db import Database
from nattevakt.central.notify import push_crypto, subscriptions
from nattevakt.central.notify.push import Push
from nattevakt.central.notify.web import WebClient
from nattevakt.central.tables_duty import push_subscriptions
from nattevakt.central.tablet import push_routes
from tests.central.admin.desk import Desk
from tests.central.house import Clock
from tests.central.past_nights import NOON_MS, Lived

ENDPOINT = "https://fcm.googleapis.com/fcm/send/one"
BROWSER = ec.derive_private_key(11, ec.SECP256R1())
KEYS = {"p256dh": push_crypto.public_text(BROWSER), "auth": push_crypto.encode(b"a" * 16)}


@pytest.fixture
def desk(db: Database) -> Desk:
    """Kari is logged in on a tablet of a centre that sends push."""
    found = Desk(Lived(db, Clock(NOON_MS)))
    found.app.include_router(push_routes.router)
    key = ec.derive_private_key(7, ec.SECP256R1())
    push = Push(key, "mailto:drift@example.no", WebClient(lambda: 0.0), os.urandom)
    found.app.state.roads = Roads((push,), push)
    found.enrol()
    found.log_in(lead=False)
    return found


def kept(desk: Desk) -> list[tuple[int, str, int | None, str | None]]:
    """What is stored."""
    from_all = push_subscriptions.select().where(push_subscriptions.c.tenant_id == desk.lived.tenant.id)
    rows = desk.write(lambda s: s.connection.execute(from_all).all())
    return [(row.staff_id, row.endpoint, row.ended_ms, row.reason) for row in rows]


def ask(desk: Desk, method: str = "POST", **body: Any) -> Any:
    """One request of the page's."""
    return desk.call(method, "/tablet/push", {"endpoint": ENDPOINT, "keys": KEYS, **body})


def test_a_person_subscribes_and_ends_it(desk: Desk) -> None:
    key = desk.call("GET", "/tablet/push/key").json()["key"]
    assert len(push_crypto.decode("key", key, 65)) == 65
    for _ in range(2):
        assert ask(desk).status_code == 200
    assert kept(desk) == [(desk.lived.kari, ENDPOINT, None, None)]
    with desk.lived.db.read(desk.lived.tenant.id) as s:
        (found,) = subscriptions.of_person(s, desk.lived.kari)
    assert (found.p256dh, found.auth) == (KEYS["p256dh"], KEYS["auth"])
    assert ask(desk, "DELETE").status_code == 200
    assert kept(desk) == [(desk.lived.kari, ENDPOINT, NOON_MS, "ended")]
    assert ask(desk).status_code == 200
    assert kept(desk) == [(desk.lived.kari, ENDPOINT, None, None)]


def test_nobody_subscribes_for_nobody(desk: Desk) -> None:
    person = desk.cookies.pop("__Host-person")
    assert ask(desk).json()["error"] == "person_needed"
    assert ask(desk, "DELETE").status_code == 401
    desk.cookies["__Host-person"] = person
    desk.cookies.pop("__Host-tablet")
    assert ask(desk).json()["error"] == "tablet_needed"
    assert desk.call("GET", "/tablet/push/key").status_code == 401
    assert kept(desk) == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"endpoint": "https://10.0.0.1/x"}, "endpoint"),
        ({"endpoint": "http://fcm.googleapis.com/x"}, "endpoint"),
        ({"endpoint": 7}, "endpoint"),
        ({"endpoint": "x" * 3_000}, "endpoint"),
        ({"keys": None}, "keys"),
        ({"keys": {"p256dh": KEYS["p256dh"]}}, "auth"),
        ({"keys": {**KEYS, "auth": "short"}}, "keys.auth"),
        ({"keys": {**KEYS, "p256dh": push_crypto.encode(b"\4" * 65)}}, "keys.p256dh"),
    ],
)
def test_what_cannot_be_used_is_not_kept(desk: Desk, body: dict[str, Any], field: str) -> None:
    answer = ask(desk, **body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert kept(desk) == []


def test_a_centre_without_push_says_so(desk: Desk) -> None:
    desk.app.state.roads = Roads()
    assert desk.call("GET", "/tablet/push/key").json() == {"key": None}
    assert ask(desk).json()["field"] == "push"


def test_another_site_cannot_subscribe(desk: Desk) -> None:
    answer = desk.call("POST", "/tablet/push", {"endpoint": ENDPOINT, "keys": KEYS}, Sec_Fetch_Site="cross-site")
    assert (answer.status_code, kept(desk)) == (403, [])


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://169.254.169.254\\.push.apple.com/x",
        "https://evil.example\\.push.apple.com/x",
        "https://evil.example%2f.push.apple.com/x",
    ],
)
def test_an_address_that_others_read_as_another_host_is_refused(desk: Desk, endpoint: str) -> None:
    assert ask(desk, endpoint=endpoint).status_code == 422
    assert kept(desk) == []


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_an_endpoint_that_no_database_holds_is_refused(desk: Desk, method: str) -> None:
    for endpoint in ("\x00", "https://fcm.googleapis.com/\x00", "å", 1, None):
        assert ask(desk, method, endpoint=endpoint).status_code == 422, endpoint
