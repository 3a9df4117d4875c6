"""Who is next, when, and why: an untaken alarm's way along its chain. Serves arrow 9.

Owns the decision alone: given the chain, how far the alarm has come and whether any tablet has shown it, what is to be
done now and when to look again. Must not know storage, people or how a notice travels. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from nattevakt.central.notify.routing import Chain, Step
from nattevakt.edge.pace import stretched

SHOWN_WITHIN_MS = 15_000
"""What no tablet has confirmed on its screen by then goes the next way at once (domain.md 7, number 6)."""


class Why(StrEnum):
    """Why an alarm goes on to the next who can help. The values are stored in its history."""

    UNTAKEN = "untaken"
    NOT_SHOWN = "not_shown"
    FAILED = "failed"
    DECLINED = "declined"
    TRANSFERRED = "transferred"
    HANDED_OVER = "handed_over"


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an alarm has come. step: the last one taken, counted on in the repeats; step_ms: when. shown: a tablet
    has it on its screen. failed: nothing that the last step sent by other roads can arrive. pushed: why it goes on
    without waiting, None where it does not."""

    step: int
    step_ms: int
    shown: bool
    failed: bool = False
    pushed: Why | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done. step: to be taken now, None for none; number, why: of it. wake_ms: when to look again, None
    where there is nothing to look for any more."""

    step: Step | None
    number: int
    why: Why | None
    wake_ms: int | None


def delay_ms(chain: Chain, number: int) -> int | None:
    """How long after the step before this one is taken; None where there is no such step."""
    if number < len(chain.steps):
        return chain.steps[number].after_s * 1000
    return chain.repeat_s * 1000 if chain.repeat_s else None


def step_at(chain: Chain, number: int) -> Step:
    """The step of this number; behind the last one comes the last one."""
    return chain.steps[min(number, len(chain.steps) - 1)]


def first_look_ms(chain: Chain, now_ms: int) -> int | None:
    """When to look at an alarm that begins to ring now; None where its chain has one step and no more."""
    return None if delay_ms(chain, 1) is None else now_ms + SHOWN_WITHIN_MS


def decide(chain: Chain, at: Standing, now_ms: int, pace: float = 1.0) -> Decision:
    """What is to be done about an alarm that nobody has. pace: how fast service time runs."""
    number = at.step + 1
    wait_ms = delay_ms(chain, number)
    if wait_ms is None:
        return Decision(None, at.step, None, None)
    why = _why(chain, at, number, at.step_ms + stretched(wait_ms, pace), now_ms, pace)
    if why is None:
        due_ms = at.step_ms + stretched(wait_ms, pace)
        shown_by_ms = at.step_ms + stretched(SHOWN_WITHIN_MS, pace)
        looks = shown_by_ms if shown_by_ms > now_ms and number < len(chain.steps) else due_ms
        return Decision(None, at.step, None, min(looks, due_ms))
    after_ms = delay_ms(chain, number + 1)
    if after_ms is None:
        return Decision(step_at(chain, number), number, why, None)
    soonest_ms = min(after_ms, SHOWN_WITHIN_MS) if number + 1 < len(chain.steps) else after_ms
    return Decision(step_at(chain, number), number, why, now_ms + stretched(soonest_ms, pace))


def _why(chain: Chain, at: Standing, number: int, due_ms: int, now_ms: int, pace: float) -> Why | None:
    """Why the step of this number is to be taken now; None: it is not."""
    if at.pushed is not None:
        return at.pushed
    if now_ms >= due_ms:
        return Why.UNTAKEN
    if number >= len(chain.steps):
        # What is only told again is told at its time: to hurry would bring nobody new.
        return None
    if at.failed:
        return Why.FAILED
    if not at.shown and now_ms >= at.step_ms + stretched(SHOWN_WITHIN_MS, pace):
        return Why.NOT_SHOWN
    return None
