"""Raw traffic without anything that says whose it is. Serves the installer's recordings, no arrow of its own.

Owns which parts of bytes, topics and payloads may stay, and the names that replace the rest: the same name for the
same thing all through one recording, numbered as they come, so that nothing can be worked out backwards. Must not
know files or sockets. What is not known to be harmless is replaced.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping

from nattevakt.edge.drivers.driver import MqttMessage
from nattevakt.edge.drivers.enocean.frame import HEADER_SIZE, SYNC, Frame, PacketType, crc8
from nattevakt.edge.drivers.micradar import frame as radar
from nattevakt.edge.errors import FrameError

ABOUT_RADAR = radar.SYNC + b"\x02"
"""How a MicRadar frame begins that speaks of the radar itself."""
GAP_MS = 100
"""Silence after which half a frame is given up, as the driver does."""
SENDER = slice(-5, -1)
PAYLOAD_KEPT = frozenset((0xF6, 0xD5, 0xA5, 0xD2, 0xD4))
"""Kinds of telegram whose content says nothing of who sent it. Others keep their length alone: a secured device's
teach-in even holds its key."""
BROADCAST = b"\xff\xff\xff\xff"
BASE_FIRST, BASE_STEP = 0xFF800000, 0x80

SHAPES = (
    re.compile(r"0x[0-9a-f]{16}", re.IGNORECASE),
    re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5,7}", re.IGNORECASE),
    re.compile(r"(?:[0-9a-f]{32}|[0-9a-f]{16}|[0-9a-f]{12}|[0-9a-f]{8})", re.IGNORECASE),
)
MODEL_AND_ID = re.compile(r"(shelly[a-z0-9]*|tasmota)([-_])([0-9a-f]{6,16})", re.IGNORECASE)
HIDDEN = re.compile(r"[0-9a-f]{6,}|(?:[0-9a-f]{2}:){2,}|@|\d{1,3}\.\d{1,3}\.\d{1,3}\.", re.IGNORECASE)
"""Text in which an address of some network may hide."""
PLAIN_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_$ .:-]{0,39}")
COMPONENT = re.compile(r"[a-z]+:\d{1,3}")
NUMBER = re.compile(r"-?\d{1,12}(?:\.\d{1,12})?|nan|-?inf", re.IGNORECASE)
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


WORDS = _words(
    "on off online offline open closed true false null none normal fall fall_alarm fall_warning falling maybe_fall"
    " unknown occupied unoccupied sitting on_the_bed low_posture emergency sos panic single double triple hold long"
    " short press motion vibration wet dry sit sedentary clear action toggle both hex start stop alarm idle"
    " quad penta single_push double_push triple_push long_push btn_down btn_up config_changed component_added"
    " bthomedevice.single_push bthomedevice.double_push bthomedevice.triple_push bthomedevice.long_push"
    " notifystatus notifyfullstatus notifyevent online_changed successful failed running interviewing supported"
)
"""What sensors say: harmless wherever it stands."""
TOPIC_WORDS = _words(
    "bridge devices groups definitions info state event events health logging request response config extensions"
    " availability set get action contact occupancy presence sensor binary_sensor button switch text_sensor number"
    " status debug rpc online command tele stat cmnd lwt result sensor switch1 switch2 switch3 switch4 application"
    " device up join ack log txack location integration homeassistant tasmota discovery home bttomqtt"
    " theengsgateway milesight uplink input status_update sensors announce zigbee2mqtt esphome"
)
OBJECT_WORDS = _words(
    "bed occupied weight presence present motion contact door window leak water moist fall button call sos seng dor"
    " vindu stol chair seated still target moving has temperature humidity battery voltage illuminance light uptime"
    " wifi signal rssi status vann knapp press sensor load cell opptatt vekt person distance breathing heart rate"
    " tamper level low 1 2 3 4"
)
"""Words that an object id may be made of and stay."""
TEXT_KEYS = _words(
    "action state status fall_status fall_down_status type property access value_on value_off value_toggle unit"
    " values name method component event press date_code power_source model_id model vendor manufacturer color"
    " pressure_state work_state last_seen time unit_of_measurement Time"
)
"""Keys whose words stay, as long as no address hides in them. `name` only below `exposes`."""
SCHEMA_KEYS = frozenset(("exposes", "features", "values"))
VOCABULARY = WORDS | TOPIC_WORDS | OBJECT_WORDS | TEXT_KEYS
"""What stays even if somebody has named a device so."""
PLACE_KEYS = _words("latitude longitude altitude lat lon lng location network_address ieee_addr_num")
FREE_KEYS = frozenset(("tags", "variables"))
"""Below these, people choose the keys themselves: nothing of it stays."""
DEPTH_MAX = 40
MILESIGHT_SERIAL = b"\xff\x16"


class Names:
    """The names of one recording: each real one gets the next number of its shape."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._bases: dict[bytes, bytes] = {}

    def _number(self, plain: str) -> int:
        return self._numbers.setdefault(plain, len(self._numbers) + 1)

    def known(self, real: str) -> bool:
        """Whether this is somebody's name already."""
        return real in self._numbers

    def of(self, real: str) -> str:
        """The name that stands for a real one, in the same shape where that matters to a driver."""
        if named := MODEL_AND_ID.fullmatch(real):
            return named[1].lower() + named[2] + self._hex(named[3])
        if any(shape.fullmatch(real) for shape in SHAPES):
            return self._hex(real)
        return f"navn-{self._number(real)}"

    def _hex(self, real: str) -> str:
        """Hexadecimal digits for hexadecimal digits, with the same colons, prefix and case."""
        head = real[:2] if real[:2].lower() == "0x" else ""
        body = real[len(head) :]
        plain = body.replace(":", "").lower()
        shown = f"{self._number(plain):0{len(plain) - 1}x}"
        digits = "a" + shown[-(len(plain) - 1) :]
        digits = digits.upper() if body.upper() == body else digits
        if ":" in body:
            digits = ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))
        return head + digits

    def sender(self, real: bytes) -> bytes:
        """The four bytes that stand for an EnOcean sender."""
        return bytes.fromhex(self._hex(real.hex()))

    def base(self, real: bytes) -> bytes:
        """The four bytes that stand for a transceiver's base id."""
        number = BASE_FIRST + BASE_STEP * (len(self._bases) + 1)
        return self._bases.setdefault(real, number.to_bytes(4, "big"))


class EnoceanRedactor:
    """ESP3 bytes with other senders. Whole frames get new checksums; of everything else only its length stays."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._buffer = b""
        self._at_ms = 0

    def take(self, data: bytes, now_ms: int) -> bytes:
        """The bytes that can be told by now."""
        found = self.rest() if self._buffer and now_ms - self._at_ms > GAP_MS else b""
        self._at_ms = now_ms
        self._buffer += data
        return found + self._read()

    def rest(self) -> bytes:
        """What was kept back for a frame that never became whole."""
        found = b""
        while self._buffer:
            found += self._buffer[:1] if self._buffer[0] == SYNC else b"\0"
            self._buffer = self._buffer[1:]
            found += self._read()
        return found

    def _read(self) -> bytes:
        stream, found, at = self._buffer, bytearray(), 0
        while at < len(stream):
            if stream[at] != SYNC:
                found.append(0)
                at += 1
                continue
            if len(stream) - at < HEADER_SIZE:
                break
            size = HEADER_SIZE + int.from_bytes(stream[at + 1 : at + 3], "big") + stream[at + 3] + 1
            plausible = crc8(stream[at + 1 : at + 5]) == stream[at + 5] and size <= 1000
            if plausible and len(stream) - at < size:
                break
            frame = _frame(stream[at : at + size]) if plausible else None
            if frame is None:
                # Two in a row would be part of what stood there.
                found.append(SYNC if not found or found[-1] != SYNC else 0)
                at += 1
            else:
                found += self._frame(frame).to_bytes()
                at += size
        self._buffer = stream[at:]
        return bytes(found)

    def _frame(self, frame: Frame) -> Frame:
        data, optional = frame.data, frame.optional
        if frame.packet_type == PacketType.RADIO_ERP1 and len(data) >= 6:
            payload = data[1:-5] if data[0] in PAYLOAD_KEPT else bytes(len(data) - 6)
            data = data[:1] + payload + self._names.sender(data[SENDER]) + data[-1:]
            destination = optional[1:5]
            if len(destination) == 4 and destination != BROADCAST:
                optional = optional[:1] + self._names.sender(destination) + optional[5:]
            elif len(destination) < 4:
                optional = optional[:1] + bytes(len(destination))
        elif frame.packet_type == PacketType.RESPONSE and len(data) == 5:
            data = data[:1] + self._names.base(data[1:5])
        elif frame.packet_type == PacketType.RESPONSE and len(data) == 33:
            data = data[:9] + self._names.sender(data[9:13]) + data[13:]
        else:
            data, optional = data[:1] + bytes(len(data) - 1), bytes(len(optional))
        return Frame(frame.packet_type, data, optional)


def _frame(raw: bytes) -> Frame | None:
    try:
        return Frame.from_bytes(raw)
    except FrameError:
        return None


class MicradarRedactor:
    """MicRadar bytes without what the radar tells of its make: model, serial number, versions. Their length stays."""

    def __init__(self) -> None:
        self._buffer = b""
        self._at_ms = 0

    def take(self, data: bytes, now_ms: int) -> bytes:
        """The bytes that can be told by now."""
        found = self.rest() if self._buffer and now_ms - self._at_ms > GAP_MS else b""
        self._at_ms = now_ms
        self._buffer += data
        return found + self._read(last=False)

    def rest(self) -> bytes:
        """What was kept back for a frame that never became whole."""
        return self._read(last=True)

    def _read(self, *, last: bool) -> bytes:
        found = bytearray()
        while (at := self._buffer.find(ABOUT_RADAR)) >= 0:
            end = self._buffer.find(radar.TAIL, at)
            if end < 0 and not last and len(self._buffer) - at < radar.FRAME_BYTES_MAX:
                break
            end = at + radar.FRAME_BYTES_MAX if end < 0 else min(end + len(radar.TAIL), at + radar.FRAME_BYTES_MAX)
            found += self._buffer[:at] + _unnamed(self._buffer[at:end])
            self._buffer = self._buffer[end:]
        # The last bytes may begin such a frame.
        kept = 0 if last else len(self._buffer) - at if at >= 0 else min(len(self._buffer), len(ABOUT_RADAR) - 1)
        found += self._buffer[: len(self._buffer) - kept]
        self._buffer = self._buffer[len(self._buffer) - kept :]
        return bytes(found)


def _unnamed(raw: bytes) -> bytes:
    """A frame about the radar itself with zeros for what it says; a damaged one is zeros from there on."""
    try:
        frame = radar.Frame.from_bytes(raw)
    except FrameError:
        return raw[: len(ABOUT_RADAR)] + bytes(len(raw) - len(ABOUT_RADAR))
    return radar.Frame(frame.control, frame.command, bytes(len(frame.data))).to_bytes()


class MqttRedactor:
    """Topics and payloads with other names. bases: real base topics to the ones that replace them."""

    def __init__(self, names: Names, bases: Mapping[str, str], bridges: frozenset[str]) -> None:
        self._names = names
        self._bases = dict(sorted(bases.items(), key=lambda pair: -len(pair[0])))
        self._bridges = bridges
        """Base topics below which a whole path, slashes and all, is one device's name."""

    def message(self, message: MqttMessage) -> MqttMessage:
        """The same message, saying what it said of nobody."""
        return MqttMessage(self.topic(message.topic), self.payload(message.payload), message.retained)

    def topic(self, topic: str) -> str:
        """A topic with other names."""
        for base, shown in self._bases.items():
            if topic.startswith(base + "/"):
                below = topic[len(base) + 1 :]
                return f"{shown}/{self._bridged(below) if base in self._bridges else self.path(below)}"
        return self.path(topic)

    def path(self, path: str) -> str:
        """Levels of a topic, each by itself."""
        return "/".join(self._level(level) for level in path.split("/"))

    def _bridged(self, below: str) -> str:
        if below.startswith("bridge/"):
            return self.path(below)
        head, _, tail = below.rpartition("/")
        if head and tail in TOPIC_WORDS:
            return f"{self.name(head)}/{tail}"
        return self.name(below)

    def name(self, real: str) -> str:
        """One device's name."""
        return self._names.of(real)

    def _level(self, level: str) -> str:
        harmless = level == "" or level.lower() in TOPIC_WORDS or COMPONENT.fullmatch(level)
        if harmless or all(part in OBJECT_WORDS for part in level.split("_")):
            return level
        return self.name(level)

    def payload(self, payload: bytes) -> bytes:
        """A payload with other names; what cannot be read at all keeps its length alone."""
        try:
            text = payload.decode("utf-8")
        except UnicodeDecodeError:
            return bytes(len(payload))
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return self._string("", text.strip(), schema=False).encode("utf-8")
        try:
            return json.dumps(self._value("", value, 0, schema=False), ensure_ascii=False).encode("utf-8", "replace")
        except (ValueError, RecursionError):
            return b""

    def _value(self, key: str, value: object, depth: int, *, schema: bool) -> object:
        if depth > DEPTH_MAX or key in FREE_KEYS:
            return None
        if isinstance(value, dict):
            inner = schema or key in SCHEMA_KEYS
            return {self._key(name): self._value(name, one, depth + 1, schema=inner) for name, one in value.items()}
        if isinstance(value, list):
            return [self._value(key, one, depth + 1, schema=schema or key in SCHEMA_KEYS) for one in value]
        if isinstance(value, str):
            return self._string(key, value, schema=schema)
        if key.lower() in PLACE_KEYS or (isinstance(value, int) and abs(value) >= 2**53):
            return 0
        return value

    def _key(self, key: str) -> str:
        if key.lower() in VOCABULARY:
            return key
        harmless = PLAIN_KEY.fullmatch(key) and not HIDDEN.search(key) and not self._names.known(key)
        return key if harmless else self.name(key)

    def _string(self, key: str, text: str, *, schema: bool) -> str:
        harmless = text.lower() in WORDS or NUMBER.fullmatch(text) or TIMESTAMP.fullmatch(text) or not text
        if harmless:
            return text
        if key == "data":
            return _sensor_bytes(text)
        if COMPONENT.fullmatch(text) or (key in TEXT_KEYS and (schema or key != "name") and not HIDDEN.search(text)):
            return text
        return self.name(text)


def _sensor_bytes(text: str) -> str:
    """What a LoRaWAN device sent, in base64, without its serial number; nothing where it is no base64."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return ""
    if len(raw) > 250:
        return ""
    at = raw.find(MILESIGHT_SERIAL)
    if at >= 0:
        raw = raw[:at] + MILESIGHT_SERIAL + bytes(len(raw[at + 2 : at + 10])) + raw[at + 10 :]
    return base64.b64encode(raw).decode("ascii")
