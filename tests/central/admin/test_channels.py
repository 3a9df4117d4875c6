"""The page and the API of the roads beyond the tablets, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from nattevakt.central.alarms import register
from nattevakt.central.alarms.requests import RaiseRequest, Where
from nattevakt.central.config_channels import Roads
from nattevakt.central.notify import channel_health, sendings
from nattevakt.central.notify.web import WebClient
from nattevakt.central.notify.webhook import Webhook
from nattevakt.central.tables import wards
from nattevakt.edge.rules.rule import Occurred, Priority, Reason
from tests.central.admin.desk import Desk, plain
from tests.central.past_nights import MIN, NOON_MS

NOBODY: dict[str, Any] = {"ok_ms": None, "failed_ms": None, "since_ms": None, "failures": 0, "reason": None}
IDLE: dict[str, Any] = {"waiting": 0, "oldest_ms": None}


@pytest.fixture
def road(desk: Desk) -> Webhook:
    """The centre has one road."""
    made = Webhook("vakt", "https://vakt.example/", bytes(32), WebClient(lambda: 0.0))
    desk.app.state.roads = Roads((made,))
    return made


def test_without_any_road_the_page_says_so(desk: Desk) -> None:
    assert desk.get("/channels") == {"channels": []}
    assert "Ingen varsling utenom nettbrettene er satt opp." in desk.page("/admin/channels")


def test_a_road_that_nobody_has_used_yet(desk: Desk, road: Webhook) -> None:
    expected = {"road": "webhook:vakt", **NOBODY, **IDLE, "set_up": True, "down": False}
    assert desk.get("/channels") == {"channels": [expected]}
    said = desk.page("/admin/channels")
    assert "Varsling til vakt Ikke brukt ennå" in said
    assert "Virket sist aldri" in said


def test_how_each_road_is(desk: Desk, road: Webhook) -> None:
    desk.write(lambda s: channel_health.worked(s, "webhook:vakt", NOON_MS - 10 * MIN))
    assert "Varsling til vakt Virker" in desk.page("/admin/channels")
    desk.write(lambda s: channel_health.failed(s, "webhook:vakt", "http_502", NOON_MS - 6 * MIN))
    assert "Varsling til vakt Feilet sist. Tjenesten svarte med feil 502." in desk.page("/admin/channels")
    desk.write(lambda s: channel_health.failed(s, "webhook:vakt", "timeout", NOON_MS - 1 * MIN))
    said = desk.page("/admin/channels")
    assert "Varsling til vakt Virker ikke. Tjenesten svarer ikke i tide. Varsle driftsvakten." in said
    assert "Feil på rad 2" in said
    desk.write(lambda s: channel_health.failed(s, "sms", channel_health.NOT_SET_UP, NOON_MS))
    assert "Tekstmeldinger Ikke satt opp. Noen skal varsles slik" in desk.page("/admin/channels")
    hook, sms = desk.get("/channels")["channels"]
    assert hook == {
        "road": "webhook:vakt",
        "ok_ms": NOON_MS - 10 * MIN,
        "failed_ms": NOON_MS - MIN,
        "since_ms": NOON_MS - 6 * MIN,
        "failures": 2,
        "reason": "timeout",
        **IDLE,
        "set_up": True,
        "down": True,
    }
    assert (sms["road"], sms["set_up"], sms["reason"]) == ("sms", False, "not_set_up")


def test_what_waits_is_counted_and_a_siren_is_no_road_of_this_page(desk: Desk, road: Webhook) -> None:
    from_ms = NOON_MS - 2 * MIN

    def ask(s: Any) -> None:
        where = Where(desk.lived.id_of(wards, "a"))
        request = RaiseRequest("room:1", "call", "call", Priority.HIGH, Reason("r"), Occurred(from_ms, from_ms), where)
        alarm_id = register.apply(s, request, from_ms).alarm_id
        assert alarm_id is not None
        sendings.ask(s, alarm_id, 1, 1, [("webhook", "webhook:vakt"), ("siren", "gateway:1")], from_ms)

    desk.write(ask)
    (found,) = desk.get("/channels")["channels"]
    assert (found["waiting"], found["oldest_ms"], found["down"]) == (1, from_ms, False)
    assert "Meldinger som venter 1" in desk.page("/admin/channels")


def test_only_who_leads_a_ward_sees_it(desk: Desk, road: Webhook) -> None:
    desk.log_in(lead=False)
    assert desk.call("GET", "/v1/admin/channels").status_code == 403
    answer = desk.call("GET", "/admin/channels")
    assert answer.status_code == 403
    assert "Varsling til vakt" not in plain(answer.text)
