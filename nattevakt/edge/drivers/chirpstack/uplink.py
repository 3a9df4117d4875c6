"""The envelopes in which a LoRaWAN payload comes over MQTT, read into one form. Serves arrow 1.

Owns the JSON of ChirpStack v4, of a Milesight gateway's own server and of a VS373 on Wi-Fi. Must not know what a
payload means. Raises RejectError and nothing else. `object`, a codec's own reading of the payload, is never looked at:
its shape differs from version to version and some of it is made up at each call.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from nattevakt.edge.drivers.chirpstack.milesight import NO_ALARM_ID, Alarm
from nattevakt.edge.errors import RejectError
from nattevakt.edge.strict import load_json

MESSAGE_BYTES_MAX = 64_000
DATA_CHARS_MAX = 1_024
TEXT_MAX = 80
EVENTS = frozenset(("up", "join", "status", "log", "ack", "txack", "location", "integration"))
_EUI = re.compile(r"[0-9a-f]{16}\Z")


@dataclass(frozen=True, slots=True)
class Uplink:
    """One message of one device.

    eui: 16 hex digits. event: "up", "join", … data: the payload, empty where there is none. session: what changes when
    the device joins anew. f_cnt: its frame counter, None where the network tells none. deduplication: the network's
    name for the message. at_ms: when the network server had it, by its own clock. sent_ms: the same by whatever clock
    is told beside the message, good for comparing two of them. code: of an event/log. sealed: encrypted for somebody
    else. alarm: of a radar that speaks for itself, without a payload.
    """

    eui: str
    event: str
    data: bytes = b""
    session: str = ""
    f_cnt: int | None = None
    deduplication: str = ""
    rssi_dbm: int | None = None
    at_ms: int | None = None
    sent_ms: int | None = None
    battery_percent: float | None = None
    acknowledged: bool = True
    sealed: bool = False
    code: str = ""
    alarm: Alarm | None = None


def eui_of(value: object) -> str:
    """A device's EUI as addresses hold it; raises RejectError."""
    found = value.strip().lower() if isinstance(value, str) else ""
    if not _EUI.match(found):
        raise RejectError("devEui", "must be 16 hexadecimal digits")
    return found


def load(payload: bytes) -> dict[str, object]:
    """One JSON object, not too long; raises RejectError."""
    if len(payload) > MESSAGE_BYTES_MAX:
        raise RejectError("payload", "too long")
    return load_json(payload, "payload")


def _text(value: object) -> str:
    return value[:TEXT_MAX] if isinstance(value, str) else ""


def _count(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:12])
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**32 else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9 else None


def _part(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _parts(value: object) -> Sequence[Mapping[str, object]]:
    return [one for one in value[:64] if isinstance(one, Mapping)] if isinstance(value, list) else []


def _ms(value: object) -> int | None:
    """ISO 8601 with an offset as Unix ms; None for anything else."""
    try:
        when = datetime.fromisoformat(value) if isinstance(value, str) and len(value) < 60 else None
    except ValueError:
        return None
    if when is None or when.tzinfo is None or not 1971 <= when.year <= 9000:
        return None
    return round(when.timestamp() * 1000)


def _data(value: object) -> bytes:
    """The payload; missing means a message without one, which is still a sign of life. Raises RejectError."""
    if value is None or value == "":
        return b""
    if not isinstance(value, str) or len(value) > DATA_CHARS_MAX:
        raise RejectError("data", "is no base64")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise RejectError("data", "is no base64") from None


def _rssi(rows: Sequence[Mapping[str, object]]) -> int | None:
    """The strength at the gateway that heard it best."""
    heard = [int(found) for row in rows if (found := _number(row.get("rssi"))) is not None and -200 <= found < 0]
    return max(heard, default=None)


def chirpstack(event: str, topic_eui: str, found: Mapping[str, object]) -> Uplink:
    """An event of ChirpStack v4. The device's own name in the payload counts before the topic's."""
    info = _part(found.get("deviceInfo"))
    eui = eui_of(info.get("devEui", topic_eui))
    rows = _parts(found.get("rxInfo"))
    battery = _number(found.get("batteryLevel"))
    if found.get("batteryLevelUnavailable") is True or found.get("externalPowerSource") is True:
        battery = None
    times = [at for row in rows if (at := _ms(row.get("nsTime"))) is not None]
    return Uplink(
        eui,
        event,
        data=_data(found.get("data")) if event == "up" else b"",
        session=_text(found.get("devAddr")),
        f_cnt=_count(found.get("fCnt")),
        deduplication=_text(found.get("deduplicationId")),
        rssi_dbm=_rssi(rows),
        at_ms=min(times, default=None),
        sent_ms=_ms(found.get("time")),
        battery_percent=battery if battery is not None and 0 <= battery <= 100 else None,
        acknowledged=found.get("acknowledged") is True,
        sealed=bool(found.get("joinServerContext")),
        code=_text(found.get("code")).upper(),
    )


def plain(found: Mapping[str, object]) -> Uplink:
    """An uplink of a Milesight gateway's own server, bare or inside `obj`, or a VS373 that speaks for itself."""
    if "device_info" in found:
        return _wifi(found)
    inner = _part(found.get("obj")) or found
    rows = _parts(inner.get("rxInfo"))
    return Uplink(
        eui_of(inner.get("devEUI", inner.get("devEui"))),
        "up",
        data=_data(inner.get("data")),
        session=_text(inner.get("devAddr")),
        f_cnt=_count(inner.get("fCnt")),
        rssi_dbm=_rssi(rows),
        sent_ms=_ms(inner.get("time")),
    )


def _wifi(found: Mapping[str, object]) -> Uplink:
    """A radar's trigger report. Its time has no zone and dates nothing; it only tells two reports apart."""
    info = _part(found.get("device_info"))
    said = _part(found.get("trigger_data")) or _part(info.get("trigger_data"))
    kind, status = _count(said.get("event")), _count(said.get("status"))
    if kind is None or status is None:
        raise RejectError("trigger_data", "holds no event and status")
    number, region = _count(said.get("trigger_id")), _count(said.get("sub_no"))
    alarm = Alarm(NO_ALARM_ID if number is None else number, kind, status, 0xFF if region is None else region)
    name = sha256(repr((alarm, _text(info.get("time")))).encode()).hexdigest()[:16]
    return Uplink(eui_of(info.get("device_sn")), "up", deduplication=name, alarm=alarm)
