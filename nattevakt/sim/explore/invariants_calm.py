"""Invariant 7: after all faults have ended, with staff acting and no operator, the ward is quiet and green within M.

Owns the one look at the end of the calm: outboxes, marks, alarms about the installation, tiles. What is still truly
wrong (a device that is dead for good) is a present cause and no accusation. Must not know how anything mends itself.
"""

from __future__ import annotations

from nattevakt.central.alarms.kinds import KINDS
from nattevakt.central.alarms.lifecycle import HELD
from nattevakt.sim.explore.invariants import CALM_MS, MINUTE_MS, Quiet
from nattevakt.sim.explore.invariants_known import DEVICE_INTERVALS, DEVICE_LEAST_MS
from nattevakt.sim.explore.truth_books import Alarm

FRESH_MS = MINUTE_MS
"""What is younger than this may be on its way."""
STAFF_MS = 30 * MINUTE_MS
"""An alarm that only a person may end is ended within so long."""
DUTIES = ("round_overdue", "duty_gap", "basis_expired", "unknown_event", "unhandled_event", "rule_failed")
"""About people's duties, or accused of already."""
_PARKED = 2
_HELD = frozenset(state.value for state in HELD)
_UNHANDLED = "SELECT count(*) FROM events WHERE urgency = 'A' AND alarm_id IS NULL AND outcome_reason IS NULL"
_TILES = (
    "SELECT r.number, d.address, s.unknown_since_ms, s.unknown_reason, s.last_heard_ms FROM placements p"
    " JOIN devices d ON d.id = p.device_id JOIN rooms r ON r.id = p.room_id"
    " LEFT JOIN device_states s ON s.address = d.address"
    " WHERE p.to_ms IS NULL AND d.mute = 0 ORDER BY r.number, d.address"
)


class Calm(Quiet):
    """How the ward stands when all is over."""

    def end(self, now_ms: int) -> None:
        """Look once."""
        story, books = self.court.story, self.truth.books
        calm_ms = now_ms - story.faults_end_ms
        if calm_ms < CALM_MS or not self.truth.world.centre.up:
            self.court.count("calm too short")
            return
        for key in self.truth.boxes:
            self._gateway(key, now_ms)
        for alarm in books.alarms.values():
            if alarm.is_open and KINDS[alarm.kind].technical and alarm.kind not in DUTIES:
                self._technical(alarm, now_ms)
        self._tiles(now_ms)
        (many,) = books.ask(_UNHANDLED)[0]
        if many:
            self.court.accuse(7, "", "unhandled", f"{many} rader av klasse A har verken alarm eller grunn")

    def _gateway(self, key: str, now_ms: int) -> None:
        box, way = self.truth.boxes[key], self.truth.ways[key]
        if way.whole_for_ms(0, now_ms) < CALM_MS / 2:
            self.court.accuse(7, key, "road", f"veien fra {key} er ikke hel lenge etter at alle feil er over")
            return
        old = [row for row in box.waiting.values() if now_ms - row.at_ms > FRESH_MS]
        if old:
            since = f"{old[0].kind}, {self.court.clock(old[0].at_ms)}"
            says = f"{len(old)} rader på {key} har ikke nådd sentralen, den eldste: {since}"
            self.court.accuse(7, key, "drained", says)
        parked = [name for name, state in box.states() if state == _PARKED]
        if parked:
            self.court.accuse(7, key, "parked", f"{len(parked)} rader på {key} er fortsatt satt til side")
        for stream in self.truth.books.streams():
            if stream.gateway != key:
                continue
            mine = [row for row in box.rows.values() if row.stream == stream.name]
            gone = [row for row in mine if row.died]
            last = max((row.seq for row in mine if now_ms - row.at_ms > FRESH_MS), default=0)
            if not gone and stream.mark < last:
                says = f"sentralens merke for {key} står på {stream.mark}, men siste rad er {last}"
                self.court.accuse(7, key, f"mark {stream.name}", says)

    def _technical(self, alarm: Alarm, now_ms: int) -> None:
        # That it is told to others again and again makes it no younger.
        told_ms = max((move.seen_ms for move in alarm.moves if move.cause != "escalate"), default=0)
        if now_ms - told_ms < STAFF_MS:
            return
        if alarm.state in _HELD:
            # Somebody has it and has not come back to it: it rings again at the change of shift (invariants_taken).
            self.court.count("taken, until the shift")
            return
        if alarm.subject.startswith("device:") and self._is_silent(alarm.subject.partition(":")[2], now_ms):
            return
        says = (
            f"{alarm.kind} om {alarm.subject} ({alarm.reason}) står fortsatt åpen som {alarm.state}, fra"
            f" {self.court.clock(alarm.raised_ms - self.court.offset_ms)}, uten noe som er galt"
        )
        self.court.accuse(7, alarm.subject, f"open {alarm.id}", says)

    def _is_silent(self, address: str, now_ms: int) -> bool:
        sensor = self.truth.world.ward.sensor(address)
        if sensor is None or sensor.interval_s is None or self.truth.said.faults_now(address):
            return True
        limit_ms = max(DEVICE_INTERVALS * 1000 * sensor.interval_s, DEVICE_LEAST_MS)
        return now_ms - self.truth.said.heard_ms.get(address, 0) > limit_ms

    def _tiles(self, now_ms: int) -> None:
        for number, address, unknown_ms, why, heard_ms in self.truth.books.ask(_TILES):
            sensor = self.truth.world.ward.sensor(address)
            if sensor is None or self._is_silent(address, now_ms) or self._has_not_spoken(address):
                continue
            if unknown_ms is not None and self._has_told_nothing(address):
                continue
            if unknown_ms is not None or heard_ms is None:
                says = f"{self.court.place(address)} på rom {number} vises fortsatt som ukjent ({why or 'aldri hørt'})"
                self.court.accuse(7, address, "tile", says)

    def _has_told_nothing(self, address: str) -> bool:
        """Whether it has told of no event since rows of it were given up: of where nobody moves nothing is known."""
        for box in self.truth.boxes.values():
            buried = [tomb.at_ms for tomb in box.tombstones if address in getattr(tomb.event.body, "devices", ())]
            mine = (row.at_ms for row in box.rows.values() if row.device == address and row.urgency in ("A", "B"))
            if buried and max(mine, default=0) <= max(buried):
                return True
        return False

    def _has_not_spoken(self, address: str) -> bool:
        """Whether it has said nothing since the calm began, so that nothing can be known of it."""
        return self.truth.said.heard_ms.get(address, 0) < self.court.story.faults_end_ms + MINUTE_MS
