"""Times as staff read them: local wall time, lateness, uncertainty. Serves arrow 9.

Owns how a moment is written. Must not know alarms. Stored times are UTC; only here do they become local, so the
autumn night with two hours from 02 to 03 is told apart by how long ago something was, never by the clock alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from nattevakt.central.tablet.i18n import N_, Words
from nattevakt.edge.rules.rule import LATE_MS, Occurred

AT = N_("Kl. {at}")
AT_UNCERTAIN = N_("Kl. {at}, tid usikker")
BETWEEN = N_("Mellom kl. {start} og {end}, tid usikker")
LATE = N_("{when}, meldt {min} min forsinket")
LATE_HOURS = N_("{when}, meldt {h} t {min} min forsinket")
DAY = N_("{day}.{month}. kl. {at}")


def clock(ms: int, zone: ZoneInfo) -> str:
    """Hours and minutes, "02:14"."""
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone).strftime("%H:%M")


def clock_seconds(ms: int, zone: ZoneInfo) -> str:
    """Hours, minutes and seconds, "02:13:40"."""
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone).strftime("%H:%M:%S")


def spoken(params: Mapping[str, object], zone: ZoneInfo) -> dict[str, object]:
    """A reason's parameters, with each moment `x_ms` beside it as `x_at` for a sentence to say."""
    found = dict(params)
    for name, value in params.items():
        if name.endswith("_ms") and isinstance(value, int):
            found[f"{name[:-3]}_at"] = clock(value, zone)
    return found


def occurred(words: Words, at: Occurred, raised_ms: int, now_ms: int, zone: ZoneInfo) -> tuple[str, bool]:
    """When an alarm's event happened, in words, and whether that is out of the ordinary (late or uncertain)."""
    start, end = day_clock(words, at.from_ms, now_ms, zone), day_clock(words, at.to_ms, now_ms, zone)
    if not at.uncertain:
        text = words(AT, {"at": end}) if _same_day(at.to_ms, now_ms, zone) else end
    elif start == end:
        text = words(AT_UNCERTAIN, {"at": end})
    else:
        text = words(BETWEEN, {"start": start, "end": end})
    late_ms = raised_ms - at.to_ms
    if late_ms <= LATE_MS:
        return text, at.uncertain
    minutes = late_ms // 60_000
    if minutes < 60:
        return words(LATE, {"when": text, "min": minutes}), True
    return words(LATE_HOURS, {"when": text, "h": minutes // 60, "min": minutes % 60}), True


def _same_day(ms: int, now_ms: int, zone: ZoneInfo) -> bool:
    # Night staff say "02:10" and "23:50" of one night; only what is older than half a day gets its date.
    return abs(now_ms - ms) < 12 * 3_600_000 or _date(ms, zone) == _date(now_ms, zone)


def _date(ms: int, zone: ZoneInfo) -> datetime:
    local = datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone)
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def day_clock(words: Words, ms: int, now_ms: int, zone: ZoneInfo) -> str:
    """A moment as night staff say it: "02:10", with its date only where it was not tonight."""
    if _same_day(ms, now_ms, zone):
        return clock(ms, zone)
    day = _date(ms, zone)
    return words(DAY, {"day": day.day, "month": day.month, "at": clock(ms, zone)})
