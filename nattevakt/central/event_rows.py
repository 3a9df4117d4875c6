"""An event as its row in `events`. Serves arrow 6.

Owns which value stands in which column. Must not know where a row comes from or how it is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter

from nattevakt.central.alarms.requests import EventKey
from nattevakt.central.supervision import Ending, Stored
from nattevakt.edge.events import KIND_OF, Urgency, kind_of
from nattevakt.edge.wire import Received

COLUMNS = (
    *("gateway_id", "stream_id", "seq", "variant", "kind", "urgency", "device"),
    *("occurred_from_ms", "occurred_to_ms", "received_ms", "raw", "sha256", "alarm_id", "outcome_reason", "twin_of"),
)
STEADY = ("gateway_id", "stream_id", "variant", "received_ms", "alarm_id", "outcome_reason", "twin_of")
"""Columns that mostly say the same throughout a batch."""
Fresh = tuple[Received, int, bytes]
"""A row that is new, its variant number, and the SHA-256 of its bytes."""
_ROW_KEY = itemgetter(1, 2, 3)
_OPEN = Ending()
_CLASSES = {urgency: urgency.value for urgency in Urgency}


def event_rows(
    stored: Sequence[Stored], fresh: Sequence[Fresh], endings: Mapping[EventKey, Ending]
) -> list[tuple[object, ...]]:
    """The rows of one gateway in the order of their keys, each in the order of `COLUMNS`."""
    # Few end with anything, and a key that is looked for is hashed.
    ended = {key.seq for key in endings}
    rows = [
        _row(entry, item.raw, sha256, endings.get(entry.key, _OPEN) if entry.key.seq in ended else _OPEN)
        for entry, (item, _, sha256) in zip(stored, fresh, strict=True)
    ]
    rows.sort(key=_ROW_KEY)
    return rows


def _row(entry: Stored, raw: bytes, sha256: bytes, ending: Ending) -> tuple[object, ...]:
    key, at = entry.key, entry.occurred
    body = entry.event.body
    # One a line: a tuple that is put together from several costs half as much again.
    return (
        key.gateway_id,
        key.stream_id,
        key.seq,
        key.variant,
        KIND_OF.get(type(body)) or kind_of(body),
        _CLASSES[entry.urgency],
        entry.device,
        at.from_ms,
        at.to_ms,
        entry.received_ms,
        raw,
        sha256,
        ending.alarm_id,
        ending.reason,
        ending.twin_of,
    )
