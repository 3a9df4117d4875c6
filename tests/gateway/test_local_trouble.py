"""What must not silence a gateway on its own: a disk that takes nothing, a restart, clocks that step, long backlogs."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from nattevakt.edge.events import Bed, Body, Call, Event, LocalAlarm, Moment, Motion
from nattevakt.edge.wire import HeartbeatReply
from nattevakt.edge.wire_plan import LocalPlan, PlanRoom, SignedPlan, signed, versioned_plan
from nattevakt.gateway.agent import guard
from nattevakt.gateway.core import Core
from nattevakt.gateway.health import Machine
from nattevakt.gateway.inputs import HttpSend, Now, PortUp, SerialBytes
from nattevakt.gateway.local_alarm import LocalAlarm as Command
from nattevakt.gateway.local_html import render
from nattevakt.gateway.local_mode import BACK_ROWS, LocalMode
from nattevakt.gateway.local_plan import OLD_MS, PlanKept
from nattevakt.gateway.siren import LOCAL
from nattevakt.gateway.sources import Sources
from nattevakt.gateway.store import StoreError
from tests.gateway.support import BUTTON, DEVICES, TinyDriver, bodies, now, outbox, said
from tests.gateway.test_local_mode import KEY, MIN, Box
from tests.gateway.test_local_rules import NIGHT_MS

DAY_MS = 24 * 60 * MIN


class Right(Box):
    """Whose own clock is right."""

    def now(self, at_min: float) -> Now:
        ms = round(at_min * MIN)
        return Now(Moment("boot-1", 1_000 + ms, NIGHT_MS + ms, synced=True), 100 + at_min * 60)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    found = Right(tmp_path)
    yield found
    found.outbox.close()


def writable(box: Box, *, yes: bool) -> None:
    assert box.outbox._con is not None
    box.outbox._con.execute(f"PRAGMA query_only={'OFF' if yes else 'ON'}")


def told(box: Box) -> list[str]:
    return [body.what for body in bodies(box.outbox) if isinstance(body, LocalAlarm)]


def restarted(box: Box) -> None:
    """The agent begins anew over the same file; nobody answers it."""
    box.local = LocalMode(PlanKept(KEY), guard=guard)


def test_a_disk_that_takes_nothing_silences_no_alarm(box: Box) -> None:
    box.hears(Call("t:button", "press"), 0.5)
    writable(box, yes=False)
    for tenth in range(10, 13):
        with pytest.raises(StoreError, match="read-only"):
            box.turn(tenth / 10)
    assert box.rung == ["call"]
    assert box.sirens.asked.get(LOCAL) is not None
    assert list(box.local.faults()) == ["local 1.2.1"]
    writable(box, yes=True)
    box.turn(2)
    box.turn(2.1)
    assert told(box) == ["rung"]


def test_who_has_seen_an_alarm_need_not_say_so_twice_because_of_a_disk(box: Box) -> None:
    box.hears(Call("t:button", "press"), 0.5)
    box.turn(1)
    writable(box, yes=False)
    box.local.see(box.local.view.alarms[0].name)
    with pytest.raises(StoreError):
        box.turn(1.1)
    assert (box.sirens.asked[LOCAL], box.local.view.alarms[0].open) == (None, False)
    writable(box, yes=True)
    box.turn(1.2)
    assert told(box) == ["rung", "seen"]


def test_the_centre_is_back_also_where_nothing_can_be_written(box: Box) -> None:
    box.hears(Call("t:button", "press"), 0.5)
    writable(box, yes=False)
    with pytest.raises(StoreError):
        box.turn(1)
    with pytest.raises(StoreError):
        box.turn(1.1, last_ok_min=1.1)
    assert (box.local.view.lost_ms, box.rung, box.sirens.asked[LOCAL], box.local.faults()) == (None, [], None, {})
    writable(box, yes=True)
    box.turn(1.2, last_ok_min=1.2)
    box.turn(1.3, last_ok_min=1.2)
    assert told(box) == ["rung"]


def test_an_agent_that_restarts_rings_again_and_tells_nothing_twice(box: Box) -> None:
    box.hears(Call("t:button", "press"), 0.5)
    box.hears(Call("t:button", "press"), 1)
    box.turn(1)
    restarted(box)
    box.turn(2, last_ok_min=2)
    box.turn(3, last_ok_min=2)
    assert (box.rung, box.sirens.asked[LOCAL] is not None, told(box)) == (["call"], True, ["rung"])
    assert (box.local.view.alarms[0].room, box.local.view.alarms[0].place) == ("201", "bad")
    box.local.see(box.local.view.alarms[0].name)
    box.turn(3.1, last_ok_min=2)
    restarted(box)
    box.turn(4, last_ok_min=4)
    box.turn(5, last_ok_min=4)
    assert (box.rung, box.sirens.asked[LOCAL], told(box)) == (["call"], None, ["rung", "seen"])


def test_a_check_is_still_only_a_check_after_a_restart(box: Box) -> None:
    box.hears(Bed("t:bed", occupied=True), 0.2)
    box.hears(Bed("t:bed", occupied=False), 5)
    at_min = 5.0
    while not box.rung:
        at_min += 1
        box.turn(at_min)
    assert box.rung == ["bed_check"]
    restarted(box)
    box.turn(at_min, last_ok_min=at_min)
    box.turn(at_min + 1, last_ok_min=at_min)
    assert (box.rung, box.sirens.asked[LOCAL]) == (["bed_check"], None)


def test_before_the_centre_has_answered_the_page_does_not_say_that_it_is_there(box: Box) -> None:
    restarted(box)
    box.turn(2, last_ok_min=2)
    said = render(box.local.view, "nb")
    assert "Sentralen er i kontakt" not in said
    assert "ikke svart" in said
    box.local.answered(HeartbeatReply({}, NIGHT_MS))
    box.turn(2.1, last_ok_min=2.1)
    assert "Sentralen er i kontakt" in render(box.local.view, "nb")


def test_a_call_behind_a_long_backlog_rings_after_a_restart(box: Box) -> None:
    for _ in range(BACK_ROWS // 500 + 1):
        box.outbox.append([Event(Motion("t:bath"), box.now(0.1).moment)] * 500, {})
    box.hears(Call("t:button", "press"), 0.5)
    restarted(box)
    box.turn(1, last_ok_min=1)
    for turn in range(120):
        box.turn(2 + turn / 100, last_ok_min=1)
    assert box.rung == ["call"]


@pytest.mark.parametrize("ahead_ms", [3 * DAY_MS, -3 * DAY_MS, -20_000 * DAY_MS])
def test_a_clock_that_is_set_right_while_the_centre_is_away_leaves_the_rules_awake(box: Box, ahead_ms: int) -> None:
    """The machine has restarted without a battery for its clock, and a time server of the house comes late."""
    restarted(box)

    def turn(at_min: float, body: Body | None = None) -> None:
        ahead = ahead_ms if at_min < 8 else 0
        ms = round(at_min * MIN)
        at = Moment("boot-2", ms, NIGHT_MS + ms + ahead, synced=at_min >= 8)
        if body is not None:
            box.outbox.append([Event(body, at)], {})
        box.local.turn(Now(at, 100 + at_min * 60), box.outbox, 6 * MIN, at, box.sirens)

    turn(6, Bed("t:bed", occupied=True))
    turn(7)
    turn(8)
    turn(9, Bed("t:bed", occupied=True))
    assert [one.kind for one in box.local.view.alarms if one.sounding] == []
    turn(10, Bed("t:bed", occupied=False))
    for at_min in range(11, 70):
        turn(at_min)
    assert "not_back_in_bed" in box.rung


@pytest.mark.parametrize("text", ["\ud800", "{" * 3_000, "[]", '{"format": 1, "gateway": "\ud800"}'])
def test_a_plan_that_is_no_text_is_refused_like_any_other(box: Box, text: str) -> None:
    box.local.answered(HeartbeatReply({}, NIGHT_MS, plan_version="x", plan=SignedPlan(text, "0" * 64)))
    box.turn(0.1)
    assert list(box.local.findings()) == ["local"]
    box.hears(Call("t:button", "press"), 0.5)
    box.turn(1)
    assert box.rung == ["call"]


def test_a_plan_of_a_time_zone_that_this_machine_does_not_know_is_refused(box: Box) -> None:
    other = versioned_plan(LocalPlan("gw1", "Europe/Nowhere", (PlanRoom(7, "201"),)), NIGHT_MS)
    box.local.answered(HeartbeatReply({}, NIGHT_MS, plan_version=other.version, plan=signed(other, KEY)))
    box.turn(0.1)
    box.hears(Call("t:button", "press"), 0.5)
    box.turn(1)
    assert "Rom" in render(box.local.view, "nb")
    assert list(box.local.findings()) == ["local"]


def test_a_plan_is_at_least_as_old_as_this_boot(box: Box) -> None:
    """A clock that begins in 1970 says nothing of its age: until then it counts, for it rings rather too often."""
    for at_ms, word in ((2 * MIN, "ok"), (OLD_MS, "ok"), (OLD_MS + 1, "old")):
        restarted(box)
        at = Moment("boot-2", at_ms, at_ms, synced=False)
        box.local.turn(Now(at, 300), box.outbox, at_ms - MIN, at, box.sirens)
        assert (box.local.view.clock, box.local.view.plan) == (False, word)


def test_somebody_who_says_seen_of_nothing_changes_nothing(box: Box) -> None:
    box.local.see("7.7.1")
    box.turn(2)
    box.hears(Call("t:button", "press"), 2.5)
    box.local.see("2.1.1")
    box.turn(3)
    assert box.local.view.alarms[0].open


def test_a_page_that_has_stood_still_silences_nothing_that_came_since(box: Box) -> None:
    box.hears(Call("t:button", "press"), 0.5)
    box.turn(1)
    old = box.local.view.alarms[0].name
    box.hears(Call("t:button", "press"), 2)
    box.turn(2)
    box.local.see(old)
    box.turn(2.1)
    assert box.local.view.alarms[0].open, "pressed again since"
    box.turn(3, last_ok_min=3)
    box.settle()
    box.hears(Call("t:water", "press"), 3.5)
    box.turn(5, last_ok_min=3)
    box.local.see(old)
    box.turn(5.1, last_ok_min=3)
    assert [one.open for one in box.local.view.alarms] == [True], "another outage, another alarm"


def test_the_command_is_run_for_a_call_of_each_outage(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    """A fault of one name sounds once in ten minutes: two calls must not have one name."""
    alarm = Command((sys.executable, "-c", "raise SystemExit(3)"))
    for last_ok_min in (0, 2):
        box.turn(last_ok_min, last_ok_min=last_ok_min)
        box.settle()
        box.hears(Call("t:button", "press"), last_ok_min + 0.5)
        box.turn(last_ok_min + 1, last_ok_min=last_ok_min)
        alarm.update(box.local.faults(), (last_ok_min + 1) * 60.0)
    alarm.close()
    ran = threading.Thread(target=alarm.run)
    ran.start()
    ran.join(30)
    assert caplog.text.count("event=local_alarm_failed exit_code=3") == 2


def test_what_is_not_complete_is_waited_for_a_minute_and_no_longer(box: Box) -> None:
    """A door that never settles, or a full disk, holds back the moment up to which all is stored."""
    box.hears(Bed("t:bed", occupied=True), 0.2)
    box.hears(Bed("t:bed", occupied=False), 5)
    stuck = box.now(6).moment
    last_ok_ms = box.now(0).moment.boottime_ms
    for at_min in range(6, 60):
        box.local.turn(box.now(at_min), box.outbox, last_ok_ms, stuck, box.sirens)
    assert box.rung == ["not_back_in_bed"]


class Broken(LocalMode):
    """With a bug in its turn."""

    def turn(self, *_given: object) -> None:
        raise ZeroDivisionError("a bug")


def test_a_bug_in_the_turn_itself_costs_no_call(tmp_path: Path) -> None:
    sources = Sources(DEVICES, {"r0": ("tiny", TinyDriver())}, {})
    machine = Machine(tmp_path, thermal=tmp_path / "none")
    store = outbox(tmp_path)
    core = Core(sources, store, machine, guard, lambda: 0.5, local=Broken(PlanKept(KEY), guard=guard))
    sent = core.handle((PortUp("r0"), SerialBytes("r0", said(BUTTON, action="press"))), now(0))
    assert [row.kind for row in store.urgent((), 9)] == ["call"]
    assert "urgent" in [one.lane for one in sent if isinstance(one, HttpSend)]
    store.close()
