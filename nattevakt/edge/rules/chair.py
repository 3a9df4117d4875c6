"""Somebody who may fall has got up from the chair: told of at once, inside the resident's window. Serves arrow 7.

Owns the settings and what a chair is; leaving.py does the rest. Who is in bed has not got up: a bed that reads
occupied is as good as the chair. Must not know which alarm is open.
"""

from __future__ import annotations

from nattevakt.edge.events import Bed, Body, Chair, Contact, Motion, Presence
from nattevakt.edge.rules import flicker, leaving
from nattevakt.edge.rules.rule import NEVER_MS, Armed, Fact, Folding, JsonState, Rule, Setting, Step, Wake

RULE = "chair"
KIND = "chair"
SEATS = (Chair, Bed)


def _on(body: Body) -> bool | None:
    return body.seated if isinstance(body, Chair) else None


def _safe(body: Body) -> bool | None:
    return body.occupied if isinstance(body, Bed) else None


HOW = leaving.Leaving(_on, _safe, "seated_min", RULE, KIND, KIND)
REASONS = HOW.reasons


def step(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:
    """Take note of a fact, or judge a deadline."""
    if "out" not in state and isinstance(fact, Fact) and not isinstance(fact.body, SEATS):
        return None  # what moves while nobody has got up; there is much of it
    return leaving.step(HOW, state, fact, armed, now_ms)


def left(state: JsonState) -> Step:
    """Who was watched does not live there any more."""
    return leaving.left(HOW, state)


def idle(state: JsonState, fact: Fact) -> int:
    """Until when such a fact is nothing to it."""
    return 0 if isinstance(fact.body, SEATS) or not leaving.deaf(state) else NEVER_MS


SPEC = Rule(
    RULE,
    KIND,
    (Contact, Bed, Presence, Chair, Motion),
    step,
    REASONS,
    kinds=(KIND,),
    settings=(
        Setting(
            "settle_s",
            0,
            600,
            5,
            "Pads chatter for one to three seconds when somebody shifts in the chair; whoever may fall does so on the "
            "first steps, so that no more is waited for.",
        ),
        Setting("seated_min", 0, 30, 1, "Who sat down for less than a minute was on the way past; our choice."),
        leaving.CHECK,
        flicker.FLICKER,
    ),
    windowed=True,
    needs=("chair",),
    planned=True,
    folding=Folding(leaving.unjudged, leaving.rests_on, left),
    idle=idle,
)
