"""A wet pad: how long, in which window, once, and what takes it back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from nattevakt.edge.events import Body, Leak, Wet
from nattevakt.edge.rules import wet as rule
from nattevakt.edge.rules.rule import (
    Armed,
    Clear,
    Entry,
    Fact,
    Finding,
    JsonState,
    Log,
    Occurred,
    Priority,
    Raise,
    Step,
    Wake,
)
from nattevakt.edge.rules.windows import Window

S, MIN = 1_000, 60_000
OSLO = ZoneInfo("Europe/Oslo")
PAD, OTHER = "z2m:laken", "z2m:laken-2"


def at(day: str, clock: str) -> int:
    return round(datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=OSLO).timestamp() * 1000)


T0 = at("2026-11-20", "02:00")
ALWAYS = Armed((Entry((), {"delay_min": 5}),))
NIGHT = Armed((Entry((Window(22 * 60, 7 * 60),), {"delay_min": 5}),))


@dataclass
class Bed:
    """One subject's fold by hand; times are ms after `begins`."""

    armed: Armed = ALWAYS
    begins: int = T0
    state: JsonState = field(default_factory=dict)
    said: list[Raise | Clear | Log | Finding] = field(default_factory=list)
    wake: int | None = None
    seq: int = 0

    def tell(self, at_ms: int, body: Body, place: str = "seng") -> Bed:
        self.seq += 1
        now = self.begins + at_ms
        return self._after(
            rule.step(self.state, Fact(body, Occurred(now, now), now, place, (1, 1, self.seq, 0)), self.armed, now)
        )

    def wet(self, at_ms: int, *, wet: bool = True, pad: str = PAD) -> Bed:
        return self.tell(at_ms, Wet(pad, wet))

    def look(self, at_ms: int | None = None, *, answered: bool = False, confirmed: bool = True) -> Bed:
        """The deadline that it asked for, or another, is judged."""
        due = self.wake if at_ms is None else at_ms
        assert due is not None
        return self._after(
            rule.step(self.state, Wake(self.begins + due, confirmed, answered), Armed(), self.begins + due)
        )

    def _after(self, step: Step | None) -> Bed:
        if step is not None:
            self.state = json.loads(json.dumps(step.state))
            self.said += step.verdicts
            self.wake = None if step.wake_at_ms is None else step.wake_at_ms - self.begins
        return self

    @property
    def codes(self) -> list[str]:
        return [one.reason.code for one in self.said]


def test_wet_for_five_minutes_is_one_quiet_alarm() -> None:
    bed = Bed().wet(0)
    assert (bed.said, bed.wake) == ([], 5 * MIN)
    bed.look()
    (said,) = bed.said
    assert isinstance(said, Raise)
    assert (said.kind, said.priority, said.holds) == ("wet", Priority.LOW, ((1, 1, 1, 0),))
    assert said.reason.params == {"place": "seng", "since_ms": T0}
    assert bed.wake is None
    bed.wet(6 * MIN)
    assert (len(bed.said), bed.wake) == (1, None)


def test_dry_for_a_minute_takes_it_back() -> None:
    bed = Bed().wet(0).look().wet(20 * MIN, wet=False)
    assert bed.wake == 21 * MIN
    bed.look()
    assert bed.codes == ["wet.wet", "wet.dry"]
    assert isinstance(bed.said[1], Clear)
    assert bed.said[1].holds == ((1, 1, 1, 0),)
    assert bed.state == {}


def test_who_turns_on_the_pad_is_not_dry() -> None:
    bed = Bed().wet(0).wet(4 * MIN, wet=False).wet(4 * MIN + 30 * S)
    assert bed.wake == 5 * MIN
    assert bed.look().codes == ["wet.wet"]


def test_a_damp_moment_is_nothing() -> None:
    bed = Bed().wet(0).wet(2 * MIN, wet=False)
    assert bed.look().codes == ["wet.dry"]
    assert (bed.wake, bed.state) == (None, {})


def test_an_end_is_not_believed_on_half_of_the_word() -> None:
    bed = Bed().wet(0).look().wet(20 * MIN, wet=False).look(confirmed=False)
    assert (bed.codes, bed.wake) == (["wet.wet"], 21 * MIN)


def test_wet_again_after_it_was_dry_is_a_new_wetting() -> None:
    bed = Bed().wet(0).look().wet(20 * MIN, wet=False).look().wet(60 * MIN)
    assert bed.wake == 65 * MIN
    assert bed.look().codes == ["wet.wet", "wet.dry", "wet.wet"]


def test_dry_that_nobody_has_looked_at_yet_is_said_when_it_is_wet_again() -> None:
    bed = Bed().wet(0).look().wet(20 * MIN, wet=False).wet(60 * MIN)
    assert bed.codes == ["wet.wet", "wet.dry"]
    assert bed.wake == 65 * MIN


def test_outside_its_window_it_waits_for_the_window() -> None:
    bed = Bed(NIGHT, at("2026-11-20", "21:30")).wet(0)
    assert bed.wake == 30 * MIN
    bed.look()
    assert bed.codes == ["wet.wet"]
    early = Bed(NIGHT, at("2026-11-20", "21:57")).wet(0)
    assert early.wake == 5 * MIN, "wet for five minutes, the last of them inside"
    morning = Bed(NIGHT, at("2026-11-20", "06:58")).wet(0)
    assert morning.wake == 15 * 60 * MIN + 2 * MIN, "the next evening, if it is still wet then"
    assert morning.wet(60 * MIN, wet=False).look().codes == ["wet.dry"]


def test_the_night_when_the_clock_goes_back_is_as_long_as_it_is() -> None:
    begins = at("2026-10-25", "01:00")
    assert Bed(Armed((Entry((Window(4 * 60, 5 * 60),), {"delay_min": 5}),)), begins).wet(0).wake == 4 * 60 * MIN


def test_without_a_plan_nothing_is_said() -> None:
    bed = Bed(Armed()).wet(0)
    assert (bed.wake, bed.said) == (None, [])


def test_who_has_looked_knows() -> None:
    bed = Bed().wet(0).look(answered=True)
    assert (bed.said, bed.wake) == ([], None)


def test_unconfirmed_first_and_confirmed_later() -> None:
    bed = Bed().wet(0).look(confirmed=False)
    assert (bed.codes, bed.wake) == (["wet.wet_unconfirmed"], 5 * MIN)
    bed.look(confirmed=False)
    assert len(bed.said) == 1
    assert bed.look().codes == ["wet.wet_unconfirmed", "wet.wet"]
    assert bed.wake is None


def test_two_pads_are_two_beds() -> None:
    bed = Bed().wet(0).wet(MIN, pad=OTHER).look()
    assert bed.wake == 6 * MIN
    bed.look()
    assert [one.holds for one in bed.said if isinstance(one, Raise)] == [((1, 1, 1, 0),), ((1, 1, 2, 0),)]


def test_two_gateways_hear_one_pad() -> None:
    bed = Bed().wet(0).wet(400).look()
    (said,) = bed.said
    assert isinstance(said, Raise)
    assert said.holds == ((1, 1, 1, 0), (1, 1, 2, 0))


def test_a_leak_is_no_pad_and_dry_alone_is_nothing() -> None:
    assert Bed().tell(0, Leak(PAD)).wet(MIN, wet=False).state == {}


def test_a_refold_judges_again_and_what_is_left_is_cleared() -> None:
    bed = Bed().wet(0).look()
    again = rule.unjudged(bed.state)
    step = rule.step(again, Wake(T0 + 5 * MIN), Armed(), T0 + 6 * MIN)
    assert step is not None
    assert step.verdicts == tuple(bed.said)
    (cleared,) = rule.left(bed.state).verdicts
    assert isinstance(cleared, Clear)
    assert rule.left({}).verdicts == ()
    assert rule.rests_on({}).keys == ()
    assert rule.rests_on(again).keys == ((1, 1, 1, 0),)
