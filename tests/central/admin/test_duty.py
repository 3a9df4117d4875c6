"""Duty and routing by who leads a ward, API and pages, on both databases: what is kept, refused, shown and drawn."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nattevakt.central.columns import TENANT
from nattevakt.central.notify.routing import BUILT_IN, Routing
from nattevakt.central.people import duties
from nattevakt.central.people.duties import Asked
from nattevakt.central.tables import wards
from tests.central.admin.desk import Desk, plain
from tests.central.admin.duty_desk import DOCUMENT, EVENING, MORNING, duty, kept, put
from tests.central.past_nights import DAY, HOUR, NOON_MS

# --- the API --------------------------------------------------------------------------------------------------


def test_a_duty_is_made_listed_and_ended(desk: Desk) -> None:
    made = duty(desk)
    assert made.status_code == 200, made.text
    number = made.json()["id"]
    found = desk.get("/duties")
    assert (found["from_ms"], found["to_ms"]) == (NOON_MS, NOON_MS + 7 * DAY)
    (one,) = found["duties"]
    assert one == {
        "id": number,
        "staff_id": desk.lived.kari,
        "name": one["name"],
        "role": "vakt",
        "ward_id": 1,
        "zone": None,
        "from_ms": EVENING,
        "to_ms": MORNING,
        "made_ms": NOON_MS,
        "made_by": desk.lived.kari,
        "ended_ms": None,
        "has_phone": False,
    }
    assert desk.get(f"/duties?from_ms={MORNING}&to_ms={MORNING + DAY}")["duties"] == []
    answer = desk.call("DELETE", f"/v1/admin/duties/{number}")
    assert (answer.status_code, answer.json()) == (200, {"ended": True})
    assert desk.get("/duties")["duties"] == []


@pytest.mark.parametrize(
    ("changes", "code", "field", "said"),
    [
        ({"to_ms": EVENING}, "order", "to_ms", "Vakten må slutte etter at den begynner."),
        ({"to_ms": EVENING + 26 * HOUR}, "long", "to_ms", "En vakt varer høyst ett døgn."),
        ({"from_ms": NOON_MS - HOUR, "to_ms": NOON_MS}, "over", "to_ms", "Vakten er over."),
        ({"staff_id": 99}, "unknown_staff", "staff_id", "Velg en ansatt."),
        ({"role": "vaktmester"}, "unknown_role", "role", "Velg en rolle"),
        ({"zone": "nord"}, "two_places", "zone", "ikke begge"),
        ({"ward_id": None, "zone": "nord"}, "unknown_zone", "zone", "Sonen nord finnes ikke"),
        ({"staff": 1}, "bad_request", "staff", "unknown key"),
        ({"from_ms": "22:00"}, "bad_request", "from_ms", "whole number"),
    ],
)
def test_a_duty_that_cannot_be_says_why(desk: Desk, changes: dict[str, Any], code: str, field: str, said: str) -> None:
    answer = duty(desk, **changes)
    found = answer.json()
    assert (answer.status_code, found["error"], found["field"]) == (422, code, field), found
    assert said in found["message"]
    assert kept(desk) == []


def test_the_same_duty_twice_is_refused(desk: Desk) -> None:
    assert duty(desk).status_code == 200
    answer = duty(desk, from_ms=EVENING + HOUR)
    assert (answer.status_code, answer.json()["error"]) == (422, "overlap")
    assert "allerede på vakt" in answer.json()["message"]


def test_a_ward_that_is_not_theirs_is_left_alone(desk: Desk) -> None:
    desk.other_ward()
    other = next(row.id for row in _wards(desk) if row.key == "z")
    for number in (other, 0, 10**17):
        assert duty(desk, ward_id=number).json()["error"] == "unknown_ward"
    foreign = desk.write(
        lambda s: duties.add(
            s, Asked(desk.lived.kari, "teknisk", EVENING, MORNING, other), zones=(), made_by=None, now_ms=NOON_MS
        )
    )
    assert desk.get("/duties")["duties"] == []
    assert desk.call("DELETE", f"/v1/admin/duties/{foreign}").status_code == 404
    for number in (99, -1, 10**30):
        answer = desk.call("DELETE", f"/v1/admin/duties/{number}")
        assert (answer.status_code, answer.json()["error"]) == (422, "unknown_duty")
    assert len(kept(desk)) == 1
    # For all of the municipality every lead may.
    assert duty(desk, ward_id=None).status_code == 200


def _wards(desk: Desk) -> list[Any]:
    with desk.lived.db.read(desk.lived.tenant.id) as s:
        return list(s.execute(wards.select().where(wards.c.tenant_id == TENANT)))


@pytest.mark.parametrize("query", ["from_ms=5&to_ms=5", "from_ms=0&to_ms=9999999999", f"from_ms={10**30}"])
def test_a_period_that_cannot_be(desk: Desk, query: str) -> None:
    assert desk.call("GET", f"/v1/admin/duties?{query}").status_code == 422


def test_the_routing_is_kept_with_who_and_why(desk: Desk) -> None:
    assert desk.get("/routing") == {"version": 0, "routing": BUILT_IN.plain, "versions": []}
    answer = put(desk, DOCUMENT)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["version"] == 1
    assert found["routing"]["chains"][0]["steps"][2]["to"] == ["tablets:all", "phone:+4790000000", "siren"]
    (version,) = found["versions"]
    assert (version["why"], version["at_ms"], version["by"][:4]) == ("Færre om natten", NOON_MS, "Kari")
    assert put(desk, Routing().plain, 1, "angret").json()["version"] == 2
    assert [one["version"] for one in desk.get("/routing")["versions"]] == [2, 1]


def test_who_comes_second_is_told_who_was_first(desk: Desk) -> None:
    put(desk, DOCUMENT)
    answer = put(desk, DOCUMENT)
    found = answer.json()
    assert (answer.status_code, found["error"], found["version"]) == (409, "stale", 1)
    assert found["message"].endswith("lagret kl. 12:00; se endringen.")
    assert found["by"].startswith("Kari")


def test_a_version_of_what_is_not_stored_is_refused(desk: Desk) -> None:
    answer = put(desk, DOCUMENT, 3)
    assert (answer.status_code, answer.json()["field"]) == (422, "expected_version")


def without(**changes: Any) -> dict[str, Any]:
    """The document with other parts."""
    return {**DOCUMENT, **changes}


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    (without(routes=[{"chain": "dag"}]), "unknown_chain", "Kjeden dag finnes ikke."),
    (without(routes=[{"chain": "natt", "kinds": ["brann"]}]), "unknown_kind", "Alarmtypen brann finnes ikke."),
    (without(zones=[{"key": "n", "name": "N", "wards": ["q"]}]), "unknown_ward", "Avdelingen q finnes ikke."),
    (without(teams=[]), "unknown_target", "team:falk er ingen som kan varsles."),
    (without(chains=[{**DOCUMENT["chains"][0], "repeat_s": 0}]), "ends", "Kjeden Nattkjede gjentas ikke"),
    (without(chains=[{**DOCUMENT["chains"][0], "repeat_s": 5}]), "repeat", "fra 60 til 3600 sekunder"),
    (
        without(chains=[{"key": "natt", "name": "N", "steps": [{"to": ["webhook:ukjent"]}]}]),
        "unknown_target",
        "webhook:ukjent er ingen som kan varsles.",
    ),
    (without(moons=[]), "bad_request", "unknown key"),
]


@pytest.mark.parametrize(("routing", "code", "said"), REFUSED)
def test_a_routing_that_cannot_be_says_why_in_words(desk: Desk, routing: dict[str, Any], code: str, said: str) -> None:
    answer = put(desk, routing)
    assert (answer.status_code, answer.json()["error"]) == (422, code), answer.text
    assert said in answer.json()["message"]
    assert desk.get("/routing")["version"] == 0
    page = desk.call(
        "POST", "/admin/routing/save", form=[("text", json.dumps(routing)), ("why", "prøve"), ("version", "0")]
    )
    assert page.status_code == 422
    assert said in plain(page.text)


@pytest.mark.parametrize("path", ["/v1/admin/routing", "/v1/admin/duties", "/admin/duty", "/admin/routing"])
def test_only_who_leads_a_ward(desk: Desk, path: str) -> None:
    desk.log_in(lead=False)
    assert desk.call("GET", path).status_code == 403
    desk.cookies.pop("__Host-person")
    assert desk.call("GET", path).status_code == 401


def test_changing_needs_a_lead_too(desk: Desk) -> None:
    number = duty(desk).json()["id"]
    desk.log_in(lead=False)
    assert duty(desk, from_ms=MORNING, to_ms=MORNING + HOUR).status_code == 403
    assert desk.call("DELETE", f"/v1/admin/duties/{number}").status_code == 403
    assert put(desk, DOCUMENT).status_code == 403
    assert desk.call("POST", f"/admin/duty/{number}/end", form=[]).status_code == 403
    assert desk.call("POST", "/admin/routing/save", form=[]).status_code == 403
    assert len(kept(desk)) == 1
