"""MicRadar as a driver: bytes in, readings out, and questions. Serves arrows 1 and 2.

Owns the partial frame, what is not known until it is asked for, the radar's life, and what has been said to the
installer. Must not know the port, events or rules.

Any frame is a sign of life: a radar whose reports come is there, whether or not it answers heartbeats. But a line that
gives back our own questions has no radar on it, so then a heartbeat alone proves nothing; nor does it bring back a
radar that was lost, or make one heard that leaves every question about the room unanswered.
"""

from __future__ import annotations

from collections.abc import Mapping

from nattevakt.edge.drivers.driver import Finding, Reading, Said, SourceState, Stepped, Use, Value
from nattevakt.edge.drivers.micradar import profiles
from nattevakt.edge.drivers.micradar.asking import Questions
from nattevakt.edge.drivers.micradar.decode import CONTEXT, MEANINGFUL, PREFIX, values
from nattevakt.edge.drivers.micradar.frame import Frame, feed
from nattevakt.edge.drivers.micradar.profiles import BED, FALL, FALL_MODE, PRESENCE, RESIDENCY, SLEEP_MODE
from nattevakt.edge.drivers.micradar.state import State
from nattevakt.edge.drivers.micradar.words import LAYOUTS, FieldValue, fields, is_question, question
from nattevakt.edge.drivers.radar import port_name
from nattevakt.edge.drivers.unfinished import Patience, take
from nattevakt.edge.errors import FrameError

BAUD = 115_200
PER_LINE = True
PROFILES: Mapping[str, str] = {name: profile.meaning for name, profile in profiles.PROFILES.items()}
PATIENCE = Patience(silence_ms=100, frame_ms=150)
"""A whole frame takes 7 ms on the line; the rest is what USB adapters and a busy gateway add."""
GAP_MS = 5_000
"""Longer than the pauses of a radar that reports movement once a second: something may have been missed."""
LOST_MS = 60_000
"""Silence, asked all the while, after which the radar counts as lost."""
GATHER_MS = 150
"""How long the first answers wait for each other, so that they become one reading."""
AGAIN_MS = 60_000
"""How often context that has not changed, or nothing but heartbeats, becomes a reading."""
TOLD_MAX = 50
HEARTBEAT = "heartbeat"
ABOUT: Mapping[str, str] = {
    FALL: "fall",
    PRESENCE: "tilstedeværelse",
    BED: "seng",
    RESIDENCY: "om noen ligger stille",
    "motion": "bevegelse",
    "movement": "hvor mye som beveger seg",
    "breath_rate": "pust",
    "heart_rate": "puls",
    "sensitivity": "følsomhet for fall",
}
HEIGHTS_CM = range(200, 301)
"""Where a fall radar must hang (Seeed, DFRobot)."""


def canonical(name: str) -> str:
    """The serial port's name, for the radar has none of its own; raises RejectError."""
    return port_name(PREFIX, name)


def recall(memory: Mapping[str, str], state: State) -> State:  # noqa: ARG001 - the contract of all drivers
    """Nothing is remembered: what a radar last said is asked for, not believed."""
    return state


def learning(until_ms: int | None, state: State) -> State:  # noqa: ARG001 - the contract of all drivers
    """A radar has nothing to learn."""
    return state


class _Step:
    """One step in the making: the mutable inside of a pure function."""

    def __init__(self, state: State, now_ms: int) -> None:
        self.before = state
        self.now_ms = now_ms
        self.questions = Questions(state.asked, now_ms)
        self.outputs: list[Said] = []
        self.counted: dict[str, int] = {}
        self.heard_ms, self.said_ms = state.heard_ms, state.said_ms
        self.lost, self.fresh, self.echo = state.lost, state.fresh, state.echo
        self.held, self.held_ms = state.held, state.held_ms
        self.passed = state.passed
        self.told = state.told
        self.about = state.about
        self.work_mode, self.sensitivity = state.work_mode, state.sensitivity
        self.raw = ""
        self.states = state.states
        self._model: str | None = None

    @property
    def profile_name(self) -> str:
        """The configured profile, for people."""
        return (self.before.device.profile if self.before.device is not None else "") or "(tom)"

    def count(self, what: str, number: int = 1) -> None:
        self.counted[what] = self.counted.get(what, 0) + number

    def tell(self, sentence: str) -> None:
        """Say a finding once; the memory of what was said is bounded."""
        if sentence not in self.told and len(self.told) < TOLD_MAX:
            self.told |= {sentence}
            self.outputs.append(Finding(self.before.address, sentence))

    def ask_all(self) -> None:
        """Nothing is known of this radar (any more)."""
        self.fresh = True
        self.questions.want((*self.states, HEARTBEAT, *self.before.profile.facts), anew=True)

    # --- frames ----------------------------------------------------------------------------------------------

    def frame(self, frame: Frame) -> None:
        if is_question(frame):
            self.count("echoed")
            self.echo = True
            self.tell("får sine egne spørsmål tilbake: radaren svarer ikke, eller sending og mottak er koblet sammen")
            return
        beat = frame.control == 0x01 and frame.command & 0x7F == 0x01
        if not beat:
            self.echo = False
        elif self.echo:
            return
        elif self.lost:
            # It lives, but has not said anything of the room yet: it is asked, and stays lost until it answers.
            self.questions.hurry(self.states)
            return
        if self.lost or self.heard_ms is None or self.now_ms - self.heard_ms > GAP_MS:
            self._awake()
        self.heard_ms = self.now_ms
        try:
            found = fields(frame)
        except FrameError as error:
            self.count("undecodable")
            self.tell(f"sendte noe som ikke er kjent: {error.raw}")
            return
        if not found:
            self.count("unknown_word" if (frame.control, frame.command & 0x7F) not in LAYOUTS else "empty")
            return
        name, value = next(iter(found.items()))
        if name in self.questions.open:
            self.questions.answered(name)
        if name in MEANINGFUL:
            self._meaning(name, value, frame)
        elif beat:
            self._beat(frame)
        else:
            self._fact(name, value)

    def _awake(self) -> None:
        """The first frame, or the first after silence."""
        if self.lost:
            self.lost = False
            self.count("radar_back")
            self.outputs.append(SourceState(self.before.source, up=True))
            self.ask_all()
        elif self.heard_ms is not None:
            self.count("gaps")
            self.questions.want(self.states, anew=False)
            self.questions.hurry(self.states)

    def _beat(self, frame: Frame) -> None:
        """Shows that the device is heard, once its states are known and nothing else has shown it for long.

        A radar that still beats but leaves its states unanswered no longer shows that it looks at the room.
        """
        if self.before.device is None:
            return
        since_ms = self.before.opened_ms if self.said_ms is None else self.said_ms
        if self.states and self.questions.waits_for_all(self.states):
            if since_ms is not None and self.now_ms - since_ms >= LOST_MS:
                self.tell("sender bare livstegn og svarer ikke på spørsmål; slå strømmen av og på")
            return
        if self.fresh:
            return
        if self.said_ms is None or self.now_ms - self.said_ms >= AGAIN_MS:
            self._say({}, frame.to_bytes().hex())

    def _fact(self, name: str, value: FieldValue) -> None:
        """What it says of itself and of its settings."""
        if name in ("ready", "reset"):
            self.count(f"radar_{name}")
            self.ask_all()
        elif name in profiles.TEXTS:
            self.about, self._model = {**self.about, name: str(value)}, None
            known = name in ("model", "firmware") and self.before.device is not None
            if known and not profiles.fits(self.before.profile, str(value)):
                self.tell(f"er satt opp med profilen {self.profile_name}, men sier at den er {value}")
        elif name == "work_mode":
            self._work_mode(int(value))
        elif name in ("fall_switch", "presence_switch") and value == 0:
            about = ABOUT[FALL if name == "fall_switch" else PRESENCE]
            if name == "presence_switch" or FALL in self.before.profile.fields:
                self.tell(f"har meldingen om {about} slått av i radaren")
        elif name == "install_height_cm" and FALL in self.before.profile.fields and value not in HEIGHTS_CM:
            self.tell(f"er stilt inn på {value} cm over gulvet; fallmelding krever 200 til 300 cm")

    def _work_mode(self, mode: int) -> None:
        self.work_mode = mode
        self.states = self.before.profile.states(mode)
        self.questions.forget({FALL, PRESENCE, BED, RESIDENCY}.difference(self.states))
        use = self.before.device.use if self.before.device is not None else Use.AUTO
        if not self.before.profile.modes:
            return
        if mode == SLEEP_MODE and use is Use.FALL:
            self.tell("står i søvnmodus og melder ikke fall")
        elif mode == FALL_MODE and use is Use.BED:
            self.tell("står i fallmodus og melder ikke seng")

    # --- what it says of the home ----------------------------------------------------------------------------

    def _meaning(self, name: str, value: FieldValue, frame: Frame) -> None:
        profile, device = self.before.profile, self.before.device
        said = values(name, value, profile)
        if name == "sensitivity":
            self.sensitivity = int(value)
        if device is None:
            self.count("no_profile")
            self.tell("høres, men er ikke satt opp med noen profil")
        elif name not in profile.fields:
            self.count("profile_mismatch")
            self.tell(f"melder {ABOUT[name]}, som profilen {self.profile_name} ikke har")
            # A fall rings, whatever the settings say of the radar that tells of it.
            said = values(name, value, profiles.UNKNOWN)
        elif not said:
            self.count("no_value")
        if "fall" in said and FALL not in (profile.fields if device is not None else ()):
            if value == 0 and "fall" not in self.passed:
                return
            self._passed_on("fall", value)
            self._say(said, frame.to_bytes().hex())
        elif device is not None and said:
            self._pass(name, value, said, frame)

    def _pass(self, name: str, value: FieldValue, said: dict[str, Value], frame: Frame) -> None:
        """Pass on at once, or gather while nothing is known yet, or leave out what was just said."""
        if self.fresh:
            if name in self.states:
                self.held_ms = self.now_ms if self.held_ms is None else self.held_ms
            elif name != "sensitivity":
                # The first reading tells the gateway how old the last state may be, so it must be a state.
                self.count("before_state")
                return
            self.held = {**self.held, **said}
            self.raw = frame.to_bytes().hex()
            if said.get("fall") == "sure" or not self.questions.waits_for(self.states):
                self.release()
            return
        if name in CONTEXT:
            last = self.passed.get(name)
            if last is not None and last[0] == value and 0 <= self.now_ms - last[1] < AGAIN_MS:
                self.count("unchanged")
                return
            self._passed_on(name, value)
        self._say(said, frame.to_bytes().hex())

    def _passed_on(self, name: str, value: FieldValue) -> None:
        if self.passed is self.before.passed:
            self.passed = dict(self.passed)
        self.passed[name] = (value, self.now_ms)

    def release(self) -> None:
        """What was gathered becomes one reading; from now on everything is passed on as it comes."""
        if self.held_ms is not None:
            self._say(dict(self.held), self.raw)
            self.fresh, self.held, self.held_ms = False, {}, None

    def _say(self, said: dict[str, Value], raw: str) -> None:
        if self._model is None:
            self._model = " ".join(self.about[name] for name in ("model", "firmware") if name in self.about)
        self.outputs.append(Reading(self.before.address, said, raw, model=self._model))
        self.said_ms = self.now_ms

    # --- time ------------------------------------------------------------------------------------------------

    def silence(self, opened_ms: int) -> None:
        """Judge how long nothing was heard."""
        since_ms = opened_ms if self.heard_ms is None else self.heard_ms
        if not self.lost and self.now_ms - since_ms >= LOST_MS:
            self.lost, self.held, self.held_ms = True, {}, None
            self.count("radar_lost")
            self.outputs.append(SourceState(self.before.source, up=False, reason=f"no frame for {LOST_MS // 1000} s"))
        elif not self.lost and self.now_ms - since_ms >= GAP_MS and not self.questions.waits_for_all(self.states):
            self.count("gaps")
            self.questions.want((*self.states, HEARTBEAT), anew=False)

    def ask(self) -> tuple[bytes, ...]:
        """The questions that are due."""
        if self.questions.open is self.before.asked and (
            self.before.ask_ms is None or self.now_ms < self.before.ask_ms
        ):
            return ()
        due = self.questions.due((HEARTBEAT, *self.before.profile.facts))
        if due:
            self.count("questions", len(due))
            listens = self.heard_ms is not None and self.now_ms - self.heard_ms < GAP_MS
            if listens and self.before.device is not None:
                for name in self.questions.unanswered(set(self.states) - {RESIDENCY}):
                    self.tell(f"svarer ikke på spørsmål om {ABOUT[name]}")
        return tuple(question(name).to_bytes() for name in due)


def step(given: bytes | None, now_ms: int, state: State) -> Stepped[State]:
    """Take bytes (or None: time has passed) and give readings, findings, questions to send and when to come back.

    now_ms is the boottime at which the bytes were read from the port. Never raises, whatever the bytes.
    """
    work = _Step(state, now_ms)
    opened_ms = now_ms if state.opened_ms is None else state.opened_ms
    if state.opened_ms is None:
        work.ask_all()
    frames, kept, counted = take(feed, state.kept, given, now_ms, PATIENCE)
    for what, number in counted.items():
        work.count(what, number)
    if frames:
        work.count("frames", len(frames))
    for frame in frames:
        work.frame(frame)
    if "skipped" in counted and not work.lost:
        # What was lost may have been a fall.
        work.questions.want(work.states, anew=False)
    if work.held_ms is not None and now_ms - work.held_ms >= GATHER_MS:
        work.release()
    work.silence(opened_ms)
    to_send = work.ask()
    ask_ms, waiting = state.ask_ms, state.waiting
    if work.questions.open is not state.asked or work.states is not state.states:
        ask_ms, waiting = work.questions.next_ms(), work.questions.waits_for_all(work.states)
    after = State(
        state.address,
        state.source,
        state.device,
        state.profile,
        work.states,
        kept=kept,
        opened_ms=opened_ms,
        heard_ms=work.heard_ms,
        said_ms=work.said_ms,
        asked=work.questions.open,
        ask_ms=ask_ms,
        waiting=waiting,
        lost=work.lost,
        fresh=work.fresh,
        held=work.held,
        held_ms=work.held_ms,
        passed=work.passed,
        echo=work.echo,
        told=work.told,
        about=work.about,
        work_mode=work.work_mode,
        sensitivity=work.sensitivity,
    )
    return Stepped(after, tuple(work.outputs), to_send, _wake_at_ms(after), work.counted)


def _wake_at_ms(state: State) -> int | None:
    """The first moment at which something is due though no byte comes."""
    due = [state.ask_ms, state.kept.due_ms(PATIENCE)]
    if state.held_ms is not None:
        due.append(state.held_ms + GATHER_MS)
    heard_ms = state.opened_ms if state.heard_ms is None else state.heard_ms
    if not state.lost and heard_ms is not None:
        due.append(heard_ms + (LOST_MS if state.waiting else GAP_MS))
    return min((at_ms for at_ms in due if at_ms is not None), default=None)
