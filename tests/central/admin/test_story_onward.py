"""How an alarm went on, as its story tells it: steps, who passed it on, messages; on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from nattevakt.central.alarms import escalating, register
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.alarms.requests import Act
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.notify import routing_rows, sendings
from nattevakt.central.notify.escalation import Why
from nattevakt.central.notify.routing import Chain, Route, Routing, Step, Team
from nattevakt.central.tables import staff
from nattevakt.central.tables import wards as ward_rows
from nattevakt.central.tables_duty import sendings as ledger
from tests.central.admin.desk import Desk
from tests.central.admin.test_story import act, ring
from tests.central.past_nights import MIN, NOON_MS

TEAM = Routing(
    teams=(Team("falk", "Falkene", ("kari",)),),
    chains=(Chain("k", "Kjede", (Step(("tablets:ward",), 0), Step(("team:falk", "phone:+4790000009"), 30))),),
    routes=(Route("k"),),
)


def other_ward(desk: Desk) -> int:
    return int(
        desk.write(
            lambda s: s.insert(ward_rows, key="z", name="Avdeling Z", night_from_minute=1320, night_to_minute=420)
        )
    )


def goes_on(desk: Desk, alarm: int, why: Why = Why.UNTAKEN) -> None:
    """The next step is taken."""
    desk.write(lambda s: escalating.push(s, alarm, why, desk.lived.clock.at_ms))


def last(desk: Desk, alarm: int) -> dict[str, Any]:
    found: dict[str, Any] = desk.get(f"/alarms/{alarm}")["changes"][-1]["passed"]
    return found


def test_a_step_says_why_to_whom_and_where_it_rings_then(desk: Desk) -> None:
    other_ward(desk)
    alarm = ring(desk)
    desk.lived.clock.at_ms += 2 * MIN
    goes_on(desk, alarm)
    told = last(desk, alarm)
    assert (told["why"], told["step"], told["wards"], told["nobody"]) == ("untaken", 1, ["Avdeling Z"], False)
    assert [one["code"] for one in told["to"]] == ["tablets:all", "duty:*"]
    page = desk.page(f"/admin/alarms/{alarm}")
    for said in (*told["says"], "Gikk videre etter 2 min 0 s.", "Ringer nå også på Avdeling Z."):
        assert said in page, said


def test_a_step_that_reaches_nobody_is_not_passed_over(desk: Desk) -> None:
    alarm = ring(desk)
    goes_on(desk, alarm, Why.NOT_SHOWN)
    assert last(desk, alarm)["nobody"] is True
    source = desk.call("GET", f"/admin/alarms/{alarm}").text
    assert '<p class="failure">Gikk videre kl. 12:00:00, men nådde ingen som ikke var varslet fra før.</p>' in source


def test_a_team_is_called_by_its_name_and_a_person_by_theirs(desk: Desk) -> None:
    def route(s: TenantSession) -> None:
        s.execute(update(staff).where(staff.c.tenant_id == TENANT), {"phone": "+4790000001"})
        routing_rows.save(s, TEAM, why="prøve", staff_id=None, by_name="t", now_ms=NOON_MS, expected_version=0)

    desk.write(route)
    alarm = ring(desk)
    goes_on(desk, alarm)
    told = desk.get(f"/alarms/{alarm}")
    assert [(one["channel"], one["target"], one["name"], one["role"]) for one in told["sendings"]] == [
        ("sms", "phone:+4790000009", "", ""),
        ("sms", f"staff:{desk.lived.kari}", "Kari N.", ""),
    ]
    page = desk.page(f"/admin/alarms/{alarm}")
    assert "Trinn 2: gruppen Falkene, SMS til +4790000009." in page
    assert "Kari N. tekstmelding trinn 2" in page
    assert "+4790000001" not in page


STATES = (
    ({"state": "pending"}, "venter"),
    (
        {"state": "pending", "reason": "http_500", "attempts": 3},
        "svarte med feil 500, 3 forsøk",
    ),
    ({"state": "sent", "sent_ms": NOON_MS + 2_000, "attempts": 1}, "2,0 s sendt"),
    ({"state": "confirmed", "sent_ms": NOON_MS, "confirmed_ms": NOON_MS + 3_000}, "0 ms 3,0 s kom fram"),
    ({"state": "failed", "failed_ms": NOON_MS + 4_000, "reason": "no_phone"}, "har ikke telefonnummer, 4,0 s"),
    ({"state": "withdrawn", "reason": "taken"}, "trukket tilbake: noen hadde tatt alarmen"),
    ({"state": "brand_new", "reason": "odd"}, "brand_new: odd"),
)


@pytest.mark.parametrize(("values", "said"), STATES)
def test_what_came_of_a_message_is_said(desk: Desk, values: dict[str, object], said: str) -> None:
    alarm = ring(desk)

    def send(s: TenantSession) -> None:
        sendings.ask(s, alarm, 1, 0, [("sms", f"staff:{desk.lived.kari}")], NOON_MS)
        s.execute(update(ledger).where(ledger.c.tenant_id == TENANT), values)

    desk.write(send)
    (one,) = desk.get(f"/alarms/{alarm}")["sendings"]
    assert (one["state"], one["reason"]) == (values["state"], values.get("reason", ""))
    assert "idempotency_key" not in one
    source = desk.call("GET", f"/admin/alarms/{alarm}").text
    assert f'data-sending="{values["state"]}"' in source
    assert said in desk.page(f"/admin/alarms/{alarm}")
    lost = "Kom ikke fram: Kari N. (tekstmelding)." in desk.page(f"/admin/alarms/{alarm}")
    assert lost == (values["state"] == "failed")
    assert source.count(">Utenom nettbrettene</text>") == 2, "a lane of the drawing, wide and narrow"


def test_who_passed_it_on_and_why(desk: Desk) -> None:
    other_ward(desk)
    alarm = ring(desk)
    act(desk, alarm, State.TAKEN)
    act(desk, alarm, State.REJECTED, reason="for_langt_unna")
    act(desk, alarm, State.TAKEN)
    act(desk, alarm, State.TRANSFERRED, ward="z")
    told = [one["passed"] for one in desk.get(f"/alarms/{alarm}")["changes"] if one["passed"]]
    assert [(one["why"], one["reason"], one["wards"]) for one in told] == [
        ("declined", "for_langt_unna", []),
        ("declined", "", ["Avdeling Z"]),
        ("transferred", "", ["Avdeling Z"]),
    ]
    page = desk.page(f"/admin/alarms/{alarm}")
    assert "Kari N. ga den videre til Avdeling Z etter 4 min 0 s." in page
    assert "Grunn: for langt unna." in page
    rung = desk.get(f"/alarms/{alarm}")["soundings"]
    assert [(one["number"], one["cause"]) for one in rung] == [(1, "raise"), (2, "transfer")]


def test_an_alarm_that_is_reopened_rings_in_its_own_chapter(desk: Desk) -> None:
    alarm = ring(desk)
    act(desk, alarm, State.TAKEN)
    act(desk, alarm, State.CLOSED, cause="annet", action="tilsyn")
    wish = Act(alarm, State.REOPENED, desk.lived.kari, desk.tablet_id, "again-1")
    desk.write(lambda s: register.act(s, wish, desk.lived.clock.at_ms))
    rung = desk.get(f"/alarms/{alarm}")["soundings"]
    assert [(one["number"], one["cause"]) for one in rung] == [(1, "raise"), (2, "reopen")]
