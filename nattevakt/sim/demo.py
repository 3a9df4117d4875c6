"""The demo: centre, gateway, broker and simulated sensors on this machine, in real time. Serves all nine arrows.

Owns the processes that it starts and one data folder. It uses the same programs and settings as an installation;
only the sensors and the people are invented. Must not be started on a machine that people depend on.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from nattevakt.central.clock import ServiceClock
from nattevakt.central.db import Database
from nattevakt.central.migrate import make_ready
from nattevakt.central.people import tablets
from nattevakt.central.seed import apply_seed
from nattevakt.central.seed_file import load_seed
from nattevakt.edge.errors import NattevaktError
from nattevakt.sim import broker
from nattevakt.sim.sensors import Bridge, Stick
from nattevakt.sim.story import PIN, ROUND_S, SCENES, bridge_devices, gateway_devices, ward

USUAL_PORT = 8080
MARK = "this-is-demo-data"
READY_LIMIT_S = 60.0
STOP_LIMIT_S = 10.0
TABLETS = ("Nettbrett 1", "Nettbrett 2")


class DemoError(NattevaktError):
    """The demo cannot go on; the sentence says why and what to do."""


class Demo:
    """One demo. `run` blocks until `stop`, or until one of its processes dies."""

    def __init__(self, data: Path, port: int, say: Callable[[str], None] = print) -> None:
        self._data = data.absolute()
        self._port = port or (_free_port() if _listens(USUAL_PORT) else USUAL_PORT)
        self._broker_port = _free_port()
        self._say = say
        self._stop = threading.Event()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def stop(self) -> None:
        """End the demo; may be called from a signal handler."""
        self._stop.set()

    def run(self) -> int:
        """Start everything, play the story again and again, and take everything down. Gives the exit code."""
        with contextlib.ExitStack() as stack:
            try:
                self._prepare()
                stack.callback(self._end_processes)
                codes = self._start()
                stick, bridge = self._sensors(stack)
                self._tell(codes)
                self._play(stick, bridge)
            except DemoError as error:
                self._say(f"\n{error}")
                return 1
            except NattevaktError as error:
                self._say(f"\nDemoen stoppet: {error}")
                return 1
            self._say("\nStopper. Alt demoen har lagret ligger i " + str(self._data))
        return 0

    # --- before

    def _prepare(self) -> None:
        if self._data.exists() and any(self._data.iterdir()) and not (self._data / MARK).exists():
            raise DemoError(f"Mappen {self._data} er ikke fra en demo. Velg en annen med --data.")
        shutil.rmtree(self._data, ignore_errors=True)
        (self._data / "gateway").mkdir(parents=True)
        (self._data / MARK).write_text("Kan slettes.\n", encoding="utf-8")
        (self._data / "ward.toml").write_text(ward(), encoding="utf-8")
        (self._data / "central.toml").write_text(
            f'[database]\nurl = "{self._database}"\n[http]\nport = {self._port}\n', encoding="utf-8"
        )
        (self._data / "gateway.toml").write_text(
            f'state_dir = "{self._data / "gateway"}"\n'
            f'[centre]\nurl = "http://127.0.0.1:{self._port}"\ncredential_file = "{self._data / "gateway.key"}"\n'
            f'[[serial]]\nname = "enocean"\nport = "{self._data / "enocean-stick"}"\ndriver = "enocean"\n'
            f'[mqtt]\nhost = "127.0.0.1"\nport = {self._broker_port}\nclient_id = "nattevakt-demo"\n'
            + gateway_devices(),
            encoding="utf-8",
        )

    @property
    def _database(self) -> str:
        return f"sqlite:///{self._data / 'central.sqlite'}"

    def _seed(self) -> list[str]:
        """Fill the database; gives one enrolment code a tablet. The gateway's key goes to its file."""
        make_ready(self._database)
        db = Database(self._database)
        try:
            now_ms = ServiceClock().now_ms()
            said = apply_seed(db, load_seed(self._data / "ward.toml"), now_ms)
            key = next(word for line in said for word in line.split() if word.startswith("nv1."))
            path = self._data / "gateway.key"
            path.touch(mode=0o600)
            path.write_text(key, encoding="utf-8")
            (tenant,) = db.tenants()
            return db.transact(tenant.id, lambda s: [tablets.new_code(s, "2etg", name, now_ms) for name in TABLETS])
        finally:
            db.close()

    # --- up and down

    def _start(self) -> list[str]:
        self._say("Klargjør en avdeling med oppdiktede beboere …")
        codes = self._seed()
        name, words = broker.command(self._broker_port, self._data)
        self._say(f"Starter megler ({name}), sentral og gateway …")
        self._launch("broker", words)
        self._wait("megleren", lambda: _listens(self._broker_port))
        self._launch("central", self._program("nattevakt.central", "run", "central.toml"))
        self._wait("sentralen", lambda: _is_ready(f"http://127.0.0.1:{self._port}/readyz"))
        return codes

    def _sensors(self, stack: contextlib.ExitStack) -> tuple[Stick, Bridge]:
        stick = Stick(self._data / "enocean-stick")
        stick.plug()
        stack.callback(stick.pull)
        bridge = Bridge("127.0.0.1", self._broker_port)
        stack.callback(bridge.stop)
        bridge.online(bridge_devices())
        self._launch("gateway", self._program("nattevakt.gateway", "run", "gateway.toml"))
        self._wait("gatewayen", stick.probed.is_set)
        return stick, bridge

    def _program(self, module: str, command: str, config: str) -> list[str]:
        return [sys.executable, "-m", module, command, "--config", str(self._data / config)]

    def _launch(self, name: str, words: list[str]) -> None:
        with (self._data / f"{name}.log").open("ab") as log:
            # A session of its own: Ctrl-C reaches the demo alone, which then ends the others in order.
            self._processes[name] = subprocess.Popen(  # noqa: S603 - our own programs, no shell
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def _wait(self, what: str, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_LIMIT_S
        while not condition():
            self._check_alive()
            if time.monotonic() > deadline:
                raise DemoError(f"Fikk ikke kontakt med {what} innen {READY_LIMIT_S:.0f} s; se {self._data}/*.log")
            if self._stop.wait(0.1):
                raise DemoError("Avbrutt.")

    def _check_alive(self) -> None:
        for name, process in self._processes.items():
            if process.poll() is not None:
                raise DemoError(f"{name} stoppet av seg selv ({process.returncode}); se {self._data / name}.log")

    def _end_processes(self) -> None:
        for name in ("gateway", "central", "broker"):
            process = self._processes.get(name)
            if process is None or process.poll() is not None:
                continue
            process.terminate()
            try:
                process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    # --- the story

    def _tell(self, codes: list[str]) -> None:
        self._say(f"\n  Nattevakt kjører på  http://127.0.0.1:{self._port}/\n")
        for name, code in zip(TABLETS, codes, strict=True):
            self._say(f"  {name}: åpne adressen og skriv koden  {code}")
        self._say("  (en kode gjelder ett nettbrett, altså én nettleser, i 15 minutter)")
        self._say(f"  Trykk «Start vakt» for lyd. Logg inn som Kari N. eller Per A. med PIN {PIN}.\n")
        self._say(f"Dette skjer, og begynner på nytt hvert {ROUND_S // 60}. minutt:")
        for scene in SCENES:
            self._say(f"  {scene.at_s // 60}:{scene.at_s % 60:02d}  {scene.says}")
        self._say("\nCtrl-C stopper alt.\n")

    def _play(self, stick: Stick, bridge: Bridge) -> None:
        began = time.monotonic()
        for at_s, says, happens in _endless():
            while (left := began + at_s - time.monotonic()) > 0:
                if self._stop.wait(min(left, 1.0)):
                    return
                self._check_alive()
            self._say(f"{time.strftime('%H:%M:%S')}  {says}")
            happens(stick, bridge)


def _endless() -> Iterator[tuple[int, str, Callable[[Stick, Bridge], None]]]:
    start_s = 0
    while True:
        for scene in SCENES:
            yield start_s + scene.at_s, scene.says, scene.happens
        start_s += ROUND_S


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:  # noqa: S310 - our own address on 127.0.0.1
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def run(data: Path, port: int) -> int:
    """The demo as a program: until Ctrl-C or SIGTERM."""
    demo = Demo(data, port, lambda text: print(text, flush=True))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: demo.stop())
    return demo.run()
