"""A fall sensor reports a person on the floor: always an alarm, however late. Serves arrow 7.

Owns what a fall report means. Must not know which alarm is open. A sensor that reads "no fall" again is
context for the person who goes there; it never clears the alarm.
"""

from __future__ import annotations

from nattevakt.edge.events import Fall, FallOver
from nattevakt.edge.rules.rule import Armed, Fact, JsonState, Log, Priority, Raise, Reason, Rule, Step, Wake, when

KIND = "fall"
RULE = "fall"
REASONS = (
    "fall.detected",
    "fall.detected_late",
    "fall.detected_uncertain",
    "fall.possible",
    "fall.possible_late",
    "fall.possible_uncertain",
    "fall.repeat",
    "fall.over",
)


def step(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:  # noqa: ARG001 - one contract for all rules
    """Raise for every fall, sure or possible, that is not a repeat."""
    if isinstance(fact, Wake):
        return None
    body = fact.body
    params: dict[str, str | int] = {"place": fact.place}
    if isinstance(body, FallOver):
        return Step(state, (Log(Reason("fall.over", params)),))
    if not isinstance(body, Fall):
        return None
    if body.repeat_of is not None:
        return Step(state, (Log(Reason("fall.repeat", params)),))
    code = "fall.possible" if body.certainty == "possible" else "fall.detected"
    return Step(state, (Raise(KIND, Priority.HIGH, when(code, params, fact)),))


SPEC = Rule(RULE, KIND, (Fall,), step, REASONS, kinds=(KIND,))
