"""Who is next, when and why: an untaken alarm's way along any chain, looked at on time, late, or over and over.

Hypothesis runs with `derandomize`, so a failure's printed example is its seed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nattevakt.central.notify.escalation import (
    SHOWN_WITHIN_MS,
    Decision,
    Standing,
    Why,
    decide,
    delay_ms,
    first_look_ms,
    step_at,
)
from nattevakt.central.notify.routing import QUIET, STANDARD, Chain, Step
from nattevakt.edge.pace import REAL_LEAST_MS

T0 = 1_795_212_000_000
S = 1_000
HOUR = 3_600 * S

delays = st.sampled_from([5, 10, 14, 15, 16, 30, 90, 600, 3_600])
chains = st.builds(
    lambda after, repeat_s: Chain(
        "k", "K", tuple(Step((f"phone:+47{n}",), seconds) for n, seconds in enumerate([0, *after])), repeat_s
    ),
    st.lists(delays, max_size=4),
    st.sampled_from([0, 60, 300, 3_600]),
)
paces = st.sampled_from([1.0, 1.0, 2.0, 60.0])
plenty = settings(max_examples=400, derandomize=True, deadline=None)


@dataclass
class Alarm:
    """An alarm that nobody takes, as its row is kept between two looks."""

    chain: Chain
    pace: float = 1.0
    step: int = 0
    step_ms: int = T0
    taken: list[tuple[int, int, Why]] = field(default_factory=list)

    def look(self, now_ms: int, *, shown: bool = True, failed: bool = False, pushed: Why | None = None) -> Decision:
        """Decide, and carry the decision out."""
        standing = Standing(self.step, self.step_ms, shown, failed, pushed)
        found = decide(self.chain, standing, now_ms, self.pace)
        if found.step is not None:
            assert found.why is not None
            assert found.number == self.step + 1, "one step at a time, and never back"
            self.taken.append((found.number, now_ms, found.why))
            self.step, self.step_ms = found.number, now_ms
        else:
            assert (found.number, found.why) == (self.step, None)
        return found


def wait_ms(chain: Chain, number: int, pace: float) -> int:
    """How long is waited for this step, said in another way than the code says it."""
    last = number >= len(chain.steps)
    plain = (chain.repeat_s if last else chain.steps[number].after_s) * S
    return max(plain, round(REAL_LEAST_MS * pace)) if pace > 1 else plain


# --- on time --------------------------------------------------------------------------------------------------


def test_the_usual_way_of_an_alarm_that_everybody_sees_and_nobody_takes() -> None:
    alarm = Alarm(STANDARD)
    now_ms = first_look_ms(STANDARD, T0)
    for _ in range(12):
        assert now_ms is not None
        now_ms = alarm.look(now_ms).wake_ms
    assert [(number, (at_ms - T0) // S, why) for number, at_ms, why in alarm.taken[:5]] == [
        (1, 90, Why.UNTAKEN),
        (2, 180, Why.UNTAKEN),
        (3, 480, Why.UNTAKEN),
        (4, 780, Why.UNTAKEN),
        (5, 1_080, Why.UNTAKEN),
    ]
    assert [step_at(STANDARD, number).to for number, _, _ in alarm.taken[:3]] == [
        ("tablets:all", "duty:*"),
        ("tablets:all", "duty:*", "siren"),
        ("tablets:all", "duty:*", "siren"),
    ]


@plenty
@given(chains, paces, st.lists(st.booleans(), min_size=20, max_size=20))
def test_looked_at_when_it_asks_for_it_no_step_waits_too_long_or_comes_too_soon(
    chain: Chain, pace: float, shown: list[bool]
) -> None:
    alarm = Alarm(chain, pace)
    now_ms = first_look_ms(chain, T0)
    looks = 0
    for is_shown in shown:
        if now_ms is None:
            break
        number, since_ms, was_ms = alarm.step + 1, alarm.step_ms, now_ms
        found = alarm.look(now_ms, shown=is_shown)
        looks += 1
        assert found.wake_ms is None or found.wake_ms > was_ms, "time passes between two looks"
        waited_ms, most_ms = was_ms - since_ms, wait_ms(chain, number, pace)
        if found.step is None:
            assert waited_ms < most_ms
            assert found.wake_ms is not None
            assert found.wake_ms <= since_ms + most_ms
        else:
            assert found.step == chain.steps[min(number, len(chain.steps) - 1)]
            if found.why is Why.UNTAKEN:
                assert waited_ms >= most_ms
            else:
                assert found.why is Why.NOT_SHOWN
                assert not is_shown
                assert waited_ms >= SHOWN_WITHIN_MS
                assert number < len(chain.steps), "what is only told again is told at its time"
        now_ms = found.wake_ms
    if chain.repeat_s or len(chain.steps) > 1:
        assert looks, "somebody looks"
    if chain.repeat_s:
        assert now_ms is not None, "it never comes to an end"


@plenty
@given(chains, paces)
def test_a_chain_that_ends_is_left_alone_behind_its_last_step(chain: Chain, pace: float) -> None:
    ending = Chain(chain.key, chain.name, chain.steps, 0)
    for why in (None, *Why):
        last = Standing(len(ending.steps) - 1, T0, shown=False, failed=True, pushed=why)
        assert decide(ending, last, T0 + HOUR * 9, pace) == Decision(None, last.step, None, None)
    assert delay_ms(ending, len(ending.steps)) is None


# --- not shown, failed, pushed --------------------------------------------------------------------------------


def test_what_no_tablet_shows_goes_on_after_fifteen_seconds_and_not_before() -> None:
    alarm = Alarm(STANDARD)
    early = alarm.look(T0 + SHOWN_WITHIN_MS - 1, shown=False)
    assert (early.step, early.wake_ms) == (None, T0 + SHOWN_WITHIN_MS)
    first = alarm.look(T0 + SHOWN_WITHIN_MS, shown=False)
    assert (first.number, first.why, first.wake_ms) == (1, Why.NOT_SHOWN, T0 + 2 * SHOWN_WITHIN_MS)
    second = alarm.look(T0 + 2 * SHOWN_WITHIN_MS, shown=False)
    assert (second.number, second.why) == (2, Why.NOT_SHOWN)
    # There is nobody else to go to: from here on it is told again at its time.
    assert second.wake_ms == T0 + 2 * SHOWN_WITHIN_MS + 300 * S
    assert alarm.look(T0 + 2 * SHOWN_WITHIN_MS + 299 * S, shown=False).step is None


def test_what_is_shown_waits_for_its_time() -> None:
    alarm = Alarm(STANDARD)
    found = alarm.look(T0 + SHOWN_WITHIN_MS)
    assert (found.step, found.wake_ms) == (None, T0 + 90 * S)
    assert alarm.look(T0 + 90 * S - 1).step is None
    assert alarm.look(T0 + 90 * S).number == 1


def test_a_step_that_comes_sooner_than_fifteen_seconds_does_not_wait_for_them() -> None:
    chain = Chain("k", "K", (Step(("tablets:ward",), 0), Step(("siren",), 5)), 60)
    alarm = Alarm(chain)
    assert alarm.look(T0 + 1).wake_ms == T0 + 5 * S
    assert alarm.look(T0 + 5 * S, shown=False).why is Why.UNTAKEN


def test_what_cannot_arrive_goes_on_at_once_but_is_not_told_again_in_a_hurry() -> None:
    alarm = Alarm(STANDARD)
    assert alarm.look(T0 + 1, failed=True).why is Why.FAILED
    assert alarm.look(T0 + 2, failed=True).why is Why.FAILED
    last = alarm.look(T0 + 3, failed=True)
    assert (last.step, last.wake_ms) == (None, T0 + 2 + 300 * S)


@pytest.mark.parametrize("why", [Why.DECLINED, Why.TRANSFERRED, Why.HANDED_OVER])
def test_who_passes_it_on_passes_it_on_at_once_from_every_step(why: Why) -> None:
    for step in range(6):
        standing = Standing(step, T0, shown=True, pushed=why)
        found = decide(STANDARD, standing, T0 + 1)
        assert (found.number, found.why, found.step) == (step + 1, why, STANDARD.steps[min(step + 1, 2)])
        assert found.wake_ms is not None
        assert found.wake_ms > T0 + 1


# --- late, over and over, fast --------------------------------------------------------------------------------


@plenty
@given(chains, paces, st.lists(st.integers(0, 5 * HOUR), min_size=8, max_size=8), st.booleans(), st.booleans())
def test_at_one_moment_it_comes_to_rest_after_one_step(
    chain: Chain, pace: float, late: list[int], shown: bool, failed: bool
) -> None:
    """However late it is looked at: of what was missed one step is taken, not all of them in one breath; and whoever
    looks again at the same moment finds nothing more to do."""
    alarm = Alarm(chain, pace)
    now_ms = first_look_ms(chain, T0)
    for late_ms in late:
        if now_ms is None:
            return
        now_ms += late_ms
        before = alarm.step
        first = alarm.look(now_ms, shown=shown, failed=failed)
        assert alarm.step - before <= 1
        # What the new step sent has neither failed nor been shown yet.
        again = alarm.look(now_ms, shown=False)
        if first.step is not None:
            assert again.step is None, "no second step without time passing"
        assert again.wake_ms is None or again.wake_ms > now_ms
        assert again.wake_ms == first.wake_ms or first.step is None or not shown
        now_ms = again.wake_ms


def test_what_is_looked_at_an_hour_late_is_caught_up_with_step_by_step() -> None:
    alarm = Alarm(STANDARD)
    first = alarm.look(T0 + HOUR)
    assert (first.number, first.why, first.wake_ms) == (1, Why.UNTAKEN, T0 + HOUR + SHOWN_WITHIN_MS)
    assert alarm.look(T0 + HOUR + SHOWN_WITHIN_MS).step is None
    assert alarm.look(T0 + HOUR + 90 * S).number == 2


@pytest.mark.parametrize("pace", [1.0, 10.0, 60.0, 120.0])
def test_time_that_runs_fast_leaves_people_five_real_seconds(pace: float) -> None:
    least_ms = round(REAL_LEAST_MS * pace) if pace > 1 else 0
    alarm = Alarm(STANDARD, pace)
    shown_by_ms = max(SHOWN_WITHIN_MS, least_ms)
    assert alarm.look(T0 + shown_by_ms - 1, shown=False).step is None
    found = alarm.look(T0 + shown_by_ms, shown=False)
    assert found.number == 1
    assert found.wake_ms == T0 + 2 * shown_by_ms
    taken = Alarm(STANDARD, pace)
    due_ms = max(90 * S, least_ms)
    assert taken.look(T0 + due_ms - 1).step is None
    assert taken.look(T0 + due_ms).why is Why.UNTAKEN


def test_a_clock_that_was_set_back_takes_no_step_back() -> None:
    found = decide(STANDARD, Standing(2, T0, shown=True), T0 - HOUR)
    assert (found.step, found.number) == (None, 2)
    assert found.wake_ms is not None


def test_the_first_look_is_when_a_tablet_should_have_shown_it() -> None:
    assert first_look_ms(STANDARD, T0) == T0 + SHOWN_WITHIN_MS
    assert first_look_ms(QUIET, T0) is None
