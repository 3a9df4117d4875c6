"""The plan that a gateway keeps: taken, believed, refused, grown old, found again after a restart."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from nattevakt.edge.wire import GatewayHealth, Heartbeat, HeartbeatReply
from nattevakt.edge.wire_plan import LocalPlan, PlanRoom, credential_key, signed, versioned_plan
from nattevakt.gateway.local_plan import KEEP_MS, KEY, OLD_MS, PlanKept
from tests.gateway.support import moment, now

MINE, OTHER = credential_key("nv1.a.b.mine"), credential_key("nv1.a.b.other")
ONE = versioned_plan(LocalPlan("gw1", rooms=(PlanRoom(1, "201"),)), 1)
TWO = versioned_plan(LocalPlan("gw1", rooms=(PlanRoom(1, "202"),)), 2)
SPOKEN = Heartbeat(moment(), "0" * 32, (), None, GatewayHealth("0", 0, 0, 0, 0, 0, 0, clock_synced=True))


def said(plan: LocalPlan, key: str = MINE) -> HeartbeatReply:
    return HeartbeatReply({}, 1, plan_version=plan.version, plan=signed(plan, key))


def holds(plan: LocalPlan) -> HeartbeatReply:
    return HeartbeatReply({}, 1, plan_version=plan.version)


def asked(kept: PlanKept, ms: int) -> str | None:
    return kept.added_to(SPOKEN, now(ms)).plan_have


def test_it_asks_once_a_minute_and_says_what_it_has() -> None:
    kept = PlanKept(MINE)
    assert asked(kept, 0) == ""
    kept.answered(said(ONE), now(0))
    assert kept.plan == ONE
    assert asked(kept, 59_999) is None
    assert asked(kept, 60_000) == ONE.version
    kept.answered(said(TWO), now(60_000))
    assert asked(kept, 120_000) == TWO.version


def test_a_centre_that_knows_no_plans_is_asked_again_and_changes_nothing() -> None:
    kept = PlanKept(MINE)
    assert kept.answered(HeartbeatReply({}, 1), now(0)) == {}
    assert (asked(kept, 1), kept.plan, kept.problem) == ("", None, None)


def test_what_is_on_disk_is_found_again_and_what_was_altered_there_is_refused() -> None:
    kept = PlanKept(MINE)
    row = kept.answered(said(ONE), now(0))
    again = PlanKept(MINE)
    again.load({KEY: str(row[KEY])})
    assert (again.plan, again.problem, again.old(now(1_000))) == (ONE, None, False)
    for bad in (str(row[KEY]).replace("201", "209", 1), "[1]", "{", json.dumps(["a", "b", "boot", "x", 0, True])):
        broken = PlanKept(MINE)
        broken.load({KEY: bad})
        assert (broken.plan, broken.refused) == (None, 1)
        assert broken.problem
    stranger = PlanKept(OTHER)
    stranger.load({KEY: str(row[KEY])})
    assert stranger.plan is None


@pytest.mark.parametrize("bad", [said(TWO, OTHER), replace(said(TWO), plan=replace(signed(TWO, MINE), text="{}"))])
def test_a_plan_that_cannot_be_believed_leaves_the_old_one_and_is_said(bad: HeartbeatReply) -> None:
    kept = PlanKept(MINE)
    kept.answered(said(ONE), now(0))
    assert kept.answered(bad, now(60_000)) == {}
    assert (kept.plan, kept.refused, bool(kept.problem)) == (ONE, 1, True)
    kept.answered(said(TWO), now(120_000))
    assert (kept.plan, bool(kept.problem)) == (TWO, False)


def test_it_is_old_when_nobody_has_said_for_a_week_that_it_holds() -> None:
    kept = PlanKept(MINE)
    assert kept.old(now(0))
    kept.answered(said(ONE), now(0))
    assert not kept.old(now(OLD_MS))
    assert kept.old(now(OLD_MS + 1))
    kept.answered(holds(ONE), now(OLD_MS))
    assert not kept.old(now(OLD_MS + 1))


def test_that_it_still_holds_is_written_down_once_an_hour() -> None:
    kept = PlanKept(MINE)
    assert KEY in kept.answered(said(ONE), now(0))
    assert kept.answered(holds(ONE), now(KEEP_MS - 1)) == {}
    assert KEY in kept.answered(holds(ONE), now(KEEP_MS))
    assert kept.answered(holds(TWO), now(2 * KEEP_MS)) == {}


def test_what_did_not_reach_the_disk_is_written_with_the_next_word() -> None:
    kept = PlanKept(MINE)
    kept.answered(said(ONE), now(0))
    kept.unwritten()
    assert KEY in kept.answered(holds(ONE), now(60_000))
