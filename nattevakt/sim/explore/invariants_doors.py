"""Invariants 1 and 2 for doors at night: an opening inside its window rings, one outside rings nobody.

Owns a reading of its own of what the plan says of an opening, and of what shows the resident inside. Judged when the
row arrives, as things stand then. Must not know how the rule decides.
"""

from __future__ import annotations

from nattevakt.edge.events import Bed, Chair, Contact, Motion, Presence
from nattevakt.edge.rules.spots import is_way_out, says_way_out
from nattevakt.sim.explore import truth_plans as plans
from nattevakt.sim.explore.invariants import DATED_MS, MINUTE_MS, Court, Quiet
from nattevakt.sim.explore.truth import Step
from nattevakt.sim.explore.truth_books import Alarm, Held, Move
from nattevakt.sim.explore.truth_plans import Line, Place
from nattevakt.sim.explore.truth_rows import Written

RULE = "door_at_night"
LATE_MS = 2 * MINUTE_MS
"""From here on an opening counts as told late: evidence of the resident inside may then speak for it."""
HELD_BACK = {"paused": "paused", "no_basis": "no_basis"}
EXPLAINED = "door.late_but_inside"


class Doors(Quiet):
    """Openings against the windows of whoever lives there."""

    def __init__(self, court: Court) -> None:
        super().__init__(court)
        self._inside: dict[str, list[Written]] = {}
        """What has shown somebody inside, by device."""

    def step(self, step: Step) -> None:
        """Judge each opening that arrives, and whatever becomes of its alarm."""
        for row in step.written:
            if row.kind in ("bed", "chair", "presence", "motion") and _shows(row):
                self._inside.setdefault(row.device or "", []).append(row)
        if step.news is None:
            return
        for held in step.news.held:
            mine = self.truth.rows.get(held.id)
            if mine is not None and held.kind == "contact" and not held.variant:
                body = mine.event.body
                if isinstance(body, Contact) and body.open:
                    self._opened(held, mine)
        for move in step.news.moves:
            alarm = self.truth.books.alarms[move.alarm_id]
            if alarm.rule == RULE:
                self._moved(alarm, move)

    def _opened(self, held: Held, row: Written) -> None:
        address = row.device or ""
        from_ms, to_ms = self.truth.true_span(row)
        offset = self.court.offset_ms
        rang = bool(self.truth.books.holders.get((RULE, row.id, 0)))
        what = f"{self.court.place(address)}, åpnet {self.court.clock(to_ms)}"
        place = plans.place_of(self.truth.books, address, to_ms + offset)
        if place is None or not self._leads_out(place):
            if rang:
                self.court.accuse(2, address, f"inner {row.id}", f"{what}: det er ingen vei ut, og det ringte")
            return
        known = plans.lines_of(self.truth.books, place.residents, RULE)
        near_ms = DATED_MS + abs(offset)
        words = [
            (line, plans.surely(line, from_ms + offset, to_ms + offset, near_ms, self.court.zone)) for line in known
        ]
        if rang:
            self.court.count("doors rang")
            if all(word is False for _, word in words) and not self._moved_lately(place, to_ms + offset):
                says = f"{what}: det ringte, men er utenfor alle vinduene til den som bor der"
                self.court.accuse(2, address, f"outside {row.id}", says)
            return
        sure = [line for line, word in words if word]
        if sure and not self._excused(held, row, place, sure):
            reason = f"bare «{held.reason}»" if held.reason else "verken alarm eller grunn"
            self.court.accuse(1, address, f"door {row.id}", f"{what} innenfor vinduet sitt, har {reason}")

    def _leads_out(self, place: Place) -> bool:
        return is_way_out(place.spot) or not any(says_way_out(spot) for spot in place.others.values())

    def _moved_lately(self, place: Place, at_ms: int) -> bool:
        """Whether the plan has been changed since, so that it may have been another when it rang."""
        return any(plans.changed_since(self.truth.books, number, at_ms - MINUTE_MS) for number in place.residents)

    def _excused(self, held: Held, row: Written, place: Place, lines: list[Line]) -> bool:
        _, to_ms = self.truth.true_span(row)
        offset = self.court.offset_ms
        if held.reason == EXPLAINED:
            late = held.received_ms - (to_ms + offset) > LATE_MS - DATED_MS
            return late and self._seen_inside(place, to_ms)
        if held.reason in HELD_BACK:
            # Where several live there, the one who may ring wins.
            return all(self._held_back(held, line, to_ms + offset) for line in lines)
        return self._moved_lately(place, to_ms + offset)

    def _held_back(self, held: Held, line: Line, at_ms: int) -> bool:
        stands = plans.standing(self.truth.books, line.resident_id, RULE, at_ms, held.received_ms)
        return stands.paused if held.reason == "paused" else not stands.basis

    def _seen_inside(self, place: Place, opened_ms: int) -> bool:
        """Whether anything in the room, known by now, shows somebody inside after the door opened."""
        for address in place.others:
            for row in self._inside.get(address, ()):
                if row.arrived_ms is not None and self.truth.true_span(row)[1] > opened_ms:
                    return True
        return False

    def _moved(self, alarm: Alarm, move: Move) -> None:
        if move.sounds:
            self.court.count("rang")
            fresh = [name for name, variant in alarm.holds if not variant and self._came_with(name, move)]
            if not fresh:
                says = f"døralarm {alarm.id} ringte {self.court.clock(move.seen_ms)} uten at noen dør er åpnet"
                self.court.accuse(2, f"alarm {alarm.id}", f"door sound {move.id}", says)
        if move.cause != "clear":
            return
        rows = [self.truth.rows[name] for name, _ in alarm.holds if name in self.truth.rows]
        opened = [self.truth.true_span(row)[1] for row in rows]
        live = [row for row in rows if (row.arrived_ms or 0) - self.truth.true_span(row)[1] < LATE_MS - DATED_MS]
        if live or not opened:
            says = f"døralarm {alarm.id} ringte i tide og ble avklart av seg selv {self.court.clock(move.seen_ms)}"
            self.court.accuse(2, f"alarm {alarm.id}", f"cleared {move.id}", says)
            return
        place = plans.place_of(self.truth.books, rows[0].device or "", max(opened) + self.court.offset_ms)
        if place is not None and not self._seen_inside(place, max(opened)):
            says = f"døralarm {alarm.id} ble avklart {self.court.clock(move.seen_ms)} uten at noen er sett inne"
            self.court.accuse(2, f"alarm {alarm.id}", f"unseen {move.id}", says)

    def _came_with(self, name: tuple[str, str, int], move: Move) -> bool:
        row = self.truth.rows.get(name)
        return row is not None and row.arrived_ms is not None and row.arrived_ms == move.seen_ms


def _shows(row: Written) -> bool:
    match row.event.body:
        case Bed(occupied=True) | Chair(seated=True) | Presence(present=True) | Motion():
            return True
    return False
