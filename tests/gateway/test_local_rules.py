"""The rules over a gateway's own events: who rings, who does not, and which events each alarm holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from nattevakt.edge.events import Bed, Body, Call, Contact, Event, Fall, Foreign, Leak, Motion, Urgency
from nattevakt.edge.rules.catalogue import BY_NAME
from nattevakt.edge.rules.rule import Entry, Occurred
from nattevakt.edge.rules.windows import Window
from nattevakt.edge.wire_plan import LocalPlan, PlanLine, PlanRoom
from nattevakt.gateway.agent import guard
from nattevakt.gateway.inputs import Guard
from nattevakt.gateway.local_rules import Book, Follow
from tests.gateway.support import moment

NIGHT_MS = 1_795_302_000_000
"""A night in November, an hour past midnight in Oslo."""
LOST_MS = NIGHT_MS + 600_000
MINUTE_MS = 60_000
NIGHT = (Window(22 * 60, 7 * 60),)


def line(rule: str, *windows: Window, **values: int) -> PlanLine:
    """A line as the centre sends it."""
    defaults = {setting.name: setting.default for setting in BY_NAME[rule].settings}
    return PlanLine(rule, (Entry(windows, {**defaults, **values}),))


DEVICES = {"t:bed": "seng", "t:button": "bad", "t:door": "inngangsdør", "t:bath": "bad", "t:water": "bad"}
NOT_BACK = line("not_back_in_bed", *NIGHT)
DOOR = line("door_at_night", *NIGHT)
ROOM = PlanRoom(7, "201", shared=False, devices=DEVICES, lines=(NOT_BACK, DOOR))
PLAN = LocalPlan("gw1", rooms=(ROOM,), version="v")


class House:
    """Events in order, with their numbers."""

    def __init__(
        self, plan: LocalPlan | None = PLAN, *, unsent: tuple[int, ...] = (), from_seq: int = 1, guard: Guard = guard
    ) -> None:
        self.book, self.guard = Book(), guard
        self.plan, self.unsent, self.from_seq = plan, unsent, from_seq
        self.follow = self._follow()
        self.fed: list[tuple[int, Event, Occurred]] = []

    def _follow(self) -> Follow:
        return Follow(self.plan, LOST_MS, self.unsent, self.from_seq, NIGHT_MS - MINUTE_MS, self.book, self.guard)

    def says(self, body: Body, at_min: float, *, seq: int = 0, since_min: float | None = None) -> bool:
        to_ms = NIGHT_MS + round(at_min * MINUTE_MS)
        from_ms = to_ms if since_min is None else NIGHT_MS + round(since_min * MINUTE_MS)
        event = Event(body, moment(), declared=None)
        self.fed.append((seq or len(self.fed) + 1, event, Occurred(from_ms, to_ms)))
        return self.follow.feed(*self.fed[-1])

    def anew(self) -> None:
        """Fold all anew, in order."""
        self.follow = self._follow()
        for one in sorted(self.fed, key=lambda one: one[2].to_ms):
            assert self.follow.feed(*one)

    def until(self, at_min: float) -> None:
        self.follow.until(NIGHT_MS + round(at_min * MINUTE_MS))

    @property
    def rung(self) -> list[tuple[str, str, str, list[int]]]:
        return [(one.kind, one.room, one.reason, one.seqs) for one in self.book.rung if one.over_ms is None]


@pytest.mark.parametrize("body", [Call("t:button", "press"), Fall("t:bath"), Leak("t:water")])
def test_what_always_rings_rings_with_and_without_a_plan(body: Body) -> None:
    for plan, room in ((PLAN, "201"), (None, "")):
        house = House(plan)
        house.says(body, 12)
        ((kind, where, _, seqs),) = house.rung
        assert (kind, where, seqs) == (type(body).__name__.lower(), room, [1])


def test_what_the_centre_has_had_does_not_ring_and_what_it_has_not_does() -> None:
    house = House(unsent=(2,), from_seq=100)
    house.says(Call("t:button", "press"), 5)
    assert house.rung == []
    house.says(Call("t:button", "press"), 9)
    assert [seqs for *_, seqs in house.rung] == [[2]]


def test_a_second_press_joins_and_sounds_and_a_repeat_does_neither() -> None:
    house = House()
    house.says(Call("t:button", "press"), 12)
    house.says(Call("t:button", "press", repeat_of=1), 12.01)
    house.says(Call("t:button", "press"), 13)
    (one,) = house.book.rung
    assert (one.seqs, one.sounds) == ([1, 3], 2)


def test_what_nobody_knows_rings_when_its_sender_calls_it_urgent() -> None:
    house = House()
    house.says(Foreign("gas", "t:gas", "{}", Urgency.A), 12)
    house.says(Foreign("gas", "t:gas", "{}", Urgency.C), 12)
    assert [(kind, seqs) for kind, *_, seqs in house.rung] == [("unknown_event", [1])]


def test_who_left_bed_before_the_link_was_lost_is_watched() -> None:
    house = House()
    house.says(Bed("t:bed", occupied=True), 0)
    house.says(Bed("t:bed", occupied=False), 6)
    house.until(8)
    assert house.rung == []
    house.until(60)
    ((kind, room, reason, seqs),) = house.rung
    assert (kind, room, 2 in seqs) == ("not_back_in_bed", "201", True)
    assert reason == "bed.not_back_still"


def test_who_came_back_is_not_watched_and_what_rang_is_explained() -> None:
    house = House()
    house.says(Bed("t:bed", occupied=True), 0)
    house.says(Bed("t:bed", occupied=False), 6)
    house.until(60)
    assert len(house.rung) == 1
    house.says(Bed("t:bed", occupied=True), 61)
    house.until(70)
    assert house.rung == []
    assert house.book.rung[0].over_ms is not None


def test_a_door_rings_in_its_window_only() -> None:
    house = House()
    house.says(Contact("t:door", open=True), 12)
    assert [kind for kind, *_ in house.rung] == ["door_at_night"]
    day = House()
    day.says(Contact("t:door", open=True), 12 * 60)
    assert day.rung == []


def test_a_rule_that_is_paused_or_has_no_ground_any_more_is_silent_then() -> None:
    def rung(gated: PlanLine) -> list[str]:
        house = House(replace(PLAN, rooms=(replace(ROOM, lines=(gated,)),)))
        house.says(Contact("t:door", open=True), 20)
        return [kind for kind, *_ in house.rung]

    at_ms = NIGHT_MS + 20 * MINUTE_MS
    assert rung(replace(DOOR, from_ms=at_ms + 1)) == []
    assert rung(replace(DOOR, from_ms=at_ms)) == ["door_at_night"]
    assert rung(replace(DOOR, to_ms=at_ms)) == []
    assert rung(replace(DOOR, to_ms=at_ms + 1)) == ["door_at_night"]


def test_a_late_word_folds_all_anew_and_rings_nobody_twice() -> None:
    house = House()
    house.says(Bed("t:bed", occupied=True), 0)
    house.says(Bed("t:bed", occupied=False), 6)
    house.says(Call("t:button", "press"), 11)
    house.until(60)
    before = [(one.kind, one.sounds) for one in house.book.rung]
    assert house.says(Motion("t:bath"), 7) is False
    house.anew()
    house.until(60)
    assert [(one.kind, one.sounds) for one in house.book.rung] == before


def test_two_in_a_room_are_watched_bed_by_bed() -> None:
    beds = {"t:bed1": "seng 1", "t:bed2": "seng 2"}
    house = House(LocalPlan("gw1", rooms=(PlanRoom(7, "201", shared=True, devices=beds, lines=(NOT_BACK,)),)))
    for bed in beds:
        house.says(Bed(bed, occupied=True), 0)
    house.says(Bed("t:bed1", occupied=False), 6)
    house.until(120)
    assert [seqs[0] for *_, seqs in house.rung] == [3]


@pytest.mark.parametrize("bad", ["of room:7", "of room:7 always"])
def test_a_rule_that_raises_is_left_out_and_calls_go_on(bad: str) -> None:
    def failing(where: str, thunk: Callable[[], None]) -> str | None:
        return "a bug" if where.endswith(bad) else guard(where, thunk)

    house = House(guard=failing)
    house.says(Contact("t:door", open=True), 12)
    house.says(Call("t:button", "press"), 13)
    kinds = [kind for kind, *_ in house.rung]
    assert kinds == (["call"] if bad == "of room:7" else ["door_at_night", "call"])
    assert list(house.follow.failed) == [bad.removeprefix("of ")]
