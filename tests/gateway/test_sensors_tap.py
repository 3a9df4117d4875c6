"""The tap against those who look on badly: garbage, silence, crowds; and the core, which never waits for them."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nattevakt.edge.drivers import enocean, ld2410
from nattevakt.edge.drivers.driver import Device, Learned, Line, MqttMessage, Reading, Use
from nattevakt.edge.drivers.enocean.frame import Frame
from nattevakt.edge.memory import DeviceMemory, memory_key
from nattevakt.gateway.agent import guard
from nattevakt.gateway.recording import hex_of, message_of
from nattevakt.gateway.sensor_words import as_json, line_words, link_words
from nattevakt.gateway.sensors import ask, lines
from nattevakt.gateway.sources import Sources, Taken
from nattevakt.gateway.tap import (
    CLIENTS_MAX,
    DATA_MAX,
    LEARN_MAX_S,
    QUEUE_MAX,
    Heard,
    Tap,
    Told,
    asked_of,
    connect,
    content,
    message_content,
)
from nattevakt.gateway.tapped import Tapped, link_facts
from tests.gateway.support import TinyDriver, said
from tests.support.wait import until


@contextmanager
def serving(folder: Path) -> Iterator[Tap]:
    tap = Tap(folder, lambda: 5_000, "0")
    thread = threading.Thread(target=tap.run)
    thread.start()
    try:
        yield tap
    finally:
        tap.stop()
        thread.join(20)
        assert not thread.is_alive()


def joined(folder: Path) -> socket.socket:
    def try_it() -> socket.socket | None:
        try:
            return connect(folder)
        except OSError:
            return None

    found = until(try_it, "the tap is open")
    assert found is not None
    found.settimeout(20)
    return found


def watching(folder: Path) -> socket.socket:
    sock = joined(folder)
    ask(sock, {"ask": "watch"})
    assert b'"hello"' in sock.recv(4_096)
    return sock


def heard(number: int, data: bytes = b"\x55") -> Heard:
    return Heard(number, "serial:r0", "bytes", data, Taken((Reading("tiny:door", {"closed": True}),)))


def test_everybody_who_looks_on_is_told_everything(tmp_path: Path) -> None:
    with serving(tmp_path) as tap, watching(tmp_path) as one, watching(tmp_path) as two:
        for number in range(50):
            tap.seen(heard(number))
        for sock in (one, two):
            told = [line["ms"] for line in islice(lines(sock), 50)]
            assert told == list(range(50))


def test_a_client_that_does_not_read_loses_lines_which_are_counted_and_told(tmp_path: Path) -> None:
    with serving(tmp_path) as tap, watching(tmp_path) as slow:
        sent = 0
        while tap.dropped < 10:
            tap.seen(heard(sent, b"\x55" * 1_000))
            sent += 1
            assert sent < 100 * QUEUE_MAX
        dropped = tap.dropped
        tap.seen(Told({"learning_until_ms": None}))
        got, lost = 0, 0
        for line in lines(slow):
            got += "ms" in line
            number = line.get("dropped", 0)
            lost += number if isinstance(number, int) else 0
            if got + lost >= sent:
                break
        assert lost >= dropped
        assert got + lost in (sent, sent + 1)


def test_bytes_waiting_for_a_client_are_bounded_too(tmp_path: Path) -> None:
    with serving(tmp_path) as tap, watching(tmp_path):
        for number in range(40):
            tap.seen(heard(number, bytes(DATA_MAX)))
        assert tap.dropped >= 20


def test_a_crowd_is_refused_and_the_first_go_on(tmp_path: Path) -> None:
    with serving(tmp_path) as tap:
        first = [watching(tmp_path) for _ in range(CLIENTS_MAX)]
        late = joined(tmp_path)
        assert late.recv(1) == b""
        late.close()
        tap.seen(heard(7))
        for sock in first:
            assert next(lines(sock))["ms"] == 7
            sock.close()
        until(lambda: not tap.watched, "all have left")
        watching(tmp_path).close()


@pytest.mark.parametrize(
    "garbage", [b"\n", b"\xff\xfe\n", b"[1]\n", b'{"ask":"reboot"}\n', b"[" * 1_020 + b"\n", b"x" * 5_000]
)
def test_garbage_is_answered_and_shown_out(tmp_path: Path, garbage: bytes) -> None:
    with serving(tmp_path) as tap:
        with joined(tmp_path) as sock:
            sock.sendall(garbage)
            told = b""
            try:
                while data := sock.recv(4_096):
                    told += data
            except ConnectionResetError:
                pass
            assert told in (b"", b'{"error": "not understood"}\n')
        assert tap.watched == 0
        watching(tmp_path).close()


@given(st.binary(max_size=200))
def test_nothing_that_is_asked_raises(line: bytes) -> None:
    found = asked_of(line)
    assert found is None or 1 <= found[1] <= LEARN_MAX_S


def test_a_window_is_never_asked_to_be_longer_than_its_limit() -> None:
    assert asked_of(b'{"ask":"learn"}') == ("learn", 300)
    assert asked_of(b'{"ask":"learn","seconds":1800}') == ("learn", 1_800)
    for seconds in ("1801", "0", "-1", "true", '"300"', "1e3", "null"):
        assert asked_of(b'{"ask":"learn","seconds":%s}' % seconds.encode()) is None


def test_the_learn_window_ends_by_boottime_and_when_its_client_leaves(tmp_path: Path) -> None:
    with serving(tmp_path) as tap:
        with joined(tmp_path) as sock:
            ask(sock, {"ask": "learn", "seconds": 60})
            until(lambda: tap.watched, "it is asked")
            assert list(tap.asked_to_learn()) == [65_000]
        asked = until(lambda: list(tap.asked_to_learn()), "it has left")
        assert asked == [None]


class Learner(TinyDriver):
    """Keeps what it was told of the learn window."""

    def __init__(self) -> None:
        self.windows: list[int | None] = []

    def learning(self, until_ms: int | None, state):  # type: ignore[no-untyped-def]
        self.windows.append(until_ms)
        return state


class OneAsk(Tap):
    """A tap whose operator asks once."""

    def asked_to_learn(self) -> Iterator[int | None]:
        if not self.dropped:
            self.dropped = 1
            yield 10_000


def test_drivers_hear_of_the_window_and_of_its_end_also_on_a_port_that_comes_back(tmp_path: Path) -> None:
    driver = Learner()
    tapped = Tapped(OneAsk(tmp_path, lambda: 0, "0"), guard, (), {"r0": ("tiny", driver)}, {})
    tapped.opened("r0", 1)
    tapped.due(2)
    tapped.opened("r0", 3)
    tapped.due(9_999)
    tapped.due(10_000)
    tapped.opened("r0", 10_001)
    assert driver.windows == [10_000, 10_000, None]


def test_a_bug_in_the_tap_keeps_no_reading_from_its_way(tmp_path: Path) -> None:
    class Broken(Tap):
        @property
        def watched(self) -> int:
            raise ZeroDivisionError

    devices = (Device("tiny:door", "X", Use.DOOR),)
    tapped = Tapped(Broken(tmp_path, lambda: 0, "0"), guard, devices, {"r0": ("tiny", TinyDriver())}, {})
    plain = Sources(devices, {"r0": ("tiny", TinyDriver())}, {})
    for sources in (tapped, plain):
        sources.opened("r0", 1)
    line = said("tiny:door", closed=True, battery_percent=40.0)
    assert tapped.serial("r0", line, 2) == plain.serial("r0", line, 2)
    assert tapped._own == {"tiny:door": {"messages": 1, "heard_ms": 2, "battery_percent": 40.0}}


def test_only_the_operators_own_connection_sees_a_key() -> None:
    learned = Learned("enocean:01020304", "", "", key_line="secret")
    whole = Heard(1, "serial:r0", "bytes", b"", Taken((learned,)))
    assert "secret" not in json.dumps(content(whole))
    assert "secret" in json.dumps(content(whole, keys=True))


@given(st.text(max_size=40), st.binary(max_size=60), st.booleans())
def test_any_message_can_be_shown_and_read_back(topic: str, payload: bytes, retained: bool) -> None:
    message = MqttMessage(topic, payload, retained)
    line = json.loads(json.dumps(content(Heard(1, "mqtt", "message", message, Taken()))))
    assert message_of(line) == message
    assert line_words(line, "nå")


def test_a_payload_beyond_the_bound_is_cut_and_says_so() -> None:
    assert message_content(MqttMessage("t", bytes(DATA_MAX + 1)))["cut"] is True


@given(st.dictionaries(st.text(max_size=12), st.one_of(st.none(), st.integers(), st.text(), st.lists(st.integers()))))
def test_any_line_has_words_or_none(line: dict[str, object]) -> None:
    line_words({"source": "serial:r0", **line}, "nå")


def test_hex_is_hex_or_nothing() -> None:
    assert hex_of("00ff") == b"\x00\xff"
    assert hex_of("0") is None
    assert hex_of(3) is None


def test_what_a_device_said_before_this_start_is_known_and_what_it_floods_with(tmp_path: Path) -> None:
    devices = (Device("tiny:door", "X", Use.DOOR), Device("tiny:new", "X", Use.DOOR))
    tapped = Tapped(Tap(tmp_path, lambda: 0, "0"), guard, devices, {"r0": ("tiny", TinyDriver())}, {})
    row = DeviceMemory(None)
    row.health, row.flood, row.errors = {"battery_percent": 30.0, "tamper": True}, True, 7
    tapped.opened("r0", 1)
    tapped.serial("r0", said("tiny:door", battery_percent=20.0), 2)
    found = tapped.told({memory_key("tiny:door"): row.text()})["devices"]
    assert found == {
        "tiny:door": {
            "battery_percent": 20.0,
            "tamper": True,
            "flood": True,
            "errors": 7,
            "messages": 1,
            "heard_ms": 2,
        }
    }


@given(st.text(st.characters(categories=None), max_size=20))
def test_whatever_a_device_says_a_terminal_can_show_it(text: str) -> None:
    for shown in (
        as_json({text: text}),
        *line_words({"source": text, "topic": text, "said": [{"finding": text}]}, "nå"),
    ):
        shown.encode("utf-8")
        assert shown.isprintable()
    assert "\x1b" not in as_json("\x1b[2J\x9b\ud800")


def test_what_is_at_the_end_of_a_line_is_told() -> None:
    state = enocean.start((), Line("r0"))
    answer = Frame(2, bytes.fromhex("00FF800000")).to_bytes()
    found = link_facts(enocean.step(answer, 10, state).state)
    assert found["base_id"] == "FF800000"
    assert link_words({"base_id": "FF800000", "answered": True}) == "base-id FF800000, svarer"
    radar = ld2410.start((Device("ld2410:bad", "LD2410"),), Line("bad"))
    assert link_facts(radar)["lost"] is False
    assert link_words({}) == "har ikke sagt noe om seg selv"
