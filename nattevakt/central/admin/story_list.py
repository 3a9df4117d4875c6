"""The newest alarms of the lead's wards, each leading to its story. Serves arrow 9.

Owns how many are listed at once, and what each line says. Must not know HTTP or HTML.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from nattevakt.central.admin import story_words
from nattevakt.central.admin.moments import day_clock
from nattevakt.central.admin.story_view import standing
from nattevakt.central.admin.who import Lead
from nattevakt.central.alarms import story_rows
from nattevakt.central.db import TenantSession
from nattevakt.central.tablet import sentences
from nattevakt.central.tablet.i18n import N_
from nattevakt.central.tablet.views import UNPLACED
from nattevakt.edge.errors import RejectError
from nattevakt.edge.strict import INT_MAX

AT_ONCE = 50
TAKEN_AFTER = N_("tatt etter {span}")
FIELDS = ("id", "kind", "priority", "ward_id", "resident_id", "place", "state", "raised_ms")
TIMES = ("taken_ms", "on_site_ms", "closed_ms", "cause", "action")


@dataclass(frozen=True, slots=True)
class LineView:
    """One alarm of the list. room: "" where it rings in none; then place says where."""

    id: int
    at: str
    room: str
    place: str
    name: str
    what: str
    standing: str
    stands: str
    taken: str


def rows(
    s: TenantSession, lead: Lead, before: int | None = None, resident_id: int | None = None
) -> tuple[list[Row[Any]], int | None]:
    """The newest before the one of this id, and the id to go on before, None where that was all."""
    if before is not None and not 0 < before <= INT_MAX:
        raise RejectError("before", "must be the id of an alarm")
    found = list(story_rows.latest(s, lead.wards, before or INT_MAX, AT_ONCE + 1, resident_id))
    return found[:AT_ONCE], found[AT_ONCE - 1].id if len(found) > AT_ONCE else None


def line(lead: Lead, row: Row[Any]) -> LineView:
    """One alarm in a few words."""
    words = lead.words
    taken = "" if row.taken_ms is None else story_words.span(words, row.taken_ms - row.raised_ms)
    return LineView(
        row.id,
        day_clock(words, row.raised_ms, lead.zone),
        row.room_number or "",
        "" if row.room_number else row.place or words(UNPLACED),
        row.resident_name or "",
        sentences.kind(words, row.kind),
        standing(row.state),
        story_words.state(words, row.state),
        words(TAKEN_AFTER, {"span": taken}) if taken else "",
    )


def plain(row: Row[Any]) -> dict[str, object]:
    """One alarm as JSON can hold it."""
    names = {"room": row.room_number, "resident": row.resident_name}
    return {**{name: getattr(row, name) for name in (*FIELDS, *TIMES)}, **names}
