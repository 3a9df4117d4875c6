"""The gateway's settings: one frozen value, read once, strict. Serves arrows 1 to 5.

Owns the names, types and limits of all settings. Must not know what is done with them. An unknown key or an
impossible value is an error that names the key ("device[0].profile").
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nattevakt.edge.drivers.driver import Device, Use
from nattevakt.edge.drivers.registry import BY_PREFIX, MQTT_DIALECTS, RADIOS, SERIAL_DRIVERS, WEIGHED_PROFILES
from nattevakt.edge.errors import RejectError
from nattevakt.edge.strict import map_of, record, whole
from nattevakt.gateway import setting
from nattevakt.gateway.identity import Credential, default_client_id, read_credential
from nattevakt.gateway.local_config import LocalConfig
from nattevakt.gateway.local_config import read as read_local
from nattevakt.gateway.outbox import OutboxLimits
from nattevakt.gateway.siren import COMMANDS, PREFIX, Siren
from nattevakt.gateway.sources import Rooted
from nattevakt.gateway.topics import clash

ZIGBEE = "zigbee2mqtt"
DEVICES_MAX = 500
PORTS_MAX = 8
SIRENS_MAX = 20
NEVER_DRY = frozenset(("F6-05-01",))
"""Profiles of water sensors whose every telegram says "wet"."""
KEY_DIGITS = (32, 34, 38, 40, 42)
"""A key, its security level format, and a rolling code of 2, 3 or 4 bytes."""


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
    """[[serial]]: one serial radio. port: a stable name under /dev/serial/by-id. baud: unset for the driver's own."""

    name: str
    port: str
    driver: str
    baud: int | None = None

    @property
    def speed(self) -> int:
        """The line's speed in baud."""
        return self.baud if self.baud is not None else SERIAL_DRIVERS[self.driver].BAUD


@dataclass(frozen=True, slots=True)
class MqttConfig:
    """[mqtt]: the broker, and who publishes on it.

    dialects: what is spoken there. base_topic: where Zigbee2MQTT publishes. topics: where the others do, by dialect;
    unset for the dialect's own, and where each node has a topic of its own, for the nodes of the configured devices.
    """

    host: str
    port: int = 1883
    client_id: str = ""
    username: str = ""
    password_file: Path | None = None
    base_topic: str = "zigbee2mqtt"
    keepalive_s: int = 10
    dialects: tuple[str, ...] = (ZIGBEE,)
    topics: Mapping[str, str] = field(default_factory=dict)

    def rooted(self) -> dict[str, Rooted]:
        """The dialects by name, each with its topic."""
        topics = {**self.topics, ZIGBEE: self.base_topic}
        found = {name: MQTT_DIALECTS[name] for name in self.dialects}
        return {name: Rooted(dialect, topics.get(name, dialect.ROOT)) for name, dialect in found.items()}


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
    siren: tuple[Siren, ...] = ()
    outbox: OutboxLimits = field(default_factory=OutboxLimits)
    local_alarm: LocalAlarmConfig | None = None
    local: LocalConfig = field(default_factory=LocalConfig)

    @property
    def outbox_file(self) -> Path:
        """The outbox's database."""
        return self.state_dir / "outbox.sqlite"

    @property
    def status_file(self) -> Path:
        """What `status` reads."""
        return self.state_dir / "status.json"


def _use(value: object, where: str) -> Use:
    return Use(setting.one_of([use.value for use in Use], "use")(value, where))


def _address(value: object, where: str) -> str:
    found = setting.filled(value, where)
    prefix, colon, name = found.partition(":")
    radio = BY_PREFIX.get(prefix + colon)
    if radio is None or not name:
        raise RejectError(where, "must begin with one of " + ", ".join(sorted(BY_PREFIX)))
    try:
        return radio.PREFIX + radio.canonical(name)
    except RejectError as error:
        raise RejectError(where, error.reason) from None


_centre = record(
    CentreConfig,
    {
        "url": setting.url,
        "credential_file": setting.path,
        "connect_timeout_s": setting.between(0.1, 60),
        "reply_timeout_s": setting.between(0.1, 60),
        "heartbeat_s": setting.between(0.5, 60),
    },
    closed=True,
)
_serial = record(
    SerialConfig,
    {
        "name": setting.name,
        "port": setting.filled,
        "driver": setting.one_of(SERIAL_DRIVERS, "driver"),
        "baud": setting.between(300, 4e6, whole),
    },
    closed=True,
)
_mqtt = record(
    MqttConfig,
    {
        "host": setting.filled,
        "port": setting.between(1, 65_535, whole),
        "password_file": setting.path,
        "base_topic": setting.topic,
        "keepalive_s": setting.between(2, 60, whole),
        "dialects": setting.listed(setting.one_of(MQTT_DIALECTS, "dialect"), len(MQTT_DIALECTS)),
        "topics": map_of(setting.topic),
    },
    closed=True,
)
_device = record(
    Device,
    {
        "address": _address,
        "use": _use,
        "threshold_kg": setting.between(1, 300),
        "key_file": lambda value, where: str(setting.path(value, where)),
    },
    closed=True,
)
_siren = record(
    Siren,
    {"address": _address, "command": setting.one_of(COMMANDS, "command"), "report": setting.name},
    closed=True,
)
_limits = record(
    OutboxLimits,
    {
        "unsent_rows_max": setting.between(100, 5e6, whole),
        "acked_rows_max": setting.between(100, 5e6, whole),
        "acked_keep_h": setting.between(1, 1_000, whole),
    },
    closed=True,
)
_alarm = record(LocalAlarmConfig, {"command": setting.listed(setting.filled, 20)}, closed=True)
_config = record(
    GatewayConfig,
    {
        "state_dir": setting.path,
        "centre": _centre,
        "serial": setting.listed(_serial, PORTS_MAX),
        "mqtt": _mqtt,
        "device": setting.listed(_device, DEVICES_MAX),
        "siren": setting.listed(_siren, SIRENS_MAX),
        "outbox": _limits,
        "local_alarm": _alarm,
        "local": read_local,
    },
    closed=True,
)


def parse(raw: str) -> GatewayConfig:
    """Settings from TOML text; raises RejectError naming the key."""
    try:
        value = tomllib.loads(raw)
    except (ValueError, RecursionError) as error:
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
    if config.mqtt is not None:
        _check_dialects(config.mqtt, config.device)
    for index, device in enumerate(config.device):
        try:
            _check_device(config, device)
        except RejectError as error:
            raise RejectError(f"device[{index}].{error.field}", error.reason) from None
    _check_sirens(config)
    if config.local_alarm is not None and not config.local_alarm.command:
        raise RejectError("local_alarm.command", "must not be empty")


def _check_sirens(config: GatewayConfig) -> None:
    _unique("siren[{}].address", [siren.address for siren in config.siren])
    for index, siren in enumerate(config.siren):
        where = f"siren[{index}].address"
        if not siren.address.startswith(PREFIX):
            raise RejectError(where, f"must begin with {PREFIX}: only Zigbee2MQTT commands sirens")
        if "+" in siren.name or "#" in siren.name:
            raise RejectError(where, "must hold no + and no #: commands are published under it")
        if config.mqtt is None or ZIGBEE not in config.mqtt.dialects:
            raise RejectError(where, f"needs an [mqtt] section with {ZIGBEE} among its dialects")


def _check_dialects(mqtt: MqttConfig, devices: tuple[Device, ...]) -> None:
    """No topic may belong to two dialects, and none may listen to nothing."""
    if not mqtt.dialects:
        raise RejectError("mqtt.dialects", "must not be empty")
    _unique("mqtt.dialects[{}]", list(mqtt.dialects))
    for name in mqtt.topics:
        if name == ZIGBEE:
            raise RejectError(f"mqtt.topics.{name}", "is set by base_topic")
        if name not in mqtt.dialects:
            raise RejectError(f"mqtt.topics.{name}", "is none of mqtt.dialects")
    keys = {name: f"mqtt.topics.{name}" for name in mqtt.dialects} | {ZIGBEE: "mqtt.base_topic"}
    taken: list[tuple[str, str]] = []
    for name, one in mqtt.rooted().items():
        filters = one.dialect.subscriptions(one.root, devices)
        if not filters:
            raise RejectError(keys[name], "is missing: neither a topic nor a device says what to listen to")
        taken += [(topic, name) for topic in filters]
    if (found := clash(taken)) is not None:
        (topic, name), (other, owner) = found
        raise RejectError(keys[name], f"{topic} overlaps {other} of {owner}: a message would count twice")


def _check_device(config: GatewayConfig, device: Device) -> None:
    prefix, colon, name = device.address.partition(":")
    radio = BY_PREFIX[prefix + colon]
    kind = next(known for known, one in RADIOS.items() if one is radio)
    if kind in MQTT_DIALECTS:
        # Several dialects may bring the devices of one radio network.
        kinds = [known for known, one in MQTT_DIALECTS.items() if one.PREFIX == radio.PREFIX]
        if config.mqtt is None or not set(kinds) & set(config.mqtt.dialects):
            raise RejectError("address", f"needs an [mqtt] section with {' or '.join(kinds)} among its dialects")
    else:
        lines = [port.name for port in config.serial if port.driver == kind]
        if not lines:
            raise RejectError("address", f"needs a [[serial]] section with driver {kind}")
        if SERIAL_DRIVERS[kind].PER_LINE and name not in lines:
            raise RejectError("address", f"names no [[serial]] of driver {kind}; there are " + ", ".join(lines))
    if not radio.PROFILES and device.profile:
        raise RejectError("profile", "is only for radios that do not describe themselves")
    if radio.PROFILES and not device.profile:
        raise RejectError("profile", "is missing; known are " + ", ".join(sorted(radio.PROFILES)))
    if device.profile and device.profile not in radio.PROFILES:
        raise RejectError("profile", f"unknown profile of {kind}; known are " + ", ".join(sorted(radio.PROFILES)))
    if device.profile in WEIGHED_PROFILES and device.threshold_kg is None:
        raise RejectError("threshold_kg", f"is missing: {device.profile} needs a weight to judge by")
    if device.profile not in WEIGHED_PROFILES and device.threshold_kg is not None:
        raise RejectError("threshold_kg", "is only for " + ", ".join(sorted(WEIGHED_PROFILES)))
    if device.use is Use.WET and device.profile in NEVER_DRY:
        raise RejectError("use", f"cannot be wet: {device.profile} never says that it is dry again, and is for leaks")
    if device.key_file and (kind not in SERIAL_DRIVERS or SERIAL_DRIVERS[kind].PER_LINE):
        raise RejectError("key_file", "is only for radios with secured telegrams")


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


def keys(config: GatewayConfig) -> dict[str, bytes]:
    """What secured devices' key files hold, by address; raises RejectError, which never shows it."""
    found: dict[str, bytes] = {}
    for index, device in enumerate(config.device):
        if device.key_file:
            where = f"device[{index}].key_file"
            words = "".join(secret(Path(device.key_file), where).split())
            if len(words) not in KEY_DIGITS or any(c not in "0123456789abcdefABCDEF" for c in words):
                raise RejectError(where, "must hold a key of 32 hexadecimal digits, and what may follow it")
            found[device.address] = bytes.fromhex(words)
    return found


def credential(config: GatewayConfig) -> Credential:
    """This gateway's credential; raises RejectError."""
    return read_credential(secret(config.centre.credential_file, "centre.credential_file"), "centre.credential_file")


def client_id(config: MqttConfig, who: Credential) -> str:
    """The MQTT client id: as set, else one that is the same at every start."""
    return config.client_id or default_client_id(who)
