"""The pages and the API of tests of the whole way: how each chain stands, what a certificate says, who may ask."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from nattevakt.central.admin import chain_view
from nattevakt.central.chain import setup, steps, watch
from nattevakt.central.db import TenantSession
from nattevakt.central.tables import gateways, staff, wards
from nattevakt.central.tablet.i18n import words
from tests.central.admin.desk import Desk, plain

MINUTE = 60_000
PAGE = "/admin/chain-tests"


@pytest.fixture
def chain(desk: Desk) -> Desk:
    """The ward, whose gateway has heard all its sensors."""
    gateway = desk.lived.id_of(gateways, "gw1")
    desk.write(
        lambda s: s.execute(
            text("UPDATE devices SET gateway_id = :gateway WHERE tenant_id = :tenant"), {"gateway": gateway}
        )
    )
    return desk


def now_ms(desk: Desk) -> int:
    return desk.lived.clock.at_ms


def through(desk: Desk, key: str = "r1", *, tapped: bool = True) -> int:
    """One test of a resident, all the way or up to the screen; gives it."""
    kari = desk.lived.id_of(staff, "kari")

    def work(s: TenantSession) -> int:
        at = now_ms(desk)
        wanted = [one for one in setup.of_wards(s, range(1, 5), at) if one.resident_id == desk.id_of(key)]
        (test_id,) = steps.ask(s, wanted, at, "Europe/Oslo", kari).ids
        (one,) = wanted
        assert one.gateway_id
        (nonce,) = steps.give(s, one.gateway_id, at + 9_000) or ()
        steps.receive(s, one.gateway_id, nonce, at + 9_400, at + 9_900)
        steps.show(s, one.ward_id, [test_id], [test_id], at + 11_500)
        if tapped:
            assert steps.tap(s, test_id, one.ward_id, desk.tablet_id, kari, at + 30_000)
        return test_id

    found: int = desk.write(work)
    return found


def test_each_resident_has_a_line_for_each_shift(chain: Desk) -> None:
    page = chain.page(PAGE)
    assert page.count("Dag, 07 til 15") == page.count("Natt, 22 til 07") > 0
    assert "Aldri prøvd" in page
    test_id = through(chain)
    source = chain.call("GET", PAGE).text
    assert f'href="{PAGE}/{test_id}"' in source
    assert 'data-standing="good"' in source
    assert "2,5 s fra mottaker til skjerm" in plain(source)
    chain.lived.clock.at_ms += 31 * 24 * 60 * MINUTE
    chain.log_in()
    assert "Eldre enn 30 dager" in chain.page(PAGE)


def test_a_changed_setup_is_said_and_so_is_what_did_not_come(chain: Desk) -> None:
    through(chain)
    chain.write(lambda s: s.execute(text("UPDATE tablets SET revoked_ms = 1 WHERE tenant_id = :tenant AND id <> 1")))
    chain.write(
        lambda s: s.execute(
            text("UPDATE placements SET to_ms = :now WHERE tenant_id = :tenant"), {"now": now_ms(chain)}
        )
    )
    assert "Oppsettet er endret siden" in chain.page(PAGE)


def test_a_certificate_says_who_when_and_by_which_way(chain: Desk) -> None:
    test_id = through(chain)
    page = chain.page(f"{PAGE}/{test_id}")
    said = ("Kom fram og ble bekreftet.", "Kari N.", "Spurt 9,0 s før", "Lagret i mottakeren etter 400 ms")
    for one in (*said, "I sentralen etter 500 ms", "På skjermen etter 1,6 s", "Bekreftet etter 18 s", "PC"):
        assert one in page, one
    assert "ikke at sensoren gjør det" in page
    source = chain.call("GET", f"{PAGE}/{test_id}").text
    assert re.findall(r'data-reached="(\w+)"', source) == ["apart", "yes", "yes", "yes", "yes"]
    assert ("chain_tests:" + str(chain.id_of("r1")), chain.id_of("r1"), 1) in chain.readings()
    # What is called something else by now was called that then.
    chain.write(lambda s: s.execute(text("UPDATE gateways SET name = 'Ny' WHERE tenant_id = :tenant")))
    assert "Ny" not in chain.page(f"{PAGE}/{test_id}")


def test_one_that_stopped_says_where(chain: Desk) -> None:
    test_id = through(chain, tapped=False)
    chain.write(
        lambda s: s.execute(
            text(
                "UPDATE chain_tests SET state = 'failed', failed_ms = asked_ms + 1, reason = 'not_tapped' "
                "WHERE tenant_id = :tenant"
            )
        )
    )
    source = chain.call("GET", f"{PAGE}/{test_id}").text
    assert re.findall(r'data-reached="(\w+)"', source) == ["apart", "yes", "yes", "yes", "no"]
    assert "men ingen bekreftet den" in plain(source)
    assert "Kom ikke fram" in chain.page(PAGE)
    assert set(watch.STOPS) == set(chain_view.STOPPED)


def test_a_lead_asks_for_one_or_for_all_and_nobody_else_does(chain: Desk) -> None:
    answer = chain.call("POST", PAGE, form=[("resident", str(chain.id_of("r1")))])
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?asked=1")
    assert "Prøven er bestilt." in chain.page(f"{PAGE}?asked=1")
    assert "Prøve pågår siden" in chain.page(PAGE)
    ward = chain.get("/chain-tests")["chains"][0]["ward_id"]
    answer = chain.call("POST", PAGE, form=[("ward", str(ward))])
    assert answer.headers["location"].startswith(f"{PAGE}?asked=")
    assert chain.call("POST", PAGE, form=[]).status_code == 422
    assert chain.call("POST", PAGE, form=[("ward", "99")]).status_code == 404
    chain.log_in(lead=False)
    assert chain.call("GET", PAGE).status_code == 403
    assert chain.call("POST", PAGE, form=[("ward", str(ward))]).status_code == 403


def test_where_nothing_hangs_the_page_says_so(chain: Desk) -> None:
    chain.write(lambda s: s.execute(text("UPDATE placements SET to_ms = 1 WHERE tenant_id = :tenant")))
    answer = chain.call("POST", PAGE, form=[("resident", str(chain.id_of("r1")))])
    assert answer.headers["location"] == f"{PAGE}?refused=chain_test_no_sensor"
    page = chain.page(answer.headers["location"])
    assert "Det henger ingen sensor i rommet" in page
    assert "Ingen sensor i rommet" in page
    assert "Prøv nå" not in page


def test_another_ward_s_test_is_none(chain: Desk) -> None:
    test_id = through(chain)
    chain.write(
        lambda s: s.execute(
            text("UPDATE chain_tests SET ward_id = :ward WHERE tenant_id = :tenant"),
            {"ward": s.insert(wards, key="z", name="Z", night_from_minute=0, night_to_minute=0)},
        )
    )
    for path in (f"{PAGE}/{test_id}", f"{PAGE}/999", f"{PAGE}/{10**30}"):
        assert chain.call("GET", path).status_code == 404
    assert chain.call("GET", f"/v1/admin/chain-tests/{test_id}").status_code == 404


def test_the_api_says_the_same(chain: Desk) -> None:
    resident = chain.id_of("r1")
    done = chain.post("/chain-tests", {"resident_id": resident})
    assert (done.status_code, len(done.json()["ids"]), done.json()["refused"]) == (200, 1, {})
    (test_id,) = done.json()["ids"]
    again = chain.post("/chain-tests", {"resident_id": resident})
    assert again.json()["ids"] == [test_id]
    assert chain.post("/chain-tests", {}).status_code == 422
    assert chain.post("/chain-tests", {"ward_id": 1, "resident_id": 1}).status_code == 422
    assert chain.post("/chain-tests", {"room": "201"}).status_code == 422
    chain.write(lambda s: s.execute(text("DELETE FROM chain_tests WHERE tenant_id = :tenant")))
    test_id = through(chain)
    found = chain.get("/chain-tests")
    assert found["valid_days"] == 30
    mine = {one["shift"]: one["standing"] for one in found["chains"] if one["resident_id"] == resident}
    assert sorted(mine) == ["dag", "kveld", "natt"]
    assert sorted(mine.values()) == ["good", "never", "never"]
    one = chain.get(f"/chain-tests/{test_id}")
    assert (one["state"], one["tapped_ms"] - one["asked_ms"], one["path"]["gateway"]) == (
        "done",
        30_000,
        one["path"]["gateway"],
    )
    assert "nonce" not in one


@pytest.mark.parametrize("lang", ["nn", "en"])
def test_it_is_read_in_every_language(chain: Desk, lang: str) -> None:
    test_id = through(chain)
    chain.cookies["lang"] = lang
    told = words(lang)
    assert told("Kom fram og ble bekreftet.") in chain.page(f"{PAGE}/{test_id}")
    assert told("Aldri prøvd") in chain.page(PAGE)
