"""A device's housing is open, or it has been taken off the wall. Serves arrow 7.

Owns what its word of that means: one alarm, low, for whoever goes by; it ends when the housing is shut again. Which
devices carry calls is not known here. Must not know which alarm is open.

What a device says of itself counts by its newest word: one that comes late, from before another, counts for nothing.
"""

from __future__ import annotations

from nattevakt.edge.events import Health
from nattevakt.edge.rules.rule import Armed, Clear, Fact, JsonState, Per, Priority, Raise, Reason, Rule, Step, Wake

RULE = "tamper"
KIND = "tamper"
REASONS = ("tamper", "tamper.shut")


def step(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:  # noqa: ARG001 - one contract for all rules
    """Raise when it opens, clear when it shuts."""
    if isinstance(fact, Wake):
        return None
    body = fact.body
    if not isinstance(body, Health) or body.tamper is None:
        return None
    known_ms, at_ms = state.get("at_ms"), fact.occurred.to_ms
    if isinstance(known_ms, int) and at_ms < known_ms:
        return None
    after: JsonState = {"at_ms": at_ms, "open": body.tamper}
    if body.tamper == bool(state.get("open")):
        return Step(after)
    params: dict[str, str | int] = {"device": body.device, "place": fact.place}
    if body.tamper:
        return Step(after, (Raise(KIND, Priority.LOW, Reason("tamper", params)),))
    return Step(after, (Clear(Reason("tamper.shut", params)),))


SPEC = Rule(RULE, KIND, (Health,), step, REASONS, kinds=(KIND,), per=Per.DEVICE)
