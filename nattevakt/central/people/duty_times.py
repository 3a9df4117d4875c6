"""When a duty begins and ends, as people write it: by the clock on the wall. Serves arrow 9.

Pure. Owns the way from such words to a moment, on the nights on which clocks are changed too. Must not know duties.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from nattevakt.edge.errors import RejectError

FORMS = ("%d.%m.%Y %H:%M", "%d.%m.%y %H:%M")
"""Besides those of ISO 8601: as a Norwegian spreadsheet writes them."""


YEARS = range(2000, 2201)
"""Beyond these lies a slip of the pen, and in the end what no clock can be asked about."""


class TimeError(RejectError):
    """A time that cannot be. code: "time_unreadable", or "time_skipped" where the clock never reads it."""

    def __init__(self, field: str, reason: str, code: str) -> None:
        super().__init__(field, reason)
        self.code = code


def moment_ms(typed: str, zone: ZoneInfo, *, is_end: bool, field: str) -> int:
    """The moment at which the local clock reads this, "2026-11-26 22:00" or "26.11.2026 22:00".

    A time that comes twice, as clocks are put back: of a beginning it is the first, of an end the second, so that
    nobody is missing for the hour between; whoever means the other writes its offset too ("2026-10-25 02:30+01:00").
    Raises TimeError for what cannot be read, and for a time that the clock passes over.
    """
    words = typed.strip()
    found = _read(words)
    if found is None or found.year not in YEARS:
        raise TimeError(field, f"no date and time: {words[:40]}", "time_unreadable")
    if found.tzinfo is not None:
        return _ms(found)
    local = found.replace(tzinfo=zone, fold=1 if is_end else 0)
    if local.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0) != found:
        raise TimeError(field, f"the clock never reads {words[:40]}: it is put forward then", "time_skipped")
    return _ms(local)


def typed_of(ms: int, zone: ZoneInfo) -> str:
    """A moment as a field for date and time holds it, "2026-11-26T22:00"."""
    return datetime.fromtimestamp(ms / 1000, zone).strftime("%Y-%m-%dT%H:%M")


def _read(words: str) -> datetime | None:
    if len(words) < len("1.1.26 0:00"):
        return None  # a date alone is midnight to the reader below, and was forgotten by whoever wrote it
    try:
        found = datetime.fromisoformat(words)
        return found if ":" in words else None
    except ValueError:
        pass
    for form in FORMS:
        try:
            return datetime.strptime(words, form)  # noqa: DTZ007 - the caller knows whose clock it is
        except ValueError:
            continue
    return None


def _ms(found: datetime) -> int:
    return round(found.timestamp() * 1000)
