"""Invariant 6: each alarm's history is a legal path, in time, by a person or a named cause; what is closed stays so.

Owns the reading of every transition as it comes. The table of moves is the product's own (lifecycle.ALLOWED): it is the
definition of what is legal. Must not know why anything rang.
"""

from __future__ import annotations

from nattevakt.central.alarms.lifecycle import ALLOWED, LEADS_TO, PERSON_MOVES, Move, State
from nattevakt.sim.explore.invariants import Court, Quiet
from nattevakt.sim.explore.truth import Step
from nattevakt.sim.explore.truth_books import Alarm
from nattevakt.sim.explore.truth_books import Move as Row

STAYS = ("join", "sound", "note", "promise")
"""Causes that leave an alarm where it is; a sound may bring back one that cleared itself."""
NEVER_BY_THEMSELVES = ("call", "fall", "leak")


class Paths(Quiet):
    """Every step of every alarm."""

    def __init__(self, court: Court) -> None:
        super().__init__(court)
        self._before: dict[int, Row] = {}
        self._version: dict[int, int] = {}

    def step(self, step: Step) -> None:
        """Read the new rows of history."""
        news = step.news
        if news is None:
            return
        if news.restored:
            self._before.clear()
            self._version.clear()
            for alarm in self.truth.books.alarms.values():
                if alarm.moves:
                    self._before[alarm.id] = alarm.moves[-1]
                self._version[alarm.id] = alarm.version
            return
        for row in news.moves:
            self._row(self.truth.books.alarms[row.alarm_id], row)
        for alarm in news.alarms:
            self._stands(alarm)

    def _say(self, alarm: Alarm, row: Row, what: str, says: str) -> None:
        about = f"alarm {alarm.id}"
        self.court.accuse(6, about, f"{what} {row.id}", f"alarm {alarm.id} ({alarm.kind}): {says}")

    def _row(self, alarm: Alarm, row: Row) -> None:
        before = self._before.get(alarm.id)
        self._before[alarm.id] = row
        if before is None:
            self.court.count("alarms")
            if (row.from_state, row.to_state, row.cause) != (None, State.REPORTED.value, "raise"):
                self._say(alarm, row, "begin", f"begynte med {row.cause}, {row.from_state} → {row.to_state}")
            return
        if row.from_state != before.to_state:
            self._say(alarm, row, "jump", f"sto i {before.to_state}, men gikk fra {row.from_state}")
        if row.at_ms < before.at_ms and not self.truth.set_back(before.seen_ms, row.seen_ms):
            self._say(alarm, row, "time", f"tiden gikk {before.at_ms - row.at_ms} ms baklengs")
        if row.cause in STAYS:
            rings_anew = (row.from_state, row.to_state) == (State.CLEARED.value, State.REOPENED.value)
            if row.from_state != row.to_state and not (row.cause == "sound" and rings_anew):
                self._say(alarm, row, "stays", f"{row.cause} flyttet den fra {row.from_state} til {row.to_state}")
            if row.cause == "sound" and row.from_state == State.CLOSED.value:
                self._say(alarm, row, "closed", "ringte etter at den var avsluttet")
            return
        self._moved(alarm, row)

    def _moved(self, alarm: Alarm, row: Row) -> None:
        try:
            move, state = Move(row.cause), State(str(row.from_state))
        except ValueError:
            self._say(alarm, row, "cause", f"{row.from_state} → {row.to_state} av «{row.cause}», som ikke finnes")
            return
        if move not in ALLOWED[state] or LEADS_TO[move].value != row.to_state:
            self._say(alarm, row, "illegal", f"{row.from_state} → {row.to_state} ved {row.cause} er ikke lov")
        if move in PERSON_MOVES and row.staff_id is None:
            self._say(alarm, row, "nobody", f"{row.cause} uten at noen gjorde det")
        if move not in PERSON_MOVES and row.staff_id is not None:
            self._say(alarm, row, "somebody", f"{row.cause} sies å være gjort av en person")
        if move is Move.CLEAR and alarm.kind in NEVER_BY_THEMSELVES:
            self._say(alarm, row, "clear", "avklarte seg selv, og det skal den aldri")

    def _stands(self, alarm: Alarm) -> None:
        last = self._before.get(alarm.id)
        if last is None:
            return
        if alarm.state != last.to_state:
            self._say(alarm, last, "stands", f"står i {alarm.state}, men historien ender i {last.to_state}")
        ended = alarm.state in (State.CLOSED.value, State.CLEARED.value)
        if ended != (alarm.closed_ms is not None):
            self._say(alarm, last, "ended", f"er {alarm.state}, men slutten er {alarm.closed_ms}")
        if alarm.version <= self._version.get(alarm.id, 0):
            self._say(alarm, last, "version", f"ble endret uten at versjonen steg fra {alarm.version}")
        self._version[alarm.id] = alarm.version
