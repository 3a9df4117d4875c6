"""Invariants 3 and 5, technical causes of 2, and 8: known in time, never nowhere, never for nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from nattevakt.central import technical
from nattevakt.central.alarms import register
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.alarms.requests import Act as Wish
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.tables import staff
from nattevakt.central.technical import Origin
from nattevakt.sim.acts import Act
from nattevakt.sim.broken import ignore
from nattevakt.sim.centre import Stock, Workings
from tests.sim.explore.looking import DAY_MS, DOWN, MIN_MS, UP, FakeTablet, Looked, looked


def _deaf_to(rule: str) -> Workings:
    return Workings(handlers={**Workings().handlers, rule: ignore})


@pytest.mark.parametrize("broken", [False, True])
def test_a_gateway_that_is_gone_is_known(folder: Path, stock: Stock, *, broken: bool) -> None:
    with looked(folder, stock, workings=_deaf_to("gateway_silent") if broken else None) as found:
        found.world.gateway_off(DOWN)
        found.run(4)
        assert found.broken == ([5] if broken else [])


@pytest.mark.parametrize("broken", [False, True])
def test_a_device_that_is_dead_is_known(folder: Path, stock: Stock, *, broken: bool) -> None:
    with looked(folder, stock, workings=_deaf_to("device_silent") if broken else None) as found:
        found.world.dies("z2m:0xa4c1389960700203")
        found.run(38)
        assert found.broken == ([5] if broken else [])


def _ends_all(found: Looked) -> int:
    """Somebody takes every alarm there is, looks, and says that it is mended. Gives how many."""
    open_now = [alarm for alarm in found.judge.truth.books.alarms.values() if alarm.is_open]

    def ends(s: TenantSession, now_ms: int) -> None:
        who = int(s.execute(select(staff.c.id).where(staff.c.tenant_id == TENANT).order_by(staff.c.id)).scalar() or 0)
        for alarm in open_now:
            for to in (State.TAKEN, State.ON_SITE, State.CLOSED):
                wish = Wish(alarm.id, to, who, None, f"{to.value}-{alarm.id:08}", "teknisk", "teknisk_rettet")
                register.act(s, wish, now_ms)

    found.world.centre.change(ends)
    found.run(0.1)
    return len(open_now)


def _grows_deaf(found: Looked, *rules: str) -> None:
    """From now on the centre looks no more at these deadlines: whatever was told stays told once."""
    working = found.world.centre.workings
    found.world.centre.workings = Workings(handlers={**working.handlers, **dict.fromkeys(rules, ignore)})


@pytest.mark.parametrize("broken", [False, True])
def test_who_ended_the_alarm_of_a_silent_gateway_must_hear_of_it_again(
    folder: Path, stock: Stock, *, broken: bool
) -> None:
    with looked(folder, stock) as found:
        found.world.gateway_off(DOWN)
        found.run(4)
        assert _ends_all(found) == 1
        if broken:
            _grows_deaf(found, "gateway_silent")
        found.run(29)
        assert found.broken == [], "so long somebody knows of it"
        found.run(7)
        assert found.broken == ([5] if broken else [])


def test_an_alarm_that_was_ended_long_ago_says_nothing_of_a_gateway_that_is_gone_now(
    folder: Path, stock: Stock
) -> None:
    with looked(folder, stock) as found:
        found.world.gateway_off(DOWN)
        found.run(4)
        assert _ends_all(found) == 1
        found.world.gateway_on(DOWN)
        found.run(33)
        assert found.broken == []
        _grows_deaf(found, "gateway_silent")
        found.world.gateway_off(DOWN)
        found.run(4)
        assert found.broken == [5]


DEAD = "z2m:0xa4c1389960700203"


@pytest.mark.parametrize("broken", [False, True])
def test_who_ended_the_alarm_of_a_dead_device_must_hear_of_it_at_the_next_shift(
    folder: Path, stock: Stock, *, broken: bool
) -> None:
    with looked(folder, stock, begins_ms=DAY_MS - 20 * MIN_MS) as found:  # 13:40
        found.world.dies(DEAD)
        found.run(38)
        assert _ends_all(found) == 1  # 14:20
        if broken:
            _grows_deaf(found, "device_silent")
        found.run(41)
        assert found.broken == [], "it can wait for the next shift"
        found.run(6)
        assert found.broken == ([5] if broken else [])


def test_an_alarm_that_was_ended_says_nothing_of_a_later_silence(folder: Path, stock: Stock) -> None:
    with looked(folder, stock) as found:
        found.world.dies(DEAD)
        found.run(38)
        assert _ends_all(found) == 1
        found.world.lives(DEAD)
        found.run(25)
        assert found.broken == []
        found.world.dies(DEAD)
        _grows_deaf(found, "device_silent")
        found.run(45)
        assert found.broken == [5], "it has spoken since"


STICK, BROKER = "serial:enocean", "mqtt"


def _out(found: Looked, source: str) -> None:
    host = found.world.hosts[UP]
    if source == STICK:
        host.plug(in_=False)
    else:
        host.session.disconnect("broker gone")
        host.session.down = True


@pytest.mark.parametrize("source", [STICK, BROKER])
@pytest.mark.parametrize("broken", [False, True])
def test_a_source_that_is_away_is_known(folder: Path, stock: Stock, source: str, *, broken: bool) -> None:
    with looked(folder, stock) as found:
        rule = f"gateway_fault:source:{source}"
        if broken:
            # It believes that it has told of this already.
            subject = f"gateway:{found.judge.truth.books.gateways[UP]}"
            told = json.dumps({"standing": {rule: {"kind": "gateway_fault", "quiet_ms": None}}})
            into = "INSERT INTO rule_states (tenant_id, subject, rule, state)"
            found.writes(f"{into} VALUES (1, '{subject}', 'gateway_fault', '{told}')")
        _out(found, source)
        found.run(4)
        assert found.broken == ([5] if broken else [])
        assert [alarm.rule for alarm in found.judge.truth.books.alarms.values()] == ([] if broken else [rule])


@pytest.mark.parametrize("off", [False, True], ids=["its agent runs", "its agent starts without it"])
def test_two_sources_that_are_away_are_known_singly(folder: Path, stock: Stock, *, off: bool) -> None:
    with looked(folder, stock) as found:
        _out(found, STICK)
        found.run(3)
        if off:
            found.world.gateway_off(UP, box=False)
        _out(found, BROKER)
        if off:
            found.world.gateway_on(UP)
        found.run(4)
        rules = {alarm.rule for alarm in found.judge.truth.books.alarms.values() if alarm.is_open}
        assert rules == {f"gateway_fault:source:{source}" for source in (STICK, BROKER)}
        assert found.judge.violations == []


def test_what_rings_must_be_on_a_tablet(folder: Path, stock: Stock) -> None:
    tablet = FakeTablet()
    with looked(folder, stock, tablets=lambda: (tablet,)) as found:
        found.happens("r206", (0.5, Act.PRESSES))
        found.run(0.8)
        tablet.shown[1] = 1
        found.run(3)
        assert found.judge.violations == []
        tablet.shown.clear()
        found.run(1)
        assert found.broken == [3]


def test_a_ward_without_a_tablet_that_sounds_is_only_counted(folder: Path, stock: Stock) -> None:
    """Escalation is not built: until it is, nobody is accused of what no tablet can show."""
    for tablet in (FakeTablet(on=False), FakeTablet(sounds=False)):
        name = str(tablet.on)
        with looked(folder / name, stock, tablets=lambda tablet=tablet: (tablet,)) as found:  # type: ignore[misc]
            found.happens("r206", (0.5, Act.PRESSES))
            found.run(3)
            assert found.judge.violations == []
            assert found.judge.counts["seconds nowhere"] > 60


def _sounds(found: Looked, kind: str) -> None:
    centre = found.world.centre
    origin = Origin(centre_gateway(found), 1, DOWN, "Kjelleren", "Europe/Oslo")

    def sound(s: TenantSession, now_ms: int) -> None:
        technical.sound(s, origin, kind, {"rule": "call", "count": 1, "why": "test"}, now_ms, rule=kind)

    centre.change(sound)


def centre_gateway(found: Looked) -> int:
    """The number of the lower gateway."""
    return found.judge.truth.books.gateways[DOWN]


@pytest.mark.parametrize(
    "kind", ["gateway_silent", "rows_lost", "rows_missing", "storage_lost", "gateway_cloned", "parked_event"]
)
def test_a_technical_alarm_without_a_cause_is_accused(folder: Path, stock: Stock, kind: str) -> None:
    with looked(folder, stock) as found:
        found.run(10)
        assert found.judge.violations == []
        _sounds(found, kind)
        found.run(0.2)
        assert found.broken == [2]
        assert found.said(f"{kind} om {DOWN}")


def _unsynced_once(found: Looked) -> None:
    clock = found.world.hosts[DOWN].clock
    clock.unsynchronised(found.world.line.now_ms + 3 * MIN_MS)


def _card_of_before(found: Looked) -> None:
    found.world.gateway_off(DOWN)
    found.world.hosts[DOWN].replace_card(None)
    found.run(0.1)
    found.world.gateway_on(DOWN)


@pytest.mark.parametrize("before", [_unsynced_once, _card_of_before])
@pytest.mark.parametrize("named", [False, True])
def test_a_gap_is_excused_only_by_what_was_in_it(
    folder: Path, stock: Stock, before: Callable[[Looked], None], *, named: bool
) -> None:
    """A card that was changed in the evening, or a clock that was wrong then, explains no gap of the morning."""
    with looked(folder, stock) as found:
        begins_ms = found.world.line.now_ms
        before(found)
        found.run(10)
        assert found.judge.violations == []
        origin = Origin(centre_gateway(found), 1, DOWN, "Kjelleren", "Europe/Oslo")

        def sound(s: TenantSession, now_ms: int) -> None:
            from_ms = begins_ms if named else now_ms - 3 * MIN_MS
            params: dict[str, str | int] = {"from_ms": from_ms, "to_ms": now_ms, "rooms": ""}
            technical.sound(s, origin, "gateway_gap", params, now_ms)

        found.world.centre.change(sound)
        found.run(0.2)
        assert found.broken == ([] if named else [2])


@pytest.mark.parametrize("kind", ["rule_failed", "id_conflict", "event_refused", "unhandled_event"])
def test_what_may_never_be_is_accused(folder: Path, stock: Stock, kind: str) -> None:
    with looked(folder, stock) as found:
        _sounds(found, kind)
        found.run(0.2)
        assert found.broken == [8]


@pytest.mark.parametrize(("kind", "most"), [("gateway_fault", 1), ("round_overdue", 7)])
def test_a_fault_that_comes_and_goes_is_one_fault(folder: Path, stock: Stock, kind: str, most: int) -> None:
    with looked(folder, stock) as found:
        origin = Origin(centre_gateway(found), 1, DOWN, "Kjelleren", "Europe/Oslo")
        rule = f"{kind}:other"

        def comes(s: TenantSession, now_ms: int) -> None:
            technical.sound(s, origin, kind, {"why": "test"}, now_ms, rule=rule)

        def goes(s: TenantSession, now_ms: int) -> None:
            technical.clear(s, origin, kind, now_ms, rule=rule)

        for number in range(9):
            found.world.centre.change(comes)
            found.run(0.5)
            assert found.broken == ([2] if number >= most else [])
            found.world.centre.change(goes)
            found.run(0.5)
        assert found.said("det er én feil")


def test_what_is_written_down_as_sent_has_come_to_its_tablet(folder: Path, stock: Stock) -> None:
    tablet = FakeTablet(number=1, given={1})
    with looked(folder, stock, tablets=lambda: (tablet,)) as found:
        found.happens("r206", (0.5, Act.PRESSES))
        found.run(0.8)
        tablet.shown[1] = 1
        sent = "INSERT INTO notices (tenant_id, id, alarm_id, tablet_id, sound_seq, state, made_ms, sent_ms)"
        now_ms = found.world.centre.now_ms()
        found.writes(f"{sent} VALUES (1, 1, 1, 1, 1, 'sent', {now_ms}, {now_ms})")
        found.run(0.5)
        assert found.judge.violations == []
        found.writes(f"{sent} VALUES (1, 2, 1, 1, 2, 'sent', {now_ms}, {now_ms})")
        found.run(0.5)
        assert found.said("varsel 2 om alarm 1 står som sendt")
        assert found.broken == [3]
