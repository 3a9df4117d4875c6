"""Recordings: nothing in them says whose they are, and playing one gives the same words each time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as searching
from hypothesis import strategies as st

from nattevakt.edge.drivers.driver import MqttMessage
from nattevakt.edge.drivers.enocean.decode import Telegram
from nattevakt.edge.drivers.enocean.frame import Frame, feed
from nattevakt.edge.drivers.micradar import frame as radar
from nattevakt.edge.errors import RejectError
from nattevakt.gateway import config as settings
from nattevakt.gateway.agent import guard
from nattevakt.gateway.cli import run_command
from nattevakt.gateway.config import GatewayConfig
from nattevakt.gateway.recording import Tape, replay, scene_of
from nattevakt.gateway.redact import EnoceanRedactor, MicradarRedactor, MqttRedactor, Names
from nattevakt.gateway.sources import Taken
from nattevakt.gateway.tap import Heard, content

FIXTURE = Path(__file__).parents[1] / "frames/recordings/door-call-cached.jsonl"
EXPECTED = FIXTURE.with_suffix(".txt")

CONFIG = """
state_dir = "/nowhere"
[centre]
url = "http://127.0.0.1:9"
credential_file = "/nowhere/credential"
[mqtt]
host = "127.0.0.1"
[[serial]]
name = "stua_til_astrid"
port = "/dev/null"
driver = "enocean"
[[device]]
address = "enocean:{sender}"
profile = "D5-00-01"
use = "door"
[[device]]
address = "z2m:{friendly}"
use = "call"
"""

senders = st.binary(min_size=4, max_size=4).filter(lambda raw: len(set(raw)) == 4 and raw[0] != 0xA0)
friendly_names = st.from_regex(r"[A-Z][a-z]{4,9}(/[a-z]{5,8}| [0-9]{3})?", fullmatch=True)
hex_ids = st.sampled_from((16, 12)).flatmap(
    lambda size: st.text("0123456789abcdef", min_size=size, max_size=size).filter(lambda t: len(set(t)) > 5)
)


def config_of(sender: bytes = b"\x01\x82\x5d\xab", friendly: str = "Kari/knapp") -> GatewayConfig:
    return settings.parse(CONFIG.format(sender=sender.hex().upper(), friendly=friendly))


def tape_of(config: GatewayConfig) -> Tape:
    return Tape(config, {"zigbee2mqtt": "zigbee2mqtt"})


def recorded(tape: Tape, *heard: Heard) -> list[str]:
    found = [tape.header()]
    for one in heard:
        found += tape.taken(json.loads(json.dumps(content(one))))
    return [*found, *tape.rest()]


def bytes_at(ms: int, data: bytes) -> Heard:
    return Heard(ms, "serial:stua_til_astrid", "bytes", data, Taken())


def published(ms: int, topic: str, payload: object) -> Heard:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Heard(ms, "mqtt", "message", MqttMessage(topic, raw), Taken())


def telegram(sender: bytes, rorg: int = 0xD5, payload: bytes = b"\x08") -> bytes:
    return Telegram(rorg, payload, sender.hex().upper(), 0, dbm=-54).to_frame().to_bytes()


@searching(max_examples=60)
@given(senders, senders, st.binary(max_size=12), st.data())
def test_no_sender_is_left_however_the_bytes_are_cut_or_damaged(
    sender: bytes, other: bytes, noise: bytes, data: st.DataObject
) -> None:
    stream = bytearray(
        telegram(sender)
        + noise
        + telegram(other, 0xF6, b"\x50")
        + Frame(2, b"\x00" + sender).to_bytes()
        + Frame(2, b"\x00" + bytes(8) + other + bytes(20)).to_bytes()
        + Frame(1, b"\x35" + sender + bytes(5) + other + b"\x00", b"\x01" + sender + b"\x36\x00").to_bytes()
        + Frame(7, sender + other, sender).to_bytes()
        + sender
    )
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(stream) - 1))
        stream[at] ^= data.draw(st.integers(1, 255))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=4)))
    tape, ms, heard = tape_of(config_of(sender)), 1_000, []
    for first, last in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        ms += data.draw(st.sampled_from((1, 500)))
        heard.append(bytes_at(ms, bytes(stream[first:last])))
    text = "\n".join(recorded(tape, *heard))
    joined = "".join(json.loads(line).get("hex", "") for line in text.splitlines())
    for real in (sender, other):
        # Where the damage hit the real bytes, that is another sender, and replaced like one.
        assert real.hex() not in joined
        assert real.hex().upper() not in text
    assert "astrid" not in text


@given(senders)
def test_whole_frames_stay_whole_and_say_the_same(sender: bytes) -> None:
    redactor = EnoceanRedactor(Names())
    stream = telegram(sender) + b"\x00\x27" + telegram(sender, 0xF6, b"\x50")
    shown = redactor.take(stream, 0) + redactor.rest()
    assert len(shown) == len(stream)
    first, second = (Telegram.from_frame(frame) for frame in feed(b"", shown)[0])
    assert (first.rorg, first.payload, second.rorg, second.payload) == (0xD5, b"\x08", 0xF6, b"\x50")
    assert first.address == second.address != f"enocean:{sender.hex().upper()}"
    assert first.dbm == -54


@searching(max_examples=25)
@given(friendly_names, hex_ids, hex_ids)
def test_no_name_or_address_is_left_in_messages(friendly: str, ieee: str, mac: str) -> None:
    eui = f"0x{ieee:0>16}"[:18]
    colons = ":".join(mac[at : at + 2] for at in range(0, 12, 2))
    tape = tape_of(config_of(friendly=friendly))
    topics = (
        f"zigbee2mqtt/{friendly}",
        f"zigbee2mqtt/{friendly}/availability",
        f"zigbee2mqtt/{eui}",
        f"{friendly}/binary_sensor/bed_occupied/state",
        f"shellyplus1-{mac[:12]}/events/rpc",
        f"application/{ieee}/device/{ieee}/event/up",
        f"home/TheengsGateway/BTtoMQTT/{mac[:12].upper()}",
        f"tele/{friendly}/LWT",
    )
    payloads = (
        {"action": "emergency", "last_seen": "2026-04-17T23:33:22+08:00", "battery": 51.5},
        [{"ieee_address": eui, "friendly_name": friendly, "definition": {"model": "TS0601_sos", "exposes": []}}],
        {"src": f"shellyplus1-{mac[:12]}", "params": {"events": [{"component": "input:0", "event": "single_push"}]}},
        {"deviceInfo": {"devEui": ieee, "deviceName": friendly, "tags": {friendly: ieee}}, "data": "AXVk", "fCnt": 7},
        {"id": colons.upper(), "name": friendly, "location": {"latitude": 60.1}, "ip": "10.0.0.7"},
        b"online",
        f"{friendly} sier {colons}".encode(),
        b"\xff\xfe" + friendly.encode(),
    )
    heard = [published(ms, topic, payload) for ms, topic in enumerate(topics) for payload in payloads]
    text = "\n".join(recorded(tape, *heard))
    for real in (friendly, ieee, mac, colons, "10.0.0.7", "60.1", *friendly.split("/")):
        assert real.lower() not in text.lower(), real


def test_one_thing_has_one_name_and_what_sensors_say_stays() -> None:
    tape = tape_of(config_of())
    lines = [
        json.loads(line)
        for line in recorded(
            tape,
            published(5, "zigbee2mqtt/Kari/knapp", {"action": "emergency", "battery": 51.5, "linkquality": 18}),
            published(6, "zigbee2mqtt/bridge/devices", [{"friendly_name": "Kari/knapp", "type": "EndDevice"}]),
            bytes_at(9, telegram(bytes.fromhex("01825DAB"))),
        )
    ]
    header, press, devices, door = lines
    shown = next(one["address"] for one in header["devices"] if one["use"] == "call").removeprefix("z2m:")
    assert press["topic"] == f"zigbee2mqtt/{shown}"
    assert json.loads(press["text"]) == {"action": "emergency", "battery": 51.5, "linkquality": 18}
    assert json.loads(devices["text"])[0]["friendly_name"] == shown
    (frame,), _, _ = feed(b"", bytes.fromhex(door["hex"]))
    assert Telegram.from_frame(frame).address in [one["address"] for one in header["devices"]]
    assert [line["ms"] for line in lines[1:]] == [0, 1, 4]
    assert header["serial"] == {"port1": "enocean"}


@given(st.text(max_size=60), st.binary(max_size=80))
def test_any_topic_and_payload_can_be_redacted(topic: str, payload: bytes) -> None:
    redactor = MqttRedactor(Names(), {"zigbee2mqtt": "zigbee2mqtt"}, frozenset(("zigbee2mqtt",)))
    for base in ("", "zigbee2mqtt/"):
        found = redactor.message(MqttMessage(base + topic, payload))
        assert isinstance(found.payload, bytes)


@pytest.mark.parametrize("deep", [b"[" * 100_000, b'{"a":' * 5_000 + b"1" + b"}" * 5_000, b"1" * 5_000])
def test_deep_and_long_payloads_are_no_harm(deep: bytes) -> None:
    redactor = MqttRedactor(Names(), {}, frozenset())
    assert len(redactor.payload(deep)) <= len(deep)


@searching(max_examples=60)
@given(st.binary(min_size=6, max_size=20), st.lists(st.integers(0, 80), max_size=4), st.booleans())
def test_a_radar_does_not_tell_its_serial_number(number: bytes, cuts: list[int], damaged: bool) -> None:
    about, fall = radar.Frame(2, 0xA2, number).to_bytes(), radar.Frame(0x83, 1, b"\x01").to_bytes()
    if damaged:
        about = about[:-3] + bytes((about[-3] ^ 0x55,)) + about[-2:]
    stream, redactor = fall + about + fall, MicradarRedactor()
    ends = sorted({min(cut, len(stream)) for cut in cuts} | {len(stream)})
    shown, at = b"", 0
    for end in ends:
        shown += redactor.take(stream[at:end], 5)
        at = end
    shown += redactor.rest()
    assert len(shown) == len(stream)
    assert number not in shown or not any(number) or number in fall
    assert shown.startswith(fall)
    assert shown.endswith(fall)


def test_a_secured_devices_key_and_a_serial_number_are_gone() -> None:
    key = bytes(range(0x30, 0x40))
    redactor = EnoceanRedactor(Names())
    taught = Frame(1, b"\x35" + key[:10] + b"\x01\x82\x5d\xab\x00").to_bytes()
    assert key[:4].hex() not in redactor.take(taught, 0).hex()
    plain = MqttRedactor(Names(), {}, frozenset())
    shown = json.loads(plain.payload(b'{"data":"/xYTFBUWFxgZGgF1ZA=="}'))  # FF16, serial number, battery
    assert shown["data"] == "/xYAAAAAAAAAAAF1ZA=="


# --- playing ----------------------------------------------------------------------------------------------------


def played(path: Path) -> tuple[int, str]:
    said: list[str] = []
    code = replay(path, said.append, guard)
    return code, "".join(said)


def test_the_recorded_fixture_says_what_it_said(capsys: pytest.CaptureFixture[str]) -> None:
    """A door, a press that rings once, and a cached state after a restart of the bridge that does not."""
    assert run_command(["sensors", "replay", str(FIXTURE)]) == 0
    shown = capsys.readouterr().out
    assert shown == EXPECTED.read_text("utf-8")
    assert (shown.count(" contact {"), shown.count(" call {"), shown.count("repeat_of")) == (3, 2, 1)
    assert played(FIXTURE) == (0, shown)


def write(path: Path, *lines: object) -> Path:
    header: Mapping[str, object] = {
        "nattevakt_recording": 1,
        "version": "0",
        "serial": {"port1": "enocean"},
        "dialects": {"zigbee2mqtt": "zigbee2mqtt"},
        "devices": [{"address": "enocean:A0000001", "profile": "D5-00-01", "use": "door", "invert": False}],
    }
    texts = [line if isinstance(line, str) else json.dumps(line) for line in (header, *lines)]
    path.write_text("\n".join(texts) + "\n", "utf-8", "surrogateescape")
    return path


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[1]",
        "\udcff\udcfe",
        "[" * 50_000,
        '{"ms": -1, "source": "mqtt", "topic": "a", "text": "b"}',
        '{"ms": true, "source": "mqtt", "topic": "a", "text": "b"}',
        '{"ms": 1, "source": "mqtt"}',
        '{"ms": 1, "source": "serial:port9", "what": "bytes", "hex": "00"}',
        '{"ms": 1, "source": "serial:port1", "what": "bytes", "hex": "0"}',
        '{"ms": 1, "source": "serial:port1", "what": "bytes"}',
    ],
)
def test_a_damaged_line_is_told_and_the_rest_is_played(line: str, tmp_path: Path) -> None:
    good = {"ms": 5, "source": "serial:port1", "what": "bytes", "hex": telegram(bytes.fromhex("A0000001")).hex()}
    code, shown = played(write(tmp_path / "r.jsonl", line, good))
    assert code == 1
    assert "linje 2 gir ingen mening" in shown
    assert '"is_open": true' in shown or " contact {" in shown


def test_a_line_of_any_length_and_time_is_no_harm(tmp_path: Path) -> None:
    far = {"ms": 10**15, "source": "serial:port1", "what": "bytes", "hex": "55"}
    long = {"ms": 1, "source": "serial:port1", "what": "bytes", "hex": "55" * 200_000}
    code, shown = played(write(tmp_path / "r.jsonl", long, far, {"dropped": 3}))
    assert code == 0
    assert "3 linjer mangler" in shown


@pytest.mark.parametrize(
    "header", ["", "{}", "[]", '{"nattevakt_recording": 2}', '{"nattevakt_recording": 1}', "[" * 9_999]
)
def test_what_is_no_recording_is_refused(header: str, tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text(header)
    assert played(tmp_path / "r.jsonl")[0] == 1
    with pytest.raises(RejectError):
        scene_of(header)
    assert played(tmp_path / "missing")[0] == 1
