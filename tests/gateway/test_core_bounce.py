"""A bouncing door through the whole core: what waits to settle is on disk, and is told without a further word."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nattevakt.edge.bouncing import SETTLE_MS
from nattevakt.edge.events import Contact, Event
from nattevakt.gateway.core import Core
from nattevakt.gateway.inputs import PortUp, SerialBytes
from nattevakt.gateway.outbox import Outbox
from tests.gateway.support import DOOR, Streams, core, events, moment, now, outbox, run, said

CLOSED_MS = 60_000
"""When the door is closed; it was opened long before."""


def word(*, closed: bool) -> SerialBytes:
    return SerialBytes("r0", said(DOOR, closed=closed))


def opens(box: Outbox) -> list[Event]:
    return [found for found in events(box) if found.body == Contact(DOOR, open=True)]


def closed_and_opened(machine: Core) -> None:
    """The port is up, the door is opened and closed, and opened again at once."""
    run(machine, 0, PortUp("r0"))
    run(machine, 10, word(closed=True))
    run(machine, 20_000, word(closed=False))
    run(machine, CLOSED_MS, word(closed=True))
    run(machine, CLOSED_MS + 4, word(closed=False))


def claimed_ms(machine: Core, at_ms: int) -> int:
    """Up to when the gateway says that it has told everything."""
    complete = machine.describe(now(at_ms)).complete_to
    assert complete is not None
    return complete.at.boottime_ms


def test_an_opening_that_has_settled_is_told_without_a_further_word_and_the_core_says_when(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    closed_and_opened(machine)
    assert len(opens(box)) == 1
    due_s = now(CLOSED_MS + 4 + SETTLE_MS).mono_s
    assert machine.wake_at_s(now(CLOSED_MS + 4), 60.0) == pytest.approx(due_s)
    run(machine, CLOSED_MS + 4 + SETTLE_MS - 1)
    assert len(opens(box)) == 1
    run(machine, CLOSED_MS + 4 + SETTLE_MS)
    assert [(found.at, found.since) for found in opens(box)[1:]] == [(moment(CLOSED_MS + 4), None)]
    assert machine.wake_at_s(now(CLOSED_MS + 600), 60.0) > due_s + 1
    run(machine, CLOSED_MS + 10_000)
    assert len(opens(box)) == 2
    box.close()


def test_a_closing_that_bounces_is_no_opening_and_is_counted(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    closed_and_opened(machine)
    run(machine, CLOSED_MS + 9, word(closed=True))
    run(machine, CLOSED_MS + 10_000)
    assert len(opens(box)) == 1
    assert machine.describe(now(CLOSED_MS + 10_000)).health.counters["interpret.bounces"] == 1
    box.close()


def test_what_waits_outlives_a_kill(tmp_path: Path) -> None:
    mint = Streams()
    machine, box = core(tmp_path, outbox(tmp_path, mint))
    closed_and_opened(machine)
    box.close()
    machine, box = core(tmp_path, outbox(tmp_path, mint))
    run(machine, CLOSED_MS + 3_000)
    assert [found.at for found in opens(box)[1:]] == [moment(CLOSED_MS + 4)]
    box.close()
    machine, box = core(tmp_path, outbox(tmp_path, mint))
    run(machine, CLOSED_MS + 6_000)
    assert len(opens(box)) == 2
    box.close()


def test_a_kill_right_after_it_and_the_opposite_word_lose_no_opening(tmp_path: Path) -> None:
    mint = Streams()
    machine, box = core(tmp_path, outbox(tmp_path, mint))
    closed_and_opened(machine)
    box.close()
    machine, box = core(tmp_path, outbox(tmp_path, mint))
    # Nobody listened meanwhile: how often the door was moved cannot be told, so what was said has been.
    run(machine, CLOSED_MS + 100, PortUp("r0"), word(closed=True))
    assert [found.at for found in opens(box)[1:]] == [moment(CLOSED_MS + 4)]
    assert isinstance(events(box)[-1].body, Contact)
    assert events(box)[-1].body == Contact(DOOR, open=False)
    box.close()


def test_nothing_is_claimed_to_be_complete_past_what_waits(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    closed_and_opened(machine)
    run(machine, CLOSED_MS + 400)
    assert claimed_ms(machine, CLOSED_MS + 400) <= moment(CLOSED_MS + 4).boottime_ms
    run(machine, CLOSED_MS + 600)
    assert len(opens(box)) == 2
    assert claimed_ms(machine, CLOSED_MS + 600) == moment(CLOSED_MS + 600).boottime_ms
    box.close()


def test_what_waited_for_the_core_is_not_taken_for_a_bounce(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    run(machine, 0, PortUp("r0"))
    run(machine, 10, word(closed=True))
    late = replace(now(CLOSED_MS), crowded=True)
    machine.handle([word(closed=False), word(closed=True), word(closed=False), word(closed=True)], late)
    assert len(opens(box)) == 2
    box.close()


def test_a_disk_that_fails_is_not_asked_for_it_without_end(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    closed_and_opened(machine)
    assert box._con is not None
    box._con.execute("PRAGMA query_only=ON")
    at = now(CLOSED_MS + 4 + SETTLE_MS)
    machine.handle([], at)
    assert "store" in machine.faults(at)
    assert machine.wake_at_s(at) > at.mono_s + 0.05
    box._con.execute("PRAGMA query_only=OFF")
    run(machine, CLOSED_MS + 5_000)
    assert [found.at for found in opens(box)[1:]] == [moment(CLOSED_MS + 4)]
    box.close()
