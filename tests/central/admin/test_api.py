"""The API of a ward's lead on both databases: who may, plans and their versions, grounds, pauses, trials, refusals."""

from __future__ import annotations

from typing import Any

import pytest

from nattevakt.central.places import bases, plans
from nattevakt.central.places.templates import TEMPLATES
from nattevakt.edge.rules.catalogue import RULES
from tests.central.admin.desk import Desk
from tests.central.past_nights import DAY, HOUR, MIN, NOON_MS, Lived, at

NIGHT = {"from_minute": 22 * 60, "to_minute": 7 * 60, "weekdays": 127}
BED: dict[str, Any] = {"rule": "not_back_in_bed", "windows": [NIGHT], "settings": {"limit_min": 20}}
GROUND = {"kind": "samtykke", "from_ms": NOON_MS, "review_ms": NOON_MS + 100 * DAY, "responsible": "Kari"}
PATHS = (
    ("GET", "/templates"),
    ("GET", "/residents"),
    ("GET", "/residents/1/plan"),
    ("PUT", "/residents/1/plan"),
    ("GET", "/residents/1/history"),
    ("POST", "/residents/1/plan/startup"),
    ("POST", "/residents/1/plan/end"),
    ("GET", "/residents/1/bases"),
    ("POST", "/residents/1/bases"),
    ("POST", "/residents/1/bases/end"),
    ("POST", "/residents/1/pauses"),
    ("POST", "/residents/1/pauses/1/end"),
    ("POST", "/residents/1/backtest"),
    ("GET", "/residents/1/suggestion"),
    ("GET", "/off"),
    ("GET", "/alarm-health"),
    ("GET", "/alarms"),
    ("GET", "/alarms/1"),
    ("GET", "/findings"),
    ("GET", "/channels"),
    ("GET", "/wards/1/rounds"),
    ("PUT", "/wards/1/rounds/times"),
    ("PUT", "/wards/1/rounds/limits"),
    ("GET", "/wards/1/rounds/counts"),
    ("GET", "/residents/1/rounds"),
    ("PUT", "/residents/1/rounds"),
    ("GET", "/residents/1/rounds/counts"),
)
BODIES: dict[str, dict[str, object]] = {
    "/residents/1/plan": {"expected_version": 0, "lines": [], "why": "x"},
    "/residents/1/plan/end": {"why": "x"},
    "/residents/1/bases": dict(GROUND),
    "/residents/1/pauses": {"to_ms": NOON_MS + HOUR, "reason": "x"},
    "/residents/1/backtest": {"lines": []},
    "/wards/1/rounds/times": {"times": []},
    "/wards/1/rounds/limits": {"retry_min": 10, "overdue_min": 30, "spread_min": 15, "dense_min": 60},
    "/residents/1/rounds": {"times": []},
}


def wish(version: int = 0, **more: object) -> dict[str, object]:
    """A plan as it is sent."""
    return {"expected_version": version, "lines": [BED], "why": "prøve", **more}


def put(desk: Desk, resident_id: int, **more: Any) -> Any:
    """Save a plan."""
    return desk.post(f"/residents/{resident_id}/plan", wish(**more), "PUT")


# --- who may --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_nothing_but_for_who_leads_the_ward(desk: Desk, method: str, path: str) -> None:
    body = BODIES.get(path, {}) if method != "GET" else None
    person = desk.cookies.pop("__Host-person")
    assert error(desk.call(method, f"/v1/admin{path}", body)) == (401, "person_needed")
    tablet = desk.cookies.pop("__Host-tablet")
    assert error(desk.call(method, f"/v1/admin{path}", body)) == (401, "tablet_needed")
    desk.cookies = {"__Host-tablet": tablet, "__Host-person": person}
    desk.log_in(lead=False)
    assert error(desk.call(method, f"/v1/admin{path}", body)) == (403, "lead_needed")
    desk.log_in()
    desk.leave_ward()
    assert error(desk.call(method, f"/v1/admin{path}", body)) == (401, "person_needed")


def error(answer: Any) -> tuple[int, str]:
    """Status and code of a refusal, which always says something to its reader."""
    body = answer.json()
    assert body["message"], body
    return answer.status_code, body["error"]


def test_a_resident_of_another_ward_is_not_theirs(desk: Desk) -> None:
    stranger = desk.other_ward()
    assert error(desk.call("GET", f"/v1/admin/residents/{stranger}/plan")) == (403, "other_ward")
    assert error(desk.post(f"/residents/{stranger}/bases", GROUND)) == (403, "other_ward")
    for number in (0, -1, 10**6, 10**30):
        assert error(desk.call("GET", f"/v1/admin/residents/{number}/plan")) == (404, "unknown_resident")
    assert [one["id"] for one in desk.get("/residents")["residents"]] == [desk.id_of("r1")]
    assert all(one["resident_id"] != stranger for one in desk.get("/off")["off"])


def test_a_session_that_is_used_stays_awake(desk: Desk) -> None:
    for _ in range(5):
        desk.lived.clock.at_ms += 20 * MIN
        desk.get("/residents")
    desk.lived.clock.at_ms += 31 * MIN
    assert error(desk.call("GET", "/v1/admin/residents")) == (401, "person_needed")


def test_every_reading_is_written_down_once_a_session(desk: Desk) -> None:
    r1, kari = desk.id_of("r1"), desk.lived.kari
    for _ in range(2):
        desk.get("/residents")
        desk.get(f"/residents/{r1}/plan")
    assert desk.readings() == [(f"plans:{r1}", r1, kari), (f"plan:{r1}", r1, kari)]


# --- plans ----------------------------------------------------------------------------------------------------


def test_a_plan_is_saved_with_its_basis_and_its_versions_are_kept(desk: Desk) -> None:
    r1 = desk.id_of("r1")
    before = desk.get(f"/residents/{r1}/plan")
    assert (before["version"], before["lines"], before["standing"]) == (0, [], "none")
    answer = put(desk, r1, basis=GROUND, handling="Følg til\ntoalettet", responsible="Per", dense_rounds_min=30)
    assert (answer.status_code, answer.json()["version"]) == (200, 1)
    found = desk.get(f"/residents/{r1}/plan")
    assert found["standing"] == "on"
    assert found["lines"][0]["settings"] == {"limit_min": 20, "check_min": 15}
    assert (found["handling"], found["responsible"], found["dense_rounds_min"]) == ("Følg til\ntoalettet", "Per", 30)
    assert (found["basis"]["kind"], found["basis"]["staff_id"]) == ("samtykke", desk.lived.kari)
    assert put(desk, r1, version=1, lines=[], why="fast vakt").json()["version"] == 2
    versions = desk.get(f"/residents/{r1}/history")["versions"]
    assert [(one["version"], one["by"], one["why"], len(one["lines"])) for one in versions] == [
        (2, "Kari N.", "fast vakt", 0),
        (1, "Kari N.", "prøve", 1),
    ]


def test_no_plan_is_armed_without_a_basis(desk: Desk) -> None:
    r1 = desk.id_of("r1")
    answer = put(desk, r1)
    assert (answer.status_code, answer.json()["field"]) == (422, "basis")
    assert "give one" in answer.json()["reason"]
    assert "samtykke eller vedtak" in answer.json()["message"]
    assert desk.get(f"/residents/{r1}/plan")["version"] == 0
    assert put(desk, r1, lines=[]).status_code == 200
    # A basis that cannot be takes the plan with it.
    assert put(desk, r1, version=1, basis={**GROUND, "review_ms": NOON_MS}).json()["field"] == "review_ms"
    assert desk.get(f"/residents/{r1}/bases")["bases"] == []


def test_who_was_second_is_told_who_was_first_and_loses_nothing(desk: Desk) -> None:
    r1 = desk.id_of("r1")
    put(desk, r1, basis=GROUND)
    desk.lived.clock.at_ms += 2 * MIN
    for version in (0, 2, 7):
        answer = put(desk, r1, version=version)
        body = answer.json()
        assert (answer.status_code, body["error"], body["version"], body["by"]) == (409, "stale", 1, "Kari N.")
        assert body["at_ms"] == NOON_MS
        assert body["message"] == "Kari N. lagret kl. 12:00; se endringen."
    assert put(desk, r1, version=1).status_code == 200


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"lines": [{"rule": "not_back_in_bed", "windows": [{**NIGHT, "to_minute": 1440}]}]}, "to_minute", "0 to 1439"),
    ({"lines": [{"rule": "not_back_in_bed", "windows": [{**NIGHT, "weekdays": 0}]}]}, "weekdays", "1 to 127"),
    ({"lines": [{"rule": "not_back_in_bed", "settings": {"limit_min": -5}}]}, "limit_min", "from 5 to 240"),
    ({"lines": [{"rule": "not_back_in_bed", "settings": {"limit_min": 2.5}}]}, "limit_min", "whole number"),
    ({"lines": [{"rule": "not_back_in_bed", "settings": {"limit_mins": 20}}]}, "limit_mins", "check_min, limit_min"),
    ({"lines": [{"rule": "call"}]}, "rule", "take it out"),
    ({"lines": [{"rule": "sing"}]}, "rule", "choose one of"),
    ({"lines": [{**BED, "windov": []}]}, "windov", "known are"),
    ({"lines": [BED, BED]}, "lines[1]", "keep one"),
    ({"lines": "x"}, "lines", "list"),
    ({"why": " "}, "why", "say why"),
    ({"why": "x" * 2_001}, "why", "longer than"),
    ({"handling": "a\x00b"}, "handling", "control character"),
    ({"dense_rounds_min": 3}, "dense_rounds_min", "from 15 to 720"),
    ({"expected_versjon": 1}, "expected_versjon", "known are"),
    ({"expected_version": True}, "expected_version", "whole number"),
    ({"basis": {**GROUND, "kind": "overfort"}}, "kind", "samtykke"),
    ({"basis": {**GROUND, "responsible": ""}}, "responsible", "responsible"),
    ({"basis": {**GROUND, "until": 1}}, "basis.until", "known are"),
    ({"basis": {**GROUND, "review_ms": NOON_MS + 500 * DAY}}, "review_ms", "earlier date"),
]


@pytest.mark.parametrize(("change", "field", "reason"), REFUSED)
def test_what_cannot_be_names_the_field_and_says_what_to_do(
    desk: Desk, change: dict[str, Any], field: str, reason: str
) -> None:
    r1 = desk.id_of("r1")
    answer = desk.post(f"/residents/{r1}/plan", {**wish(), "basis": GROUND, **change}, "PUT")
    body = answer.json()
    assert answer.status_code == 422, body
    assert body["field"].endswith(field), body
    assert reason in body["reason"], body
    assert body["message"]
    assert desk.get(f"/residents/{r1}/plan")["version"] == 0


def test_a_rule_needs_its_sensor(desk: Desk) -> None:
    r1 = desk.id_of("r1")
    desk.say_uses(mat="bed", pir="motion", bath="presence", door="door")
    answer = put(desk, r1, basis=GROUND, lines=[{"rule": "chair"}])
    body = answer.json()
    assert (answer.status_code, body["error"], body["field"]) == (422, "missing_sensor", "lines[0].rule")
    assert "mount one" in body["reason"]
    assert "sensor for stol" in body["message"]
    assert put(desk, r1, basis=GROUND).status_code == 200


def test_start_and_end(desk: Desk) -> None:
    r1 = desk.id_of("r1")
    assert desk.post(f"/residents/{r1}/plan/startup", {"startup_to_ms": NOON_MS + DAY}).json()["field"] == "resident_id"
    put(desk, r1, basis=GROUND)
    assert desk.post(f"/residents/{r1}/plan/startup", {"startup_to_ms": NOON_MS + 14 * DAY}).status_code == 200
    assert desk.get(f"/residents/{r1}/plan")["standing"] == "startup"
    for wrong in (NOON_MS, NOON_MS + 61 * DAY):
        answer = desk.post(f"/residents/{r1}/plan/startup", {"startup_to_ms": wrong})
        assert answer.json()["field"] == "startup_to_ms"
    assert desk.post(f"/residents/{r1}/plan/end", {"why": ""}).json()["field"] == "why"
    assert desk.post(f"/residents/{r1}/plan/end", {"why": "flyttet"}).status_code == 200
    assert desk.get(f"/residents/{r1}/plan")["standing"] == "ended"


def test_templates_and_rules_are_told(desk: Desk) -> None:
    body = desk.get("/templates")
    assert set(body["templates"]) == set(TEMPLATES)
    assert {one["rule"] for one in body["rules"]} == {rule.name for rule in RULES if rule.planned}


# --- grounds and pauses ---------------------------------------------------------------------------------------


def test_a_basis_is_given_and_taken_back(desk: Desk) -> None:
    r1 = desk.id_of("r1")
    put(desk, r1, basis=GROUND)
    answer = desk.post(f"/residents/{r1}/bases", {**GROUND, "kind": "vedtak_4_6_a"})
    assert answer.status_code == 200
    rows = desk.get(f"/residents/{r1}/bases")["bases"]
    assert [(row["kind"], row["ended_ms"]) for row in rows] == [("vedtak_4_6_a", None), ("samtykke", NOON_MS)]
    assert desk.post(f"/residents/{r1}/bases/end", {}).json() == {"ended": 1}
    assert desk.get(f"/residents/{r1}/plan")["standing"] == "no_basis"
    assert "no_basis" in [one["why"] for one in desk.get("/off")["off"]]
    with desk.lived.db.read(desk.lived.tenant.id) as s:
        assert bases.valid(s, (r1,), desk.lived.clock.at_ms) == {}


def test_a_pause_lasts_to_the_change_of_shift_at_most_and_a_new_one_takes_its_place(desk: Desk) -> None:
    r1 = desk.id_of("r1")
    path = f"/residents/{r1}/pauses"
    assert desk.post(path, {"to_ms": NOON_MS + HOUR, "reason": "x"}).json()["field"] == "resident_id"
    put(desk, r1, basis=GROUND)
    most = desk.get(f"/residents/{r1}/plan")["pause_to_ms_most"]
    for wrong in (
        ({"to_ms": most + 1}, "to_ms"),
        ({"to_ms": NOON_MS}, "to_ms"),
        ({"reason": " "}, "reason"),
        ({"rule": "chair"}, "rule"),
        ({"untill": 1}, "untill"),
    ):
        assert desk.post(path, {"to_ms": most, "reason": "Besøk", **wrong[0]}).json()["field"] == wrong[1]
    first = desk.post(path, {"to_ms": NOON_MS + HOUR, "reason": "Besøk"}).json()["id"]
    second = desk.post(path, {"to_ms": most, "reason": "Besøk, lenger"}).json()["id"]
    found = desk.get(f"/residents/{r1}/plan")
    assert [(one["id"], one["reason"]) for one in found["pauses"]] == [(second, "Besøk, lenger")]
    assert found["standing"] == "paused"
    (off,) = [one for one in desk.get("/off")["off"] if one["why"] == "paused"]
    assert (off["by"], off["reason"], off["since_ms"], off["until_ms"]) == ("Kari N.", "Besøk, lenger", NOON_MS, most)
    assert desk.post(f"{path}/{first}/end", {}).json() == {"ended": False}
    assert desk.post(f"{path}/{second}/end", {}).json() == {"ended": True}
    for number in (0, second + 1, 10**30):
        assert desk.post(f"{path}/{number}/end", {}).json()["field"] == "pause_id"
    assert desk.get(f"/residents/{r1}/plan")["standing"] == "on"


# --- trials and how it goes -----------------------------------------------------------------------------------


def up_for(lived: Lived, minutes: int) -> None:
    """A night with one trip that takes so long, answered as useless."""
    lived.live(
        [
            (at(0, "22:30"), "in"),
            (at(1, "02:00"), "out"),
            (at(1, "02:01"), "moves"),
            (at(1, "02:00") + minutes * MIN, "in"),
        ],
        at(1, "11:00"),
    )


def test_a_trial_says_what_would_have_rung_beside_what_did(lived: Lived, desk: Desk) -> None:
    r1 = desk.id_of("r1")
    put(desk, r1, basis=GROUND)
    up_for(lived, 30)
    desk.log_in()
    shorter = {**BED, "settings": {"limit_min": 10}}
    longer = {**BED, "settings": {"limit_min": 60}}
    for lines, raised in (([shorter], 1), ([BED], 1), ([longer], 0), ([], 0)):
        body = desk.post(f"/residents/{r1}/backtest", {"lines": lines, "nights": 1}).json()
        assert (body["raised"], body["was"]) == (raised, 1), body
    (night,) = body["nights"]
    assert night["was"][0]["kind"] == "not_back_in_bed"
    assert night["was"][0]["cause"] == "annet"
    assert desk.get(f"/residents/{r1}/plan")["version"] == 1, "a trial saves nothing"
    for nights in (0, 61, -1):
        assert desk.post(f"/residents/{r1}/backtest", {"lines": [BED], "nights": nights}).json()["field"] == "nights"
    assert desk.get(f"/residents/{r1}/suggestion") == {"suggestion": None}
    weeks = desk.get("/alarm-health")["weeks"]
    assert [(one["resident_id"], one["total"]["alarms"]) for one in weeks] == [(None, 1), (r1, 1)]
    assert desk.call("GET", "/v1/admin/alarm-health?weeks=99").json()["field"] == "weeks"
    assert desk.get("/findings") == {"findings": []}
    assert desk.call("GET", "/v1/admin/findings?days=0").json()["field"] == "days"


def test_the_api_takes_nothing_from_another_site(desk: Desk) -> None:
    r1 = desk.id_of("r1")
    answer = desk.call("PUT", f"/v1/admin/residents/{r1}/plan", wish(), Sec_Fetch_Site="cross-site")
    assert error(answer) == (403, "cross_site")
    answer = desk.call("PUT", f"/v1/admin/residents/{r1}/plan", None, [("why", "x")])
    assert answer.status_code == 415
    with desk.lived.db.read(desk.lived.tenant.id) as s:
        assert plans.current(s, r1) is None
