"""The pages of a ward's lead without a browser, on both databases: what they show, take, and give back as typed."""

from __future__ import annotations

import re
from typing import Any

import pytest

from nattevakt.central import findings
from nattevakt.central.admin import acts, drafts
from nattevakt.central.places import plans
from nattevakt.edge.rules.rule import Finding, Reason
from tests.central.admin.desk import Desk, fields, plain, typed
from tests.central.past_nights import DAY, MIN, NOON_MS, at

PAGES = (
    "/admin",
    "/admin/off",
    "/admin/alarm-health",
    "/admin/alarms",
    "/admin/findings",
    "/admin/channels",
    "/admin/residents/1",
    "/admin/alarm-health/1",
    "/admin/rounds/1",
    "/admin/reports",
)
GROUND = {"basis-kind": "samtykke", "basis-responsible": "Kari", "basis-review": "2027-03-01"}


def form_of(desk: Desk, path: str) -> list[tuple[str, str]]:
    """The plan's form as a browser would send it."""
    return fields(desk.call("GET", path).text)


def send(desk: Desk, form: list[tuple[str, str]], act: str = "save", resident_id: int = 1) -> Any:
    """Press one of its buttons."""
    return desk.call("POST", f"/admin/residents/{resident_id}/plan", form=[*form, ("do", act)])


def saved(desk: Desk) -> None:
    """A plan with a basis from a template."""
    form = typed(form_of(desk, "/admin/residents/1?template=e_rom_standard"), why="Ny beboer", **GROUND)
    answer = send(desk, form)
    assert answer.status_code == 303, plain(answer.text)


@pytest.mark.parametrize("path", PAGES)
def test_who_leads_no_ward_is_told_so_on_a_page(desk: Desk, path: str) -> None:
    desk.log_in(lead=False)
    answer = desk.call("GET", path)
    assert answer.status_code == 403
    assert "Bare avdelingsledere kan se og endre planer." in plain(answer.text)
    assert "Prøve En" not in answer.text
    desk.cookies.pop("__Host-person")
    answer = desk.call("GET", path)
    assert answer.status_code == 401
    assert "Logg inn på tavlen" in plain(answer.text)
    desk.cookies.clear()
    answer = desk.call("GET", path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/tablet/enrol")


def test_another_ward_is_not_shown(desk: Desk) -> None:
    stranger = desk.other_ward()
    answer = desk.call("GET", f"/admin/residents/{stranger}")
    assert (answer.status_code, "ikke er din" in plain(answer.text)) == (403, True)
    assert desk.call("GET", "/admin/residents/999").status_code == 404
    for path in ("/admin", "/admin/off", "/admin/alarm-health"):
        assert "Prøve To" not in desk.page(path)
    assert stranger not in {resident_id for _, resident_id, _ in desk.readings()}


def test_every_page_carries_the_security_headers_and_no_script(desk: Desk) -> None:
    for path in PAGES:
        answer = desk.call("GET", path)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert "<script" not in answer.text


def test_a_plan_is_set_from_a_template(desk: Desk) -> None:
    assert "Ingen plan: bare alarmknapp, fall og vann ringer" in desk.page("/admin/off")
    assert "Ingen plan" in desk.page("/admin")
    page = desk.page("/admin/residents/1?template=e_rom_standard")
    assert "Alarmer med denne planen på 7 netter: 0." in page
    assert "Sensorene i rommet har ikke meldt noe i disse nettene" in page
    saved(desk)
    page = desk.page("/admin/residents/1?told=saved")
    assert "Planen er lagret og gjelder nå." in page
    assert "Versjon 1 søn 22.11. kl. 12:00, Kari N." in page
    assert "Ny beboer" in page
    with desk.lived.db.read(desk.lived.tenant.id) as s:
        plan = plans.current(s, 1)
    assert plan is not None
    assert {line.rule for line in plan.lines} <= {"not_back_in_bed", "long_bathroom", "not_up", "inactivity"}
    assert "Ikke tilbake i seng" in desk.page("/admin")


WRONG: list[tuple[dict[str, str], str, str]] = [
    ({"line-0-w-0-from": "25:00"}, "line-0-w-0-from", "Skriv et klokkeslett, for eksempel 22:00."),
    ({"line-0-w-0-to": ""}, "line-0-w-0-to", "Skriv klokkeslettet som mangler, eller tøm begge feltene."),
    ({"line-0-set-limit_min": "-5"}, "line-0-set-limit_min", "Skriv et helt tall fra 5 til 240."),
    ({"line-0-set-limit_min": "et kvarter"}, "line-0-set-limit_min", "Skriv et helt tall fra 5 til 240."),
    ({"dense": "3"}, "dense", "Skriv et helt tall fra 15 til 720, eller la feltet stå tomt."),
    ({"dense": "ofte"}, "dense", "Skriv et helt tall fra 15 til 720, eller la feltet stå tomt."),
    ({"why": " "}, "why", "Skriv hvorfor planen endres, med noen få ord."),
    ({"handling": "x" * 2_001}, "handling", "Teksten er for lang. Kort den ned."),
    ({"basis-kind": "", "basis-responsible": "", "basis-review": ""}, "basis", "Planen overvåker ingen uten rettslig"),
    ({"basis-review": "i morgen"}, "basis-review", "Velg en dato."),
    ({"basis-review": "2026-11-01"}, "basis-review", "Velg en dato fram i tid, høyst ett år."),
    ({"basis-review": "2029-11-01"}, "basis-review", "Velg en dato fram i tid, høyst ett år."),
    ({"basis-kind": "overfort"}, "basis-kind", "Velg samtykke eller vedtak."),
    ({"basis-responsible": ""}, "basis-responsible", "Skriv hvem som er ansvarlig for å vurdere"),
]


@pytest.mark.parametrize(("change", "field", "said"), WRONG)
def test_what_cannot_be_comes_back_as_it_was_typed(desk: Desk, change: dict[str, str], field: str, said: str) -> None:
    right = {"why": "Ny beboer", "handling": "Følg <til> toalettet", "line-0-set-check_min": "17", **GROUND}
    form = typed(form_of(desk, "/admin/residents/1?template=e_rom_standard"), **{**right, **change})
    answer = send(desk, form)
    assert answer.status_code == 422
    assert re.search(rf'<a href="#{field}(-wrong)?">{said}', answer.text), "the summary leads to the field"
    at_field = re.search(rf'id="{field}-wrong">([^<]*)', answer.text)
    assert at_field, "the field says it too"
    assert at_field[1].startswith(said)
    back = dict(fields(answer.text))
    wanted = {**right, **change}
    assert {key: back.get(key, "") for key in wanted if key != "basis-kind"} == {
        key: value for key, value in wanted.items() if key != "basis-kind"
    }
    assert form_of(desk, "/admin/residents/1")[0] == ("version", "0"), "nothing was saved"


def test_no_weekday_and_a_sensor_that_is_missing(desk: Desk) -> None:
    form = form_of(desk, "/admin/residents/1?template=e_rom_standard")
    without = [pair for pair in form if pair[0] != "line-0-w-0-day"]
    assert "Velg minst én ukedag." in plain(send(desk, typed(without, why="x", **GROUND)).text)
    desk.say_uses(mat="bed")
    answer = send(desk, typed(form, why="x", **GROUND))
    assert answer.status_code == 422
    assert "Rommet mangler sensor for tilstedeværelse eller bevegelse. Monter en, eller fjern linjen." in plain(
        answer.text
    )
    page = desk.page("/admin/residents/1")
    assert "Uten sensor her, tas ikke med:" in page
    fitted = form_of(desk, "/admin/residents/1?template=e_rom_standard")
    assert {value for key, value in fitted if key.endswith("-rule")} == {"not_back_in_bed", "not_up"}


def test_lines_and_windows_are_added_and_removed_without_losing_the_rest(desk: Desk) -> None:
    form = typed(form_of(desk, "/admin/residents/1?template=e_rom_standard"), why="halvskrevet", add="out_of_bed")
    lines = sum(1 for key, _ in form if key.endswith("-rule"))
    form = fields(send(desk, form, "add").text)
    assert dict(form)[f"line-{lines}-rule"] == "out_of_bed"
    form = fields(send(desk, form, f"window-{lines}").text)
    assert f"line-{lines}-w-1-from" in dict(form)
    form = typed(form, **{f"line-{lines}-w-1-from": "13", f"line-{lines}-w-1-to": "1430"})
    form = fields(send(desk, form, f"drop-{lines}-0").text)
    assert dict(form)[f"line-{lines}-w-0-from"] == "13"
    assert f"line-{lines}-w-1-from" not in dict(form)
    form = fields(send(desk, form, "remove-0").text)
    assert sum(1 for key, _ in form if key.endswith("-rule")) == lines
    assert dict(form)["why"] == "halvskrevet"
    for odd in ("", "sing", "remove-99", "drop-0-99", "window-99", "add:call", "remove-0-0-0"):
        assert send(desk, form, odd).status_code == 200
    assert send(desk, typed(form, **GROUND)).status_code == 303
    with desk.lived.db.read(desk.lived.tenant.id) as s:
        plan = plans.current(s, 1)
    assert plan is not None
    line = next(line for line in plan.lines if line.rule == "out_of_bed")
    assert [(w.from_minute, w.to_minute) for w in line.windows] == [(13 * 60, 14 * 60 + 30)]


def test_a_trial_stands_beside_what_happened_before_anything_is_saved(desk: Desk) -> None:
    saved(desk)
    desk.lived.live(
        [
            (at(0, "22:30"), "in"),
            (at(1, "02:00"), "out"),
            (at(1, "02:01"), "moves"),
            (at(1, "02:35"), "in"),
            (at(1, "08:00"), "out"),
            (at(1, "08:02"), "moves"),
        ],
        at(1, "11:00"),
    )
    desk.log_in()
    form = typed(form_of(desk, "/admin/residents/1"), nights="3")
    page = plain(send(desk, form, "try").text)
    assert "Alarmer med denne planen på 3 netter: 1." in page
    assert "I virkeligheten: 1 (" in page
    assert "natt til man 23.11." in page
    longer = typed(form, **{"line-0-set-limit_min": "60"})
    page = plain(send(desk, longer, "try").text)
    assert "Alarmer med denne planen på 3 netter: 0." in page
    assert "Annet" in page, "what the staff answered"
    assert dict(form_of(desk, "/admin/residents/1"))["line-0-set-limit_min"] != "60", "nothing was saved"
    page = desk.page("/admin/residents/1?line=0&setting=limit_min&value=60")
    assert "Alarmer med denne planen på 7 netter: 0." in page
    assert "Uke 48, 2026: Hele avdelingen" in desk.page("/admin/alarm-health")
    assert "Ingen endring av en grense ville ha hjulpet" in desk.page("/admin/alarm-health/1")
    answer = send(desk, typed(form, nights="900"), "try")
    assert "Velg fra 1 til 60 netter." in plain(answer.text)


def test_two_who_change_at_once(desk: Desk) -> None:
    saved(desk)
    mine = typed(form_of(desk, "/admin/residents/1"), why="min", **{"line-0-set-limit_min": "25"})
    theirs = typed(form_of(desk, "/admin/residents/1"), why="hennes", **{"line-0-set-limit_min": "35"})
    desk.lived.clock.at_ms += 122 * MIN
    desk.log_in()
    assert send(desk, theirs).status_code == 303
    answer = send(desk, mine)
    page = plain(answer.text)
    assert answer.status_code == 409
    assert "Kari N. lagret kl. 14:02 mens du skrev. Se endringen under Historikk." in page
    assert "hennes" in page
    back = fields(answer.text)
    assert dict(back)["line-0-set-limit_min"] == "25"
    assert send(desk, back).status_code == 409, "not without having seen it"
    assert send(desk, [*back, ("seen", "2")]).status_code == 303
    with desk.lived.db.read(desk.lived.tenant.id) as s:
        assert [version.why for version in plans.history(s, 1)] == ["min", "hennes", "Ny beboer"]


def test_pause_ground_start_and_end(desk: Desk) -> None:
    saved(desk)
    base = "/admin/residents/1"

    def press(path: str, **form: str) -> Any:
        return desk.call("POST", f"{base}{path}", form=list(form.items()))

    for form, said in (
        ({"pause-to": "snart", "pause-reason": "x"}, "Skriv et klokkeslett"),
        ({"pause-to": "23:00", "pause-reason": "x"}, "Velg et klokkeslett før neste vaktskifte."),
        ({"pause-to": "13:00", "pause-reason": ""}, "Skriv hvorfor det settes på pause"),
        ({"pause-to": "13:00", "pause-reason": "x", "pause-rule": "chair"}, "Velg en linje som står i planen."),
    ):
        answer = press("/pauses", **form)
        assert (answer.status_code, said in plain(answer.text)) == (422, True), said
        assert form["pause-to"] in answer.text
    assert press("/pauses", **{"pause-to": "13:00", "pause-reason": "Datter på besøk"}).status_code == 303
    assert "På pause til kl. 13:00" in desk.page(base)
    assert "Datter på besøk" in desk.page("/admin/off")
    assert "Datter på besøk" in desk.page("/admin")
    assert press("/pauses/1/end").status_code == 303
    assert press("/startup", **{"startup-days": "x"}).status_code == 422
    assert press("/startup", **{"startup-days": "14"}).status_code == 303
    assert "På, oppstart til søn 6.12.2026" in desk.page(base)
    assert press("/startup", **{"startup-days": "0"}).status_code == 303
    assert press("/basis", **{**GROUND, "basis-review": ""}).status_code == 422
    assert press("/basis", **{**GROUND, "basis-kind": "vedtak_4_6_a"}).status_code == 303
    assert "Vedtak etter pasient- og brukerrettighetsloven § 4-6 a fra søn 22.11.2026" in desk.page(base)
    assert press("/basis/end").status_code == 303
    assert "Mangler grunnlag" in desk.page(base)
    assert "Mangler rettslig grunnlag: planen ringer ikke" in desk.page("/admin")
    assert press("/end", **{"end-why": ""}).status_code == 422
    assert press("/end", **{"end-why": "Flyttet"}).status_code == 303
    assert "Tilsynet er avsluttet" in desk.page("/admin/off")


def test_forms_are_taken_from_our_own_pages_only(desk: Desk) -> None:
    form = typed(form_of(desk, "/admin/residents/1?template=e_rom_standard"), why="x", **GROUND)
    for site in ("cross-site", "same-site", "none", ""):
        answer = desk.call("POST", "/admin/residents/1/plan", form=[*form, ("do", "save")], Sec_Fetch_Site=site)
        assert answer.status_code == 403, site
    answer = desk.call("POST", "/admin/residents/1/plan", {"do": "save"})
    assert answer.status_code == 415
    big = desk.call("POST", "/admin/residents/1/plan", form=[("why", "x" * 40_000)])
    assert big.status_code == 413
    assert desk.call("POST", "/admin/residents/1/plan", form=[("why", "a\x00b"), ("do", "save")]).status_code == 422
    assert form_of(desk, "/admin/residents/1")[0] == ("version", "0")


def test_readings_are_written_down(desk: Desk) -> None:
    desk.page("/admin")
    desk.page("/admin/residents/1")
    desk.page("/admin/residents/1")
    assert desk.readings() == [("plans:1", 1, desk.lived.kari), ("plan:1", 1, desk.lived.kari)]


def test_findings_are_said_in_words(desk: Desk) -> None:
    assert "Ingen funn de siste dagene." in desk.page("/admin/findings")
    reason = Reason("implausible.bed_flicker", {"times": 412})
    desk.write(lambda s: findings.note(s, "sensor_implausible", Finding("p:mat", reason), NOON_MS))
    assert "201 seng p:mat Sengesensoren meldte inn og ut 412 ganger i natt." in desk.page("/admin/findings")


def test_other_languages(desk: Desk) -> None:
    for lang, said in (("nn", "Avslått akkurat no"), ("en", "Switched off right now")):
        desk.cookies["lang"] = lang
        assert said in desk.page("/admin")
        assert f'<html lang="{lang}"' in desk.call("GET", "/admin/residents/1").text


def test_times_as_people_write_them() -> None:
    told = {"22": 1320, "22:30": 1350, "22.30": 1350, "2230": 1350, " 7 ": 420, "07:00": 420, "0000": 0}
    assert {text: drafts.minute_of(text) for text in told} == told
    for text in ("", "24", "7:60", "kl. 7", "123456", "7:5", "-1", "٢٢"):
        assert drafts.minute_of(text) is None, text
    assert [drafts.whole(text) for text in ("20", " 20 ", "-5", "\N{MINUS SIGN}5", "2.5", "", "1e3", "9" * 30)] == [
        *(20, 20, -5, -5),
        *(None, None, None, None),
    ]
    assert drafts.days_of(127) == frozenset(range(7))
    assert DAY == 86_400_000


def test_a_suggestion_leads_into_the_plan(desk: Desk) -> None:
    desk.lived.cause = lambda _kind, _at_ms: ("feil_utlost", "ingen")
    saved(desk)
    for day in range(3):
        night = [(at(day, "22:30"), "in"), (at(day + 1, "02:00"), "out"), (at(day + 1, "02:01"), "moves")]
        morning = [(at(day + 1, "02:27"), "in"), (at(day + 1, "08:00"), "out"), (at(day + 1, "08:02"), "moves")]
        desk.lived.live([*night, *morning], at(day + 1, "11:00"))
    desk.log_in()
    answer = desk.call("GET", "/admin/alarm-health/1")
    page = plain(answer.text)
    assert "Sett «Lengste tid ute av sengen» for «Ikke tilbake i seng» fra 15 til 30 minutter." in page
    assert "3 unødige alarmer ville blitt 0" in page
    link = re.search(r'href="(/admin/residents/1\?line=[^"]*)"', answer.text)
    assert link
    shown = desk.call("GET", link[1].replace("&amp;", "&")).text
    assert dict(fields(shown))["line-0-set-limit_min"] == "30"
    assert "netter: 1. I virkeligheten: 4 (til nytte: 0, unødig: 4)." in plain(shown), "the other is of another rule"


def test_one_trial_at_a_time(desk: Desk) -> None:
    with acts.TRIALS:
        page = desk.page("/admin/residents/1?template=e_rom_standard")
        assert "Noen andre prøver en plan eller henter tall akkurat nå." in page
        assert "Noen andre prøver en plan eller henter tall akkurat nå." in desk.page("/admin/alarm-health/1")
        answer = desk.post("/residents/1/backtest", {"lines": []})
        assert (answer.status_code, answer.json()["error"]) == (503, "busy")
        assert answer.headers["retry-after"]
    assert desk.post("/residents/1/backtest", {"lines": []}).status_code == 200


def test_a_forms_address_leads_back_to_the_page(desk: Desk) -> None:
    for form in ("plan", "basis", "pauses", "startup", "end"):
        answer = desk.call("GET", f"/admin/residents/1/{form}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/residents/1")
