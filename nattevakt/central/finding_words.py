"""Findings about sensors in words. Serves the people who keep the installation running, no arrow of its own.

Owns how a finding is said, for the command line and for pages. Must not know how it came about.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from nattevakt.central.findings import Found, date_of
from nattevakt.central.tablet import sentences, when
from nattevakt.central.tablet.i18n import DEFAULT, Words, words


def sentence(found: Found, zone: ZoneInfo, said: Words | None = None) -> str:
    """What was found, as staff read it; in bokmål where no language is given."""
    return sentences.reason(said or words(DEFAULT), found.code, when.spoken(found.params, zone))


def line(found: Found, zone: ZoneInfo) -> str:
    """One finding for people."""
    where = f"rom {found.room} {found.spot}".rstrip() if found.room else "ikke plassert"
    return f"{date_of(found.day).isoformat()}\t{found.address}\t{where}\t{sentence(found, zone)}"
