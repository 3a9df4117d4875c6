"""Tests of the whole way as the board shows them: a card each, and when the last one was. Serves arrow 9.

Owns the words on these cards. Must not know HTML, or how a test is answered. No name is on one. They stand below
all alarms, look like none, and there are never more than a few of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from nattevakt.central.chain import certificates, steps
from nattevakt.central.db import TenantSession
from nattevakt.central.tablet.i18n import N_, Words
from nattevakt.central.tablet.when import day_clock

TITLE = N_("Prøve av varslingskjeden, rom {room}")
CAME = N_("Ingen alarm. Kom fram {at}. Trykk for å bekrefte.")
LAST = N_("Siste prøve av varslingskjeden: {at}, rom {room}.")
LAST_NEVER = N_("Varslingskjeden er aldri prøvd her.")


@dataclass(frozen=True, slots=True)
class TestView:
    """One card."""

    __test__ = False  # no test of ours

    id: int
    title: str
    came: str


@dataclass(frozen=True, slots=True)
class TestsView:
    """All cards, and a line about the last test that was answered."""

    __test__ = False

    cards: tuple[TestView, ...] = ()
    last: str = ""


NO_TESTS = TestsView()


def of_ward(s: TenantSession, ward_id: int, words: Words, zone: ZoneInfo, now_ms: int) -> TestsView:
    """What a ward's board says of tests now."""
    cards = tuple(
        TestView(
            row.id,
            words(TITLE, {"room": row.path["room"]}),
            words(CAME, {"at": day_clock(words, row.received_ms, now_ms, zone)}),
        )
        for row in steps.on_screen(s, ward_id, now_ms)
    )
    last = certificates.last_done(s, ward_id)
    if last is None:
        return TestsView(cards, words(LAST_NEVER))
    at = day_clock(words, last.tapped_ms, now_ms, zone)
    return TestsView(cards, words(LAST, {"at": at, "room": last.path["room"]}))
