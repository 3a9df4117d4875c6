"""An event as its row in `events`. Serves arrow 6.

Owns which value stands in which column. Must not know where a row comes from or how it is written.
"""

from __future__ import annotations

from operator import itemgetter

from nattevakt.central.supervision import Ending, Stored
from nattevakt.edge.events import KIND_OF, Urgency, kind_of

COLUMNS = (
    *("gateway_id", "stream_id", "seq", "variant", "kind", "urgency", "device"),
    *("occurred_from_ms", "occurred_to_ms", "received_ms", "raw", "sha256", "alarm_id", "outcome_reason", "twin_of"),
)
ROW_KEY = itemgetter(1, 2, 3)
OPEN = Ending()
_CLASSES = {urgency: urgency.value for urgency in Urgency}


def event_row(entry: Stored, raw: bytes, sha256: bytes, ending: Ending) -> tuple[object, ...]:
    """A row in the order of `COLUMNS`."""
    key, at = entry.key, entry.occurred
    body = entry.event.body
    kind = KIND_OF.get(type(body)) or kind_of(body)
    return (
        *(key.gateway_id, key.stream_id, key.seq, key.variant),
        *(kind, _CLASSES[entry.urgency], entry.device, at.from_ms, at.to_ms, entry.received_ms),
        *(raw, sha256, ending.alarm_id, ending.reason, ending.twin_of),
    )
