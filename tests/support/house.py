"""A whole house of real processes: broker, gateway, centre, simulated sensors. It speaks the domain.

Four rooms' worth of devices, one ward, two night staff. Every process can be killed, stopped and started again on
the same data, with a probe at a chosen point.
"""

from __future__ import annotations

import http.client
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from nattevakt.central.clock import ServiceClock
from nattevakt.central.db import Database
from nattevakt.central.migrate import make_ready
from nattevakt.central.people import tablets
from nattevakt.central.seed import apply_seed
from nattevakt.central.seed_file import load_seed
from nattevakt.edge.drivers.driver import Reading, Value
from nattevakt.edge.drivers.enocean import driver as enocean
from nattevakt.sim.sensors import Bridge, Stick, binary, definition, enum
from tests.support.people import HttpTablet
from tests.support.processes import Running, free_port, mosquitto, python
from tests.support.proxy import Proxy
from tests.support.wait import until

BUTTON = "enocean:00298979"
CORD = "enocean:002E79FB"
DOOR = "enocean:01825DAB"
MAT = "enocean:018A7B30"
DRIP = "enocean:0194E3B9"
SOS = "sos-206"
RADAR = "radar-208"
PROFILES = {BUTTON: "F6-02-01", CORD: "F6-01-01", DOOR: "D5-00-01", MAT: "A5-30-01", DRIP: "F6-05-01"}
PROFILE_OF = {"call": "F6-02-01", "door": "D5-00-01", "bed": "A5-30-01"}
USES = {BUTTON: "call", CORD: "call", DOOR: "door", MAT: "bed", DRIP: "leak"}
ROOMS = {BUTTON: "204", CORD: "205", DOOR: "207", MAT: "201", DRIP: "203", f"z2m:{SOS}": "206", f"z2m:{RADAR}": "208"}
PIN = "274193"
HEARTBEAT_S = 2
"""The live stream's heartbeat in these tests; 5 in production."""

SEED = """
[tenant]
key = "furutun"
name = "Furutun"

[[ward]]
key = "2etg"
name = "Furutun, 2. etasje"
"""


def many(count: int) -> list[str]:
    """Addresses of so many devices more: a single one that says as much would flood, and be held back."""
    return [f"enocean:0190{number:04X}" for number in range(count)]


def seed_text() -> str:
    """The ward as a seed file."""
    lines = [SEED]
    for room in sorted({*ROOMS.values(), "202"}):
        lines.append(f'[[room]]\nkey = "{room}"\nward = "2etg"\nnumber = "{room}"\n')
        lines.append(f'[[resident]]\nkey = "r{room}"\nname = "Prøve Person {room}"\nroom = "{room}"\n')
    lines.append('[[gateway]]\nkey = "gw1"\nname = "Loftet"\nward = "2etg"\n')
    for address, room in ROOMS.items():
        spot = {"204": "bad", "207": "inngangsdør", "201": "seng"}.get(room, "stue")
        lines.append(
            f'[[device]]\naddress = "{address}"\nname = "{address}"\ngateway = "gw1"\n'
            f'room = "{room}"\nspot = "{spot}"\n'
        )
    lines.append('[[door_window]]\nresident = "r207"\nfrom = "00:00"\nto = "23:59"\n')
    for key, name, initials in (("kari", "Kari N.", "KN"), ("per", "Per A.", "PA")):
        lines.append(
            f'[[staff]]\nkey = "{key}"\nname = "{name}"\ninitials = "{initials}"\npin = "{PIN}"\nwards = ["2etg"]\n'
            f"lead = {str(key == 'kari').lower()}\n"
        )
    return "\n".join(lines)


def zigbee_definitions() -> list[dict[str, object]]:
    """What the simulated bridge says of its devices."""
    return [
        definition(SOS, "0xa4c13899607febd1", "TS0215A_sos", enum("action", "emergency")),
        definition(
            RADAR,
            "0xa4c13899607febd2",
            "HS2FD-EF1-3.0",
            enum("fall_status", "normal", "fall_warning", "fall_alarm"),
            binary("occupancy"),
        ),
    ]


class House:
    """Use as a context manager: `with House(folder, url) as house:`; `start()` brings everything up."""

    def __init__(self, folder: Path, database: str, admin: str = "") -> None:
        self.folder = folder
        self.heartbeat_s = 1
        """The gateway's heartbeat in these tests; 15 in production. Set it before `start`."""
        self.direct = False
        """The gateway reaches the centre without the proxy in between. Set it before `start`."""
        self.buttons: tuple[str, ...] = ()
        """More call buttons on the serial line, without a place. Set them before `start`."""
        self.also: dict[str, str] = {}
        """More devices on the serial line, without a place: address to use. Set them before `start`."""
        self.database = database
        self.admin = admin or database
        self.central_port = free_port()
        self.broker_port = free_port()
        self.proxy = Proxy(self.central_port)
        self.stick = Stick(folder / "enocean-stick")
        self.running: dict[str, Running] = {}
        self._bridge: Bridge | None = None
        self._engine = create_engine(self.admin)

    def __enter__(self) -> House:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._bridge is not None:
            self._bridge.stop()
        for running in self.running.values():
            running.stop()
        self.stick.pull()
        self.proxy.close()
        self._engine.dispose()

    # --- bringing up and taking down

    def start(self, *, broker: bool = True) -> House:
        """Seed, then start every process and wait until the gateway has its ports open."""
        self.seed()
        self.start_central()
        self.stick.plug()
        if broker:
            self.start_broker()
        self.start_gateway()
        if broker:
            self.bridge().online(zigbee_definitions())
            until(lambda: self.heard().get("sources", {}).get("z2m") == "up", "the bridge is up")
        return self

    def seed(self) -> None:
        """Write the settings, load the ward and give the gateway its credential."""
        self._write_settings()
        (self.folder / "ward.toml").write_text(seed_text(), encoding="utf-8")
        make_ready(self.database)
        with closing(Database(self.database)) as db:
            said = apply_seed(db, load_seed(self.folder / "ward.toml"), ServiceClock().now_ms())
        found = re.search(r"nv1\.[\w.-]+", "\n".join(said))
        assert found, said
        (self.folder / "credential").write_text(found.group(0), encoding="utf-8")

    @property
    def trigger(self) -> Path:
        """While this file exists, a probe that waits for it may kill."""
        return self.folder / "trigger"

    def start_central(self, *probe: str) -> Running:
        """Start the centre (again) on the same data and port; probe as run_central.py takes it."""
        running = python(
            "central", self.folder, "-m", "tests.support.run_central", str(self.folder / "central.toml"), *probe
        )
        self.running["central"] = running
        until(lambda: self.get("/readyz") == 200 or not running.alive, "the centre is ready")
        assert running.alive, running.text()
        return running

    def start_gateway(self, *probe: str) -> Running:
        """Start the gateway (again) on the same outbox."""
        self.stick.probed.clear()
        running = python(
            "gateway", self.folder, "-m", "tests.support.run_gateway", str(self.folder / "gateway.toml"), *probe
        )
        self.running["gateway"] = running
        if self.stick.link.exists():
            until(lambda: self.stick.probed.is_set() or not running.alive, "the gateway has opened the stick")
        return running

    def start_broker(self) -> Running:
        """Start mosquitto (again) on the same data and port."""
        self.running["mosquitto"] = mosquitto(self.folder, self.broker_port)
        return self.running["mosquitto"]

    def bridge(self) -> Bridge:
        """The simulated Zigbee2MQTT."""
        if self._bridge is None:
            self._bridge = Bridge("127.0.0.1", self.broker_port)
        return self._bridge

    # --- what happens in the house

    def presses(self, device: str = BUTTON) -> None:
        """Somebody presses and releases a button or cord on the serial line."""
        profile = PROFILES[device]
        if profile == "F6-02-01":
            self.stick.say(device, profile, {"action": "BI", "pressed": True})
        else:
            self.stick.say(device, profile, {"pressed": True})
        self.stick.say(device, profile, {"pressed": False})

    def stick_bytes(self, device: str, profile: str, values: Mapping[str, Value]) -> bytes:
        """The bytes of one telegram, not sent yet."""
        return enocean.encode(Reading(device, values), profile)

    def presses_sos(self) -> None:
        """Somebody presses the Zigbee SOS button."""
        self.bridge().publish(SOS, {"action": "emergency", "battery": 90, "linkquality": 120})

    def falls(self) -> None:
        """The radar reports a person on the floor."""
        self.bridge().publish(RADAR, {"occupancy": True, "fall_status": "fall_alarm"})

    def opens(self, device: str = DOOR) -> None:
        """A door opens."""
        self.stick.say(device, "D5-00-01", {"closed": False})

    def closes(self, device: str = DOOR) -> None:
        """A door closes."""
        self.stick.say(device, "D5-00-01", {"closed": True})

    # --- what the centre knows

    def get(self, path: str) -> int:
        """The status of a GET on the centre, 0 where nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.central_port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    def enrol_code(self) -> str:
        """A fresh one-time code for a tablet of the ward."""
        with closing(Database(self.database)) as db:
            (tenant,) = db.tenants()
            return db.transact(tenant.id, lambda s: tablets.new_code(s, "2etg", "Nettbrett", ServiceClock().now_ms()))

    def tablet(self, person: str = "kari") -> HttpTablet:
        """An enrolled tablet with a person logged in."""
        tablet = HttpTablet(self.central_port, self.enrol_code())
        if person:
            tablet.log_in(person, PIN)
        return tablet

    def rows(self, query: str, **params: object) -> list[Mapping[str, Any]]:
        """Rows straight from the database, past every tenant rule."""
        with self._engine.connect() as connection:
            return [dict(row._mapping) for row in connection.execute(text(query), params)]

    def count(self, kind: str) -> int:
        """How many stored events have this kind."""
        return int(self.rows("SELECT count(*) AS n FROM events WHERE kind = :kind", kind=kind)[0]["n"])

    def alarms(self, kind: str = "") -> list[Mapping[str, Any]]:
        """All alarms, or those of a kind, oldest first."""
        return [row for row in self.rows("SELECT * FROM alarms ORDER BY id") if not kind or row["kind"] == kind]

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The stored event lines of a kind, in the order they came in."""
        found = self.rows("SELECT raw FROM events WHERE kind = :kind ORDER BY received_ms, seq", kind=kind)
        return [json.loads(bytes(row["raw"]) if not isinstance(row["raw"], str) else row["raw"]) for row in found]

    def unsent(self, kind: str = "%") -> int:
        """Rows (of a kind) in the gateway's outbox that the centre has not acknowledged, -1 where it cannot be read."""
        path = self.folder / "gateway" / "outbox.sqlite"
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as connection:
                sql = "SELECT count(*) FROM rows WHERE state = 0 AND kind LIKE ?"
                return int(connection.execute(sql, (kind,)).fetchone()[0])
        except sqlite3.OperationalError:
            return -1

    def holds(self, kind: str, rows: int) -> bool:
        """Whether at least so many rows of a kind wait in the gateway's outbox."""
        return self.unsent(kind) >= rows

    def heard(self) -> dict[str, Any]:
        """The health that the gateway last told the centre."""
        found = [row["health"] for row in self.rows("SELECT health FROM gateways WHERE health IS NOT NULL")]
        health: dict[str, Any] = json.loads(found[0]) if found and isinstance(found[0], str) else (found or [{}])[0]
        return health or {}

    def health(self) -> dict[str, Any]:
        """What the gateway last wrote in its status file."""
        path = self.folder / "gateway" / "status.json"
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        health: dict[str, Any] = found.get("health", {})
        return health

    def _write_settings(self) -> None:
        gateway = self.folder / "gateway"
        gateway.mkdir(exist_ok=True)
        devices = "".join(
            f'[[device]]\naddress = "{address}"\nprofile = "{profile}"\nuse = "{USES[address]}"\n'
            for address, profile in PROFILES.items()
        )
        devices += (
            f'[[device]]\naddress = "z2m:{SOS}"\nuse = "call"\n[[device]]\naddress = "z2m:{RADAR}"\nuse = "fall"\n'
        )
        devices += "".join(
            f'[[device]]\naddress = "{address}"\nprofile = "{PROFILE_OF[use]}"\nuse = "{use}"\n'
            for address, use in {**dict.fromkeys(self.buttons, "call"), **self.also}.items()
        )
        centre_port = self.central_port if self.direct else self.proxy.port
        (self.folder / "gateway.toml").write_text(
            f'state_dir = "{gateway}"\n'
            f'[centre]\nurl = "http://127.0.0.1:{centre_port}"\ncredential_file = "{self.folder / "credential"}"\n'
            f"heartbeat_s = {self.heartbeat_s}\n"
            f'[[serial]]\nname = "stick"\nport = "{self.stick.link}"\ndriver = "enocean"\n'
            f'[mqtt]\nhost = "127.0.0.1"\nport = {self.broker_port}\nclient_id = "nattevakt-test"\n{devices}',
            encoding="utf-8",
        )
        (self.folder / "central.toml").write_text(
            f'[database]\nurl = "{self.database}"\n[http]\nport = {self.central_port}\n'
            f"[tablet]\nheartbeat_s = {HEARTBEAT_S}\n[sweep]\ninterval_s = 1\n",
            encoding="utf-8",
        )


@contextmanager
def whole_house(folder: Path, database: str, admin: str = "") -> Iterator[House]:
    """A house with everything up."""
    with House(folder, database, admin) as house:
        yield house.start()
