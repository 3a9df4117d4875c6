"""Since when news after a break may be: not narrower than what is certain, and not wider either."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nattevakt.edge.events import Contact, Moment
from nattevakt.gateway.breaks import DOUBT_MS, KEPT, KEY, Break, Breaks
from nattevakt.gateway.inputs import MqttDown, MqttReceived, MqttUp, PortDown, PortUp, SerialBytes
from nattevakt.gateway.outbox import Outbox
from nattevakt.gateway.rows import LIVES, LIVES_KEPT
from tests.gateway.support import DOOR, Streams, core, events, message, moment, now, outbox, run, said

MINUTE_MS = 60_000


def since(box: Outbox) -> Moment | None:
    """Of the last contact."""
    return [found for found in events(box) if isinstance(found.body, Contact)][-1].since


def test_a_gateway_that_listened_until_it_died_vouches_for_its_devices(tmp_path: Path) -> None:
    """The mat was last heard half an hour before, but it would have been heard until the last sign of life."""
    mint = Streams()
    machine, box = core(tmp_path, outbox(tmp_path, mint))
    run(machine, 0, PortUp("r0"), SerialBytes("r0", said(DOOR, closed=True)))
    run(machine, 30 * MINUTE_MS)
    machine._beat(now(30 * MINUTE_MS))
    box.close()
    machine, box = core(tmp_path, outbox(tmp_path, mint))
    run(machine, 32 * MINUTE_MS, PortUp("r0"), SerialBytes("r0", said(DOOR, closed=False)))
    assert since(box) == moment(30 * MINUTE_MS - DOUBT_MS)
    box.close()


def test_also_across_a_boot_of_the_machine(tmp_path: Path) -> None:
    mint = Streams()
    machine, box = core(tmp_path, outbox(tmp_path, mint))
    run(machine, 0, PortUp("r0"), SerialBytes("r0", said(DOOR, closed=True)))
    run(machine, 30 * MINUTE_MS)
    machine._beat(now(30 * MINUTE_MS))
    box.close()
    machine, box = core(tmp_path, outbox(tmp_path, mint))
    machine.handle([PortUp("r0"), SerialBytes("r0", said(DOOR, closed=False))], now(5_000, boot="boot-2"))
    assert since(box) == moment(30 * MINUTE_MS - DOUBT_MS)
    box.close()


def test_the_first_break_counts_and_not_the_last(tmp_path: Path) -> None:
    """Lost at 10, back at 11, never heard since, restarted at 40: it may have changed at 10."""
    mint = Streams()
    machine, box = core(tmp_path, outbox(tmp_path, mint))
    run(machine, 0, PortUp("r0"), SerialBytes("r0", said(DOOR, closed=True)))
    run(machine, 10 * MINUTE_MS, PortDown("r0", "gone"))
    run(machine, 11 * MINUTE_MS, PortUp("r0"))
    run(machine, 40 * MINUTE_MS)
    machine._beat(now(40 * MINUTE_MS))
    for start in (41, 42):
        box.close()
        machine, box = core(tmp_path, outbox(tmp_path, mint))
        run(machine, start * MINUTE_MS, PortUp("r0"))
    run(machine, 43 * MINUTE_MS, SerialBytes("r0", said(DOOR, closed=False)))
    assert since(box) == moment(10 * MINUTE_MS - DOUBT_MS)
    run(machine, 50 * MINUTE_MS, PortDown("r0", "gone"))
    run(machine, 51 * MINUTE_MS, PortUp("r0"), SerialBytes("r0", said(DOOR, closed=True)))
    assert since(box) == moment(50 * MINUTE_MS - DOUBT_MS), "heard meanwhile: older breaks are over"
    box.close()


def test_the_broker_and_the_bridge_are_known_until_they_were_lost(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    run(machine, 0, MqttUp(1, session_present=False), MqttReceived("home/bridge", b"up"), message("hall", closed=True))
    run(machine, 20 * MINUTE_MS, MqttDown("gone"))
    run(machine, 25 * MINUTE_MS, MqttUp(2, session_present=True), message("hall", retained=True, closed=False))
    assert since(box) == moment(20 * MINUTE_MS - DOUBT_MS)
    run(machine, 30 * MINUTE_MS, message("hall", closed=True))
    run(machine, 50 * MINUTE_MS, MqttReceived("home/bridge", b"down"))
    run(machine, 55 * MINUTE_MS, MqttReceived("home/bridge", b"up"), message("hall", closed=False))
    assert since(box) == moment(50 * MINUTE_MS - DOUBT_MS)
    box.close()


def test_the_breaks_of_one_road_say_nothing_of_another(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    run(machine, 0, MqttUp(1, session_present=False), PortUp("r0"), SerialBytes("r0", said(DOOR, closed=True)))
    run(machine, 10 * MINUTE_MS, MqttDown("gone"))
    run(machine, 20 * MINUTE_MS, PortDown("r0", "gone"))
    run(machine, 21 * MINUTE_MS, PortUp("r0"), SerialBytes("r0", said(DOOR, closed=False)))
    assert since(box) == moment(20 * MINUTE_MS - DOUBT_MS)
    box.close()


def test_what_waits_for_the_disk_is_no_sign_of_life(tmp_path: Path) -> None:
    """Heard, not stored, and gone with the agent: its last life must not vouch for the time after."""
    mint = Streams()
    machine, box = core(tmp_path, outbox(tmp_path, mint))
    run(machine, 0, PortUp("r0"), SerialBytes("r0", said(DOOR, closed=True)))
    run(machine, 10 * MINUTE_MS)
    assert box._con is not None
    box._con.execute("PRAGMA query_only=1")
    run(machine, 20 * MINUTE_MS, SerialBytes("r0", said(DOOR, closed=False)))
    box._con.execute("PRAGMA query_only=0")
    machine._beat(now(20 * MINUTE_MS + 10))
    box.close()
    machine, box = core(tmp_path, outbox(tmp_path, mint))
    run(machine, 21 * MINUTE_MS, PortUp("r0"), SerialBytes("r0", said(DOOR, closed=False)))
    assert since(box) == moment(10 * MINUTE_MS - DOUBT_MS)
    box.close()


# --- the list itself -----------------------------------------------------------------------------------------


def lives(*at_ms: int, boot: str = "boot-1") -> dict[str, str]:
    found = [moment(ms, boot=boot) for ms in at_ms]
    return {LIVES: json.dumps([[at.boot, at.boottime_ms, at.wall_ms, at.synced] for at in found])}


def loaded(memory: dict[str, str]) -> Breaks:
    breaks = Breaks()
    breaks.load(memory)
    return breaks


HEARD = moment(0)
LATE = moment(10 * MINUTE_MS)


def test_never_before_the_device_was_heard_and_never_beyond_another_boot() -> None:
    assert loaded({}).unchanged_until(HEARD, ("a",)) == HEARD
    assert loaded(lives(DOUBT_MS - 1)).unchanged_until(HEARD, ()) == HEARD
    assert loaded(lives(10 * MINUTE_MS, boot="boot-2")).unchanged_until(HEARD, ()) == HEARD
    assert loaded(lives(10 * MINUTE_MS)).unchanged_until(HEARD, ()) == moment(10 * MINUTE_MS - DOUBT_MS)


def test_a_full_list_may_have_forgotten_the_break_that_counts() -> None:
    breaks = loaded({})
    breaks.add(Break("a", moment(number * MINUTE_MS)) for number in range(10, 10 + KEPT - 1))
    assert breaks.unchanged_until(HEARD, ("a",)) == moment(10 * MINUTE_MS - DOUBT_MS)
    breaks.add([Break("b", moment(900 * MINUTE_MS))])
    assert breaks.unchanged_until(HEARD, ("a",)) == HEARD
    assert breaks.unchanged_until(moment(100 * MINUTE_MS), ("b",)) == moment(900 * MINUTE_MS - DOUBT_MS)
    many = loaded(lives(*(number * MINUTE_MS for number in range(10, 10 + LIVES_KEPT))))
    assert many.unchanged_until(HEARD, ()) == HEARD
    assert many.unchanged_until(moment(10 * MINUTE_MS), ()) != HEARD


def test_what_is_stored_is_what_is_loaded() -> None:
    breaks = loaded({})
    row = breaks.text([Break("a", LATE)])
    assert loaded({KEY: row}).unchanged_until(HEARD, ("a",)) == moment(10 * MINUTE_MS - DOUBT_MS)
    assert loaded({KEY: row}).text([]) == row


@pytest.mark.parametrize(
    "memory",
    [
        {KEY: "["},
        {KEY: "7"},
        {KEY: '{"v":2,"breaks":[]}'},
        {KEY: '{"v":1,"breaks":[["a",1]]}'},
        {KEY: '{"v":1,"breaks":[["a","b","c",1,true]]}'},
        {KEY: '{"v":1}'},
        {LIVES: "{"},
        {LIVES: "[5]"},
    ],
    ids=range(8),
)
def test_what_cannot_be_read_proves_nothing(memory: dict[str, str]) -> None:
    found = loaded({**lives(10 * MINUTE_MS), **memory})
    assert found.unchanged_until(HEARD, ("a",)) == HEARD
