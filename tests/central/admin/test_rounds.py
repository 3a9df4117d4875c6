"""A ward's rounds by who leads it, API and pages, on both databases: times, limits, own times, counts, and doubts."""

from __future__ import annotations

from typing import Any

import pytest

from nattevakt.central import findings
from nattevakt.central.admin import plan_doubts, rounds_view
from nattevakt.central.rounds import limits, tasks, times
from nattevakt.central.rounds.schedule import Time
from nattevakt.central.rounds.tasks import Act, Kind
from nattevakt.edge.rules import sensor_implausible
from nattevakt.edge.rules.rule import Finding, Reason
from tests.central.admin.desk import Desk, plain
from tests.central.past_nights import DAY, HOUR, MIN, NOON_MS

WARD = "/wards/1/rounds"
USUAL = {"retry_min": 10, "overdue_min": 30, "spread_min": 15, "dense_min": 60}
GROUND = {"kind": "samtykke", "from_ms": NOON_MS, "review_ms": NOON_MS + 100 * DAY, "responsible": "Kari"}


def put(desk: Desk, path: str, **body: Any) -> Any:
    """Set something of the rounds."""
    return desk.post(path, body, "PUT")


def held(desk: Desk) -> tuple[Time, ...]:
    """The ward's times."""
    with desk.lived.db.read(desk.lived.tenant.id) as s:
        return times.of_ward(s, 1)


# --- the API --------------------------------------------------------------------------------------------------


def test_a_wards_times_and_limits(desk: Desk) -> None:
    assert desk.get(WARD) == {"ward_id": 1, "times": [], "limits": USUAL}
    answer = put(desk, f"{WARD}/times", times=[{"minute": 1380}, {"minute": 120, "weekdays": 96}, {"minute": 1380}])
    assert answer.status_code == 200, answer.text
    assert answer.json()["times"] == [{"minute": 120, "weekdays": 96}, {"minute": 1380, "weekdays": 127}]
    answer = put(desk, f"{WARD}/limits", **{**USUAL, "spread_min": 0, "overdue_min": 45})
    assert answer.json()["limits"] == {**USUAL, "spread_min": 0, "overdue_min": 45}
    found = desk.get(WARD)
    assert (len(found["times"]), found["limits"]["spread_min"]) == (2, 0)
    assert held(desk) == (Time(120, 96), Time(1380))
    assert put(desk, f"{WARD}/times", times=[]).json()["times"] == []


def test_a_residents_own_times_replace_the_wards_until_there_are_none(desk: Desk) -> None:
    put(desk, f"{WARD}/times", times=[{"minute": 1380}])
    path = "/residents/1/rounds"
    assert desk.get(path) == {"resident_id": 1, "times": [], "ward_times": [{"minute": 1380, "weekdays": 127}]}
    assert put(desk, path, times=[{"minute": 60}]).json()["times"] == [{"minute": 60, "weekdays": 127}]
    with desk.lived.db.read(desk.lived.tenant.id) as s:
        assert [one.person.times for one in times.people_of(s, 1, NOON_MS)] == [(Time(60),)]
    assert put(desk, path, times=[]).json()["times"] == []
    with desk.lived.db.read(desk.lived.tenant.id) as s:
        assert [one.person.times for one in times.people_of(s, 1, NOON_MS)] == [(Time(1380),)]


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    (f"{WARD}/times", {"times": [{"minute": 60}, {"minute": 1440}]}, "times[1].minute", "fra 00:00 til 23:59"),
    (f"{WARD}/times", {"times": [{"minute": -1}]}, "times[0].minute", "fra 00:00 til 23:59"),
    (f"{WARD}/times", {"times": [{"minute": True}]}, "times[0].minute", "fra 00:00 til 23:59"),
    (f"{WARD}/times", {"times": [{"minute": 60, "weekdays": 0}]}, "times[0].weekdays", "Velg minst én ukedag."),
    (f"{WARD}/times", {"times": [{"minute": 60, "weekday": 1}]}, "times[0].weekday", "unknown key"),
    (f"{WARD}/times", {"times": [{"minute": 60}] * 25}, "times", "Skriv høyst 24 klokkeslett."),
    (f"{WARD}/times", {"times": "23:00"}, "times", "must be a list"),
    (f"{WARD}/times", {}, "times", "is missing"),
    (f"{WARD}/limits", {**USUAL, "retry_min": 0}, "retry_min", "Skriv et helt tall fra 1 til 60."),
    (f"{WARD}/limits", {**USUAL, "dense_min": 10**30}, "dense_min", "Skriv et helt tall fra 10 til 240."),
    (f"{WARD}/limits", {"retry_min": 5}, "overdue_min", "Skriv et helt tall fra 5 til 180."),
    (f"{WARD}/limits", {**USUAL, "dens_min": 5}, "dens_min", "unknown key"),
    ("/residents/1/rounds", {"times": [{"minute": 1440}]}, "times[0].minute", "fra 00:00 til 23:59"),
]


@pytest.mark.parametrize(("path", "body", "field", "said"), REFUSED)
def test_a_refusal_names_the_field_and_says_what_to_do(
    desk: Desk, path: str, body: dict[str, Any], field: str, said: str
) -> None:
    answer = desk.post(path, body, "PUT")
    found = answer.json()
    assert (answer.status_code, found["field"]) == (422, field), found
    assert said in found["message"]
    assert desk.get(WARD) == {"ward_id": 1, "times": [], "limits": USUAL}


def test_a_ward_that_is_not_theirs_cannot_be_told_from_none(desk: Desk) -> None:
    stranger = desk.other_ward()
    for number in (2, 0, -1, 10**30):
        for answer in (
            desk.call("GET", f"/v1/admin/wards/{number}/rounds"),
            desk.call("GET", f"/v1/admin/wards/{number}/rounds/counts"),
            put(desk, f"/wards/{number}/rounds/times", times=[]),
            put(desk, f"/wards/{number}/rounds/limits", **USUAL),
        ):
            assert (answer.status_code, answer.json()["error"]) == (404, "unknown_ward"), number
            assert answer.json()["message"] == "Avdelingen finnes ikke, eller er ikke din."
        assert desk.call("GET", f"/admin/rounds/{number}").status_code == 404
    assert put(desk, f"/residents/{stranger}/rounds", times=[]).json()["error"] == "other_ward"


def looked(desk: Desk, *acts: Act, at_ms: int = NOON_MS) -> None:
    """Turns of r1, each with what became of it."""

    def work(s: Any) -> None:
        for n, act in enumerate(acts):
            made = tasks.make(s, 1, 1, 1, at_ms - HOUR + n * MIN, at_ms)
            assert made is not None
            task = tasks.by_id(s, made)
            assert task is not None
            reason = tasks.MISSED if act is Act.CANCEL else ""
            staff = None if act is Act.CANCEL else desk.lived.kari
            assert tasks.move(s, task, act, at_ms, reason=reason, staff_id=staff)

    desk.write(work)


def test_looks_are_counted_digital_and_physical_apart(desk: Desk) -> None:
    looked(desk, Act.WELL, Act.WELL, Act.BEEN_IN, Act.UNSURE, Act.CANCEL)
    looked(desk, Act.WELL, at_ms=NOON_MS - 15 * DAY)
    expected = {"digital": 2, "physical": 1, "uncertain": 1, "missed": 1}
    since = {"since_ms": NOON_MS - 14 * DAY, "before_ms": NOON_MS + 1}
    assert desk.get(f"{WARD}/counts") == {**since, **expected}
    assert desk.get("/residents/1/rounds/counts") == {**since, **expected}
    longer = desk.get(f"{WARD}/counts?since_ms={NOON_MS - 16 * DAY}&before_ms={NOON_MS}")
    assert (longer["digital"], longer["physical"]) == (1, 0), "the end itself is not of the period"
    page = desk.call("GET", "/admin/rounds/1").text
    own = desk.call("GET", "/admin/residents/1").text
    for kind, count in expected.items():
        assert f'data-count="{kind}">{count}<' in page
        assert f'data-count="{kind}">{count}<' in own
    assert Kind.DIGITAL.value == "digital"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (f"since_ms={NOON_MS + 1}", "since_ms"),
        (f"since_ms={NOON_MS - 401 * DAY}", "since_ms"),
        ("since_ms=-1", "since_ms"),
        (f"before_ms={10**30}", "before_ms"),
    ],
)
def test_a_period_that_cannot_be(desk: Desk, query: str, field: str) -> None:
    for path in (f"{WARD}/counts", "/residents/1/rounds/counts"):
        answer = desk.call("GET", f"/v1/admin{path}?{query}")
        assert (answer.status_code, answer.json()["field"]) == (422, field)
        assert answer.json()["message"].startswith("Velg en periode på høyst 400 dager")


# --- the pages ------------------------------------------------------------------------------------------------


def press(desk: Desk, path: str, *form: tuple[str, str], do: str = "save") -> Any:
    """A button of one of the forms."""
    return desk.call("POST", path, form=[*form, ("do", do)])


def every_day(n: int) -> list[tuple[str, str]]:
    """All days of a row ticked."""
    return [(f"time-{n}-day", str(day)) for day in range(7)]


def test_times_are_set_on_the_page(desk: Desk) -> None:
    assert desk.call("GET", "/admin/rounds").headers["location"] == "/admin/rounds/1"
    assert 'href="/admin/rounds"' in desk.call("GET", "/admin").text
    assert "Tilsynsrunder: Avdeling A" in desk.page("/admin/rounds/1")
    form = [("time-0-at", "23"), *every_day(0), ("time-1-at", "02.30"), ("time-1-day", "5"), ("time-1-day", "6")]
    form += [("time-2-at", " "), ("time-99-day", "7"), ("other", "x")]
    answer = press(desk, "/admin/rounds/1/times", *form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/rounds/1?told=times")
    assert held(desk) == (Time(150, 96), Time(1380))
    page = desk.call("GET", "/admin/rounds/1?told=times").text
    assert "Klokkeslettene er lagret og gjelder fra nå." in page
    assert page.index('value="23:00"') < page.index('value="02:30"'), "as the night goes"
    assert "Avdelingens runder: 23:00, 02:30 lør søn." in desk.page("/admin/residents/1")
    assert desk.call("GET", "/admin/rounds/1/times").headers["location"] == "/admin/rounds/1"


def test_rows_come_and_go_without_being_saved(desk: Desk) -> None:
    form = [("time-0-at", "23:00"), *every_day(0), ("time-1-at", "x"), *every_day(1)]
    page = press(desk, "/admin/rounds/1/times", *form, do="add").text
    assert page.count('-at" type') == 3
    assert "Ikke lagret ennå." in page
    page = press(desk, "/admin/rounds/1/times", *form, do="drop-0").text
    assert ('value="23:00"' in page, 'value="x"' in page) == (False, True)
    assert held(desk) == ()


@pytest.mark.parametrize("path", ["/admin/rounds/1/times", "/admin/residents/1/rounds"])
def test_wrong_times_come_back_as_typed(desk: Desk, path: str) -> None:
    answer = press(desk, path, ("time-0-at", "25:00"), *every_day(0), ("time-1-at", "02:00"))
    assert answer.status_code == 422
    assert 'value="25:00"' in answer.text
    assert 'id="time-0-at-wrong">Skriv et klokkeslett, for eksempel 22:00.' in answer.text
    assert 'id="time-1-day-wrong">Velg minst én ukedag.' in answer.text
    many = [pair for n in range(25) for pair in ((f"time-{n}-at", f"{n % 24}:{n // 24}0"), *every_day(n))]
    answer = press(desk, path, *many)
    assert (answer.status_code, "Skriv høyst 24 klokkeslett." in answer.text) == (422, True)
    assert held(desk) == ()
    assert desk.get("/residents/1/rounds")["times"] == []


def test_limits_are_set_on_the_page(desk: Desk) -> None:
    answer = desk.call("POST", "/admin/rounds/1/limits", form=[*((k, str(v)) for k, v in USUAL.items())][:3])
    assert (answer.status_code, "Skriv et helt tall fra 10 til 240." in plain(answer.text)) == (422, True)
    form = {**{name: str(value) for name, value in USUAL.items()}, "retry_min": "61"}
    answer = desk.call("POST", "/admin/rounds/1/limits", form=list(form.items()))
    assert (answer.status_code, 'value="61"' in answer.text) == (422, True)
    assert 'id="retry_min-wrong">Skriv et helt tall fra 1 til 60.' in answer.text
    form["retry_min"] = "5"
    answer = desk.call("POST", "/admin/rounds/1/limits", form=list(form.items()))
    assert answer.headers["location"] == "/admin/rounds/1?told=limits"
    with desk.lived.db.read(desk.lived.tenant.id) as s:
        assert limits.limits_of(s, 1).retry_min == 5
    assert "Fristene er lagret" in desk.page("/admin/rounds/1?told=limits")
    assert set(rounds_view.LIMITS) == set(limits.BOUNDS)


def test_own_times_are_set_on_the_residents_page(desk: Desk) -> None:
    assert "Avdelingen har ingen runder." in desk.page("/admin/residents/1")
    assert "Ingen har egne klokkeslett." in desk.page("/admin/rounds/1")
    answer = press(desk, "/admin/residents/1/rounds", ("time-0-at", "01:00"), *every_day(0))
    assert answer.headers["location"] == "/admin/residents/1?told=rounds"
    assert "Klokkeslettene er lagret" in desk.page("/admin/residents/1?told=rounds")
    before = desk.readings()
    assert "201 Prøve En 01:00" in desk.page("/admin/rounds/1")
    assert desk.readings() == [*before, ("plans:1", 1, desk.lived.kari)]
    assert 'value="01:00"' in press(desk, "/admin/residents/1/rounds", ("time-0-at", "01:00"), do="add").text
    assert press(desk, "/admin/residents/1/rounds").status_code == 303
    assert desk.get("/residents/1/rounds")["times"] == []


def test_a_form_from_elsewhere_is_refused(desk: Desk) -> None:
    for path in ("/admin/rounds/1/times", "/admin/rounds/1/limits", "/admin/residents/1/rounds"):
        assert desk.call("POST", path, form=[("do", "save")], Sec_Fetch_Site="cross-site").status_code == 403


@pytest.mark.parametrize(("lang", "said"), [("nn", "Tilsynsrundar: Avdeling A"), ("en", "Rounds of checks")])
def test_other_languages(desk: Desk, lang: str, said: str) -> None:
    desk.cookies["lang"] = lang
    assert said in desk.page("/admin/rounds/1")


# --- doubts ---------------------------------------------------------------------------------------------------


def noted(desk: Desk, code: str, device: str = "p:mat", days_ago: int = 3) -> None:
    """A finding of some days ago."""
    at_ms = NOON_MS - days_ago * DAY
    desk.write(lambda s: findings.note(s, "sensor_implausible", Finding(device, Reason(code, {"times": 412})), at_ms))


def doubted(desk: Desk, *rules: str) -> list[str]:
    """What is warned of where a plan with these rules is saved and read."""
    version = desk.get("/residents/1/plan")["version"]
    window = {"from_minute": 1320, "to_minute": 420}
    lines = [{"rule": rule, "windows": [window] if rule != "chair" else []} for rule in rules]
    answer = put(desk, "/residents/1/plan", expected_version=version, lines=lines, why="x", basis=GROUND)
    assert answer.status_code == 200, answer.text
    said = answer.json()["warnings"]
    assert desk.get("/residents/1/plan")["warnings"] == said
    return [one["message"] for one in said]


FLICKER = "Sengematta her melder inn og ut uten at noen beveger seg: "


def test_a_rule_on_a_sensor_with_a_finding_is_warned_of_and_saved(desk: Desk) -> None:
    noted(desk, "implausible.bed_flicker", days_ago=5)
    noted(desk, "implausible.bed_flicker")
    many = "«Ute av sengen» og «Ikke tilbake i seng» vil gi mange sjekk. Se til sensoren først."
    assert doubted(desk, "out_of_bed", "not_back_in_bed") == [FLICKER + many]
    assert FLICKER + many in desk.page("/admin/residents/1")
    assert FLICKER in desk.page("/admin/residents/1?template=fallfare_orientert"), "before it is saved"
    (warning,) = desk.get("/residents/1/plan")["warnings"]
    assert (warning["device"], warning["day"]) == ("p:mat", "2026-11-19")
    assert doubted(desk, "door_at_night") == []
    assert FLICKER not in desk.page("/admin/residents/1")


def test_doubts_are_of_the_last_days_and_of_the_residents_room(desk: Desk) -> None:
    noted(desk, "implausible.bed_flicker", days_ago=14)
    noted(desk, "implausible.bed_flicker", "p:elsewhere")
    assert doubted(desk, "out_of_bed") == []
    noted(desk, "implausible.bed_flicker", days_ago=13)
    assert len(doubted(desk, "out_of_bed")) == 1


def test_a_sensor_that_floods_is_doubted_for_what_it_is_used_for(desk: Desk) -> None:
    noted(desk, "implausible.flood", "p:door")
    assert doubted(desk, "door_at_night") == []
    desk.say_uses(door="door", mat="bed", pir="motion", bath="presence", chair="chair")
    said = "En sensor her sender unormalt mye: «Dør åpnes» kan ringe feil eller la være å ringe. Se til sensoren først."
    assert doubted(desk, "door_at_night", "out_of_bed") == [said]


def test_every_finding_casts_its_doubt_in_words() -> None:
    assert set(plan_doubts.FAULTS) == set(sensor_implausible.REASONS)
