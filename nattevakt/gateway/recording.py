"""Recordings of raw traffic, made from the tap and played through drivers and interpreter. No arrow of its own.

Owns the file's format: JSON lines, a header first, times in ms from the start. Must not know sockets or the outbox.
The same file gives the same words each time, so that a problem from the field becomes a fixture.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from nattevakt.edge.drivers.driver import Device, MqttMessage, Use
from nattevakt.edge.drivers.registry import BY_PREFIX, MQTT_DIALECTS, SERIAL_DRIVERS
from nattevakt.edge.errors import RejectError
from nattevakt.edge.events import Moment, kind_of
from nattevakt.gateway.config import DEVICES_MAX, GatewayConfig
from nattevakt.gateway.health import VERSION
from nattevakt.gateway.inputs import Guard
from nattevakt.gateway.interpreting import Interpreting
from nattevakt.gateway.logs import clean
from nattevakt.gateway.pending import Waiting
from nattevakt.gateway.redact import EnoceanRedactor, MicradarRedactor, MqttRedactor, Names
from nattevakt.gateway.sensor_words import as_json, line_words
from nattevakt.gateway.sources import MQTT, Rooted, Sources, Taken, serial_source
from nattevakt.gateway.tap import Heard, content, message_content

FORMAT = 1
DEVICE_FIELDS = ("address", "profile", "use", "invert", "threshold_kg")
"""What a recording tells of a device; where its key lies is nobody's business."""
LINE_MAX = 8_000_000
TIME_MAX_MS = 30 * 24 * 3_600_000
WAKES_MAX = 10_000
"""Times that a driver may ask to be woken between two lines."""
MARGIN_MS = 1_000_000
"""Boottime at which a recording starts when it is played: drivers look back from there."""
WALL_MS = 1_790_000_000_000
REST_MS = 5_000
"""How long time goes on after the last line, so that what waits for silence is heard."""

Write = Callable[[str], object]


@dataclass(frozen=True)
class Scene:
    """Who listened where when a recording was made."""

    serial: Mapping[str, str] = field(default_factory=dict)
    """Driver by port."""
    dialects: Mapping[str, str] = field(default_factory=dict)
    """Base topic by dialect."""
    devices: tuple[Device, ...] = ()


class Tape:
    """A recording in the making: lines of the tap go in, lines of the file come out."""

    def __init__(self, config: GatewayConfig, dialects: Mapping[str, str]) -> None:
        self._names = Names()
        self._ports = {port.name: f"port{number}" for number, port in enumerate(config.serial, 1)}
        self._bytes: dict[str, EnoceanRedactor | MicradarRedactor] = {}
        for port in config.serial:
            if port.driver == "enocean":
                self._bytes[port.name] = EnoceanRedactor(self._names)
            elif port.driver == "micradar":
                self._bytes[port.name] = MicradarRedactor()
        bases = {root: root if root == name else f"rot{number}" for number, (name, root) in enumerate(dialects.items())}
        bases = {root: shown for root, shown in bases.items() if root}
        bridges = frozenset(root for name, root in dialects.items() if name == "zigbee2mqtt")
        self._mqtt = MqttRedactor(self._names, bases, bridges)
        self._began_ms: int | None = None
        serial = {self._ports[port.name]: port.driver for port in config.serial}
        shown = {name: bases.get(root, "") for name, root in dialects.items()}
        self._scene = Scene(
            serial, shown, tuple(replace(d, address=self._address(d), key_file="") for d in config.device)
        )

    def _address(self, device: Device) -> str:
        prefix, colon, name = device.address.partition(":")
        radio = BY_PREFIX.get(prefix + colon)
        if prefix == "z2m":
            return f"z2m:{self._mqtt.name(name)}"
        if name in self._ports and radio in SERIAL_DRIVERS.values():
            return f"{prefix}:{self._ports[name]}"
        return f"{prefix}:{self._mqtt.path(name)}"

    def header(self) -> str:
        """The first line."""
        scene = self._scene
        devices = [{name: getattr(device, name) for name in DEVICE_FIELDS} for device in scene.devices]
        told = {"serial": scene.serial, "dialects": scene.dialects, "devices": devices}
        return json.dumps({"nattevakt_recording": FORMAT, "version": VERSION, **told}, ensure_ascii=False)

    def taken(self, line: Mapping[str, object]) -> Iterator[str]:
        """What one line of the tap becomes."""
        ms, source, what = line.get("ms"), str(line.get("source")), line.get("what")
        if isinstance(dropped := line.get("dropped"), int):
            yield json.dumps({"dropped": dropped})
        if not isinstance(ms, int):
            return
        if self._began_ms is None:
            self._began_ms = ms
        at_ms = ms - self._began_ms
        port = source.removeprefix("serial:")
        if port in self._ports and source != port:
            shown = serial_source(self._ports[port])
            if what == "opened":
                yield json.dumps({"ms": at_ms, "source": shown, "what": "opened"})
            elif what == "bytes" and (data := self._clean(port, hex_of(line.get("hex")), ms)):
                yield json.dumps({"ms": at_ms, "source": shown, "what": "bytes", "hex": data.hex()})
        elif source == MQTT and (message := message_of(line)) is not None:
            told = {"ms": at_ms, "source": MQTT, "what": "message", **message_content(self._mqtt.message(message))}
            yield json.dumps(told, ensure_ascii=True)

    def _clean(self, port: str, data: bytes | None, now_ms: int) -> bytes:
        redactor = self._bytes.get(port)
        return redactor.take(data or b"", now_ms) if redactor is not None else data or b""

    def rest(self) -> Iterator[str]:
        """What was kept back for frames that never became whole."""
        for port, redactor in self._bytes.items():
            if data := redactor.rest():
                shown = serial_source(self._ports[port])
                yield json.dumps({"ms": TIME_MAX_MS, "source": shown, "what": "bytes", "hex": data.hex()})


def hex_of(value: object) -> bytes | None:
    """Bytes from hexadecimal digits, None where it is something else."""
    try:
        return bytes.fromhex(value) if isinstance(value, str) else None
    except ValueError:
        return None


def message_of(line: Mapping[str, object]) -> MqttMessage | None:
    """An MQTT message from a line, None where it holds none."""
    topic, text = line.get("topic"), line.get("text")
    payload = text.encode("utf-8", "replace") if isinstance(text, str) else hex_of(line.get("hex"))
    if not isinstance(topic, str) or payload is None:
        return None
    return MqttMessage(topic, payload, line.get("retained") is True)


# --- playing ----------------------------------------------------------------------------------------------------


def scene_of(line: str) -> Scene:
    """The header; raises RejectError with what is wrong."""
    try:
        value = json.loads(line)
        if value["nattevakt_recording"] != FORMAT:
            raise RejectError("nattevakt_recording", f"formatet er ikke {FORMAT}")
        serial = {str(name): str(driver) for name, driver in value["serial"].items()}
        dialects = {str(name): str(root) for name, root in value["dialects"].items()}
        devices = tuple(
            Device(
                str(one["address"]),
                str(one["profile"]),
                Use(one["use"]),
                one["invert"] is True,
                threshold_kg=None if one.get("threshold_kg") is None else float(one["threshold_kg"]),
            )
            for one in value["devices"][:DEVICES_MAX]
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RejectError("header", f"kan ikke leses: {type(error).__name__}") from None
    for name in (*serial.values(), *dialects):
        if name not in SERIAL_DRIVERS and name not in MQTT_DIALECTS:
            raise RejectError("header", f"ukjent driver {clean(name, 40)}")
    return Scene(serial, dialects, devices)


class Player:
    """Drivers and interpreter without ports, disk or centre. failures: what raised, and lines that made no sense."""

    def __init__(self, scene: Scene, guard: Guard, write: Write) -> None:
        serial = {port: (name, SERIAL_DRIVERS[name]) for port, name in scene.serial.items()}
        rooted = {name: Rooted(MQTT_DIALECTS[name], root) for name, root in scene.dialects.items()}
        self._sources = Sources(scene.devices, serial, rooted)
        self._known = Interpreting(self._sources, guard)
        self._guard = guard
        self._write = write
        self._memory: dict[str, str] = {}
        self._seq = 1
        self._now_ms = MARGIN_MS
        self._opened: set[str] = set()
        self.failures: list[str] = []

    def play(self, line: Mapping[str, object]) -> None:
        """One line of the recording at its own time; time never goes back."""
        if "dropped" in line:
            self._write(f"-- {line['dropped']} linjer mangler i opptaket her --\n")
            return
        ms, source = line.get("ms"), str(line.get("source"))
        if not isinstance(ms, int) or isinstance(ms, bool) or ms < 0:
            raise RejectError("ms", "ingen tid")
        if ms <= TIME_MAX_MS - 1:
            self.until(MARGIN_MS + ms)
        port = source.removeprefix("serial:")
        if source == MQTT:
            message = message_of(line)
            if message is None:
                raise RejectError("topic", "ingen melding")
            at = Heard(self._now_ms, MQTT, "message", message, Taken())
            self._step(at, lambda: self._sources.mqtt(message, self._now_ms))
        elif serial_source(port) == source and source in self._sources.names:
            self._serial(port, line)
        else:
            raise RejectError("source", "ukjent kilde")

    def _serial(self, port: str, line: Mapping[str, object]) -> None:
        source = serial_source(port)
        if line.get("what") == "opened" or port not in self._opened:
            self._opened.add(port)
            opened = Heard(self._now_ms, source, "opened", None, Taken())
            self._step(opened, lambda: self._sources.opened(port, self._now_ms))
        if line.get("what") == "bytes":
            data = hex_of(line.get("hex"))
            if data is None:
                raise RejectError("hex", "ingen byte")
            heard = Heard(self._now_ms, source, "bytes", data, Taken())
            self._step(heard, lambda: self._sources.serial(port, data, self._now_ms))

    def until(self, ms: int) -> None:
        """Let time pass, waking the drivers that asked for it."""
        for _ in range(WAKES_MAX):
            wake_ms = self._sources.wake_at_ms()
            if wake_ms is None or wake_ms > ms:
                break
            self._now_ms = max(self._now_ms, wake_ms)
            for port in self._sources.due(self._now_ms):
                self._wake(port)
        self._now_ms = max(self._now_ms, ms)

    def rest(self) -> None:
        """Let time pass after the last line."""
        self.until(self._now_ms + REST_MS)

    def _wake(self, port: str) -> None:
        heard = Heard(self._now_ms, serial_source(port), "woken", None, Taken())
        self._step(heard, lambda: self._sources.woken(port, self._now_ms))

    def _step(self, heard: Heard, call: Callable[[], Taken]) -> None:
        box: list[Taken] = []
        error = self._guard(heard.source, lambda: box.append(call()))
        if error is not None:
            self.failures.append(error)
            self._write(f"{self._at()} FEIL i driveren: {clean(error, 300)}\n")
            return
        taken = box[0]
        if heard.what != "woken" or taken.outputs:
            shown = content(replace(heard, taken=taken))
            self._write("".join(f"{words}\n" for words in line_words(shown, self._at())))
        self._interpret(heard.source, taken)

    def _interpret(self, source: str, taken: Taken) -> None:
        now = Moment("opptak", self._now_ms, WALL_MS + self._now_ms, synced=True)
        group = self._known.gather([Waiting(source, now, taken.outputs)], self._memory, self._seq, now)
        for event in group.events:
            body = asdict(event.body)  # type: ignore[call-overload]
            told = as_json({name: value for name, value in body.items() if value is not None})
            since = "" if event.since is None else " (tid usikker)"
            self._write(f"    ⇒ {self._seq} {kind_of(event.body)} {told}{since}\n")
            self._seq += 1
        if group.counted.get("unhandled"):
            self.failures.append("tolkingen")
            self._write(f"{self._at()} FEIL i tolkingen\n")
        for key, value in group.memory.changes.items():
            if value is None:
                self._memory.pop(key, None)
            else:
                self._memory[key] = value
        self._known.stored(group)

    def _at(self) -> str:
        return f"+{(self._now_ms - MARGIN_MS) / 1000:.3f}"


def replay(path: Path, write: Write, guard: Guard) -> int:
    """Play a file; 1 when anything raised or a line made no sense."""
    try:
        with path.open("r", encoding="utf-8", errors="replace") as file:
            player = Player(scene_of(file.readline(LINE_MAX)), guard, write)
            for number, line in enumerate(iter(lambda: file.readline(LINE_MAX), ""), 2):
                _play(player, number, line, write)
            player.rest()
    except (OSError, RejectError) as error:
        write(f"{path.name}: {error}\n")
        return 1
    write(f"{len(player.failures)} feil.\n")
    return 1 if player.failures else 0


def _play(player: Player, number: int, line: str, write: Write) -> None:
    if not line.strip():
        return
    try:
        value = json.loads(line)
        if not isinstance(value, dict):
            raise RejectError("line", "ikke et objekt")
        player.play(value)
    except (ValueError, RecursionError, RejectError) as error:
        player.failures.append(f"linje {number}")
        write(f"linje {number} gir ingen mening: {clean(str(error), 200)}\n")
