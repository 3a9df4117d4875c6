"""Invariant 6, its half about time: what somebody has taken and nobody has come to rings again, and not before.

Owns the reckoning of every taken alarm's deadline from its history alone, in the words of the design: ten minutes, or
what was promised; what is about the installation and of low priority waits for the change of shift. Must not know the
product's own deadline rows.
"""

from __future__ import annotations

from dataclasses import dataclass

from nattevakt.central.alarms.kinds import KINDS
from nattevakt.central.alarms.lifecycle import State
from nattevakt.edge.rules.windows import next_at_ms
from nattevakt.sim.explore.invariants import KNOWN_MS, MINUTE_MS, SECOND_MS, Court, Quiet
from nattevakt.sim.explore.truth import Step
from nattevakt.sim.explore.truth_books import Alarm, Move

LIMIT_MS = 10 * MINUTE_MS
TECHNICAL_LEAST_MS = 60 * MINUTE_MS
SHIFTS = (7 * 60, 15 * 60, 22 * 60)
LOW = 3
LATE_MS = KNOWN_MS
"""What comes on top: the sweep (5 s), the heartbeat that carries what it did (15 s), a writer held up (20 s)."""
MENDED_MS = 90 * SECOND_MS
"""The same once the centre's clock has been put right: it looks each minute for what that leaves behind."""
_AWAITED = (State.TAKEN.value, State.ON_THE_WAY.value)
_SAID = ("take", "on_way", "promise")


@dataclass(slots=True)
class _Held:
    """One alarm that is waited for. by: who has it. since_ms: the true moment of their last word. wait_ms: how long
    they have from then. offset_ms: of the centre's clock then. priority: of the alarm. doubt: that clock has changed
    since, so that nothing is too early."""

    by: int | None
    since_ms: int
    wait_ms: int
    promised_to_ms: int
    offset_ms: int
    priority: int
    doubt: bool = False

    @property
    def due_ms(self) -> int:
        """When it rings again, in truth."""
        return self.since_ms + self.wait_ms


class Taken(Quiet):
    """Never forgotten."""

    def __init__(self, court: Court) -> None:
        super().__init__(court)
        self._held: dict[int, _Held] = {}

    def step(self, step: Step) -> None:
        """Note who has taken what, and what rings again."""
        news = step.news
        if news is None:
            return
        if news.restored:
            self._held = {}
            for alarm in self.truth.books.alarms.values():
                said = [move for move in alarm.moves if move.cause in _SAID]
                if alarm.state in _AWAITED and said:
                    # Who had it then has it again, for at most as long as from now.
                    self._takes(alarm, said[-1], step.now_ms, doubt=True)
            return
        for move in news.moves:
            alarm = self.truth.books.alarms[move.alarm_id]
            if move.cause == "escalate" and move.detail["why"] == "overdue":
                self._rang(alarm, move)
            elif move.cause in _SAID:
                self._takes(alarm, move, move.seen_ms, doubt=False)
            elif move.cause in ("sound", "join") and move.to_state in _AWAITED:
                self._louder(alarm, move)
            if move.to_state not in _AWAITED:
                self._held.pop(alarm.id, None)

    def tick(self, now_ms: int) -> None:
        """Look for what is forgotten."""
        offset_ms, watchman = self.court.offset_ms, self.truth.watchman
        for number, held in list(self._held.items()):
            if abs(offset_ms - held.offset_ms) > SECOND_MS:
                # By another clock another time has passed: what it was set back by comes on top.
                left_ms = max(LIMIT_MS, held.due_ms - now_ms + max(0, held.offset_ms - offset_ms))
                held.since_ms, held.wait_ms = now_ms, left_ms + MENDED_MS
                held.offset_ms, held.doubt = offset_ms, True
            if watchman.up_for_ms(held.due_ms, now_ms) > LATE_MS:
                del self._held[number]
                alarm = self.truth.books.alarms[number]
                says = (
                    f"alarm {number} ({alarm.kind}) ble tatt og glemt: siste ord fra den som har den kom"
                    f" {self.court.clock(held.since_ms)}, og den har ikke ringt igjen"
                )
                self.court.accuse(6, f"alarm {number}", f"forgotten {held.since_ms}", says)

    def _takes(self, alarm: Alarm, move: Move, since_ms: int, *, doubt: bool) -> None:
        before = self._held.get(alarm.id)
        technical = KINDS[alarm.kind].technical and alarm.priority == LOW
        wait_ms, promised_to_ms = LIMIT_MS, 0
        if technical:
            zone = self.truth.world.ward.time_zone
            shift_ms = min(next_at_ms(minute, move.at_ms, zone) for minute in SHIFTS) - move.at_ms
            wait_ms = max(shift_ms, TECHNICAL_LEAST_MS)
        promised_min = move.detail.get("promised_min")
        same = before is not None and before.by == move.staff_id
        standing_ms = before.promised_to_ms - since_ms if before is not None and same else 0
        if promised_min is not None and not (move.cause == "on_way" and standing_ms > wait_ms):
            wait_ms = promised_min * MINUTE_MS
            promised_to_ms = since_ms + wait_ms
        elif standing_ms > wait_ms and before is not None:
            wait_ms, promised_to_ms = standing_ms, before.promised_to_ms
        self._held[alarm.id] = _Held(
            move.staff_id, since_ms, wait_ms, promised_to_ms, self.court.offset_ms, alarm.priority, doubt
        )
        self.court.count("taken")

    def _louder(self, alarm: Alarm, move: Move) -> None:
        """More was told of it while somebody had it; what has become more urgent by that is not left for longer."""
        held = self._held.get(alarm.id)
        if held is None or alarm.priority >= held.priority:
            return
        held.priority = alarm.priority
        if held.due_ms > move.seen_ms + LIMIT_MS:
            held.wait_ms, held.promised_to_ms = move.seen_ms + LIMIT_MS - held.since_ms, 0

    def _rang(self, alarm: Alarm, move: Move) -> None:
        self.court.count("rang again")
        held = self._held.get(alarm.id)
        if held is None or held.doubt or abs(self.court.offset_ms - held.offset_ms) > SECOND_MS:
            return
        early_ms = held.due_ms - move.seen_ms
        if early_ms > SECOND_MS:
            says = f"alarm {alarm.id} ({alarm.kind}) ringte igjen {early_ms // 1000} s før den tiden var ute"
            self.court.accuse(2, f"alarm {alarm.id}", f"early {move.id}", says)
