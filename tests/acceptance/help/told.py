"""An alarm's story as a ward's lead reads it, compared with what was done and with its own page. Tests only.

Each reading compares three accounts of the same night: what people and tablets wrote down themselves as they did it
(`Centre.deeds`, `Centre.screens`), what the API tells, and what stands on the page.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from tests.acceptance.help.centre import Centre, Tablet

OSLO = ZoneInfo("Europe/Oslo")


def clock(ms: int) -> str:
    """The clock on the wall, to the second."""
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(OSLO).strftime("%H:%M:%S")


def plain(source: str) -> str:
    """Text without its tags."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", source))).strip()


@dataclass(frozen=True, slots=True)
class Story:
    """What was read. page: its text."""

    api: dict[str, Any]
    source: str

    @property
    def page(self) -> str:
        """As its reader reads it."""
        return plain(self.source)

    @property
    def lines(self) -> list[str]:
        """Its history: when, what it then was, by what, and how it went on."""
        return [_line(one) for one in self.api["changes"]]

    @property
    def sendings(self) -> list[str]:
        """What went out by other roads: asked for when and in which step, to whom, and what came of it."""
        return [_sent(one) for one in self.api["sendings"]]

    @property
    def state(self) -> str:
        """How it stands."""
        return str(self.api["state"])

    def screens(self, number: int = 1) -> dict[str, str]:
        """What each tablet showed of one ring."""
        found = next(one for one in self.api["soundings"] if one["number"] == number)
        return {one["tablet"]: one["screen"] for one in found["notices"]}

    def rows(self, heading: str) -> list[str]:
        """The lines of the tables in one section of the page."""
        parts = re.findall(rf'<section aria-labelledby="{heading}-heading">(.*?)</section>', self.source, re.S)
        assert len(parts) == 1, heading
        bodies = re.findall(r"<tbody>(.*?)</tbody>", parts[0], re.S)
        return [plain(row) for body in bodies for row in re.findall(r"<tr[^>]*>(.*?)</tr>", body, re.S)]

    def says(self, *sentences: str) -> None:
        """These stand on the page."""
        for one in sentences:
            assert one in self.page, (one, self.page)


def _line(one: dict[str, Any]) -> str:
    parts = [clock(one["at_ms"]), one["to_state"], one["by"]["name"] if one["by"] else "", one["cause"]]
    passed = one["passed"] or {}
    step = "" if passed.get("step") is None else f"step {passed['step']}"
    nobody = "nobody new" if passed.get("nobody") else ""
    parts += [passed.get("why", ""), step, passed.get("reason", ""), *passed.get("wards", ()), nobody]
    reason = one["reason"]["code"] if one["reason"] and one["cause"] == "note" else ""
    return " | ".join(part for part in (*parts, reason) if part)


def _sent(one: dict[str, Any]) -> str:
    ends = [clock(one[name]) for name in ("sent_ms", "confirmed_ms", "failed_ms") if one[name] is not None]
    who = f"{one['name'] or one['target']}{', ' if one['role'] else ''}{one['role']}"
    parts = [clock(one["made_ms"]), f"step {one['step']}", one["channel"], who, one["state"], one["reason"], *ends]
    return " | ".join(part for part in parts if part)


def read(centre: Centre, desk: Tablet, alarm: int) -> Story:
    """The one call and the one page, which agree with each other and with everybody's own account."""
    told = desk.call("GET", f"/v1/admin/alarms/{alarm}").json()
    found = Story(told, desk.call("GET", f"/admin/alarms/{alarm}").text)
    assert (told["id"], told["left_off"]) == (alarm, [])
    _people(centre, found, alarm)
    _screens(centre, found, alarm)
    _page(found)
    return found


def _people(centre: Centre, found: Story, alarm: int) -> None:
    """Each act of a person stands in it once, with its time and tablet, and no other."""
    mine = [(one.at_ms, one.cause, one.who, one.tablet) for one in centre.deeds if one.alarm == alarm]
    theirs = [
        (one["at_ms"], one["cause"], one["by"]["name"], one["tablet"]["name"])
        for one in found.api["changes"]
        if not one["automatic"]
    ]
    assert theirs == mine, (theirs, mine)


def _screens(centre: Centre, found: Story, alarm: int) -> None:
    """Each confirmation of a tablet stands in it with its time, and no other."""
    mine = {(seq, name): ms for (number, seq, name), ms in centre.screens.items() if number == alarm}
    theirs = {
        (rang["number"], one["tablet"]): one["shown_ms"]
        for rang in found.api["soundings"]
        for one in rang["notices"]
        if one["shown_ms"] is not None
    }
    assert theirs == mine, (theirs, mine)


def _page(found: Story) -> None:
    """The page has a line for each change, notice and sending, in their order, and each says what the API says."""
    told = found.api
    changes = [
        [clock(one["at_ms"]), one["says"], *_parts(one), one["by"]["name"] if one["by"] else "Sentralen, av seg selv"]
        for one in told["changes"]
    ]
    _same(found.rows("done"), changes)
    notices = [[one["tablet"]] for rang in told["soundings"] for one in rang["notices"]]
    sendings = [[one["says"]["whom"], one["says"]["channel"]] for one in told["sendings"]]
    _same(found.rows("whom"), [*notices, *sendings])
    moments = [one for chapter in told["chapters"] for one in chapter["moments"]]
    _same(found.rows("times"), [[clock(one["at_ms"])] if one["at_ms"] is not None else [] for one in moments])
    says = [one["says"] for one in told["changes"] if one["cause"] == "raise"]
    assert says, "it began"
    assert told["reason"]["says"] in found.page


def _parts(one: dict[str, Any]) -> list[str]:
    passed, reason = one["passed"] or {}, one["reason"] or {}
    return [
        *passed.get("says", ()),
        *([reason["says"]] if reason else []),
        one["tablet"]["name"] if one["tablet"] else "",
    ]


def _same(rows: list[str], wanted: Iterable[list[str]]) -> None:
    expected = list(wanted)
    assert len(rows) == len(expected), rows
    for row, parts in zip(rows, expected, strict=True):
        for part in parts:
            assert part in row, (part, row)
