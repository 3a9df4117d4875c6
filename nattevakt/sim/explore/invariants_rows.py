"""Invariant 4: what was promised is on disk, every id is applied once, and nothing is lost without a word.

Owns rows from the gateway's disk to the centre's books: vanished, changed, doubled, held back; what was shed or parked;
marks that pass over holes; cards that died. Must not know what a row means to anybody.
"""

from __future__ import annotations

from dataclasses import dataclass

from nattevakt.edge.events import Tombstone
from nattevakt.sim.explore.invariants import (
    GAP_MS,
    LIVE_MS,
    MINUTE_MS,
    REST_MS,
    ROWS_PER_S,
    SETTLED_MS,
    URGENT_MS,
    Court,
    Quiet,
)
from nattevakt.sim.explore.truth import Step
from nattevakt.sim.explore.truth_books import Held
from nattevakt.sim.explore.truth_roads import Way
from nattevakt.sim.explore.truth_rows import Box, Id, Written

MARKS_EVERY_MS = 5 * MINUTE_MS
_ORDER = "ABCL"
_SILENT = "gateway_silent"
_GAP_KINDS = (
    *("gateway_silent", "gateway_gap", "rows_missing", "rows_lost", "storage_lost", "gateway_fault", "gateway_cloned"),
)


@dataclass(slots=True)
class _Gap:
    """Rows that died with a card."""

    gateway: str
    at_ms: int
    rows: list[Written]


class Rows(Quiet):
    """Nothing that was promised is lost, changed or applied twice."""

    def __init__(self, court: Court) -> None:
        super().__init__(court)
        self._vanished: dict[str, int] = {}
        self._died: dict[str, int] = {}
        self._given_up: set[Id] = set()
        """Rows that were gone when a tombstone named them: a later one that reaches over them does not count them."""
        self._gaps: list[_Gap] = []
        self._restores = court.truth.world.centre.restores
        self._marks_at_ms = 0
        self._verified: dict[int, int] = {}
        self._began: dict[tuple[str, str], int] = {}
        self._waited: dict[str, tuple[int, int]] = {}

    def step(self, step: Step) -> None:
        """Look at what came, and at what is gone."""
        for row in step.written:
            self.court.count("appended")
            self._began.setdefault((row.gateway, row.stream), row.seq)
            if row.kind == "tombstone":
                self._shed(row)
        for box in self.truth.boxes.values():
            if len(box.vanished) != self._vanished.get(box.key, 0):
                self._gone(box)
            if len(box.died) != self._died.get(box.key, 0):
                rows = box.died[self._died.get(box.key, 0) :]
                self._died[box.key] = len(box.died)
                self.court.count("died with a card", len(rows))
                self._gaps.append(_Gap(box.key, step.now_ms, rows))
        if step.news is None:
            return
        for held in step.unknown:
            self._unknown(held)
        self.court.count("applied", len(step.news.held))
        if step.news.lost:
            self._lost(len(step.news.lost))
        for name, _ in step.news.refused:
            mine = self.truth.rows.get(name)
            what = self.court.place(mine.device if mine is not None else None)
            self.court.accuse(4, name[0], f"refused {name}", f"sentralen avviste rad {name[2]} fra {name[0]} ({what})")
        for held in step.news.held:
            if held.kind == "tombstone":
                self._told(held)

    def tick(self, now_ms: int) -> None:
        """Look at what waits for too long."""
        for key, box in self.truth.boxes.items():
            way = self.truth.ways[key]
            if way.whole_ms is None or not box.waiting:
                self._waited.pop(key, None)
                continue
            for row in box.urgent.values():
                self._urgent(row, way, now_ms)
            self._others(box, way, now_ms)
        for gap in list(self._gaps):
            if self.truth.ways[gap.gateway].whole_for_ms(gap.at_ms, now_ms) > GAP_MS:
                self._gaps.remove(gap)
                self._named(gap)
        if now_ms >= self._marks_at_ms and self.truth.books.readable:
            self._marks_at_ms = now_ms + MARKS_EVERY_MS
            self._marks()

    def end(self, now_ms: int) -> None:  # noqa: ARG002 - one form for all
        """Look at everything once more: what a gateway holds for delivered must be at the centre."""
        if not self.truth.books.readable:
            return
        self._marks()
        for key, box in self.truth.boxes.items():
            there = dict(box.states()) if self.truth.ways[key].host.up else {}
            for name, state in there.items():
                row = self.truth.rows.get(name)
                if state == 1 and row is not None and row.open:
                    says = f"{key} tror at rad {name[2]} ({row.kind}) er levert, men sentralen har den ikke"
                    self.court.accuse(4, key, f"acked {name}", says)
            for row in box.waiting.values():
                if there and row.id not in there:
                    says = f"rad {row.seq} ({row.kind}, {self.court.place(row.device)}) er borte fra {key} uten et ord"
                    self.court.accuse(4, key, f"gone {row.id}", says)

    # --- gone, changed, doubled ------------------------------------------------------------------------------

    def _gone(self, box: Box) -> None:
        for row in box.vanished[self._vanished.get(box.key, 0) :]:
            says = (
                f"rad {row.seq} på {box.key} ({row.kind}, {self.court.place(row.device)}) var skrevet"
                f" {self.court.clock(row.at_ms)} og er borte, enda kortet er det samme"
            )
            self.court.accuse(4, box.key, f"vanished {row.id}", says)
        self._vanished[box.key] = len(box.vanished)

    def _unknown(self, held: Held) -> None:
        row = self.truth.rows.get(held.id)
        if row is None:
            says = f"sentralen har rad {held.id[2]} fra {held.id[0]} ({held.kind}), som ingen disk har hatt"
        elif held.variant:
            says = f"sentralen har to rader som begge sier at de er {held.id[2]} fra {held.id[0]} ({held.kind})"
        else:
            says = f"rad {held.id[2]} fra {held.id[0]} ({held.kind}) er en annen hos sentralen enn på disken"
        self.court.accuse(4, held.id[0], f"unknown {held.id} {held.variant}", says)

    def _lost(self, many: int) -> None:
        centre = self.truth.world.centre
        if centre.restores == self._restores:
            self.court.accuse(
                4, "", f"centre {centre.lives}", f"sentralen har mistet {many} rader som den hadde svart for"
            )
        self._restores = centre.restores
        self._verified.clear()

    # --- waiting ---------------------------------------------------------------------------------------------

    def _urgent(self, row: Written, way: Way, now_ms: int) -> None:
        whole = way.whole_for_ms(row.since_ms, now_ms)
        settled = way.whole_ms is not None and row.at_ms - way.whole_ms > SETTLED_MS and not row.again_ms
        if whole > (LIVE_MS if settled else URGENT_MS):
            says = (
                f"{row.kind} fra {self.court.place(row.device)}, skrevet {self.court.clock(row.at_ms)}, har ikke"
                f" nådd sentralen etter {whole // 1000} s med hel vei"
            )
            self.court.accuse(1, row.device or row.gateway, f"late {row.id}", says)

    def _others(self, box: Box, way: Way, now_ms: int) -> None:
        row = next(iter(box.waiting.values()))
        assert way.whole_ms is not None  # noqa: S101 - asked by the caller
        since, backlog = self._waited.get(box.key, (-1, 0))
        if since != way.whole_ms:
            backlog = len(box.waiting)
            self._waited[box.key] = (way.whole_ms, backlog)
        limit = REST_MS + 1000 * backlog // ROWS_PER_S
        if way.whole_for_ms(row.since_ms, now_ms) > limit:
            says = (
                f"rad {row.seq} på {box.key} ({row.kind}, {self.court.place(row.device)}), skrevet"
                f" {self.court.clock(row.at_ms)}, har ikke nådd sentralen etter {limit // 1000} s med hel vei"
            )
            self.court.accuse(4, box.key, f"late {row.id}", says)

    # --- shed and parked -------------------------------------------------------------------------------------

    def _shed(self, tomb: Written) -> None:
        body = tomb.event.body
        if not isinstance(body, Tombstone) or body.reason != "shed":
            return
        box = self.truth.boxes[tomb.gateway]
        there = {name for name, _ in box.states()}
        lost = [
            row
            for seq in range(body.first_seq, body.last_seq + 1)
            if (row := self.truth.rows.get((tomb.gateway, body.stream, seq))) is not None and row.id not in there
            and row.open and row.id not in self._given_up
        ]  # fmt: skip
        self._given_up.update(row.id for row in lost)
        self.court.count("shed", body.count)
        for row in lost:
            if row.urgency in ("A", "L"):
                says = f"{box.key} ga opp rad {row.seq} ({row.kind}, klasse {row.urgency}) da disken var full"
                self.court.accuse(4, box.key, f"shed {row.id}", says)
            elif _ORDER.index(row.urgency) < _ORDER.index(body.lost_class):
                says = f"gravsteinen {tomb.seq} på {box.key} sier klasse {body.lost_class}, men {row.urgency} er borte"
                self.court.accuse(4, box.key, f"class {tomb.id}", says)
            elif row.urgency == "B" and row.device and row.device not in body.devices and len(body.devices) < 200:
                says = f"gravsteinen {tomb.seq} på {box.key} nevner ikke {self.court.place(row.device)}"
                self.court.accuse(4, box.key, f"device {tomb.id} {row.device}", says)
        if len(lost) > body.count:
            says = f"gravsteinen {tomb.seq} på {box.key} sier {body.count} rader, men {len(lost)} er borte"
            self.court.accuse(4, box.key, f"count {tomb.id}", says)

    def _told(self, held: Held) -> None:
        """A tombstone has reached the centre: somebody hears of it."""
        row = self.truth.rows.get(held.id)
        body = row.event.body if row is not None else None
        if not isinstance(body, Tombstone) or body.reason.startswith("refused"):
            return
        self.court.count("tombstones")
        subject = f"gateway:{self.truth.books.gateways[held.id[0]]}"
        kinds = ("parked_event",) if body.reason.startswith("parked") else ("rows_lost",)
        for alarm in self.truth.books.alarms.values():
            if alarm.subject == subject and alarm.kind in kinds and any(m.seen_ms == held.seen_ms for m in alarm.moves):
                return
        what = f"{held.id[2]} fra {held.id[0]} ({body.count} rader, {body.reason})"
        says = f"sentralen fikk gravsteinen {what} og sa det til ingen"
        self.court.accuse(4, held.id[0], f"silent {held.id}", says)

    # --- marks -----------------------------------------------------------------------------------------------

    def _marks(self) -> None:
        for stream in self.truth.books.streams():
            first = self._began.get((stream.gateway, stream.name))
            if stream.first is None or first is None:
                continue
            if stream.first > first and stream.mark >= stream.first:
                says = f"sentralen lar {stream.gateway} begynne med rad {stream.first}, men den første var {first}"
                self.court.accuse(4, stream.gateway, f"first {stream.name}", says)
            at = self._verified.get(stream.id, first - 1)
            while at < stream.mark:
                row = self.truth.rows.get((stream.gateway, stream.name, at + 1))
                if row is not None and row.arrived_ms is None and not row.buried:
                    says = (
                        f"sentralens merke for {stream.gateway} står på {stream.mark}, men rad {row.seq} ({row.kind},"
                        f" {self.court.place(row.device)}) har den ikke, og ingen gravstein for den"
                    )
                    self.court.accuse(4, stream.gateway, f"hole {row.id}", says)
                    break
                at += 1
            self._verified[stream.id] = at

    # --- cards -----------------------------------------------------------------------------------------------

    def _named(self, gap: _Gap) -> None:
        urgent = [row for row in gap.rows if row.urgency in ("A", "B")]
        if not urgent or not self.truth.books.readable:
            return
        subject = f"gateway:{self.truth.books.gateways[gap.gateway]}"
        since_ms = min(row.at_ms for row in urgent)
        for alarm in self.truth.books.alarms.values():
            told = any(move.seen_ms >= since_ms for move in alarm.moves if move.cause in ("raise", "sound", "join"))
            if alarm.subject == subject and alarm.kind in _GAP_KINDS and told:
                return
            # Who was told that nothing is known of the gateway, and it was not heard until its card was gone.
            raised_ms = alarm.moves[0].seen_ms if alarm.moves else gap.at_ms
            silent_ms = self.truth.ways[gap.gateway].broken_within(raised_ms, gap.at_ms)
            if alarm.subject == subject and alarm.kind == _SILENT and 0 < gap.at_ms - raised_ms <= silent_ms:
                return
        if not any(row.urgency == "A" for row in urgent) and self._unknown_since(gap, urgent):
            return
        says = (
            f"{len(urgent)} rader døde med kortet i {gap.gateway} {self.court.clock(gap.at_ms)}, den første fra"
            f" {self.court.place(urgent[0].device)}, og ingen har fått vite om hullet"
        )
        self.court.accuse(4, gap.gateway, f"gap {gap.at_ms}", says)

    def _unknown_since(self, gap: _Gap, rows: list[Written]) -> bool:
        """Whether what was lost is about devices that are shown as unknown, or were until they spoke again."""
        books = self.truth.books
        for address in sorted({row.device for row in rows if row.device}):
            asked = (books.gateways[gap.gateway], address)
            found = books.ask(
                "SELECT unknown_since_ms, last_heard_ms FROM device_states WHERE gateway_id = ? AND address = ?", asked
            )
            if not found or (found[0][0] is None and (found[0][1] or 0) <= gap.at_ms + self.court.offset_ms):
                return False
        return True
