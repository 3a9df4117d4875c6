"""Invariants 2 and 3 about time: what rings and nobody has goes on to the next who can help, in time and no sooner.

Owns the reckoning of every such alarm's way from its history, from what the tablets show and from who is on duty, in
the words of the design: on after 90 s, after 15 where no tablet has shown it, at once where somebody gives it away, and
each 300 s once there is nobody further. And what is asked for by other roads: once for each step, of everybody who is
on duty and has a telephone, and of nobody any more once somebody has the alarm. Must not know the product's own chain,
its standing or its wake rows.
"""

from __future__ import annotations

from dataclasses import dataclass

from nattevakt.central.alarms.lifecycle import UNTAKEN, State
from nattevakt.sim.explore.invariants import DATED_MS, KNOWN_MS, SECOND_MS, Court, Quiet
from nattevakt.sim.explore.truth import Step
from nattevakt.sim.explore.truth_books import Alarm, Move
from nattevakt.sim.explore.wards import duties_in, on_duty

NEXT_MS, UNSHOWN_MS, AGAIN_MS = 90_000, 15_000, 300_000
STEPS = 3
"""The ward; all who are there and on duty; the sirens. What comes after is the last of these again."""
LATE_MS = KNOWN_MS
"""What comes on top: the sweep (5 s), the heartbeat that carries what it did (15 s), a writer held up (20 s)."""
MENDED_MS = 90 * SECOND_MS
"""The same once the centre's clock has been changed: it looks each minute for what that leaves behind."""
SEEN_MS = 30_000
"""What a tablet has shown for so long, the centre up all the while, it has confirmed."""
LOOK_MS = 10_000
LOW = 3
_UNTAKEN = frozenset(state.value for state in UNTAKEN)
_WAITING = ", ".join(f"'{state}'" for state in sorted(_UNTAKEN))
_GIVEN_AWAY = {"declined": "reject", "transferred": "transfer", "handed_over": "transfer"}
_STEP = "SELECT step FROM alarms WHERE id = ?"
_NOTICES = "SELECT id FROM notices WHERE alarm_id = ?"
_SENDINGS = "SELECT id, alarm_id, channel, target, made_ms FROM sendings WHERE id > ? ORDER BY id"
_TOLD = (
    "SELECT 1 FROM sendings x JOIN staff t ON x.target = 'staff:' || t.id"
    " WHERE x.alarm_id = ? AND x.channel = 'sms' AND x.made_ms = ? AND t.key = ?"
)
_LEFT = (
    "SELECT x.id, x.alarm_id FROM sendings x JOIN alarms a ON a.id = x.alarm_id"  # noqa: S608 - our own constants
    f" WHERE x.state IN ('pending', 'leased') AND a.state NOT IN ({_WAITING})"
)


@dataclass(slots=True)
class _Way:
    """How far an alarm has come that nobody has. since_ms: the true moment of its last step, or of its ring. row_step:
    what its row says. shown_ms: since when a tablet has had it on its screen, after that. sound_ms: when it last
    sounded. more_ms: what it is given on top. doubt: the centre's clock has changed since, so that nothing is too
    early."""

    step: int
    since_ms: int
    offset_ms: int
    priority: int
    row_step: int = 0
    shown_ms: int | None = None
    sound_ms: int = 0
    more_ms: int = 0
    doubt: bool = False


class Onward(Quiet):
    """Never left ringing where nobody is."""

    def __init__(self, court: Court) -> None:
        super().__init__(court)
        self._ways: dict[int, _Way] = {}
        self._came: dict[int, int] = {}
        """How far alarms had come that somebody has now: who gives one away gives it to the next after that."""
        self._stepped: dict[int, set[int]] = {}
        """When each alarm took a step, by the centre's clock."""
        self._asked: set[tuple[int, str, str, int]] = set()
        self._last, self._look_ms = 0, 0
        ward = court.truth.world.ward
        self._duties, self._zone = duties_in(ward), ward.time_zone
        self._phones = {worker.key for worker in ward.staff if worker.phone}

    def step(self, step: Step) -> None:
        """Follow every alarm."""
        news = step.news
        if news is None:
            return
        if news.restored:
            self._anew(step.now_ms)
            return
        for move in news.moves:
            self._moved(self.truth.books.alarms[move.alarm_id], move)
        if any(move.cause == "escalate" for move in news.moves):
            self._sendings()
        for alarm in news.alarms:
            if alarm.state == State.REJECTED.value and alarm.priority < LOW:
                says = f"alarm {alarm.id} ({alarm.kind}) ble gitt videre, og gikk ikke til noen"
                self.court.accuse(3, f"alarm {alarm.id}", f"given to nobody {alarm.moves[-1].id}", says)

    def tick(self, now_ms: int) -> None:
        """Look for what stays where nobody is."""
        if not self.truth.books.readable:
            return
        offset_ms = self.court.offset_ms
        tablets = [tablet for tablet in self.court.tablets() if tablet.on]
        for number, way in list(self._ways.items()):
            if abs(offset_ms - way.offset_ms) > SECOND_MS:
                way.since_ms, way.offset_ms, way.more_ms, way.doubt = now_ms, offset_ms, MENDED_MS, True
            if way.shown_ms is None and any(number in tablet.shown for tablet in tablets):
                way.shown_ms = now_ms
            if now_ms >= way.since_ms + self._wait_ms(way):
                self._due(number, way, now_ms)
        if now_ms >= self._look_ms:
            self._look_ms = now_ms + LOOK_MS
            self._sendings()
            for number, alarm_id in self.truth.books.ask(_LEFT):
                says = f"sending {number} om alarm {alarm_id} venter fortsatt på å bli sendt, men noen har den alt"
                self.court.accuse(2, f"alarm {alarm_id}", f"left {number}", says)

    # --- the way ---------------------------------------------------------------------------------------------

    def _anew(self, now_ms: int) -> None:
        """The centre is as it was once: whatever rings then is on its way from now."""
        self._ways = {}
        self._last = int(self.truth.books.ask("SELECT coalesce(max(id), 0) FROM sendings")[0][0])
        for alarm in self.truth.books.alarms.values():
            for move in alarm.moves:
                if move.cause == "escalate":
                    self._stepped.setdefault(alarm.id, set()).add(move.at_ms)
            if alarm.state in _UNTAKEN and alarm.priority < LOW:
                row_step = int(self.truth.books.ask(_STEP, (alarm.id,))[0][0] or 0)
                way = _Way(row_step, now_ms, self.court.offset_ms, alarm.priority, row_step, doubt=True)
                way.more_ms = MENDED_MS
                self._ways[alarm.id] = way

    def _moved(self, alarm: Alarm, move: Move) -> None:
        way = self._ways.get(alarm.id)
        if move.cause == "escalate":
            self._stepped.setdefault(alarm.id, set()).add(move.at_ms)
        if move.to_state not in _UNTAKEN or (alarm.priority >= LOW and not self._is_wrong(alarm, move)):
            if way is not None:
                self._came[alarm.id] = way.step
                del self._ways[alarm.id]
            return
        overdue = move.cause == "escalate" and move.detail["why"] == "overdue"
        reopened = move.to_state == State.REOPENED.value != move.from_state
        risen = way is not None and alarm.priority < way.priority
        if move.cause == "reject":
            # Whoever has given it away is not waited for; the step that this gives comes with it.
            way = way or _Way(self._came.get(alarm.id, 0), move.seen_ms, self.court.offset_ms, alarm.priority)
            self._ways[alarm.id] = way
        elif way is None or overdue or reopened or risen or move.cause in ("raise", "reopen", "transfer"):
            self._ways[alarm.id] = _Way(0, move.seen_ms, self.court.offset_ms, alarm.priority, sound_ms=move.seen_ms)
        elif move.cause == "escalate":
            self._stepped_on(alarm, way, move)
        elif move.cause == "sound":
            way.sound_ms = move.seen_ms

    def _is_wrong(self, alarm: Alarm, move: Move) -> bool:
        """What is of low priority waits in its ward; nobody is fetched from elsewhere for it."""
        if move.cause == "escalate" and move.detail["why"] in ("untaken", "not_shown"):
            says = f"alarm {alarm.id} ({alarm.kind}) har lav prioritet, og gikk likevel videre av seg selv"
            self.court.accuse(2, f"alarm {alarm.id}", f"low {move.id}", says)
        return False

    def _stepped_on(self, alarm: Alarm, way: _Way, move: Move) -> None:
        self.court.count("went on")
        why, after_ms = move.detail["why"], move.seen_ms - way.since_ms
        if why in _GIVEN_AWAY:
            before = [one for one in alarm.moves if one.id < move.id]
            if not before or before[-1].cause != _GIVEN_AWAY[why]:
                self._early(alarm, move, f"som om noen hadde gitt den fra seg ({why})")
        elif why == "not_shown":
            shown_ms = move.seen_ms - (way.shown_ms if way.shown_ms is not None else move.seen_ms)
            fresh = move.seen_ms - way.sound_ms <= UNSHOWN_MS + SEEN_MS
            if not fresh and not way.doubt and self._up_all_along(shown_ms, move.seen_ms):
                self._early(alarm, move, f"som ikke vist, {shown_ms // 1000} s etter at et nettbrett viste den")
        elif not way.doubt and abs(self.court.offset_ms - way.offset_ms) <= SECOND_MS:
            wait_ms = NEXT_MS if way.step + 1 < STEPS else AGAIN_MS
            if after_ms < wait_ms - SECOND_MS:
                self._early(alarm, move, f"{after_ms // 1000} s etter forrige trinn")
        self._asks(alarm, move)
        self._on(alarm.id, way, move.seen_ms)

    def _asks(self, alarm: Alarm, move: Move) -> None:
        """Whoever is on duty and has a telephone is asked at every step."""
        sides = [set(on_duty(self._duties, move.at_ms + ms, self._zone)) for ms in (-DATED_MS, DATED_MS)]
        for worker in sorted(sides[0] & sides[1] & self._phones):
            if not self.truth.books.ask(_TOLD, (alarm.id, move.at_ms, worker)):
                says = f"alarm {alarm.id} ({alarm.kind}) gikk videre {self.court.clock(move.seen_ms)} uten at {worker},"
                says += " som har vakt, ble spurt"
                self.court.accuse(3, f"alarm {alarm.id}", f"not asked {move.id}", says)

    def _up_all_along(self, shown_ms: int, now_ms: int) -> bool:
        return shown_ms > SEEN_MS and self.truth.watchman.up_for_ms(now_ms - shown_ms, now_ms) >= shown_ms

    def _early(self, alarm: Alarm, move: Move, how: str) -> None:
        says = f"alarm {alarm.id} ({alarm.kind}) gikk videre før tiden {self.court.clock(move.seen_ms)}, {how}"
        self.court.accuse(2, f"alarm {alarm.id}", f"onward early {move.id}", says)

    def _on(self, number: int, way: _Way, now_ms: int) -> None:
        way.step, way.since_ms, way.more_ms, way.doubt = way.step + 1, now_ms, 0, False
        way.row_step = int(self.truth.books.ask(_STEP, (number,))[0][0] or 0)
        way.offset_ms = self.court.offset_ms

    def _wait_ms(self, way: _Way) -> int:
        """How long it may stay where it is."""
        if way.step + 1 >= STEPS:
            return AGAIN_MS + way.more_ms
        return (NEXT_MS if way.shown_ms is not None else UNSHOWN_MS) + way.more_ms

    def _due(self, number: int, way: _Way, now_ms: int) -> None:
        if int(self.truth.books.ask(_STEP, (number,))[0][0] or 0) > way.row_step:
            # A step that reached nobody new leaves no line in the history.
            self._on(number, way, now_ms)
            return
        due_ms = way.since_ms + self._wait_ms(way)
        if self.truth.watchman.up_for_ms(due_ms, now_ms) <= LATE_MS:
            return
        if way.shown_ms is None and now_ms - way.since_ms <= NEXT_MS + LATE_MS and self._was_given(number):
            return  # it was on a screen for a moment that nobody here saw
        alarm = self.truth.books.alarms[number]
        says = (
            f"alarm {number} ({alarm.kind}) har ringt siden {self.court.clock(way.since_ms)} uten at noen har den, og"
            " er ikke gått videre til neste"
        )
        self.court.accuse(3, f"alarm {number}", f"stays {way.since_ms}", says)
        del self._ways[number]

    def _was_given(self, number: int) -> bool:
        ids = {row[0] for row in self.truth.books.ask(_NOTICES, (number,))}
        return any(not ids.isdisjoint(tablet.given) for tablet in self.court.tablets())

    # --- other roads -----------------------------------------------------------------------------------------

    def _sendings(self) -> None:
        """What was asked for since the last look belongs to a step, once."""
        for number, alarm_id, channel, target, made_ms in self.truth.books.ask(_SENDINGS, (self._last,)):
            self._last = number
            self.court.count("sendings")
            key = (alarm_id, channel, target, made_ms)
            if key in self._asked or made_ms not in self._stepped.get(alarm_id, ()):
                says = f"{channel} til {target} om alarm {alarm_id} er bestilt en gang til, uten et nytt trinn"
                self.court.accuse(2, f"alarm {alarm_id}", f"asked twice {number}", says)
            self._asked.add(key)
