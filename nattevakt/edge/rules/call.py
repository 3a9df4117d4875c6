"""A person asks for help: always an alarm, however late. Serves arrow 7.

Owns what a call means. Must not know which alarm is open or who is on duty. A repeat within two seconds is
written down with its reason and joins nothing: the first press already rings.
"""

from __future__ import annotations

from nattevakt.edge.events import Call
from nattevakt.edge.rules.rule import Armed, Fact, JsonState, Log, Priority, Raise, Reason, Rule, Step, Wake, when

KIND = "call"
RULE = "call"
REASONS = (
    "call.pressed",
    "call.pressed_late",
    "call.pressed_uncertain",
    "call.repeat",
    "call.unverified",
    "call.unverified_late",
    "call.unverified_uncertain",
)
UNVERIFIED = "unverified"
"""How a driver names a press of a secured button whose telegram could not be verified."""


def step(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:  # noqa: ARG001 - one contract for all rules
    """Raise for every call that is not a repeat; settings and time do not matter."""
    if isinstance(fact, Wake):
        return None
    body = fact.body
    if not isinstance(body, Call):
        return None
    params: dict[str, str | int] = {"place": fact.place, "control": body.control}
    if body.repeat_of is not None:
        return Step(state, (Log(Reason("call.repeat", params)),))
    code = "call.unverified" if body.control == UNVERIFIED else "call.pressed"
    return Step(state, (Raise(KIND, Priority.HIGH, when(code, params, fact)),))


SPEC = Rule(RULE, KIND, (Call,), step, REASONS, kinds=(KIND,))
