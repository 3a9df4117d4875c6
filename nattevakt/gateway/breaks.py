"""Since when a device may have changed unheard: when the gateway stopped listening to it. Serves arrow 3.

Owns the list of breaks (a source was lost; the agent itself was gone), bounded, and what may be concluded from it. Must
not know events, drivers or why a source was lost.

A device that was heard at 23:00, by a gateway that listened until 23:40, had not changed by 23:40: it would have said
so. After a break its next news is dated from there, and not from 23:00. Moments are compared within one boot only,
where nothing can set the clock; where that says nothing, the device's own last word stands.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from nattevakt.edge.events import Moment
from nattevakt.gateway.rows import LIVES, LIVES_KEPT

KEY = "core.breaks"
VERSION = 1
KEPT = 60
NO_BREAKS = f'{{"v":{VERSION},"breaks":[]}}'
DOUBT_MS = 90_000
"""So much earlier a port may have been deaf: a stuck thread (20 s and the watchdog's 30), a broker or a bridge whose
connection died silently (one and a half times a keepalive of at most 60 s)."""


@dataclass(frozen=True, slots=True)
class Break:
    """The gateway stopped listening to a source at the latest then."""

    source: str
    at: Moment


class Breaks:
    """The latest breaks, in order: of sources, and of the agent (when earlier runs last said that they lived)."""

    def __init__(self) -> None:
        self._kept: list[Break] = []
        self._lives: list[Moment] = []
        self._blind = False

    def load(self, memory: Mapping[str, str]) -> None:
        """Take up what earlier runs stored; if that cannot be read, nothing is concluded in this run."""
        try:
            self._lives = [_moment(values) for values in json.loads(memory.get(LIVES, "[]"))]
            row = json.loads(memory.get(KEY, NO_BREAKS))
            if row["v"] != VERSION:
                raise ValueError("of another version")
            self._kept = [Break(str(source), _moment(rest)) for source, *rest in row["breaks"]] + self._kept
        except (ValueError, TypeError, KeyError, RecursionError):
            # The row stays as it is: one written anew would seem to tell of all breaks.
            self._blind = True

    def add(self, breaks: Iterable[Break]) -> None:
        """These came after the others."""
        self._kept = [*self._kept, *breaks][-KEPT:]

    def text(self, more: Sequence[Break]) -> str:
        """The row to store, with some that are not added yet."""
        rows = [
            [one.source, one.at.boot, one.at.boottime_ms, one.at.wall_ms, one.at.synced]
            for one in [*self._kept, *more][-KEPT:]
        ]
        return json.dumps({"v": VERSION, "breaks": rows}, separators=(",", ":"))

    def unchanged_until(self, heard: Moment, sources: Collection[str], more: Sequence[Break] = ()) -> Moment:
        """The last moment at which a device certainly was as when it was heard.

        sources: all that it may come through; a loss of any of them counts. more: breaks that are not added yet.
        """
        kept = [*self._kept, *more]
        # A full list may have forgotten the very break that followed this device's last word.
        forgotten = [one.at for one in kept[:1] if len(kept) >= KEPT]
        forgotten += [at for at in self._lives[:1] if len(self._lives) >= LIVES_KEPT]
        if self._blind or any(at.boot == heard.boot and not _not_after(at, heard) for at in forgotten):
            return heard
        breaks = [*self._lives, *(one.at for one in kept if one.source in sources)]
        after = [at for at in breaks if _not_after(heard, at)]
        if not after:
            return heard
        listened = earlier(min(after, key=lambda at: at.boottime_ms), DOUBT_MS)
        return listened if _not_after(heard, listened) else heard


def earlier(moment: Moment, by_ms: int) -> Moment:
    """A moment so much before another, not before the boot."""
    back_ms = min(by_ms, moment.boottime_ms)
    return replace(moment, boottime_ms=moment.boottime_ms - back_ms, wall_ms=max(0, moment.wall_ms - back_ms))


def _not_after(one: Moment, other: Moment) -> bool:
    return one.boot == other.boot and one.boottime_ms <= other.boottime_ms


def _moment(values: Iterable[object]) -> Moment:
    boot, boottime_ms, wall_ms, synced = values
    if not (isinstance(boot, str) and isinstance(synced, bool)):
        raise TypeError("no moment")
    if not (isinstance(boottime_ms, int) and isinstance(wall_ms, int) and boottime_ms >= 0 and wall_ms >= 0):
        raise TypeError("no moment")
    return Moment(boot, boottime_ms, wall_ms, synced)
