"""A story that is too long to be told whole: what is left off is said, and proves nothing."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, update

from nattevakt.central.admin import story_short
from nattevakt.central.alarms import story, story_rows
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.alarms.story_times import KNOWN
from nattevakt.central.columns import TENANT
from nattevakt.central.notify import sendings
from nattevakt.central.tables import alarm_events, notices, transitions
from nattevakt.central.tables_duty import sendings as ledger
from nattevakt.central.tablet.i18n import words
from tests.central.house import House, press
from tests.central.test_story import MINUTE_MS, Scene, times

NOBODY: dict[str, Any] = dict.fromkeys(("staff_id", "tablet_id", "idempotency_key"))


def rings_on(scene: Scene, times: int, shown: int | None = None) -> None:
    """Alarm 1 sounds again and again, each sixth time on every tablet. shown: the one that those have shown."""
    now, most = scene.house.clock.at_ms, times + 2
    detail = {"reason": "r", "params": {}, "occurred": [now, now]}
    row: dict[str, Any] = {
        "alarm_id": 1,
        "from_state": "meldt",
        "to_state": "meldt",
        "at_ms": now,
        "cause": "sound",
        **NOBODY,
    }
    at = {"alarm_id": 1, "state": "sent", "reason": None, "made_ms": now, "sent_ms": now}
    at |= dict.fromkeys(("sounded_ms", "seen_ms", "taken_ms", "failed_ms", "lease_until_ms"))
    with scene.house.db.write(scene.house.tenant.id) as s:
        for number in range(2, most):
            s.insert(transitions, **row, detail={**detail, "sound_seq": number})
            shown_ms = now if number == shown else None
            for tablet in scene.tablets if number % 6 == 4 else ():
                s.insert(notices, **at, tablet_id=tablet, sound_seq=number, shown_ms=shown_ms)


@pytest.mark.parametrize("shown", [None, 2_002])
def test_of_a_very_long_story_who_took_it_is_told_and_what_is_left_off_proves_nothing(
    house: House, shown: int | None
) -> None:
    scene = Scene(house, count=8)
    house.gate.tell(1, press())
    rings_on(scene, 2_001, shown)
    scene.passes(MINUTE_MS)
    assert times(scene.told())["taken"].told == "not_yet", "so far that is certain"
    assert times(scene.told())["shown"].told == ("unknown" if shown is None else KNOWN)
    for state in (State.TAKEN, State.ON_SITE, State.CLOSED):
        scene.act(1, state)
        scene.passes(MINUTE_MS)
    told = scene.told()
    assert told.left_off == ("changes", "notices")
    assert [one.cause for one in told.changes if not one.automatic] == ["take", "on_site", "close"]
    assert len(told.changes) == story_rows.ROWS_MAX + 4
    steps = times(told)
    assert [steps[code].after_event_ms for code in ("taken", "on_site", "closed")] == [
        MINUTE_MS,
        2 * MINUTE_MS,
        3 * MINUTE_MS,
    ]
    assert steps["shown"].told == ("unknown" if shown is None else KNOWN)
    assert steps["sounded"].told == "unknown"
    verdicts = {one.number: one.verdict for one in told.soundings}
    assert (verdicts[1], verdicts[4], verdicts[2_002]) == ("nobody", "unknown", "unknown" if shown is None else "all")
    assert {verdicts[number] for number in range(800, 1_001)} == {"left_off"}
    assert verdicts[2_001] == "no_tablet", "that is certain: all of it is here"


def test_whether_anybody_took_it_is_unknown_where_moves_are_left_off(house: House) -> None:
    scene, most = Scene(house), story_rows.ROWS_MAX
    house.gate.tell(1, press())
    row: dict[str, Any] = {"alarm_id": 1, "detail": {}, "at_ms": house.clock.at_ms, "cause": "x"}
    row |= NOBODY
    flips = (("meldt", "eskalert"), ("eskalert", "meldt"))
    with house.db.write(house.tenant.id) as s:
        moves = [dict(zip(("from_state", "to_state"), flips[n % 2], strict=True)) for n in range(most + 400)]
        moves[most // 2 + 50 : most // 2 + 52] = [
            {"from_state": "meldt", "to_state": "kvittert"},
            {"from_state": "kvittert", "to_state": "meldt"},
        ]
        for move in moves:
            s.insert(transitions, **row, **move)
    told = scene.told()
    assert told.left_off == ("changes",)
    steps = times(told)
    assert [steps[code].told for code in ("taken", "on_site", "closed", "shown")] == ["unknown"] * 3 + ["never"]
    said = story_short.summary(words("nb"), told, ZoneInfo("Europe/Oslo"))
    assert story_short.TAKEN_LEFT_OFF in said
    assert story_short.SITE_LEFT_OFF in said
    assert not {story_short.NEVER_TAKEN, story_short.NOT_TAKEN, story_short.NOT_ON_SITE} & set(said)


def test_of_too_many_events_that_are_only_named_those_that_moved_it_are_told(house: House) -> None:
    scene = Scene(house)
    house.gate.tell(1, press())
    row: dict[str, Any] = {
        "alarm_id": 1,
        "from_state": "meldt",
        "to_state": "meldt",
        "at_ms": house.clock.at_ms,
        "cause": "note",
    }
    row |= NOBODY
    many = story.REFERRED_MAX
    with house.db.write(house.tenant.id) as s:
        s.execute(delete(alarm_events).where(alarm_events.c.tenant_id == TENANT))
        keys = [{"gateway_id": 0, "stream_id": 1, "seq": number, "variant": 0} for number in range(many)]
        for key in keys:
            s.insert(transitions, **row, detail={"event": key})
    told = scene.told()
    assert [one.roles for one in told.events] == [("raise",)]
    assert times(told)["received"].told == KNOWN
    assert told.left_off == ("referred",)


def test_of_very_many_sendings_the_ends_are_told_and_nobody_is_said_to_be_unreached(house: House) -> None:
    scene, most = Scene(house), story_rows.ROWS_MAX
    house.gate.tell(1, press())
    now = house.clock.at_ms
    with house.db.write(house.tenant.id) as s:
        for step in range(most + 3):
            sendings.ask(s, 1, 1, step, [("sms", "phone:+4790000009")], now + step)
        failed = {"state": "failed", "failed_ms": now, "reason": "http_400"}
        s.execute(update(ledger).where(ledger.c.tenant_id == TENANT), failed)
    told = scene.told()
    assert told.left_off == ("sendings",)
    assert [one.step for one in told.sendings] == [*range(most // 2), *range(most // 2 + 3, most + 3)]
    zone = ZoneInfo("Europe/Oslo")
    assert not [said for said in story_short.warnings(words("nb"), told, zone) if "+4790000009" in said]
