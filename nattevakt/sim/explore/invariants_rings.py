"""Invariants 1 and 2 for what always rings: calls, falls, water. Each row has one alarm, rings once, and was said.

Owns the way from what a device said over its row to its alarm and the sound of it. Judged one by one, as they come.
Must not know doors, silences or what is technical.
"""

from __future__ import annotations

from nattevakt.edge.events import Foreign, Tombstone
from nattevakt.sim.explore.invariants import (
    DATED_MS,
    STORED_MS,
    TAKEN_MS,
    Court,
    Quiet,
)
from nattevakt.sim.explore.truth import Step
from nattevakt.sim.explore.truth_books import Alarm, Held, Move
from nattevakt.sim.explore.truth_rows import Written
from nattevakt.sim.explore.truth_said import Cry

KINDS = ("call", "fall", "leak")
RULES = (*KINDS, "unknown_event", "unhandled_event")
STILL_MS = 110_000
"""A fall that nobody has seen to sounds again no sooner than this: the shortest setting is two minutes."""
NEAR_MS = 500
"""What clocks drift between what was said and when it is said to have been."""
COPY_MS = 60_000
"""A copy of a press that a broker kept over an agent's death may come so late."""
STAY_MS = 30_000
"""So near to a change of guest either of them may be the one."""
_ARRIVED = "on_site"


class Rings(Quiet):
    """What a person or a device cried for help."""

    def __init__(self, court: Court) -> None:
        super().__init__(court)
        self._sounded: set[tuple[int, ...]] = set()
        self._matched: dict[str, Cry] = {}
        self._open = 0

    def step(self, step: Step) -> None:
        """Rows were written, or have arrived."""
        for row in step.written:
            if row.kind in KINDS:
                self._written(row)
            elif row.urgency == "A":
                self._strange(row)
        news = step.news
        if news is None:
            return
        if news.restored:
            self._sounded.clear()
        for held in news.held:
            if held.urgency == "A" and not held.variant and held.id in self.truth.rows:
                self.court.count("urgent")
                self._arrived(held, self.truth.rows[held.id])
        for move in news.moves:
            alarm = self.truth.books.alarms[move.alarm_id]
            if alarm.rule in KINDS:
                self._moved(alarm, move)

    def tick(self, now_ms: int) -> None:
        """Look for what was heard and never written."""
        cries = self.truth.said.cries
        while self._open < len(cries) and cries[self._open].settled:
            self._open += 1
        for cry in cries[self._open :]:
            if not cry.settled:
                self._heard(cry, now_ms)

    # --- from the device to the disk -------------------------------------------------------------------------

    def _written(self, row: Written) -> None:
        if row.urgency != "A":
            self._repeat(row)
            return
        cries = self.truth.said.by_device.get(row.device or "", ())
        mine = [cry for cry in cries if cry.kind == row.kind and cry.at_ms <= row.at_ms and cry.row is None]
        # One that was lost on its way, and that nothing is demanded of any more, is the last to be thought of.
        waiting = [cry for cry in mine if not cry.settled and cry.heard_ms is not None]
        cry = next((one for one in waiting if one.news), waiting[0] if waiting else mine[-1] if mine else None)
        if cry is not None:
            cry.row, cry.settled = row, True
            self._matched[row.device or ""] = cry
            return
        last = self._matched.get(row.device or "")
        if last is not None and self._is_copy(row, last):
            return
        what = f"{row.kind} fra {self.court.place(row.device)}"
        says = f"{what} ble skrevet {self.court.clock(row.at_ms)}, men sensoren har ikke sagt det"
        self.court.accuse(2, row.device or row.gateway, f"unsaid {row.id}", says)

    def _is_copy(self, row: Written, last: Cry) -> bool:
        """Whether it may be told once more: the agent died between two copies of it, or a card forgot that it was
        told."""
        box, way = self.truth.boxes[row.gateway], self.truth.ways[row.gateway]
        if box.card_ms is not None and last.at_ms <= box.card_ms:
            return True
        started_ms = way.agent_ms or 0
        return last.kept and last.at_ms <= started_ms and row.at_ms - started_ms < COPY_MS

    def _repeat(self, row: Written) -> None:
        """Within two seconds of another: the second press of two is no more than that."""
        _, to_ms = self.truth.true_span(row)
        for cry in self.truth.said.by_device.get(row.device or "", ()):
            heard = cry.heard_ms is not None  # what a dead device did not say is never told
            if cry.kind == row.kind and heard and not cry.settled and cry.at_ms <= to_ms + NEAR_MS:
                cry.settled = True
                if cry.news:
                    cry.row = row
                return

    def _heard(self, cry: Cry, now_ms: int) -> None:
        if cry.heard_ms is None:
            cry.settled = cry.left <= 0
            return
        if not cry.news and not cry.again:
            cry.settled = True
            return
        way = self.truth.ways[cry.gateway]
        if cry.kept:
            if self.truth.forgot_ms.get(cry.gateway, 0) >= cry.heard_ms:
                cry.settled = True
                return
            limit_ms = TAKEN_MS
        else:
            if way.host.lives != cry.lives or not way.host.up:
                cry.settled = True
                return
            limit_ms = STORED_MS
        if way.agent_ms is None or way.disk_ms is not None or now_ms - max(way.agent_ms, cry.heard_ms) <= limit_ms:
            return
        if now_ms - way.fine_ms <= TAKEN_MS:
            return
        cry.settled = True
        if not cry.news and self._given_up(cry, limit_ms):
            return
        says = (
            f"{cry.kind} fra {self.court.place(cry.address)} {self.court.clock(cry.at_ms)} nådde {cry.gateway}"
            f" {self.court.clock(cry.heard_ms)} og ble aldri skrevet"
        )
        self.court.accuse(4, cry.address, f"unwritten {cry.at_ms}", says)

    def _given_up(self, cry: Cry, limit_ms: int) -> bool:
        """Whether a repeat, which is of class C, was shed by the very transaction that stored it: no disk shows it, and
        a tombstone tells of it."""
        box = self.truth.boxes[cry.gateway]
        for tomb in box.tombstones:
            body = tomb.event.body
            if not isinstance(body, Tombstone) or body.lost_class != "C" or cry.address not in body.devices:
                continue
            numbers = range(body.first_seq, body.last_seq + 1)
            unseen = any((box.key, body.stream, number) not in box.rows for number in numbers)
            if unseen and 0 <= tomb.at_ms - (cry.heard_ms or 0) <= limit_ms:
                return True
        return False

    def _strange(self, row: Written) -> None:
        body = row.event.body
        what = body.data_json if isinstance(body, Foreign) else row.kind
        says = f"{row.gateway} forstod ikke det den hørte fra {self.court.place(row.device)}: {what[:200]}"
        self.court.accuse(8, row.gateway, f"strange {row.device}", says)

    # --- from the disk to the alarm --------------------------------------------------------------------------

    def _arrived(self, held: Held, row: Written) -> None:
        what = f"{row.kind} fra {self.court.place(row.device)} {self.court.clock(row.at_ms)}"
        about = row.device or row.gateway
        if held.alarm_id is None:
            says = (
                f"{what} har ingen alarm, bare «{held.reason}»"
                if held.reason
                else f"{what} har verken alarm eller grunn"
            )
            self.court.accuse(1, about, f"no alarm {row.id}", says)
            return
        alarm = self.truth.books.alarms.get(held.alarm_id)
        if alarm is None:
            self.court.accuse(
                1, about, f"gone {row.id}", f"{what} sies å høre til alarm {held.alarm_id}, som ikke finnes"
            )
            return
        holders = [number for rule in RULES for number in self.truth.books.holders.get((rule, row.id, 0), ()) if number]
        if sorted(holders) != [alarm.id]:
            says = f"{what} hører til alarm {alarm.id}, men holdes av {sorted(holders) or 'ingen'}"
            self.court.accuse(1, about, f"holders {row.id}", says)
        if row.kind in KINDS and alarm.rule != row.kind:
            self.court.accuse(1, about, f"rule {row.id}", f"{what} ble til en alarm av slaget {alarm.rule}")
        self._dated(held, row, what)
        self._rang(held, row, alarm, what)

    def _dated(self, held: Held, row: Written, what: str) -> None:
        from_ms, to_ms = self.truth.true_span(row)
        offset = self.court.offset_ms
        near = DATED_MS + abs(offset)
        certain = held.to_ms - held.from_ms <= 1_000
        early, late = held.from_ms - near > to_ms, held.to_ms + near < from_ms
        if early or late or (certain and from_ms == to_ms and abs(held.to_ms - to_ms) > near):
            says = (
                f"{what} ble tidfestet til {self.court.clock(held.from_ms)}–{self.court.clock(held.to_ms)}, men hendte"
                f" {self.court.clock(from_ms)}–{self.court.clock(to_ms)}"
            )
            self.court.accuse(1, row.device or row.gateway, f"dated {row.id}", says)

    def _rang(self, held: Held, row: Written, alarm: Alarm, what: str) -> None:
        mine = [move for move in alarm.moves if move.seen_ms == held.seen_ms and self._names(move, held)]
        if any(move.sounds for move in mine):
            if mine[0].cause == "raise":
                self._placed(held, row, alarm, what)
            return
        if held.twin_of is not None:
            if held.twin_of.split("/")[0] == str(self.truth.books.gateways[row.gateway]):
                says = f"{what} ble tatt for en tvilling av noe gjennom samme gateway, og ringte ikke"
                self.court.accuse(1, row.device or "", f"twin {row.id}", says)
            return
        came_ms = max((m.seen_ms for m in alarm.moves if m.cause == _ARRIVED), default=None)
        to_ms = self.truth.true_span(row)[1]
        if came_ms is not None and to_ms <= came_ms + DATED_MS and held.to_ms - held.from_ms <= 1_000:
            return
        says = f"{what} ble lagt til alarm {alarm.id} uten at noe ringte, og ingen var kommet siden"
        self.court.accuse(1, row.device or row.gateway, f"silent {row.id}", says)

    def _names(self, move: Move, held: Held) -> bool:
        named = [move.detail.get("event"), *move.detail.get("holds", ())]
        return any(one is not None and one["seq"] == held.id[2] and one["variant"] == 0 for one in named)

    def _placed(self, held: Held, row: Written, alarm: Alarm, what: str) -> None:
        """Whose alarm it is: who lived there when it happened."""
        found = self.truth.books.ask(
            "SELECT p.room_id, t.resident_id, t.from_ms, t.to_ms FROM placements p JOIN devices d ON d.id = p.device_id"
            " LEFT JOIN stays t ON t.room_id = p.room_id WHERE d.address = ? AND p.to_ms IS NULL",
            (row.device,),
        )
        if not found:
            return
        if alarm.room_id not in {room_id for room_id, *_ in found}:
            self.court.accuse(1, row.device or "", f"room {row.id}", f"{what} ringer på feil rom")
            return
        _, to_ms = self.truth.true_span(row)
        at_ms = to_ms + self.court.offset_ms
        near = [t for t in found if t[1] is not None and t[2] - STAY_MS <= at_ms <= (t[3] or at_ms) + STAY_MS]
        there = {t[1] for t in near}
        if held.to_ms - held.from_ms <= 1_000 and alarm.resident_id is not None and alarm.resident_id not in there:
            says = f"{what} ringer for en som ikke bodde der da"
            self.court.accuse(1, row.device or "", f"resident {row.id}", says)

    # --- what sounds -----------------------------------------------------------------------------------------

    def _moved(self, alarm: Alarm, move: Move) -> None:
        if move.cause == "clear":
            says = f"alarm {alarm.id} ({alarm.kind}) ble avklart av seg selv {self.court.clock(move.seen_ms)}"
            self.court.accuse(2, f"alarm {alarm.id}", f"cleared {move.id}", says)
        if not move.sounds:
            return
        self.court.count("rang")
        if move.detail.get("reason") == "fall.still":
            before = max((m.seen_ms for m in alarm.moves if m.sounds and m.id < move.id), default=0)
            if move.seen_ms - before < STILL_MS:
                says = f"alarm {alarm.id} ringte igjen {(move.seen_ms - before) // 1000} s etter at den ringte"
                self.court.accuse(2, f"alarm {alarm.id}", f"still {move.id}", says)
            return
        event = move.detail.get("event")
        name = None if event is None else (event["gateway_id"], event["stream_id"], event["seq"], event["variant"])
        if name is None:
            says = f"alarm {alarm.id} ({alarm.kind}) ringte {self.court.clock(move.seen_ms)} uten en hendelse"
            self.court.accuse(2, f"alarm {alarm.id}", f"no event {move.id}", says)
        elif name in self._sounded:
            says = f"alarm {alarm.id} ({alarm.kind}) ringte {self.court.clock(move.seen_ms)} en gang til for samme rad"
            self.court.accuse(2, f"alarm {alarm.id}", f"twice {move.id}", says)
        if name is not None:
            self._sounded.add(name)
