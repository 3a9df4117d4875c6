"""Water where it should not be: always an alarm, however late. Serves arrow 7.

Owns what a leak report means. Must not know which alarm is open. A sensor that reads dry again never clears
the alarm: somebody must have looked.
"""

from __future__ import annotations

from nattevakt.edge.events import Leak, LeakOver
from nattevakt.edge.rules.rule import Armed, Fact, JsonState, Log, Per, Priority, Raise, Reason, Rule, Step, Wake, when

KIND = "leak"
RULE = "leak"
REASONS = (
    "leak.water",
    "leak.water_late",
    "leak.water_uncertain",
    "leak.repeat",
    "leak.over",
)


def step(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:  # noqa: ARG001 - one contract for all rules
    """Raise for every leak that is not a repeat."""
    if isinstance(fact, Wake):
        return None
    body = fact.body
    params: dict[str, str | int] = {"place": fact.place}
    if isinstance(body, LeakOver):
        return Step(state, (Log(Reason("leak.over", params)),))
    if not isinstance(body, Leak):
        return None
    if body.repeat_of is not None:
        return Step(state, (Log(Reason("leak.repeat", params)),))
    return Step(state, (Raise(KIND, Priority.MEDIUM, when("leak.water", params, fact)),))


SPEC = Rule(RULE, KIND, (Leak,), step, REASONS, kinds=(KIND,), per=Per.ROOM)
