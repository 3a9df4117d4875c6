"""The times of a story alone: they never go backwards except where that is said, and what is not known is not."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from nattevakt.central.alarms.story_times import KNOWN, Reach, Step, chapters, soundings


def played(choice: random.Random) -> tuple[list[Step], list[tuple[int, Reach]], int]:
    """Some alarm: a clock of the gateway that may be ahead, tablets that confirm when they like, people who act."""
    now = 1_000_000
    heard_ms = now
    happened = heard_ms - choice.randint(-3_000, 60_000)
    steps = [Step(now, "raise", None, "meldt", 1, happened - choice.choice((0, 0, 5_000)), happened)]
    state, rung = "meldt", 1
    for _ in range(choice.randint(0, 8)):
        now += choice.choice((0, 1, 40_000))
        to = choice.choice({"meldt": ["kvittert", "meldt", "auto_avklart"], "kvittert": ["hos_bruker", "avsluttet"],
            "hos_bruker": ["avsluttet"], "avsluttet": ["gjenapnet"], "auto_avklart": ["gjenapnet"],
            "gjenapnet": ["kvittert"]}[state])  # fmt: skip
        sounds = to == "meldt"
        rung += sounds
        steps.append(Step(now, "x", state, to, rung if sounds else None, now - 10, now - 10))
        state = to
    reaches = []
    for number in range(1, rung + 1):
        made = next(step.at_ms for step in steps if step.sound_seq == number)
        for tablet in range(choice.randint(0, 3)):
            sent = made + choice.randint(0, 500) if choice.random() < 0.8 else None
            shown = sent + choice.randint(0, 90_000) if sent is not None and choice.random() < 0.7 else None
            sounded = shown if choice.random() < 0.5 else None
            known: dict[str, Any] = {"sent_ms": sent, "shown_ms": shown, "sounded_ms": sounded, "lease_until_ms": None}
            known |= dict.fromkeys(("seen_ms", "taken_ms", "failed_ms"), None)
            code = "shown" if shown else "sent" if sent else "pending"
            reach = Reach(number * 10 + tablet, tablet, "T", code, "", acted=False, made_ms=made, **known)
            reaches.append((number, reach))
    return steps, reaches, heard_ms


@pytest.mark.parametrize("seed", range(300))
def test_times_never_go_backwards_except_where_that_is_said(seed: int) -> None:
    steps, reaches, heard_ms = played(random.Random(seed))
    over = steps[-1].to_state in ("avsluttet", "auto_avklart")
    told = chapters(steps, soundings(steps, reaches, over=over), heard_ms, over=over)
    reopened = sum(step.to_state == "gjenapnet" for step in steps)
    assert len(told) == 1 + reopened
    for chapter in told:
        latest = None
        for one in chapter.moments:
            if one.at_ms is None:
                assert (one.told != KNOWN, one.after_event_ms, one.backwards) == (True, None, False)
                continue
            assert one.told == KNOWN
            assert one.backwards == (latest is not None and one.at_ms < latest)
            latest = one.at_ms if latest is None else max(latest, one.at_ms)
        base = next(one.at_ms for one in chapter.moments)
        assert base is not None
        assert all(one.after_event_ms == one.at_ms - base for one in chapter.moments if one.at_ms is not None)
        assert not (over and chapter is told[-1] and any(one.told == "not_yet" for one in chapter.moments))


def test_a_tablet_that_confirms_after_the_alarm_was_taken_on_it_is_told_so() -> None:
    steps = [Step(1_000, "raise", None, "meldt", 1, 900, 900), Step(5_000, "take", "meldt", "kvittert", None, 900, 900)]
    reach = Reach(1, 1, "T", "taken", "", acted=True, made_ms=1_000, sent_ms=1_100, shown_ms=6_000, sounded_ms=None,
        seen_ms=None, taken_ms=5_000, failed_ms=None, lease_until_ms=None)  # fmt: skip
    (told,) = chapters(steps, soundings(steps, [(1, reach)], over=False), 950, over=False)
    found = {one.code: one for one in told.moments}
    assert (found["shown"].after_event_ms, found["shown"].backwards) == (5_100, False)
    assert (found["taken"].after_event_ms, found["taken"].after_previous_ms, found["taken"].backwards) == (
        4_100,
        -1_000,
        True,
    )
    none = replace(reach, shown_ms=None)
    (told,) = chapters(steps, soundings(steps, [(1, none)], over=False), 950, over=False)
    assert {one.code: one.told for one in told.moments}["shown"] == "unknown"
