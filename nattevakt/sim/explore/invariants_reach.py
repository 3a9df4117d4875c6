"""Invariants 2 and 5 about people: a ward that nobody hears, and a hole in the duty plan, are known, and no others.

Owns the reckoning of both from the tablets as they are and from the plan as the ward keeps it. Must not know what the
product thinks of either.
"""

from __future__ import annotations

from nattevakt.central.technical import TOLD_AGAIN_MS
from nattevakt.sim.explore.invariants import DATED_MS, GRACE_MS, KNOWN_MS, MINUTE_MS, SECOND_MS, Court, Quiet
from nattevakt.sim.explore.truth import Step
from nattevakt.sim.explore.truth_books import Alarm, Move
from nattevakt.sim.explore.wards import duties_in, on_duty

UNHEARD_MS = 90_000 + MINUTE_MS + 15_000 + KNOWN_MS
"""A tablet is taken to be off after three of its reports, a ward is given a minute, and looked at each 15 s."""
DEAF_MS = 50_000
"""A ward that is called unheard has been so for a minute; seen from here, some seconds less."""
HOLE_MS = 2 * MINUTE_MS + KNOWN_MS
"""The plan is looked at each minute, and so is whether it is."""
BACK_MS = 90_000
"""After the centre's own absence tablets have so long to speak again."""
SLOW_MS = 15 * MINUTE_MS
"""What had been planned by a clock that was wrong is found by a look each minute only where it lies so far ahead."""
AGAIN_MS = 2 * MINUTE_MS
REACH_MS = 5 * MINUTE_MS
AHEAD_MS = 24 * 60 * MINUTE_MS
LOOK_MS = 10_000
LOW = 3
KINDS = ("ward_unheard", "duty_gap")


class Reach(Quiet):
    """Whether anybody would hear."""

    def __init__(self, court: Court) -> None:
        super().__init__(court)
        ward, now_ms = court.truth.world.ward, court.truth.line.now_ms
        self._duties, self._zone = duties_in(ward), ward.time_zone
        self._phones = any(worker.phone for worker in ward.staff)
        self._heard_ms = now_ms
        """When a tablet was last seen that could be heard."""
        self._deaf: list[tuple[int, int]] = []
        """Stretches in which none could: (from, to)."""
        self._covered_ms = now_ms
        """When somebody was last on duty."""
        self._offset_ms, self._leapt_ms = court.offset_ms, 0
        self._alarms: dict[str, Alarm] = {}
        self._look_ms = 0

    def step(self, step: Step) -> None:
        """Note what rings, and whether it has a cause."""
        news = step.news
        if news is None:
            return
        if news.restored:
            self._alarms = {one.rule: one for one in self.truth.books.alarms.values() if one.rule in KINDS}
        for alarm in news.alarms:
            if alarm.rule in KINDS:
                self._alarms[alarm.rule] = alarm
        for move in news.moves:
            alarm = self.truth.books.alarms[move.alarm_id]
            if alarm.rule in KINDS and move.sounds:
                self._caused(alarm, move)

    def tick(self, now_ms: int) -> None:
        """See who could hear."""
        if abs(self.court.offset_ms - self._offset_ms) > SECOND_MS:
            self._offset_ms, self._leapt_ms = self.court.offset_ms, now_ms
        tablets = self.court.tablets()
        if any(tablet.on and tablet.sounds for tablet in tablets) or not tablets:
            if now_ms - self._heard_ms > 2 * SECOND_MS:
                self._deaf.append((self._heard_ms, now_ms))
            self._heard_ms = now_ms
        if self._has_somebody(now_ms):
            self._covered_ms = now_ms
        if now_ms < self._look_ms or not self.truth.books.readable:
            return
        self._look_ms = now_ms + LOOK_MS
        if self._lasts(self._heard_ms, now_ms, UNHEARD_MS) and not self._is_told("ward_unheard", now_ms):
            says = f"ingen nettbrett på avdelingen kan høres siden {self.court.clock(self._heard_ms)}, og ingen vet det"
            self.court.accuse(5, "avdelingen", f"unheard {self._heard_ms}", says)
        if self._lasts(self._covered_ms, now_ms, HOLE_MS) and not self._is_told("duty_gap", now_ms):
            says = f"ingen har hatt vakt siden {self.court.clock(self._covered_ms)}, og ingen vet det"
            self.court.accuse(5, "vaktplanen", f"hole {self._covered_ms}", says)

    def _lasts(self, since_ms: int, now_ms: int, limit_ms: int) -> bool:
        """Whether something that nobody may miss has lasted for longer than it may, the centre up all the while."""
        watchman = self.truth.watchman
        back_ms = BACK_MS + GRACE_MS if watchman.away_ms > since_ms - BACK_MS else 0
        if now_ms - self._leapt_ms < SLOW_MS:
            return False
        return watchman.up_for_ms(since_ms, now_ms) > limit_ms + back_ms

    def _is_told(self, rule: str, now_ms: int) -> bool:
        alarm = self._alarms.get(rule)
        if alarm is None:
            return False
        if alarm.is_open:
            # A hole that lies ahead is said quietly; one that is there is not.
            return alarm.priority < LOW
        again_ms = alarm.moves[-1].seen_ms + TOLD_AGAIN_MS
        return alarm.state == "avsluttet" and self.truth.watchman.up_for_ms(again_ms, now_ms) <= AGAIN_MS

    def _has_somebody(self, now_ms: int) -> bool:
        return not self._duties or bool(on_duty(self._duties, now_ms + self.court.offset_ms, self._zone))

    # --- and what rings has a cause --------------------------------------------------------------------------

    def _caused(self, alarm: Alarm, move: Move) -> None:
        now_ms = move.seen_ms
        unsure = now_ms - max(self._leapt_ms, self.truth.watchman.away_ms) < REACH_MS
        if alarm.rule == "ward_unheard":
            stretches = [*self._deaf, (self._heard_ms, now_ms)]
            right = any(end - begin >= DEAF_MS for begin, end in stretches if end >= now_ms - REACH_MS)
        else:
            right = self._is_hole(str(move.detail["reason"]), now_ms + self.court.offset_ms)
        if not right and not unsure:
            says = f"{alarm.kind} ringte {self.court.clock(now_ms)} ({move.detail['reason']}), og ingenting er galt der"
            self.court.accuse(2, "avdelingen", f"cause {move.id}", says)

    def _is_hole(self, reason: str, at_ms: int) -> bool:
        if reason.endswith(".not_there"):
            return bool(self._duties) and not self._phones
        if reason.endswith(".no_tablet"):
            return not self.court.tablets()
        span = range(at_ms - DATED_MS, at_ms + AHEAD_MS + DATED_MS, MINUTE_MS // 2)
        return bool(self._duties) and any(not on_duty(self._duties, ms, self._zone) for ms in span)
