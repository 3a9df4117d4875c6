"""The demo: a night on a simulated ward in some ten minutes, on this machine. Serves all nine arrows.

Owns the night's pace and the order of things: the programs, the devices, the nurse and the side page. Sixty times as
fast as life while no alarm is open, at life's own pace while one is. Must not be started on a machine that people
depend on; it touches nothing but its own data folder.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from random import Random

from nattevakt.central.tablet.i18n import words
from nattevakt.central.tablet.sentences import kind as kind_words
from nattevakt.edge.errors import NattevaktError, RetryError
from nattevakt.sim import demo_night
from nattevakt.sim.demo_night import BEATS, PRESSES, Beat
from nattevakt.sim.network import Road
from nattevakt.sim.nurse import CHECK, STEP_S, Alarms, Nurse, Open, Patience, Tablet
from nattevakt.sim.pacing import Pacer
from nattevakt.sim.people import Happening
from nattevakt.sim.programs import DemoError, Programs, free_port, listens
from nattevakt.sim.scenario import Night, ScenarioError
from nattevakt.sim.side_page import Row, SidePage
from nattevakt.sim.stage import Scene
from nattevakt.sim.street import Street
from nattevakt.sim.ward import WARD

USUAL_PORT = 8080
PIN = "274193"
"""The invented staff's PIN."""
TABLETS = ("Nettbrett 1", "Nettbrett 2")
NURSE = "per"
FAST = 60.0
TURN_S = 0.02
LOOK_S = 0.1
HOLD_S = 4.0
"""So long the night stays slow after something that rings, so that the alarm is seen to come and to go."""
CHECK_S = 12.0
"""A *sjekk* slows the night for so long only: it is to become an alarm while somebody watches."""
VIEWER_WAIT_S = 120.0
SETTLED_MS = 24 * 3_600_000
"""So long before the night begins everybody has moved in."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line may change. from_, until: local times of day; patience_s: the nurse's."""

    data: Path
    port: int = 0
    seed: int = 1
    from_: str = ""
    until: str = ""
    patience_s: float = 30.0
    viewer_wait_s: float = VIEWER_WAIT_S


class Demo:
    """One demo. `run` blocks until `stop`, or until one of its processes dies."""

    def __init__(self, wishes: Wishes, say: Callable[[str], None] = print) -> None:
        self._wishes = wishes
        self._say = say
        self._stop = threading.Event()
        self._data = wishes.data.absolute()
        port = wishes.port or (free_port() if listens(USUAL_PORT) else USUAL_PORT)
        self._programs = Programs(WARD, self._data, port, self._stop)
        self._alarms = Alarms(self._programs.database)

    def stop(self) -> None:
        """End the demo; from any thread, but not from a signal handler itself."""
        self._stop.set()

    def run(self) -> int:
        """Start everything, play the night, and take everything down. Gives the exit code."""
        with contextlib.ExitStack() as stack:
            try:
                self._play(stack)
            except DemoError as error:
                self._say(f"\n{error}")
                return 1
            except (NattevaktError, TimeoutError) as error:
                self._say(f"\nDemoen stoppet: {error}")
                return 1
            self._say(f"\nStopper. Alt demoen har lagret ligger i {self._data}")
        return 0

    def _play(self, stack: contextlib.ExitStack) -> None:
        story = demo_night.night(evening())
        begins_ms = story.moment(self._wishes.from_) if self._wishes.from_ else story.begins_ms
        ends_ms = story.moment(self._wishes.until) if self._wishes.until else story.ends_ms
        self._say("Klargjør en avdeling med oppdiktede beboere …")
        programs = self._programs
        stack.callback(programs.stop)
        programs.prepare(PIN, begins_ms - SETTLED_MS)
        codes = programs.codes((*TABLETS, "Pers nettbrett (simulert)"))
        name = programs.start_broker()
        self._say(f"Starter megler ({name}), sentral og {len(WARD.gateways)} gatewayer …")
        pacer = Pacer(self._data, begins_ms)
        stack.callback(pacer.close)
        programs.start_central()
        chance = Random(self._wishes.seed)  # noqa: S311 - a simulation, not a secret
        street = Street(WARD, self._data, ("127.0.0.1", programs.broker_port), begins_ms, chance)
        street.lines = programs.lines
        stack.callback(street.stop)
        street.start()
        for gateway in WARD.gateways:
            programs.start_gateway(gateway.key)
        programs.wait("gatewayene", lambda: all(stick.probed.is_set() for stick in street.sticks.values()))
        director = Director(pacer, street, self._alarms, self._say, ends_ms)
        director.told(story, begins_ms, Random(f"{self._wishes.seed}:people"))  # noqa: S311 - as above
        board = f"http://127.0.0.1:{programs.port}/"
        side = SidePage(0, rows(), board, director.status, director.press)
        stack.callback(side.stop)
        side.start()
        patience = Patience(self._wishes.patience_s, min(STEP_S, self._wishes.patience_s / 5))
        nurse = Nurse(Tablet(programs.port), self._alarms, (NURSE, PIN), patience, director.says)
        stack.callback(nurse.stop)
        nurse.start(codes[-1])
        self._tell(board, side.url, codes)
        director.waits_for_viewer(self._viewer_came, self._wishes.viewer_wait_s)
        director.run(self._stop, programs.check_alive)

    def _viewer_came(self) -> bool:
        return self._alarms.tablets() > 1

    def _tell(self, board: str, side: str, codes: list[str]) -> None:
        self._say(f"\n  Tavla til nattevakta:  {board}")
        self._say(f"  Bak kulissene:         {side}\n")
        for name, code in zip(TABLETS, codes, strict=False):
            self._say(f"  {name}: åpne adressen til tavla og skriv koden  {code}")
        self._say("  (en kode gjelder ett nettbrett, altså én nettleser, i 15 minutter)")
        self._say(f"  Trykk «Start vakt» for lyd. Logg inn som Kari N. med PIN {PIN}.\n")
        self._say(f"Natten går {FAST:g} ganger så fort som ellers, og i vanlig fart mens en alarm er åpen.")
        self._say(f"Gjør du ikke noe på {self._wishes.patience_s:g} s, tar en simulert nattevakt alarmen.")
        self._say("\nCtrl-C stopper alt.\n")


def evening() -> date:
    """The day on which the night begins: yesterday, so that nothing is dated in the future for long."""
    today = time.localtime()
    return date(today.tm_year, today.tm_mon, today.tm_mday) - timedelta(days=1)


def rows() -> list[Row]:
    """The side page's table: one line a resident, then the lines to the centre."""
    found: list[Row] = [
        (
            resident.key,
            f"{resident.room} {resident.name}",
            [(act, label) for act, label, use, _ in PRESSES if resident.sensor(use) is not None],
        )
        for resident in WARD.residents
    ]
    found += [(g.key, f"Linja fra {g.name} til sentralen", [("linje", "Kutt linja")]) for g in WARD.gateways]
    return found


class Director:
    """Lets the night go on: plays what is due, looks at the alarms, and sets the pace."""

    def __init__(self, pacer: Pacer, street: Street, alarms: Alarms, say: Callable[[str], None], ends_ms: int) -> None:
        self._pacer = pacer
        self._street = street
        self._alarms = alarms
        self._say = say
        self._ends_ms = ends_ms
        self._clock: Callable[[int], str] = str
        self._beats: list[tuple[int, Beat]] = []
        self._open: dict[int, Open] = {}
        self._since_s: dict[int, float] = {}
        self._slow_until_s = 0.0
        self._viewer: Callable[[], bool] | None = None
        self._viewer_until_s = 0.0
        self._over = False

    def told(self, story: Night, begins_ms: int, chance: Random) -> None:
        """Put a night on the street's timeline, from `begins_ms` on."""
        self._clock = lambda at_ms: story.clock(at_ms)[:5]
        for happening in demo_night.plain(story, begins_ms, chance):
            self._street.happens(happening)
        for entry, beat in zip(story.entries, BEATS, strict=True):
            if entry.at_ms >= begins_ms:
                self._beats.append((entry.at_ms, beat))
                self._street.line.at(entry.at_ms, partial(self._beat, entry.at_ms, beat, story, chance))
        self._street.report_all()

    def waits_for_viewer(self, came: Callable[[], bool], limit_s: float) -> None:
        """Let the evening go slowly until somebody has enrolled a tablet, or for so long."""
        self._viewer, self._viewer_until_s = came, time.monotonic() + limit_s

    def run(self, stop: threading.Event, check: Callable[[], None]) -> None:
        """The night, and then the time after it, until told to stop. check: raises when something is wrong."""
        look_at_s = 0.0
        while not stop.wait(TURN_S):
            self._street.turn(self._pacer.now_ms())
            if time.monotonic() < look_at_s:
                continue
            look_at_s = time.monotonic() + LOOK_S
            check()
            with contextlib.suppress(RetryError):
                self._look()
            self._pacer.set(self._speed())
            if not self._over and self._pacer.now_ms() >= self._ends_ms:
                self._over = True
                self.says("Natten er over. Demoen går videre i vanlig fart; prøv knappene bak kulissene.")

    def says(self, sentence: str) -> None:
        """A line in the terminal, with the night's time."""
        self._say(f"{self._clock(self._pacer.now_ms())}  {sentence}")

    # --- the story

    def _beat(self, at_ms: int, beat: Beat, story: Night, chance: Random) -> None:
        self._beats = [entry for entry in self._beats if entry[0] > at_ms]
        if beat.rings:
            self._slow_down()
        self.says(beat.deed.says + (f" → {beat.says}" if beat.says else ""))
        beat.deed.play(self._street, Scene(self._street.line.now_ms, chance, story.moment))

    def _slow_down(self) -> None:
        self._slow_until_s = time.monotonic() + HOLD_S
        self._pacer.set(1)

    # --- the alarms

    def _look(self) -> None:
        found = {alarm.id: alarm for alarm in self._alarms.open()}
        for alarm in found.values():
            before = self._open.get(alarm.id)
            if before is None or before.kind != alarm.kind:
                self._since_s[alarm.id] = time.monotonic()
                self.says(f"    ALARM  {alarm.room}: {kind_words(words('nb'), alarm.kind)}")
        for alarm in self._open.values():
            if alarm.id not in found:
                self.says(f"    over   {alarm.room}: {kind_words(words('nb'), alarm.kind)}")
                if not alarm.is_technical:
                    self._slow_until_s = max(self._slow_until_s, time.monotonic() + HOLD_S / 2)
                    self._helped(alarm)
        self._open = found

    def _helped(self, alarm: Open) -> None:
        resident = WARD.resident(alarm.room)
        if resident is not None:
            for happening in demo_night.after_help(resident, alarm.kind, self._street.line.now_ms):
                self._street.happens(happening)

    def _speed(self) -> float:
        now_s = time.monotonic()
        if self._viewer is not None:
            if not self._viewer() and now_s < self._viewer_until_s:
                return 1
            self._viewer = None
            self._slow_until_s = now_s + HOLD_S
        if self._over or now_s < self._slow_until_s:
            return 1
        return 1 if any(self._slows(alarm, now_s) for alarm in self._open.values()) else FAST

    def _slows(self, alarm: Open, now_s: float) -> bool:
        if alarm.kind == CHECK:
            return now_s < self._since_s[alarm.id] + CHECK_S
        return not alarm.is_technical

    # --- the side page: called from its threads

    def status(self) -> dict[str, object]:
        """What the side page shows."""
        now_ms, speed = self._pacer.now_ms(), self._pacer.speed
        if self._viewer is not None:
            how = "Venter til det første nettbrettet er registrert."
        elif speed > 1:
            how = f"Natten går {speed:g} ganger så fort som ellers."
        else:
            how = "Natten er over." if self._over else "Vanlig fart."
        lines = {key: "Koble til linja" if self._street.is_cut(key) else "Kutt linja" for key in self._street.lines}
        coming = [f"{self._clock(at_ms)} {beat.deed.says}" for at_ms, beat in self._beats[:3]]
        return {"now": f"Kl. {self._clock(now_ms)}", "speed": how, "next": coming, "lines": lines}

    def press(self, key: str, act: str) -> str | None:
        """Make something happen now; gives what it says, None where there is no such thing."""
        if act == "linje" and key in self._street.lines:
            road = Road.UP if self._street.is_cut(key) else Road.CUT
            said = f"Linja fra {key} er " + ("koblet til." if road is Road.UP else "kuttet.")
            self._street.order(lambda: self._pressed(said, lambda: self._street.road(key, road)))
            return said
        resident = WARD.resident(key)
        found = next((entry for entry in PRESSES if entry[0] == act), None)
        if resident is None or found is None or resident.key != key or resident.sensor(found[2]) is None:
            return None
        said = f"{resident.room} {resident.first_name}: {found[1].lower()}."

        def happen() -> None:
            for one in found[3]:
                self._street.happens(Happening(self._street.line.now_ms, resident.key, one))

        self._street.order(lambda: self._pressed(said, happen))
        return said

    def _pressed(self, said: str, happen: Callable[[], None]) -> None:
        self._slow_down()
        self.says(said)
        happen()


def run(wishes: Wishes) -> int:
    """The demo as a program: until Ctrl-C or SIGTERM."""
    demo = Demo(wishes, lambda text: print(text, flush=True))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # From a thread: the interrupted main thread may hold the event's own lock at this very moment.
        signal.signal(number, lambda *_: threading.Thread(target=demo.stop).start())
    try:
        return demo.run()
    except ScenarioError as error:
        print(error)
        return 2
