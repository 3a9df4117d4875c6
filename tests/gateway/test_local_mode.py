"""When a gateway is on its own: how it begins and ends, what is sounded, and that nothing in it costs an event."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nattevakt.edge.events import BEFORE_BOOT, Bed, Body, Call, Event, LocalAlarm, Moment, Motion
from nattevakt.edge.wire import HeartbeatReply
from nattevakt.edge.wire_plan import LocalPlan, credential_key, signed, versioned_plan
from nattevakt.gateway.agent import guard
from nattevakt.gateway.inputs import Now
from nattevakt.gateway.local_mode import LocalMode
from nattevakt.gateway.local_plan import PlanKept
from nattevakt.gateway.outbox import Outbox
from nattevakt.gateway.siren import LOCAL, Siren, Sirens
from tests.gateway.support import bodies, moment, outbox
from tests.gateway.test_local_rules import NIGHT_MS, ROOM

KEY = credential_key("nv1.a.b.c")
PLAN = versioned_plan(LocalPlan("gw1", rooms=(ROOM,)), NIGHT_MS)
MIN = 60_000


class Ears(Sirens):
    """Sirens that remember who asked for how long."""

    def __init__(self) -> None:
        super().__init__((Siren("z2m:siren"),))
        self.asked: dict[str, int | None] = {}

    def ask(self, who: str, until_ms: int | None, now_ms: int) -> None:
        self.asked[who] = until_ms
        super().ask(who, until_ms, now_ms)


class Box:
    """A gateway's local life, with its clocks in the test's hand. Minute 0 is the last contact."""

    def __init__(self, path: Path, given: Callable[[str, Callable[[], None]], str | None] = guard) -> None:
        self.outbox: Outbox = outbox(path)
        self.outbox.open("0", moment())
        self.sirens = Ears()
        self.local = LocalMode(PlanKept(KEY), guard=given)
        self.local.answered(HeartbeatReply({}, NIGHT_MS, plan_version=PLAN.version, plan=signed(PLAN, KEY)))
        self.turn(0)
        self.settle()

    def settle(self) -> None:
        """The centre has all that there is."""
        self.outbox.settle(range(1, self.outbox.next_seq), {})

    def now(self, at_min: float) -> Now:
        # The machine's own clock is hours off: only the centre's counts.
        return Now(moment(round(at_min * MIN)), 100 + at_min * 60)

    def turn(self, at_min: float, last_ok_min: float = 0) -> None:
        now = self.now(at_min)
        last_ok_ms = self.now(last_ok_min).moment.boottime_ms
        self.local.turn(now, self.outbox, last_ok_ms, now.moment, self.sirens)

    def hears(self, body: Body, at_min: float, at: Moment | None = None) -> None:
        self.outbox.append([Event(body, at or self.now(at_min).moment)], {})

    @property
    def rung(self) -> list[str]:
        return [one.kind for one in self.local.view.alarms]


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    found = Box(tmp_path)
    yield found
    found.outbox.close()


def test_it_begins_after_a_minute_and_ends_with_the_first_answer(box: Box) -> None:
    box.hears(Call("t:button", "press"), 0.5)
    box.turn(0.99)
    assert (box.local.view.lost_ms, box.rung) == (None, [])
    box.turn(1)
    assert (box.local.view.lost_ms, box.rung) == (NIGHT_MS, ["call"])
    box.turn(1.1, last_ok_min=1.1)
    assert (box.local.view.lost_ms, box.rung) == (None, [])
    assert [body.what for body in bodies(box.outbox) if isinstance(body, LocalAlarm)] == ["rung"]


def test_the_siren_is_asked_for_three_of_ten_minutes_until_somebody_sees_it(box: Box) -> None:
    box.hears(Call("t:button", "press"), 2)
    for at_min, sounds in ((2.0, True), (4.9, True), (5.1, False), (11.9, False), (12.1, True)):
        box.turn(at_min)
        assert (box.sirens.asked[LOCAL] is not None) is sounds, at_min
    assert list(box.local.faults()) == ["local 1.2.1"]
    box.local.see(box.local.view.alarms[0].name)
    box.turn(12.2)
    assert (box.sirens.asked[LOCAL], box.local.faults()) == (None, {})
    assert box.local.view.alarms[0].seen_ms is not None
    box.hears(Call("t:button", "press"), 13)
    box.turn(13)
    assert (box.sirens.asked[LOCAL] is not None, list(box.local.faults())) == (True, ["local 1.2.2"])
    box.turn(13.1, last_ok_min=13.1)
    assert (box.sirens.asked[LOCAL], box.local.faults()) == (None, {})


def test_a_check_stands_on_the_page_and_sounds_nothing_until_it_is_an_alarm(box: Box) -> None:
    box.hears(Bed("t:bed", occupied=True), 0.2)
    box.hears(Bed("t:bed", occupied=False), 5)
    at_min = 5.0
    while not box.rung:
        at_min += 1
        box.turn(at_min)
    assert (box.rung, box.local.faults(), box.sirens.asked[LOCAL]) == (["bed_check"], {}, None)
    while box.rung == ["bed_check"]:
        at_min += 1
        box.turn(at_min)
    assert (box.rung, box.sirens.asked[LOCAL] is not None) == (["not_back_in_bed"], True)


def test_history_that_is_told_late_is_judged_at_its_own_time(box: Box) -> None:
    box.hears(Bed("t:bed", occupied=True), 0.2)
    box.hears(Bed("t:bed", occupied=False), 5)
    for at_min in range(6, 60):
        box.turn(at_min)
    assert box.rung == ["not_back_in_bed"]
    back = Moment(BEFORE_BOOT, 0, NIGHT_MS + 7 * MIN, synced=True)
    box.hears(Motion("t:bath"), 60, back)
    box.hears(Bed("t:bed", occupied=True), 60, back)
    for tenth in range(4):
        box.turn(60 + tenth / 10)
    assert [one.over_ms is not None for one in box.local.view.alarms] == [True]
    assert len([body for body in bodies(box.outbox) if isinstance(body, LocalAlarm)]) == 1


def test_a_long_look_back_is_taken_in_by_turns(box: Box) -> None:
    for _ in range(30):
        box.outbox.append([Event(Motion("t:bath"), box.now(0.1).moment)] * 50, {})
    box.hears(Call("t:button", "press"), 0.5)
    box.turn(1)
    assert box.rung == []
    turns = 1
    assert box.local.wake_at_s(box.now(1)) == box.now(1).mono_s
    while not box.rung and turns < 20:
        box.turn(1 + turns / 60)
        turns += 1
    assert (box.rung, turns < 10) == (["call"], True)


def test_a_bug_in_here_costs_no_turn_and_is_said(tmp_path: Path) -> None:
    def failing(where: str, thunk: Callable[[], None]) -> str | None:
        return guard(where, _divides) if where == "local" else guard(where, thunk)

    box = Box(tmp_path, failing)
    box.turn(2)
    assert list(box.local.faults()) == ["local rules"]
    assert box.local.view.lost_ms is not None
    box.turn(2.1, last_ok_min=2.1)
    assert box.local.faults() == {}
    box.outbox.close()


def _divides() -> None:
    raise ZeroDivisionError("a bug")


def test_a_refused_plan_is_a_finding(box: Box) -> None:
    assert box.local.findings() == {}
    stranger = credential_key("nv1.a.b.d")
    other = versioned_plan(LocalPlan("gw1"), 1)
    box.local.answered(HeartbeatReply({}, NIGHT_MS, plan_version=other.version, plan=signed(other, stranger)))
    box.turn(0.1)
    assert list(box.local.findings()) == ["local"]
    assert box.local.view.plan == "ok"


def test_a_clock_that_nobody_has_set_is_said(tmp_path: Path) -> None:
    box = outbox(tmp_path)
    box.open("0", moment())
    local = LocalMode(PlanKept(KEY), guard=guard)
    now = Now(moment(2 * MIN, synced=False), 300)
    local.turn(now, box, moment().boottime_ms, now.moment, Sirens())
    assert (local.view.clock, local.view.plan) == (False, "none")
    box.close()


def test_a_gateway_without_this_does_nothing(tmp_path: Path) -> None:
    box = outbox(tmp_path)
    box.open("0", moment())
    local = LocalMode()
    now = Now(moment(60 * MIN), 300)
    local.turn(now, box, 0, now.moment, Sirens())
    assert (local.view.now_ms, local.faults(), local.findings(), local.wake_at_s(now)) == (0, {}, {}, float("inf"))
    box.close()
