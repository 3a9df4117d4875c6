"""The gateway's settings: one frozen value, read once, strict. Serves arrows 1 to 5.

Owns the names, types and limits of all settings. Must not know what is done with them. An unknown key or an
impossible value is an error that names the key ("device[0].profile").
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from nattevakt.edge.drivers.driver import Device, Use
from nattevakt.edge.drivers.registry import PROFILES, SERIAL_DRIVERS
from nattevakt.edge.errors import RejectError
from nattevakt.edge.strict import Reader, number, record, text, whole
from nattevakt.gateway.identity import Credential, default_client_id, read_credential
from nattevakt.gateway.outbox import OutboxLimits

DEVICES_MAX = 500
PORTS_MAX = 8


@dataclass(frozen=True, slots=True)
class CentreConfig:
    """[centre]: where to deliver. Times in seconds."""

    url: str
    credential_file: Path
    connect_timeout_s: float = 3.0
    reply_timeout_s: float = 5.0
    heartbeat_s: float = 15.0


@dataclass(frozen=True, slots=True)
class SerialConfig:
    """[[serial]]: one serial radio. port: a stable name under /dev/serial/by-id."""

    name: str
    port: str
    driver: str
    baud: int = 57_600


@dataclass(frozen=True, slots=True)
class MqttConfig:
    """[mqtt]: the broker that Zigbee2MQTT publishes to."""

    host: str
    port: int = 1883
    client_id: str = ""
    username: str = ""
    password_file: Path | None = None
    base_topic: str = "zigbee2mqtt"
    keepalive_s: int = 10


@dataclass(frozen=True, slots=True)
class LocalAlarmConfig:
    """[local_alarm]: a command run once when a fault starts, with the fault as its last argument."""

    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """Everything that the agent is told. Field names are the sections of the file."""

    state_dir: Path
    centre: CentreConfig
    serial: tuple[SerialConfig, ...] = ()
    mqtt: MqttConfig | None = None
    device: tuple[Device, ...] = ()
    outbox: OutboxLimits = field(default_factory=OutboxLimits)
    local_alarm: LocalAlarmConfig | None = None

    @property
    def outbox_file(self) -> Path:
        """The outbox's database."""
        return self.state_dir / "outbox.sqlite"

    @property
    def status_file(self) -> Path:
        """What `status` reads."""
        return self.state_dir / "status.json"


def _between(low: float, high: float, reader: Reader = number) -> Reader:
    def read(value: object, where: str) -> Any:
        found = reader(value, where)
        if not low <= found <= high:
            raise RejectError(where, f"must be between {low:g} and {high:g}")
        return found

    return read


def _path(value: object, where: str) -> Path:
    found = Path(_filled(value, where))
    if not found.is_absolute():
        raise RejectError(where, "must be an absolute path")
    return found


def _filled(value: object, where: str) -> str:
    found = text(value, where)
    if not found.strip():
        raise RejectError(where, "must not be empty")
    return found


def _url(value: object, where: str) -> str:
    found = _filled(value, where)
    try:
        parts = urlsplit(found)
        port = parts.port
    except ValueError:
        raise RejectError(where, "is no URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise RejectError(where, "must be http://host[:port] or https://host[:port]")
    if parts.username is not None or port == 0:
        raise RejectError(where, "must hold no user name and no port 0")
    return found.rstrip("/")


def _one_of(known: Any, what: str) -> Reader:
    def read(value: object, where: str) -> str:
        found = text(value, where)
        if found not in known:
            raise RejectError(where, f"unknown {what}; known are " + ", ".join(sorted(filter(None, known))))
        return found

    return read


def _use(value: object, where: str) -> Use:
    return Use(_one_of([use.value for use in Use], "use")(value, where))


def _address(value: object, where: str) -> str:
    found = _filled(value, where)
    radio, _, name = found.partition(":")
    if radio not in (*SERIAL_DRIVERS, "z2m") or not name:
        raise RejectError(where, "must be enocean:<8 hexadecimal digits> or z2m:<ieee address or friendly name>")
    if radio == "enocean":
        if len(name) != 8 or any(c not in "0123456789abcdefABCDEF" for c in name):
            raise RejectError(where, "must be enocean:<8 hexadecimal digits>")
        return f"enocean:{name.upper()}"
    return found


def _name(value: object, where: str) -> str:
    found = _filled(value, where)
    if len(found) > 40 or not all(c.isascii() and (c.isalnum() or c in "-_") for c in found):
        raise RejectError(where, "must be at most 40 of letters, digits, - and _")
    return found


def _topic(value: object, where: str) -> str:
    found = _filled(value, where).rstrip("/")
    if not found or "#" in found or "+" in found:
        raise RejectError(where, "must be a plain topic without # and +")
    return found


def _listed(item: Reader, most: int) -> Reader:
    def read(value: object, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise RejectError(where, "must be a list")
        if len(value) > most:
            raise RejectError(where, f"more than {most} entries")
        return tuple(item(entry, f"{where}[{index}]") for index, entry in enumerate(value))

    return read


_centre = record(
    CentreConfig,
    {
        "url": _url,
        "credential_file": _path,
        "connect_timeout_s": _between(0.1, 60),
        "reply_timeout_s": _between(0.1, 60),
        "heartbeat_s": _between(0.5, 60),
    },
    closed=True,
)
_serial = record(
    SerialConfig,
    {"name": _name, "port": _filled, "driver": _one_of(SERIAL_DRIVERS, "driver"), "baud": _between(300, 4e6, whole)},
    closed=True,
)
_mqtt = record(
    MqttConfig,
    {
        "host": _filled,
        "port": _between(1, 65_535, whole),
        "password_file": _path,
        "base_topic": _topic,
        "keepalive_s": _between(2, 60, whole),
    },
    closed=True,
)
_device = record(
    Device, {"address": _address, "profile": _one_of(("", *PROFILES), "profile"), "use": _use}, closed=True
)
_limits = record(
    OutboxLimits,
    {
        "unsent_rows_max": _between(100, 5e6, whole),
        "acked_rows_max": _between(100, 5e6, whole),
        "acked_keep_h": _between(1, 1_000, whole),
    },
    closed=True,
)
_alarm = record(LocalAlarmConfig, {"command": _listed(_filled, 20)}, closed=True)
_config = record(
    GatewayConfig,
    {
        "state_dir": _path,
        "centre": _centre,
        "serial": _listed(_serial, PORTS_MAX),
        "mqtt": _mqtt,
        "device": _listed(_device, DEVICES_MAX),
        "outbox": _limits,
        "local_alarm": _alarm,
    },
    closed=True,
)


def parse(raw: str) -> GatewayConfig:
    """Settings from TOML text; raises RejectError naming the key."""
    try:
        value = tomllib.loads(raw)
    except tomllib.TOMLDecodeError as error:
        raise RejectError("file", f"is not TOML: {error}") from None
    try:
        config: GatewayConfig = _config(value, "config")
    except RejectError as error:
        raise RejectError(error.field.removeprefix("config."), error.reason) from None
    _check(config)
    return config


def _check(config: GatewayConfig) -> None:
    _unique("serial[{}].name", [port.name for port in config.serial])
    _unique("serial[{}].port", [port.port for port in config.serial])
    _unique("device[{}].address", [device.address for device in config.device])
    if not config.serial and config.mqtt is None:
        raise RejectError("serial", "at least one of [[serial]] and [mqtt] is needed")
    drivers = {port.driver for port in config.serial}
    for index, device in enumerate(config.device):
        radio = device.address.partition(":")[0]
        if radio == "z2m" and config.mqtt is None:
            raise RejectError(f"device[{index}].address", "needs an [mqtt] section")
        if radio != "z2m" and radio not in drivers:
            raise RejectError(f"device[{index}].address", f"needs a [[serial]] section with driver {radio}")
        if radio == "z2m" and device.profile:
            raise RejectError(f"device[{index}].profile", "is only for radios that do not describe themselves")
        if radio != "z2m" and not device.profile:
            raise RejectError(f"device[{index}].profile", "is missing")
    if config.local_alarm is not None and not config.local_alarm.command:
        raise RejectError("local_alarm.command", "must not be empty")


def _unique(where: str, values: list[str]) -> None:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise RejectError(where.format(index), f"{value} is used twice")


def load(path: Path) -> GatewayConfig:
    """Settings from a file; raises RejectError, also when it cannot be read."""
    try:
        return parse(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RejectError(str(path), f"cannot be read: {error}") from None


def secret(path: Path, where: str) -> str:
    """The one line in a secret file; raises RejectError without showing it."""
    try:
        found = path.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        raise RejectError(where, f"cannot be read: {type(error).__name__}") from None
    if not found or "\n" in found:
        raise RejectError(where, "must hold exactly one line")
    return found


def credential(config: GatewayConfig) -> Credential:
    """This gateway's credential; raises RejectError."""
    return read_credential(secret(config.centre.credential_file, "centre.credential_file"), "centre.credential_file")


def client_id(config: MqttConfig, who: Credential) -> str:
    """The MQTT client id: as set, else one that is the same at every start."""
    return config.client_id or default_client_id(who)
