"""Invariants 1 and 2 for empty beds at night: who is not back within the limit is asked about, and nobody else.

Owns a reading of its own of the mats, as they stand on the gateways' disks, against the limits of the plans. Demands
only what is plain: one person, one mat, an exit that was no chatter. Must not know how the rule folds.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from nattevakt.edge.events import Bed
from nattevakt.sim.explore import truth_plans as plans
from nattevakt.sim.explore.invariants import DATED_MS, MINUTE_MS, Court, Quiet
from nattevakt.sim.explore.truth import Step
from nattevakt.sim.explore.truth_books import Alarm, Move
from nattevakt.sim.explore.truth_rows import Written

RULE = "not_back_in_bed"
LATE_MS = 2 * MINUTE_MS
"""L: from the limit, counted only while all that serves the room has been whole for as long. A gateway's data is
complete with its next heartbeat (15 s), the sweep comes every 5 s; what lags is rung unconfirmed after 60 s."""
CHATTER_MS = 5_000
LAY_MS = MINUTE_MS
"""Who has lain for so long has gone to bed: what ends then is no chatter."""
DOUBT_MS = 8 * 60 * MINUTE_MS
"""So long before a limit a word of doubtful time may have been the exit."""
AGAIN_MS = 20_000
"""How often a running absence is looked at."""


@dataclass(slots=True)
class _Mat:
    """What one mat has said, in the order in which it happened: (true ms, occupied)."""

    told: list[tuple[int, bool]] = field(default_factory=list)
    rows: list[Written] = field(default_factory=list)
    doubts: list[tuple[int, int]] = field(default_factory=list)
    """Between which moments something was said at a time that nobody knows."""
    done_ms: int = 0
    """The exit that has been judged already."""


class Absences(Quiet):
    """Beds that are empty for too long."""

    def __init__(self, court: Court) -> None:
        super().__init__(court)
        self._mats: dict[str, _Mat] = {}
        self._look_ms = 0

    def step(self, step: Step) -> None:
        """Note what mats say, and judge what rings."""
        for row in step.written:
            body = row.event.body if row.kind == "bed" else None
            if isinstance(body, Bed):
                from_ms, to_ms = self.truth.true_span(row)
                mat = self._mats.setdefault(body.device, _Mat())
                if from_ms != to_ms:
                    mat.done_ms = to_ms  # of doubtful time: nothing is demanded of it
                    mat.doubts.append((from_ms, to_ms))
                at = bisect_right(mat.told, (to_ms, True))
                mat.told.insert(at, (to_ms, body.occupied))
                mat.rows.insert(at, row)
        if step.news is None:
            return
        for move in step.news.moves:
            alarm = self.truth.books.alarms[move.alarm_id]
            if alarm.rule == RULE and move.sounds:
                self.court.count("rang")
                self._rang(alarm, move)

    def tick(self, now_ms: int) -> None:
        """Look at whoever is up now."""
        if now_ms < self._look_ms or not self.truth.books.readable:
            return
        self._look_ms = now_ms + AGAIN_MS
        for address, mat in self._mats.items():
            if len(mat.told) < 2 or mat.told[-1][1] or mat.told[-1][0] == mat.done_ms:
                continue
            left_ms, lay_ms = mat.told[-1][0], mat.told[-2][0]
            if mat.told[-2][1] and left_ms - lay_ms >= LAY_MS and now_ms - left_ms > 5 * MINUTE_MS:
                self._away(address, mat, left_ms, now_ms)

    def _away(self, address: str, mat: _Mat, left_ms: int, now_ms: int) -> None:
        books, offset = self.truth.books, self.court.offset_ms
        if any(row.arrived_ms is None for row in mat.rows[-2:]):
            return  # on its way, or given up: the centre shows the mat as unknown
        place = plans.place_of(books, address, left_ms + offset)
        if place is None or len(place.residents) != 1 or self._mats_in(place) != 1:
            return
        resident_id = place.residents[0]
        lines = plans.lines_of(books, place.residents, RULE)
        near_ms = DATED_MS + abs(offset)
        sure = [one for one in lines if plans.surely(one, left_ms + offset, left_ms + offset, near_ms, self.court.zone)]
        if not sure:
            return
        limit_ms = min(line.settings.get("limit_min", 15) for line in sure) * MINUTE_MS
        due_ms = left_ms + limit_ms
        if now_ms < due_ms + LATE_MS or not self._known(place, due_ms, now_ms):
            return
        mat.done_ms = left_ms
        stands = plans.standing(books, resident_id, RULE, left_ms + offset, now_ms + offset)
        if stands.paused or not stands.basis or plans.changed_since(books, resident_id, left_ms + offset - MINUTE_MS):
            return
        self.court.count("absences")
        if not self._asked(resident_id, left_ms, due_ms, mat.rows[-1]):
            says = (
                f"{self.court.place(address)} er tom siden {self.court.clock(left_ms)}, grensen på"
                f" {limit_ms // MINUTE_MS} min gikk {self.court.clock(due_ms)}, og ingen er spurt"
            )
            self.court.accuse(1, address, f"away {left_ms}", says)

    def _known(self, place: plans.Place, due_ms: int, now_ms: int) -> bool:
        """Whether all that serves the room could be heard for long enough."""
        ward = self.truth.world.ward
        keys = {s.gateway for a in place.others if (s := ward.sensor(a)) is not None}
        ways = [self.truth.ways[key].whole_for_ms(due_ms, now_ms) for key in sorted(keys)]
        return min(ways, default=-1) >= LATE_MS and self.truth.watchman.up_for_ms(due_ms, now_ms) >= LATE_MS

    def _mats_in(self, place: plans.Place) -> int:
        ward = self.truth.world.ward
        return sum(1 for a in place.others if (s := ward.sensor(a)) is not None and s.use.value == "bed")

    def _asked(self, resident_id: int, left_ms: int, due_ms: int, row: Written) -> bool:
        """Whether anything rang about this exit, or somebody has been there since."""
        subject = f"resident:{resident_id}"
        for alarm in self.truth.books.alarms.values():
            if alarm.subject != subject or alarm.rule != RULE:
                continue
            if any(m.seen_ms >= due_ms - DATED_MS and m.sounds for m in alarm.moves):
                return True
            if any(m.seen_ms >= left_ms and m.cause in ("on_site", "close") for m in alarm.moves):
                return True
            if (row.id, 0) in alarm.holds and not (alarm.closed_ms and alarm.state == "auto_avklart"):
                return True
        return False

    def _rang(self, alarm: Alarm, move: Move) -> None:
        """Something rang: the bed must truly have been empty for the limit when its deadline came."""
        if str(move.detail.get("reason", "")).endswith("_unconfirmed"):
            return
        mine = [self.truth.rows[name] for name, _ in alarm.holds if name in self.truth.rows]
        address = next((row.device for row in mine if row.kind == "bed" and row.device), None)
        if address is None:
            says = f"sengealarm {alarm.id} ringte {self.court.clock(move.seen_ms)} uten at noen matte sier noe"
            self.court.accuse(2, f"alarm {alarm.id}", f"no mat {move.id}", says)
            return
        mat = self._mats[address]
        due_ms = int(move.detail["occurred"][0]) - self.court.offset_ms
        if any(from_ms <= due_ms and to_ms >= due_ms - DOUBT_MS for from_ms, to_ms in mat.doubts):
            return
        at = bisect_right(mat.told, (due_ms - DATED_MS, True)) - 1
        lain_ms = self._lay_since(mat, at)
        if lain_ms is not None and due_ms - lain_ms > CHATTER_MS + DATED_MS:
            says = (
                f"{self.court.place(address)}: det ringte {self.court.clock(move.seen_ms)} for en tom seng, men den var"
                f" i bruk fra {self.court.clock(lain_ms)} til grensen {self.court.clock(due_ms)}"
            )
            self.court.accuse(2, address, f"in bed {move.id}", says)

    def _lay_since(self, mat: _Mat, at: int) -> int | None:
        """Since when the mat had been occupied at its `at`th word; None where it was empty, or only chattered."""
        if at < 0 or not mat.told[at][1]:
            return None
        began = mat.told[at][0]
        while at > 0 and mat.told[at - 1][1]:
            at -= 1
            began = mat.told[at][0]
        return began
