"""Hi-Link radars as a driver: bytes in, readings out, and the radar's settings read back. Serves arrows 1 and 2.

Owns the unfinished frame, the question for the settings, and what the latest fall report followed upon. Must not know
the port, events or rules.

There is no question for "has somebody fallen": fall is unknown until the radar says it. Hardware has been seen to
repeat fall and presence all the time, the maker promises neither that nor the opposite, nor how often. So a fall after
a fall whose end was not heard is a new one, unless it comes as soon as this radar has been seen to repeat itself. What
comes later than that, or first after a restart or an opened port, rings: the end may have been said to nobody. The
question for the settings (0E06) shows in the meantime that the radar lives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from nattevakt.edge.drivers.driver import Device, Finding, Line, Remember, Stepped
from nattevakt.edge.drivers.radar import Radar, Telling, port_name, radar_on, silence_ms
from nattevakt.edge.drivers.tinyframe.decode import (
    FALL,
    FALL_RADAR,
    PARAMETERS,
    PREFIX,
    PRESENT,
    PROFILES,
    Parameters,
    decode,
    delay_s,
    encode,
    spoken_by,
)
from nattevakt.edge.drivers.tinyframe.frame import Frame, feed
from nattevakt.edge.drivers.tinyframe.products import PRODUCTS
from nattevakt.edge.drivers.unfinished import Patience, Unfinished, take
from nattevakt.edge.errors import FrameError

__all__ = [
    "BAUD",
    "PER_LINE",
    "PREFIX",
    "PRODUCTS",
    "PROFILES",
    "State",
    "canonical",
    "encode",
    "learning",
    "recall",
    "start",
    "step",
]

BAUD = 115_200
PER_LINE = True
"""The line is the device."""
PATIENCE = Patience(silence_ms=100, frame_ms=150)
"""The longest frame takes 90 ms on this line."""
READ_PARAMETERS = Frame(PARAMETERS).to_bytes()
ASK_MS = 20_000
"""How often a fall radar is asked while it has not answered, or says nothing by itself."""
CHECK_MS = 600_000
"""How often one that answers and speaks is asked: somebody may have changed its settings."""
RUN_GAP_MS = 10_000
"""What any radar says again of falls so soon is of the same fall."""
RUN_MS = 20_000
"""A radar that says the same of falls for so long, without a longer gap, repeats itself."""
GAP_MAX_MS = 72_000
"""One that repeats itself once a minute, and a fifth late."""
LATE_MS = 1_000
"""What noise on the line and a busy machine may add to a gap."""
NOT_UNDERSTOOD = "sender meldinger som profilen {} ikke kjenner"
ONLY_ANSWERS = "svarer på spørsmål, men har sluttet å melde om fall; slå strømmen av og på"


def _span_ms(gap_ms: int) -> int:
    """How long the gap after one of this length may be, where both are the same period give or take a fifth."""
    return gap_ms * 3 // 2 + LATE_MS


@dataclass(frozen=True, slots=True)
class Falls:
    """What the radar said of falls.

    said: as in a reading. at_ms: when, None if in another life. run_ms: since when, without a gap. repeats: it does.
    gap_ms: the latest gap over RUN_GAP_MS while a fall is told of, 0 for none. period_ms: the gap at which it was seen
    to tell of a fall again, 0 while that is not known.
    """

    said: str | None = None
    at_ms: int | None = None
    run_ms: int = 0
    repeats: bool = False
    gap_ms: int = 0
    period_ms: int = 0

    def then(self, said: str, now_ms: int) -> tuple[Falls, bool]:
        """What is known after one more report; and whether it is of a new fall, the end of the last being unheard."""
        gap_ms = -1 if self.at_ms is None else now_ms - self.at_ms
        near = 0 <= gap_ms <= RUN_GAP_MS
        run_ms = self.run_ms if near and said == self.said else now_ms
        repeats = self.repeats or now_ms - run_ms >= RUN_MS
        if said == "no" or self.said in (None, "no"):
            return Falls(said, now_ms, run_ms, repeats, 0, self.period_ms), False
        if near:
            return Falls(said, now_ms, run_ms, repeats, self.gap_ms, self.period_ms), False
        running = self.period_ms > 0 and 0 <= gap_ms <= _span_ms(self.period_ms)
        gap_ms = gap_ms if 0 <= gap_ms <= GAP_MAX_MS else 0
        return Falls(said, now_ms, run_ms, repeats, gap_ms, self._learned_ms(gap_ms)), not running

    def _learned_ms(self, gap_ms: int) -> int:
        """Two gaps alike are its period, if it is clearly another one than what was known."""
        short_ms, long_ms = sorted((gap_ms, self.gap_ms))
        if not short_ms or long_ms > _span_ms(short_ms):
            return self.period_ms
        fits = long_ms <= _span_ms(self.period_ms) and self.period_ms <= _span_ms(long_ms)
        return self.period_ms if self.period_ms and fits else long_ms

    def row(self) -> str:
        """What is worth remembering over a restart."""
        row = f"{self.said} {'repeats' if self.repeats else 'once'}"
        return f"{row} {self.period_ms}" if self.period_ms else row

    @classmethod
    def of_row(cls, text: str) -> Falls:
        """From `row`; a text that is none is an empty one, and a period that cannot be is none."""
        said, how, period = (*text.split(" ", 2), "", "", "")[:3]
        if said not in ("no", "possible", "sure") or how not in ("repeats", "once"):
            return cls()
        period_ms = int(period) if period.isascii() and period.isdigit() and len(period) <= 5 else 0
        known = RUN_GAP_MS < period_ms <= GAP_MAX_MS
        return cls(said, repeats=how == "repeats", period_ms=period_ms if known else 0)


@dataclass(frozen=True, slots=True)
class State:
    """All that the driver remembers; bounded by one frame. settings: as last told to the installer."""

    radar: Radar
    unfinished: Unfinished = field(default_factory=Unfinished)
    falls: Falls = field(default_factory=Falls)
    asked_ms: int | None = None
    answered: bool = False
    reported_ms: int | None = None
    settings: str = ""


def canonical(name: str) -> str:
    """The serial port's name; raises RejectError."""
    return port_name(PREFIX, name)


def start(devices: tuple[Device, ...], line: Line) -> State:
    """A driver that has heard nothing yet: whether somebody has fallen is unknown."""
    return State(radar_on(PREFIX, devices, line))


def _memory_key(state: State) -> str:
    return f"radar.{state.radar.address}"


def recall(memory: Mapping[str, str], state: State) -> State:
    """What the radar last said of falls, and whether and how often it repeats itself."""
    return replace(state, falls=Falls.of_row(memory.get(_memory_key(state), "")))


def learning(until_ms: int | None, state: State) -> State:  # noqa: ARG001 - the contract of all drivers
    """The line is the identity: there is nothing to learn."""
    return state


class _Step(Telling):
    """One step in the making."""

    def __init__(self, state: State, now_ms: int) -> None:
        super().__init__(state.radar, now_ms)
        device = state.radar.device
        self.profile = device.profile if device is not None else ""
        self.falls = state.falls
        self.asked_ms, self.answered = state.asked_ms, state.answered
        self.reported_ms = state.reported_ms
        self.settings = state.settings

    def frames(self, frames: tuple[Frame, ...]) -> None:
        """All frames of one step: at one moment, the same said twice of the same thing is said once."""
        if frames:
            self.count("frames", len(frames))
        latest: dict[int, bytes] = {}
        for frame in frames:
            if not frame.data:
                # An acknowledgement without checksum over anything but itself, or our own question come back.
                self.count("acknowledgements")
            elif latest.get(frame.type) != frame.data:
                latest[frame.type] = frame.data
                self._frame(frame)

    def _frame(self, frame: Frame) -> None:
        if self.radar.device is None:
            self.count("no_profile")
            self.tell("høres, men er ikke satt opp med noen profil")
            self.alive()
            return
        if self.profile not in PROFILES:
            self.tell(f"er satt opp med profilen {self.profile}, som ikke finnes for denne radaren")
            return
        speaker = spoken_by(frame)
        fits = speaker in ("", self.profile)
        if fits and self.alive():
            self.asked_ms = None
        if not fits:
            self.count("profile_mismatch")
            self.tell(f"sender som en {speaker}, men er satt opp med profilen {self.profile}")
            if frame.type != FALL:
                return
        if frame.type in (FALL, PRESENT):
            self.reported_ms = self.now_ms
            self.untell(ONLY_ANSWERS)
        try:
            # A fall rings whatever the settings say: the type is the same in the whole family.
            if frame.type == FALL:
                self._fall(str(decode(frame)["fall"]), frame)
            elif frame.type == PARAMETERS:
                self._settings(Parameters.from_bytes(frame.data), frame)
            elif values := decode(frame):
                self.say(values, frame)
            else:
                self.count("of_no_use")
        except FrameError:
            self.count("undecodable")
            self.tell(NOT_UNDERSTOOD.format(self.profile))

    def _fall(self, said: str, frame: Frame) -> None:
        before = self.falls
        self.falls, anew = before.then(said, self.now_ms)
        if anew:
            self.count("fall_end_unheard")
            self.say({"fall": "no"}, frame)
        if self.falls.row() != before.row():
            self.outputs.append(Remember(f"radar.{self.radar.address}", self.falls.row()))
        self.say({"fall": said}, frame)

    def _settings(self, found: Parameters, frame: Frame) -> None:
        """Read back, and told anew whenever they are other ones: they decide how late an alarm comes."""
        self.answered = True
        if ONLY_ANSWERS not in self.told:
            # What tells of falls has stopped: that its settings can be read must not make it look well.
            self.say({"sensitivity": found.sensitivity}, frame)
        self.count("settings_read")
        delay = delay_s(found.sensitivity)
        if delay is None:
            sentence = f"melder følsomhet {found.sensitivity}, utenfor 3–30; still inn radaren på nytt"
        else:
            low, high = delay
            measures = f"høyde {found.height_m:.1f} m, fallgrense {found.threshold_m:.1f} m".replace(".", ",")
            sentence = f"har følsomhet {found.sensitivity}: alarmen kommer {low}–{high} s etter fallet ({measures})"
        if sentence != self.settings:
            self.settings = sentence
            self.outputs.append(Finding(self.radar.address, sentence))

    def ask(self) -> tuple[bytes, ...]:
        """The question for the settings, when it is time for it; only a fall radar knows it."""
        if self.profile != FALL_RADAR or self.now_ms < self.ask_at_ms():
            return ()
        self.asked_ms, self.answered = self.now_ms, False
        self.count("asked")
        quiet = self.reported_ms is not None and self.now_ms - self.reported_ms >= 3 * ASK_MS
        if quiet and self.falls.repeats and not self.lost:
            self.tell(ONLY_ANSWERS)
        return (READ_PARAMETERS,)

    def ask_at_ms(self) -> int:
        """When the next question is due."""
        if self.asked_ms is None:
            return self.now_ms
        soon_ms = self.asked_ms + ASK_MS
        if not self.answered or self.reported_ms is None:
            return soon_ms
        return max(soon_ms, min(self.asked_ms + CHECK_MS, self.reported_ms + ASK_MS))


def step(given: bytes | None, now_ms: int, state: State) -> Stepped[State]:
    """Take bytes (or None: time has passed) and give readings, findings, a question and when to come back.

    now_ms is the boottime at which the bytes were read from the port. Never raises, whatever the bytes.
    """
    frames, unfinished, counted = take(feed, state.unfinished, given, now_ms, PATIENCE)
    work = _Step(state, now_ms)
    for what, number in counted.items():
        work.count(what, number)
    work.frames(frames)
    to_send = work.ask()
    radar = work.finish(frames[-1] if frames else None)
    wakes = [unfinished.due_ms(PATIENCE), silence_ms(radar)]
    if work.profile == FALL_RADAR:
        wakes.append(work.ask_at_ms())
    after = State(radar, unfinished, work.falls, work.asked_ms, work.answered, work.reported_ms, work.settings)
    wake_at_ms = min((at_ms for at_ms in wakes if at_ms is not None), default=None)
    return Stepped(after, tuple(work.outputs), to_send, wake_at_ms, work.counted)
