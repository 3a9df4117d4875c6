"""What is written of a request: the columns and the history that it becomes. Serves arrow 8.

Owns the form of what register.py writes. Must not know storage, or when anything is written.
"""

from __future__ import annotations

from typing import Any

from nattevakt.central.alarms.kinds import is_technical
from nattevakt.central.alarms.requests import ClearRequest, EventKey, RaiseRequest
from nattevakt.edge.rules.rule import Priority


def why(request: RaiseRequest) -> dict[str, object]:
    """Why an alarm rings, as its row says it."""
    return {"reason_code": request.reason.code, "reason_params": dict(request.reason.params)}


def marked(alarm: Any, request: RaiseRequest) -> dict[str, object]:
    """The marks of an alarm that sounds anew: those that it had, and those of now; nothing where that is the same.

    It was raised by the plan of then, and goes on naming that one.
    """
    marks = [*alarm.marks, *(mark for mark in request.marks if mark not in alarm.marks)]
    return {"marks": marks} if marks != alarm.marks else {}


def sounds_again(request: RaiseRequest) -> bool:
    """Whether an alarm that is joined sounds."""
    # A call that is made again must be heard again, also one that is only known by its loss; a fault that
    # goes on must not.
    return request.anew or request.again or not is_technical(request.kind) or request.priority is Priority.HIGH


def columns(event: EventKey) -> dict[str, object]:
    """The name of an event row, as columns."""
    return {
        "gateway_id": event.gateway_id,
        "stream_id": event.stream_id,
        "seq": event.seq,
        "variant": event.variant,
    }


def detail_of(request: RaiseRequest | ClearRequest) -> dict[str, object]:
    """What the history says of a request."""
    found: dict[str, object] = {"reason": request.reason.code, "params": dict(request.reason.params)}
    if request.event is not None:
        found["event"] = columns(request.event)
    if request.holds:
        found["holds"] = [columns(event) for event in request.holds]
    if isinstance(request, RaiseRequest):
        found["occurred"] = [request.occurred.from_ms, request.occurred.to_ms]
    return found
