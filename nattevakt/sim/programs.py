"""The programs of a demo: broker, centre and gateways as real processes over one data folder. Serves all nine arrows.

Owns the processes that it starts, their settings and that folder. They are the same programs as in an installation;
only `--demo` lets them follow the demo's time. Must not know what happens in the ward.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sqlalchemy import select

from nattevakt.central.clock import ServiceClock
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database, TenantSession
from nattevakt.central.migrate import make_ready
from nattevakt.central.people import tablets
from nattevakt.central.seed import apply_seed
from nattevakt.central.seed_file import load_seed
from nattevakt.central.tables import device_states, gateways
from nattevakt.edge.errors import NattevaktError
from nattevakt.edge.pace import MARK
from nattevakt.sim import broker
from nattevakt.sim.line import Proxy
from nattevakt.sim.pacing import NAME as PACE
from nattevakt.sim.street import STICK
from nattevakt.sim.ward import PORT, Ward

READY_LIMIT_S = 60.0
STOP_LIMIT_S = 10.0
PAGE_HEARTBEAT_S = 2
SWEEP_S = 1
DAY_MS = 24 * 3_600_000
TRIED_DAYS, DUE_DAYS = 9, 33
KEY = re.compile(r"nv1\.[a-z0-9-]+\.([a-z0-9-]+)\.[\w-]+")


class DemoError(NattevaktError):
    """The demo cannot go on; the sentence says why and what to do."""


def prepare_folder(data: Path) -> int:
    """An empty folder with a demo's mark; raises DemoError for one that holds anything but a demo's data, or where a
    demo is going on. Gives the open mark: whoever is in the folder holds it, and close it they must."""
    if data.exists() and (not data.is_dir() or (any(data.iterdir()) and not (data / MARK).exists())):
        raise DemoError(f"Mappen {data} er ikke fra en demo. Velg en annen med --data.")
    if (data / MARK).exists():
        os.close(_held(data))
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    (data / MARK).write_text("Kan slettes.\n", encoding="utf-8")
    return _held(data)


def _held(data: Path) -> int:
    mark = os.open(data / MARK, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(mark)
        raise DemoError(f"En demo går allerede i mappen {data}. Stopp den, eller velg en annen med --data.") from None
    return mark


def gateway_settings(ward: Ward, key: str, folder: Path, centre_port: int, broker: tuple[str, int]) -> str:
    """The settings file of one gateway of a demo."""
    gateway = ward.gateway(key)
    topic = gateway.base_topic if gateway is not None else ""
    return (
        f'state_dir = "{folder / key}"\n'
        f'[centre]\nurl = "http://127.0.0.1:{centre_port}"\ncredential_file = "{folder / f"{key}.key"}"\n'
        f'[[serial]]\nname = "{PORT}"\nport = "{folder / key / STICK}"\ndriver = "enocean"\n'
        f'[mqtt]\nhost = "{broker[0]}"\nport = {broker[1]}\nclient_id = "nattevakt-{key}"\nbase_topic = "{topic}"\n'
        + ward.devices_toml(key)
    )


class Programs:
    """Broker, centre and gateways. Not for several threads."""

    def __init__(self, ward: Ward, data: Path, port: int, stopping: threading.Event) -> None:
        self.data = data
        self.port = port
        self.broker_port = free_port()
        self.lines: Mapping[str, Proxy] = {}
        self._ward = ward
        self._stopping = stopping
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._mark: int | None = None

    @property
    def database(self) -> Path:
        """The centre's database file."""
        return self.data / "central.sqlite"

    def prepare(self, pin: str, since_ms: int) -> None:
        """Write the folder, the settings and the database with its ward. Raises DemoError for a foreign folder.

        since_ms: the service time from which the residents live there.
        """
        self._mark = prepare_folder(self.data)
        self.lines = {gateway.key: Proxy(self.port) for gateway in self._ward.gateways}
        (self.data / "ward.toml").write_text(self._ward.seed_toml(pin), encoding="utf-8")
        (self.data / "central.toml").write_text(
            f'[database]\nurl = "sqlite:///{self.database}"\n[http]\nport = {self.port}\n'
            f"[tablet]\nheartbeat_s = {PAGE_HEARTBEAT_S}\n[sweep]\ninterval_s = {SWEEP_S}\n",
            encoding="utf-8",
        )
        for gateway in self._ward.gateways:
            (self.data / gateway.key).mkdir()
            settings = gateway_settings(
                self._ward, gateway.key, self.data, self.lines[gateway.key].port, ("127.0.0.1", self.broker_port)
            )
            (self.data / f"{gateway.key}.toml").write_text(settings, encoding="utf-8")
        self._seed(since_ms)

    def _seed(self, since_ms: int) -> None:
        make_ready(f"sqlite:///{self.database}")
        db = Database(f"sqlite:///{self.database}")
        try:
            said = apply_seed(db, load_seed(self.data / "ward.toml"), since_ms)
            (tenant,) = db.tenants()
            db.transact(tenant.id, lambda s: self._tried(s, since_ms))
        finally:
            db.close()
        for found in KEY.finditer("\n".join(said)):
            path = self.data / f"{found[1]}.key"
            path.touch(mode=0o600)
            path.write_text(found[0], encoding="utf-8")

    def _tried(self, s: TenantSession, now_ms: int) -> None:
        """The buttons were tried some days ago, the last of them too long ago: a ward that is looked after."""
        ids = {row.key: row.id for row in s.execute(select(gateways).where(gateways.c.tenant_id == TENANT))}
        mute = [sensor for sensor in self._ward.sensors if sensor.mute]
        for number, sensor in enumerate(mute):
            days = TRIED_DAYS if sensor is not mute[-1] else DUE_DAYS
            tried_ms = now_ms - (days + number % 5) * DAY_MS
            heard = {"last_heard_ms": tried_ms, "proved_ms": tried_ms, "readings": {}, "needs_event": False}
            s.add(device_states, [{"gateway_id": ids[sensor.gateway], "address": sensor.address, **heard}])

    def codes(self, names: Sequence[str]) -> list[str]:
        """A fresh enrolment code for each of these tablets."""
        db = Database(f"sqlite:///{self.database}")
        try:
            (tenant,) = db.tenants()
            now_ms = ServiceClock().now_ms()
            key = self._ward.key
            return db.transact(tenant.id, lambda s: [tablets.new_code(s, key, name, now_ms) for name in names])
        finally:
            db.close()

    # --- up and down

    def start_broker(self) -> str:
        """Start the broker; gives its name."""
        name, words = broker.command(self.broker_port, self.data)
        self._launch("broker", words)
        self.wait("megleren", lambda: listens(self.broker_port))
        return name

    def start_central(self) -> None:
        """Start the centre and wait until it is ready."""
        self._launch("central", self._program("nattevakt.central", "central.toml"))
        self.wait("sentralen", lambda: _is_ready(f"http://127.0.0.1:{self.port}/readyz"))

    def start_gateway(self, key: str) -> None:
        """Start one gateway."""
        self._launch(f"gateway-{key}", self._program("nattevakt.gateway", f"{key}.toml"))

    def _program(self, module: str, config: str) -> list[str]:
        paths = ["--config", str(self.data / config), "--demo", str(self.data / PACE)]
        return [sys.executable, "-m", module, "run", *paths]

    def _launch(self, name: str, words: list[str]) -> None:
        with (self.data / f"{name}.log").open("ab") as log:
            # A session of its own: Ctrl-C reaches the demo alone, which then ends the others in order.
            self._processes[name] = subprocess.Popen(  # noqa: S603 - our own programs, no shell
                _tied(words), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def wait(self, what: str, condition: Callable[[], bool]) -> None:
        """Wait for something that a program is to do; raises DemoError where it does not come."""
        deadline = time.monotonic() + READY_LIMIT_S
        while not condition():
            self.check_alive()
            if time.monotonic() > deadline:
                raise DemoError(f"Fikk ikke kontakt med {what} innen {READY_LIMIT_S:.0f} s; se {self.data}/*.log")
            if self._stopping.wait(0.1):
                raise DemoError("Avbrutt.")

    def check_alive(self) -> None:
        """Raises DemoError where a program has ended by itself."""
        for name, process in self._processes.items():
            if process.poll() is not None:
                raise DemoError(f"{name} stoppet av seg selv ({process.returncode}); se {self.data / name}.log")

    def stop(self) -> None:
        """End all of it, gateways first."""
        for name in sorted(
            self._processes, key=lambda name: ("gateway", "central", "broker").index(name.partition("-")[0])
        ):
            process = self._processes[name]
            if process.poll() is not None:
                continue
            process.terminate()
            try:
                process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for line in self.lines.values():
            line.close()
        if self._mark is not None:
            os.close(self._mark)
            self._mark = None


def _tied(words: list[str]) -> list[str]:
    """The command such that the program ends when this process is killed outright; as it is where that cannot be."""
    found = shutil.which("setpriv")
    return words if found is None else [found, "--pdeathsig", "TERM", *words]


def free_port() -> int:
    """A port on 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Whether something answers on this port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:  # noqa: S310 - our own address on 127.0.0.1
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False
