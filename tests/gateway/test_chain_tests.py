"""A test that the centre asks for becomes one event, asked twice or after a restart; a call never waits for one."""

from __future__ import annotations

from pathlib import Path

from nattevakt.edge.events import Call, ChainTest
from nattevakt.edge.wire import HeartbeatReply, Received, decode_batch, encode_message
from nattevakt.edge.wire_heartbeat import TESTS_MAX
from nattevakt.gateway import chain_tests
from nattevakt.gateway.chain_tests import ChainTests
from nattevakt.gateway.core import Core
from nattevakt.gateway.inputs import BACKLOG, URGENT, HttpReply, HttpSend, Output, PortUp, SerialBytes
from nattevakt.gateway.outbox import Outbox
from tests.gateway.support import BUTTON, Streams, bodies, core, now, outbox, run, said

NONCES = tuple(f"{n:032x}" for n in range(1, 1001))


def nonces_in(box: Outbox) -> list[str]:
    """The nonces that are on disk, in order."""
    return [body.nonce for body in bodies(box) if isinstance(body, ChainTest)]


def asked(machine: Core, ms: int, *nonces: str) -> list[Output]:
    """The next heartbeat is answered with these; gives what goes out in the round after."""
    (sent,) = [one for one in run(machine, ms) if isinstance(one, HttpSend) and one.path == "/v1/heartbeats"]
    reply = encode_message(HeartbeatReply({}, 0, tests=nonces))
    run(machine, ms + 10, HttpReply(sent.lane, sent.number, 200, reply))
    return run(machine, ms + 20)


def sent_bodies(outputs: list[Output], lane: str) -> list[object]:
    """What a lane takes away in this round."""
    found = [one for one in outputs if isinstance(one, HttpSend) and one.lane == lane and one.path == "/v1/batches"]
    items = [item for one in found for item in decode_batch(one.body).items]
    return [item.event.body for item in items if isinstance(item, Received)]


def test_a_test_goes_the_way_of_an_event_and_only_once(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    asked(machine, 0, NONCES[0])
    assert nonces_in(box) == [NONCES[0]]
    asked(machine, 15_000, NONCES[0], NONCES[1], NONCES[1])
    assert nonces_in(box) == [*NONCES[:2]]
    assert not machine.faults(now(60_000))
    box.close()


def test_one_that_is_asked_for_again_after_a_restart_is_none_anew(tmp_path: Path) -> None:
    mint = Streams()
    machine, box = core(tmp_path, outbox(tmp_path, mint))
    asked(machine, 0, NONCES[0])
    box.close()
    machine, box = core(tmp_path, outbox(tmp_path, mint))
    asked(machine, 30_000, NONCES[0], NONCES[1])
    assert nonces_in(box) == [*NONCES[:2]]
    box.close()


def test_a_call_goes_on_its_own_lane_whatever_tests_there_are(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    for beat in range(50):
        first = 20 * beat
        asked(machine, 15_000 * beat, *NONCES[first : first + 20])
    run(machine, 735_100, PortUp("r0"))
    assert len(nonces_in(box)) == 1000
    outputs = run(machine, 735_200, SerialBytes("r0", said(BUTTON, pressed=True)))
    calls = sent_bodies(outputs, URGENT)
    assert [type(body) for body in calls] == [Call], "alone, and in the very round in which it was pressed"
    assert not any(isinstance(body, Call) for body in sent_bodies(outputs, BACKLOG))
    box.close()


def test_what_is_no_nonce_and_more_than_a_bounded_number_is_passed_over() -> None:
    tests = ChainTests()
    tests.answered(HeartbeatReply({}, 0, tests=("", "XYZ", "a" * 65, "00\n", *NONCES)))
    assert tests.made({})[0] == [ChainTest(nonce) for nonce in NONCES[: TESTS_MAX - 4]]
    for first in range(0, 1000, 20):
        tests.answered(HeartbeatReply({}, 0, tests=NONCES[first : first + 20]))
    assert len(tests.made({})[0]) == chain_tests.KEPT


def test_nothing_is_taken_off_before_it_is_on_disk_and_damaged_memory_is_none() -> None:
    tests = ChainTests()
    assert bool(tests.waiting) is False
    tests.answered(HeartbeatReply({}, 0, tests=NONCES[:1]))
    first, kept = tests.made({})
    assert tests.made({}) == (first, kept)
    assert kept is not None
    tests.stored({})
    assert bool(tests.waiting) is True
    tests.stored({chain_tests.KEY: kept})
    assert tests.made({}) == ([], None)
    for damaged in ("{", "7", '{"a": 1}', "[1]"):
        tests.answered(HeartbeatReply({}, 0, tests=NONCES[:1]))
        assert tests.made({chain_tests.KEY: damaged})[0] == first


def test_an_older_centre_asks_for_nothing() -> None:
    tests = ChainTests()
    tests.answered(HeartbeatReply({}, 0))
    assert tests.made({}) == ([], None)
