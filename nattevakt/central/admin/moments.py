"""Days and times as a ward's lead reads and types them. Serves arrow 9.

Owns dates on these pages. Must not know what they are dates of.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from nattevakt.central.admin.rule_words import WEEKDAYS
from nattevakt.central.tablet.i18n import N_, Words
from nattevakt.edge.rules.windows import local_day

DAY = N_("{weekday} {day}.{month}.{year}")
NIGHT = N_("natt til {weekday} {day}.{month}.")
DAY_CLOCK = N_("{weekday} {day}.{month}. kl. {at}")


def clock(ms: int, zone: ZoneInfo) -> str:
    """Hours and minutes."""
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone).strftime("%H:%M")


def day(words: Words, ms: int, zone: ZoneInfo) -> str:
    """The date of a moment, "tor 26.11.2026"."""
    return words(DAY, _parts(words, _date(local_day(ms, zone.key))))


def day_clock(words: Words, ms: int, zone: ZoneInfo) -> str:
    """A moment, "tor 26.11. kl. 14:02"."""
    return words(DAY_CLOCK, {**_parts(words, _date(local_day(ms, zone.key))), "at": clock(ms, zone)})


def night(words: Words, number: int) -> str:
    """The night that begins on a day (days since 1970), named as people do by the day that it ends on."""
    return words(NIGHT, _parts(words, _date(number + 1)))


def noon_ms(typed: str, zone: ZoneInfo) -> int | None:
    """Noon of a typed date, so that what runs out then does so by day; None where it is no date."""
    try:
        found = date.fromisoformat(typed.strip())
        return round(datetime.combine(found, time(12), zone).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def next_ms(minute: int, now_ms: int, zone: ZoneInfo) -> int:
    """When the clock on the wall next reads this."""
    today = _date(local_day(now_ms, zone.key))
    for ahead in (0, 1, 2):
        at = datetime.combine(today + timedelta(days=ahead), time(minute // 60, minute % 60), zone)
        if (found := round(at.timestamp() * 1000)) > now_ms:
            return found
    return now_ms


def _date(number: int) -> date:
    return date(1970, 1, 1) + timedelta(days=number)


def _parts(words: Words, found: date) -> dict[str, object]:
    weekday = words(WEEKDAYS[found.weekday()])
    return {"weekday": weekday, "day": found.day, "month": found.month, "year": found.year}
