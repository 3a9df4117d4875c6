"""What a press did, read back from its story: real stick, gateway, centre and tablets; each database."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.support.house import BUTTON, House
from tests.support.people import HttpTablet
from tests.support.wait import until

pytestmark = pytest.mark.acceptance


def ms() -> int:
    """Now, as the centre counts."""
    return time.time_ns() // 1_000_000


def sees(tablet: HttpTablet) -> dict[str, Any]:
    """The one alarm on a tablet's board, {} if there is none."""
    return next(iter(tablet.snapshot()["alarms"]), {})


def shows(tablet: HttpTablet, alarm: dict[str, Any], *, sounds: bool) -> None:
    """The tablet says what is on its screen, as the page does."""
    receipt = {"id": alarm["notice_id"], "shown_ms": ms(), "sounded": sounds}
    assert tablet.call("POST", "/tablet/shown", {"notices": [receipt]}).status == 200


def test_the_story_of_a_press_is_what_was_done(house: House) -> None:
    house.start(broker=False)
    kari, per, idle = house.tablet("kari"), house.tablet("per"), house.tablet("")
    began = ms()
    house.presses(BUTTON)
    alarm = until(lambda: sees(kari), "the press is on the first tablet")
    shows(kari, alarm, sounds=True)
    shown = ms()
    assert until(lambda: sees(per), "and on the second")["id"] == alarm["id"]
    assert per.act(alarm["id"], "take").status == 200
    taken = ms()
    assert kari.act(alarm["id"], "take").status == 409, "somebody was first"
    assert per.act(alarm["id"], "on-site").status == 200
    closing = {"cause": "toalett", "action": "hjelp_gitt", "note": "Fulgt til badet"}
    assert per.act(alarm["id"], "close", closing).status == 200
    ended = ms()

    answer = kari.call("GET", f"/v1/admin/alarms/{alarm['id']}")
    assert answer.status == 200, answer.body
    told = answer.body
    assert (told["kind"], told["room"], told["resident"], told["state"]) == (
        "call",
        "204",
        "Prøve Person 204",
        "avsluttet",
    )
    (said,) = [one for one in told["events"] if "raise" in one["roles"]]
    assert (said["device"], said["gateway"], said["spot"], said["uncertain"]) == (BUTTON, "Loftet", "bad", False)
    assert began - 1_000 <= said["occurred_to_ms"] <= said["received_ms"] <= shown
    assert said["late_ms"] == said["received_ms"] - said["occurred_to_ms"]

    (rang,) = told["soundings"]
    assert (rang["verdict"], rang["tablets"], rang["shown"]) == ("some", 3, 1)
    ids = {tablet: int(tablet.cookies["__Host-tablet"].split(".")[1]) for tablet in (kari, per, idle)}
    screens = {one["tablet_id"]: one["screen"] for one in rang["notices"]}
    assert screens == {ids[kari]: "shown", ids[per]: "acted", ids[idle]: "not_sent"}
    first = next(one for one in rang["notices"] if one["tablet_id"] == ids[kari])
    assert set(first["after_event_ms"]) >= {"made", "sent", "shown", "sounded", "taken"}
    assert first["seen_ms"] is None, "whether anybody looked nobody knows"

    assert [(one["to_state"], one["by"] and one["by"]["name"]) for one in told["changes"]] == [
        ("meldt", None),
        ("kvittert", "Per A."),
        ("hos_bruker", "Per A."),
        ("avsluttet", "Per A."),
    ]
    assert told["changes"][-1]["answers"] == closing
    assert {one["tablet"]["id"] for one in told["changes"][1:]} == {ids[per]}

    (chapter,) = told["chapters"]
    steps = {one["code"]: one for one in chapter["moments"]}
    assert list(steps) == ["event", "received", "raised", "shown", "sounded", "taken", "on_site", "closed"]
    times = [one["at_ms"] for one in steps.values()]
    assert times == sorted(times)
    assert not any(one["backwards"] for one in steps.values())
    assert steps["shown"]["at_ms"] <= shown <= taken
    assert shown <= steps["taken"]["at_ms"] <= taken <= steps["closed"]["at_ms"] <= ended
    readers = {(look["what"], look["by"]["name"]) for look in told["looks"]}
    assert readers == {("board", "Kari N."), ("board", "Per A."), ("story", "Kari N.")}

    page = kari.call("GET", f"/admin/alarms/{alarm['id']}").body
    for words in ("Per A. tok den etter", "Toalettbesøk; Ga hjelp", "«Fulgt til badet»", "Vist på 1 av 3 nettbrett."):
        assert words in page, words
    assert per.call("GET", f"/v1/admin/alarms/{alarm['id']}").status == 403, "Per leads no ward"
