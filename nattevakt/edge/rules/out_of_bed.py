"""Somebody who may fall has left the bed: told of at once, inside the resident's window. Serves arrow 7.

Owns the settings and what a bed is; leaving.py does the rest. Where the mat has been flickering and nothing else moves
it is a *sjekk* first. Must not know which alarm is open. That the person stays away is not_back_in_bed.py's.
"""

from __future__ import annotations

from nattevakt.edge.events import Bed, Body, Chair, Contact, Motion, Presence
from nattevakt.edge.rules import flicker, leaving
from nattevakt.edge.rules.rule import NEVER_MS, Armed, Fact, Folding, JsonState, Per, Rule, Setting, Step, Wake

RULE = "out_of_bed"
KIND = "out_of_bed"
CHECK_KIND = "bed_check"


def _on(body: Body) -> bool | None:
    return body.occupied if isinstance(body, Bed) else None


def _safe(_body: Body) -> bool | None:
    return None


HOW = leaving.Leaving(_on, _safe, "in_bed_min", RULE, KIND, CHECK_KIND)
REASONS = HOW.reasons


def step(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:
    """Take note of a fact, or judge a deadline."""
    if "out" not in state and isinstance(fact, Fact) and not isinstance(fact.body, Bed):
        return None  # what moves while nobody has left the bed; there is much of it
    return leaving.step(HOW, state, fact, armed, now_ms)


def left(state: JsonState) -> Step:
    """Who was watched does not live there any more."""
    return leaving.left(HOW, state)


def idle(state: JsonState, fact: Fact) -> int:
    """Until when such a fact is nothing to it."""
    return 0 if isinstance(fact.body, Bed) or not leaving.deaf(state) else NEVER_MS


SPEC = Rule(
    RULE,
    KIND,
    (Contact, Bed, Presence, Chair, Motion),
    step,
    REASONS,
    kinds=(CHECK_KIND, KIND),
    per=Per.BED,
    settings=(
        Setting(
            "settle_s",
            0,
            600,
            5,
            "Mats chatter for one to three seconds, so that less than five tells of sleepers who turn over; makers "
            "offer at once or after a number of seconds.",
        ),
        Setting(
            "in_bed_min",
            0,
            30,
            2,
            "A maker of fall radars watches for leaving the bed after two minutes in it, another after ten: who only "
            "sat down on its edge has not gone to bed.",
        ),
        leaving.CHECK,
        flicker.FLICKER,
    ),
    windowed=True,
    needs=("bed",),
    planned=True,
    folding=Folding(leaving.unjudged, leaving.rests_on, left),
    idle=idle,
)
