"""Counts by truth, after everything has drained. Pure: what was said, what was done to whom, what both ends hold.

Owns when something that is missing is excused: it was said to a port or a broker that died with it, and a row of the
gateway's own life names the time of it as a gap. Nothing else is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tests.acceptance.kill.life import MQTT, SERIAL, Said
from tests.acceptance.kill.wrecker import Marks

READ_MS = 2_500
"""What was written to a port is on disk by then, if the gateway could read and store all the while; on a machine that
does many other things, too."""
WRITTEN_MS = 1_500
"""A broker has written what it acknowledged by then."""
OPENED_MS = 4_000
"""A gateway opens its ports, and subscribes, within so long after the row that ends a gap."""
FELT_MS = 2_000
"""A gap begins at the last sign of life; what came so shortly before it may still have lain unread."""
URGENT = ("call", "fall", "leak")
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ends:
    """What both ends hold.

    events: rows of the centre, each with the `gateway` key, `stream` name, `line` (decoded), `raw` and `holders`, how
    many alarms of people hold it. outboxes: (stream, seq) to line as sent, a gateway; appended: how many it ever gave.
    """

    events: Sequence[Row]
    alarms: Sequence[Row]
    outboxes: Mapping[str, Mapping[tuple[str, int], bytes]]
    appended: Mapping[str, int]


@dataclass(slots=True)
class Count:
    """What came of it. gaps: lost with a port or broker, and named. Faults are sentences."""

    sent: int = 0
    stored: int = 0
    applied: int = 0
    alarms: int = 0
    lost: int = 0
    duplicated: int = 0
    gaps: int = 0
    unsure: int = 0
    faults: list[str] = field(default_factory=list)

    def table(self) -> str:
        """Figures in one line under their names, then what is wrong."""
        names = ("sent", "stored", "applied", "alarms", "lost", "duplicated", "gaps", "unsure")
        head = "".join(f"{name:>11}" for name in names)
        return "\n".join((head, "".join(f"{getattr(self, name):>11}" for name in names), *self.faults))


def gaps(events: Sequence[Row], gateway: str, way: str) -> list[tuple[int, int]]:
    """Times that this gateway itself says it may have missed something in, of a port or of the broker."""
    found = []
    for row in events:
        data, at = row["line"]["data"], row["line"]["at"]
        if row["gateway"] != gateway:
            continue
        if row["kind"] == "started" and "last_life" in data:
            found.append((data["last_life"]["boottime_ms"], at["boottime_ms"]))
        elif row["kind"] == "source_back" and data["source"].partition(":")[0] == way:
            found.append((data["lost"]["boottime_ms"], at["boottime_ms"]))
    return found


def _sure(said: Said, marks: Marks) -> bool:
    """Whether whoever took it had it safely, before anything was done to them."""
    if said.way == MQTT:
        if said.acked_ms is None:
            return False
        if any(-WRITTEN_MS < at_ms - said.acked_ms < WRITTEN_MS for at_ms in marks.broker_deaths):
            return False
        # A broker that is wiped takes with it what it holds for a gateway that does not listen, and its session.
        deaf = marks.deaf.get(said.gateway, ())
        return all(_free_ms(deaf, *sorted((said.acked_ms, at_ms))) >= WRITTEN_MS for at_ms in marks.wiped)
    if not said.taken:
        return False
    later = [at_ms for at_ms in marks.deaths.get(said.gateway, ()) if at_ms >= said.at_ms]
    return not later or _free_ms(marks.slow.get(said.gateway, ()), said.at_ms, min(later)) >= READ_MS


def _free_ms(slow: Iterable[tuple[int, int]], from_ms: int, to_ms: int) -> int:
    """How much of a time is not in any of these."""
    at_ms, free_ms = from_ms, 0
    for begins_ms, ends_ms in sorted(slow):
        free_ms += max(0, min(begins_ms, to_ms) - at_ms)
        at_ms = max(at_ms, ends_ms)
    return free_ms + max(0, to_ms - at_ms)


def count(said: Sequence[Said], marks: Marks, ends: Ends) -> Count:
    """Everything, counted."""
    found = Count(sent=len(said))
    _senders(found, said, marks, ends)
    _outboxes(found, ends)
    _alarms(found, ends)
    return found


def _senders(found: Count, said: Sequence[Said], marks: Marks, ends: Ends) -> None:
    rows = Counter((row["gateway"], row["device"], row["kind"]) for row in ends.events if row["kind"] in URGENT)
    by_device: dict[tuple[str, str, str], list[Said]] = {}
    for one in said:
        by_device.setdefault((one.gateway, one.device, one.kind), []).append(one)
    named = {(g, way): gaps(ends.events, g, way) for g in ends.outboxes for way in (SERIAL, MQTT)}
    for key, all_of_it in by_device.items():
        doubtful = [one for one in all_of_it if not _sure(one, marks)]
        found.unsure += len(doubtful)
        there, sure = rows.pop(key, 0), len(all_of_it) - len(doubtful)
        if there > len(all_of_it):
            found.duplicated += there - len(all_of_it)
            found.faults.append(f"duplicated: {key} has {there} rows of {len(all_of_it)}")
        if there < sure:
            found.lost += sure - there
            at = [(one.at_ms, one.acked_ms, _sure(one, marks)) for one in all_of_it]
            found.faults.append(f"lost: {key} has {there} rows of {sure}: said, acknowledged, sure: {at}")
        missing = len(all_of_it) - max(there, sure)
        # What a broker never acknowledged was never taken: whoever pressed was told so.
        untold = sum(one.way == MQTT and one.acked_ms is None for one in doubtful)
        excused = [one for one in doubtful if _covered(one.at_ms, named[one.gateway, one.way])]
        found.gaps += min(missing, len(excused))
        if missing > len(excused) + untold:
            found.lost += missing - len(excused) - untold
            times = [one.at_ms for one in doubtful if one not in excused]
            found.faults.append(f"lost and named nowhere: {key} at {times}; gaps {named[key[0], doubtful[0].way]}")
    for key, number in rows.items():
        found.duplicated += number
        found.faults.append(f"never said: {key}, {number} rows")


def _covered(at_ms: int, named: Sequence[tuple[int, int]]) -> bool:
    return any(from_ms - FELT_MS <= at_ms <= to_ms + OPENED_MS for from_ms, to_ms in named)


def _outboxes(found: Count, ends: Ends) -> None:
    for gateway, outbox in ends.outboxes.items():
        mine = [row for row in ends.events if row["gateway"] == gateway]
        applied = Counter((row["stream"], row["seq"]) for row in mine)
        found.stored += ends.appended[gateway]
        found.applied += len(applied)
        twice = [key for key, number in applied.items() if number > 1]
        if twice:
            found.duplicated += len(twice)
            found.faults.append(f"{gateway}: applied more than once: {twice[:5]}")
        if len(applied) != ends.appended[gateway]:
            found.lost += max(0, ends.appended[gateway] - len(applied))
            found.faults.append(f"{gateway}: {ends.appended[gateway]} appended, {len(applied)} applied")
        lines = {(row["stream"], row["seq"]): bytes(row["raw"]) for row in mine}
        for key, line in outbox.items():
            if lines.get(key) != line:
                found.faults.append(f"{gateway}: {key} is another row at the centre: {lines.get(key)!r}")


def _alarms(found: Count, ends: Ends) -> None:
    found.alarms = sum(alarm["rule"] in URGENT for alarm in ends.alarms)
    rung: Counter[int] = Counter()
    for row in ends.events:
        if row["kind"] not in URGENT:
            continue
        rung[row["alarm_id"]] += row["urgency"] == "A"
        if row["alarm_id"] is None:
            found.faults.append(f"without an alarm: {row['line']}")
        if row["urgency"] == "A" and row["holders"] != 1:
            found.faults.append(f"in {row['holders']} alarms: {row['line']}")
    # Nobody has answered, so all that a resident or a device said is one episode.
    of_subject = sorted((alarm["subject"], alarm["rule"]) for alarm in ends.alarms if alarm["rule"] in URGENT)
    for one, other in pairwise(of_subject):
        if one == other:
            found.duplicated += 1
            found.faults.append(f"two alarms of one episode: {one}")
    for alarm in ends.alarms:
        if alarm["rule"] in URGENT and alarm["sound_seq"] > rung[alarm["id"]]:
            found.duplicated += alarm["sound_seq"] - rung[alarm["id"]]
            found.faults.append(f"sounded {alarm['sound_seq']} times for {rung[alarm['id']]} rows: {dict(alarm)}")
        if alarm["kind"] in ("id_conflict", "gateway_cloned", "event_refused", "parked_event", "unhandled_event"):
            found.faults.append(f"an alarm that nothing here should raise: {dict(alarm)}")
