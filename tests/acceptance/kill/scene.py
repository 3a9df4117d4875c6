"""The programs of the kill suite: a centre, a broker and two gateways as installed, over lines that can be broken.

Owns processes, settings and the seeded ward. Must not know what is broken when, nor what is expected.
"""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text, update
from sqlalchemy.pool import NullPool

from nattevakt.central import credentials
from nattevakt.central.clock import ServiceClock
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database, TenantSession
from nattevakt.central.migrate import make_ready
from nattevakt.central.seed import apply_seed
from nattevakt.central.seed_file import load_seed
from nattevakt.central.tables import gateways
from nattevakt.sim.sensors import Stick, binary, definition, enum
from tests.acceptance.kill.disk import Disk
from tests.acceptance.kill.plan import GATEWAYS
from tests.support.processes import Running, answers, free_port, mosquitto, python
from tests.support.proxy import Line
from tests.support.wait import until

PROFILES = {"call": "F6-02-01", "leak": "F6-05-01", "door": "D5-00-01", "bed": "A5-30-01"}
ROOMS = 6
KEY = re.compile(r"nv1\.[a-z0-9-]+\.([a-z0-9-]+)\.[\w-]+")


def boottime_ms() -> int:
    """The clock that dates a gateway's events on this machine."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


class Devices:
    """The devices of one gateway. once: how many may say something once in their life (a fall, a leak)."""

    def __init__(self, gateway: str, once: int) -> None:
        number = GATEWAYS.index(gateway) + 1
        self.buttons = self._serial(number, 0, 20)
        self.drips = self._serial(number, 1, once)
        self.doors = self._serial(number, 2, 6)
        self.mats = self._serial(number, 3, 6)
        self.sos = [f"sos-{gateway}-{n}" for n in range(20)]
        self.radars = [f"radar-{gateway}-{n}" for n in range(once)]

    @staticmethod
    def _serial(number: int, sort: int, count: int) -> list[str]:
        return [f"enocean:01{number}{sort}{n:04X}" for n in range(1, count + 1)]

    @property
    def uses(self) -> dict[str, str]:
        """All addresses with their use."""
        serial = {"call": self.buttons, "leak": self.drips, "door": self.doors, "bed": self.mats}
        found = {address: use for use, addresses in serial.items() for address in addresses}
        found |= {f"z2m:{name}": "call" for name in self.sos}
        return found | {f"z2m:{name}": "fall" for name in self.radars}

    def definitions(self) -> list[dict[str, object]]:
        """What the simulated Zigbee2MQTT says of its devices."""
        number = GATEWAYS.index(next(g for g in GATEWAYS if f"-{g}-" in self.sos[0]))
        ieee = (f"0x00158d{number:02x}{n:08x}" for n in range(len(self.sos) + len(self.radars)))
        sos = enum("action", "emergency")
        fall = enum("fall_status", "normal", "fall_warning", "fall_alarm")
        return [
            *(definition(name, next(ieee), "TS0215A_sos", sos) for name in self.sos),
            *(definition(name, next(ieee), "HS2FD-EF1-3.0", fall, binary("occupancy")) for name in self.radars),
        ]


class Gateway:
    """One gateway with its stick, its disk and its two lines."""

    def __init__(self, key: str, folder: Path, centre: int, broker: int, *, once: int, mounted: bool) -> None:
        self.key = key
        self.devices = Devices(key, once)
        self.disk = Disk(folder / key, mounted=mounted)
        self.stick = Stick(folder / f"{key}-stick")
        self.line, self.mqtt = Line(centre), Line(broker)
        self.config = folder / f"{key}.toml"
        self.credential = folder / f"{key}.key"
        self.process: Running | None = None
        self.radio = threading.Lock()
        """Held by whoever writes to the stick or moves it."""
        self.plugged = False

    @property
    def outbox(self) -> Path:
        """The outbox's file."""
        return self.disk.folder / "outbox.sqlite"

    def settings(self) -> str:
        """The settings file."""
        devices = "".join(
            f'[[device]]\naddress = "{address}"\nuse = "{use}"\n'
            + ("" if address.startswith("z2m:") else f'profile = "{PROFILES[use]}"\n')
            for address, use in self.devices.uses.items()
        )
        return (
            f'state_dir = "{self.disk.folder}"\n'
            f'[centre]\nurl = "http://127.0.0.1:{self.line.port}"\ncredential_file = "{self.credential}"\n'
            f'heartbeat_s = 1\n[[serial]]\nname = "stick"\nport = "{self.stick.link}"\ndriver = "enocean"\n'
            f'[mqtt]\nhost = "127.0.0.1"\nport = {self.mqtt.port}\nclient_id = "nattevakt-{self.key}"\n'
            f'base_topic = "{self.key}"\n{devices}'
        )

    def unsent(self) -> int:
        """Rows in the outbox that the centre has not acknowledged, -1 where it cannot be read."""
        try:
            with closing(sqlite3.connect(f"file:{self.outbox}?mode=ro", uri=True, timeout=5)) as connection:
                return int(connection.execute("SELECT count(*) FROM rows WHERE state = 0").fetchone()[0])
        except sqlite3.OperationalError:
            return -1


class Scene:
    """Use as a context manager: everything is up inside, and gone afterwards."""

    def __init__(self, folder: Path, database: str, admin: str, *, once: int, mounted: bool) -> None:
        self.folder = folder
        self.database = database
        self._engine = create_engine(admin, poolclass=NullPool)
        self.central_port, self.broker_port = free_port(), free_port()
        ports = (self.central_port, self.broker_port)
        self.gateways = {key: Gateway(key, folder, *ports, once=once, mounted=mounted) for key in GATEWAYS}
        self.central: Running | None = None
        self.broker: Running | None = None
        self.ended_itself: list[str] = []
        self._stack = ExitStack()

    def __enter__(self) -> Scene:
        with ExitStack() as stack:
            stack.callback(self._stop)
            for gateway in self.gateways.values():
                stack.enter_context(gateway.disk)
            self._start()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def _start(self) -> None:
        self._seed()
        self.start_central()
        self.start_broker()
        for gateway in self.gateways.values():
            gateway.stick.plug()
            gateway.plugged = True
            self.start_gateway(gateway)
        until(self.ready, "the centre is up", 60)
        until(lambda: all(g.stick.probed.is_set() for g in self.gateways.values()), "the sticks are read")

    def _stop(self) -> None:
        running = [gateway.process for gateway in self.gateways.values()]
        for one in (*running, self.central, self.broker):
            if one is not None:
                one.stop()
        for gateway in self.gateways.values():
            gateway.stick.pull()
            gateway.line.close()
            gateway.mqtt.close()
        for path in self.folder.glob("g?"):
            outbox = path / "outbox.sqlite"
            if outbox.exists():
                (self.folder / f"{path.name}-outbox.sqlite").write_bytes(outbox.read_bytes())
        self._engine.dispose()

    def _seed(self) -> None:
        (self.folder / "ward.toml").write_text(self._ward(), encoding="utf-8")
        make_ready(self.database)
        with closing(Database(self.database)) as db:
            said = apply_seed(db, load_seed(self.folder / "ward.toml"), ServiceClock().now_ms())
        for found in KEY.finditer("\n".join(said)):
            self.gateways[found[1]].credential.write_text(found[0], encoding="utf-8")
        for gateway in self.gateways.values():
            gateway.config.write_text(gateway.settings(), encoding="utf-8")
        (self.folder / "central.toml").write_text(
            f'[database]\nurl = "{self.database}"\n[http]\nport = {self.central_port}\n[sweep]\ninterval_s = 1\n',
            encoding="utf-8",
        )

    def _ward(self) -> str:
        lines = ['[tenant]\nkey = "kill"\nname = "Kill"\n[[ward]]\nkey = "w"\nname = "W"\n']
        for gateway in self.gateways.values():
            lines.append(f'[[gateway]]\nkey = "{gateway.key}"\nname = "{gateway.key}"\nward = "w"\n')
            for room in (f"{gateway.key}-{n}" for n in range(ROOMS)):
                lines.append(f'[[room]]\nkey = "{room}"\nward = "w"\nnumber = "{room}"\n')
                lines.append(f'[[resident]]\nkey = "r{room}"\nname = "Prøve {room}"\nroom = "{room}"\n')
            for number, address in enumerate(gateway.devices.uses):
                place = f'room = "{gateway.key}-{number % ROOMS}"\nspot = "stue"\n'
                lines.append(f'[[device]]\naddress = "{address}"\ngateway = "{gateway.key}"\n{place}')
        return "".join(lines)

    # --- programs --------------------------------------------------------------------------------------------

    def supervise(self) -> None:
        """Start again what ended by itself, as systemd does: a centre that finds no database when it starts, ends."""
        if self.central is not None and not self.central.alive and self.central.process.returncode >= 0:
            self.ended_itself.append("central")
            self.start_central()
        for gateway in self.gateways.values():
            if gateway.process is not None and not gateway.process.alive and gateway.process.process.returncode > 0:
                self.ended_itself.append(gateway.key)
                self.start_gateway(gateway)

    def start_central(self) -> None:
        """Start the centre (again); does not wait for it."""
        words = ("-m", "nattevakt.central", "run", "--config", str(self.folder / "central.toml"))
        self.central = python("central", self.folder, *words)

    def start_gateway(self, gateway: Gateway) -> None:
        """Start a gateway (again); does not wait for it."""
        gateway.stick.probed.clear()
        words = ("-m", "nattevakt.gateway", "run", "--config", str(gateway.config))
        gateway.process = python(gateway.key, self.folder, *words)

    def start_broker(self) -> None:
        """Start the broker (again) and wait until it listens."""
        self.broker = mosquitto(self.folder, self.broker_port)

    def bridges_known(self) -> bool:
        """Whether every gateway has told the centre that its Zigbee2MQTT is there."""
        heard = [str(row["health"]) for row in self.rows("SELECT health FROM gateways")]
        return all(re.search(r"['\"]z2m['\"]: ['\"]up['\"]", one) for one in heard)

    def ready(self) -> bool:
        """Whether the centre listens and its process lives."""
        return self.central is not None and self.central.alive and answers(self.central_port)

    def revoke(self, key: str) -> None:
        """Withdraw a gateway's key, as the command line does."""
        self._change(key, revoked_ms=ServiceClock().now_ms())

    def renew(self, key: str) -> None:
        """Give a gateway a new key, and write it where the gateway reads it when it starts."""
        token = credentials.new_token("kill", key)
        self._change(key, revoked_ms=None, credential_sha256=credentials.digest(token))
        self.gateways[key].credential.write_text(token, encoding="utf-8")

    def _change(self, key: str, **values: object) -> None:
        def work(s: TenantSession) -> int:
            mine = (gateways.c.tenant_id == TENANT, gateways.c.key == key)
            return int(s.execute(update(gateways).where(*mine).values(**values)).rowcount)

        with closing(Database(self.database)) as db:
            (tenant,) = db.tenants()
            assert db.transact(tenant.id, work) == 1

    # --- what the centre has -----------------------------------------------------------------------------------

    def rows(self, query: str) -> list[Mapping[str, Any]]:
        """Rows straight from the database, past every tenant rule."""
        with self._engine.connect() as connection:
            return [dict(row._mapping) for row in connection.execute(text(query))]


def plain(raw: object) -> dict[str, Any]:
    """A stored event's line."""
    found: dict[str, Any] = json.loads(raw if isinstance(raw, str) else bytes(raw))  # type: ignore[call-overload]
    return found
