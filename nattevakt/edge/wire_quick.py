"""The quick way to read an event's line that is written as our own gateways write it. Serves arrow 6.

Owns the form that such a line has to the letter, and the bodies that were read from such lines before: a door says one
of two things all year. Whatever has another form is read the long way (wire.py), which says what is wrong with it; no
line is read here that would be read otherwise there. Must not know what a body is.

Why nothing else can come of it: all but the data is spelled out below. The data is an object without braces inside, so
that it ends where its first brace closes; the same bytes have been read before, the long way, as the data of the same
kind.
"""

from __future__ import annotations

import re

from nattevakt.edge.events import Body, Event, EventId, Foreign, Moment, Urgency

LINE_MAX = 1_000
"""Longer lines are seldom alike."""
BODIES_MAX = 10_000
"""Most bodies that are remembered; then it begins anew."""
_COUNT = rb"(0|[1-9][0-9]{0,17})"
_LINE = re.compile(
    rb'\{"stream":"([0-9a-f]{32})","seq":([1-9][0-9]{0,17}),"kind":"([a-z][a-z0-9_]{0,39})","class":"([ABCL])",'
    rb'"at":\{"boot":"([ !#-\[\]-~]{1,64})","boottime_ms":' + _COUNT + rb',"wall_ms":' + _COUNT + rb","
    rb'"synced":(true|false)\},"data":(\{[^{}]*\})\}'
)
_line = _LINE.fullmatch
_bodies: dict[tuple[bytes, bytes], Body] = {}
_texts: dict[bytes, str] = {}
_URGENCIES = {urgency.value.encode(): urgency for urgency in Urgency}


def read(raw: bytes) -> tuple[EventId, Event] | None:
    """The event of a line, None where it has to be read the long way."""
    found = _line(raw)
    if found is None:
        return None
    stream, seq, kind, urgency, boot, boottime_ms, wall_ms, synced, data = found.groups()
    body = _bodies.get((kind, data))
    if body is None:
        return None
    at = Moment(_text(boot), int(boottime_ms), int(wall_ms), synced == b"true")
    return EventId(_text(stream), int(seq)), Event(body, at, None, _URGENCIES[urgency])


def learn(raw: bytes, event: Event) -> None:
    """A line was read the long way, and this came of it: whatever brings the same data need not be."""
    if len(raw) > LINE_MAX or isinstance(event.body, Foreign):
        return
    found = _line(raw)
    if found is not None:
        if len(_bodies) >= BODIES_MAX:
            _bodies.clear()
        _bodies[found[3], found[9]] = event.body


def known() -> int:
    """How many bodies are remembered."""
    return len(_bodies)


def forget() -> None:
    """Begin anew."""
    _bodies.clear()
    _texts.clear()


def _text(raw: bytes) -> str:
    """The text of a stream or a boot; there are few."""
    found = _texts.get(raw)
    if found is None:
        if len(_texts) >= BODIES_MAX:
            _texts.clear()
        found = _texts[raw] = raw.decode()
    return found
