"""A device that floods, through the whole core: what was withheld becomes a row, also when nothing more comes."""

from __future__ import annotations

from pathlib import Path

import pytest

from nattevakt.edge.events import Call, Contact, Event, Health
from nattevakt.edge.flooding import FLOOD_MESSAGES, FLOOD_ROW_MS
from nattevakt.gateway.core import Core
from nattevakt.gateway.inputs import PortUp, SerialBytes
from nattevakt.gateway.outbox import Outbox
from tests.gateway.support import BUTTON, DOOR, core, events, message, outbox, run, said

STEP_MS = 100


def doors(box: Outbox) -> list[Event]:
    return [found for found in events(box) if isinstance(found.body, Contact)]


def flooded(machine: Core, *, mqtt: bool = False) -> tuple[int, bool]:
    """The door flutters until most of what it says is withheld. Gives when it last spoke, and whether it is closed."""
    run(machine, 0, PortUp("r0"))
    at, closed = 0, False
    for number in range(FLOOD_MESSAGES + 41):
        at, closed = at + STEP_MS, number % 2 == 0
        if mqtt:
            run(machine, at, message("hall", number + 1, closed=closed, number=number))
        else:
            run(machine, at, SerialBytes("r0", said(DOOR, closed=closed)))
    return at, closed


def opposite(machine: Core, box: Outbox, at: int, *, mqtt: bool) -> bool:
    """Make what the door says last differ from its last row; gives whether it is closed."""
    body = doors(box)[-1].body
    assert isinstance(body, Contact)
    closed = body.open
    if mqtt:
        run(machine, at, message("hall", 5_000, closed=closed, number=5_000))
    else:
        run(machine, at, SerialBytes("r0", said(DOOR, closed=closed)))
    return closed


@pytest.mark.parametrize("mqtt", [False, True])
def test_the_last_state_of_a_flood_is_a_row_although_nothing_more_comes(tmp_path: Path, mqtt: bool) -> None:
    machine, box = core(tmp_path)
    at, _ = flooded(machine, mqtt=mqtt)
    assert sum(found.body.flood is True for found in events(box) if isinstance(found.body, Health)) == 1
    at += 5 * STEP_MS
    closed = opposite(machine, box, at, mqtt=mqtt)
    before = len(doors(box))
    run(machine, at + STEP_MS)
    assert len(doors(box)) == before
    run(machine, at + FLOOD_ROW_MS)
    last = doors(box)[-1]
    assert len(doors(box)) == before + 1
    assert isinstance(last.body, Contact)
    assert last.body.open is not closed
    # It was so from when it was first withheld, not only from when it was told.
    assert last.since is not None
    assert last.since.boottime_ms <= 1_000 + at < last.at.boottime_ms
    for later in range(1, 4):
        run(machine, at + (1 + later) * FLOOD_ROW_MS)
    assert len(doors(box)) == before + 1
    box.close()


def test_what_was_withheld_outlives_a_restart(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    at, _ = flooded(machine)
    closed = opposite(machine, box, at + STEP_MS, mqtt=False)
    before = len(doors(box))
    box.close()
    machine, box = core(tmp_path, outbox(tmp_path))
    run(machine, at + 2 * STEP_MS)
    run(machine, at + STEP_MS + FLOOD_ROW_MS)
    last = doors(box)[-1].body
    assert len(doors(box)) == before + 1
    assert isinstance(last, Contact)
    assert last.open is not closed
    box.close()


def test_a_flood_hides_no_call_of_the_same_round(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    at, _ = flooded(machine)
    for number in range(5):
        at += 3_000
        run(machine, at, SerialBytes("r0", said(DOOR, closed=bool(number % 2)) + said(BUTTON, pressed=True)))
        run(machine, at + 100, SerialBytes("r0", said(BUTTON, pressed=False)))
    assert sum(isinstance(found.body, Call) for found in events(box)) == 5
    box.close()
