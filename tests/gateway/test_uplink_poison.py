"""One event that the centre cannot take: found quickly, parked, named, and nobody waits behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nattevakt.edge.events import Bed, Tombstone
from nattevakt.edge.wire import (
    decode_batch,
)
from nattevakt.gateway.inputs import URGENT, HttpSend
from tests.gateway.line import Line, call, doors, poison_device, reply
from tests.gateway.support import event, now, outbox


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    box = outbox(tmp_path)
    box.open("1", now().moment)
    found = Line(box)
    yield found
    box.close()


@pytest.mark.parametrize("status", [413, 422, 500])
@pytest.mark.parametrize("position", [0, 1, 42, 97, 98])
def test_poison_is_found_in_three_tries_and_eight_halvings(line: Line, status: int, position: int) -> None:
    doors(line, position)
    line.box.append([event(Bed("bad", occupied=True))], {})
    doors(line, 98 - position)
    line.centre.poison = poison_device("bad", status)
    line.run(5_000)
    refused = [size for size, send in zip(line.sizes(), line.batches(), strict=True) if _holds(send, "bad")]
    assert len(line.batches()) <= 3 + 8 + 4
    assert refused[:3] == [100] * 3
    assert line.box.parked_rows == 1
    assert line.box.unsent.total() == 0
    (tomb,) = [body for body in line.centre.bodies() if isinstance(body, Tombstone)]
    assert tomb.reason == f"parked: centre answered {status} events[0].data"
    assert tomb.devices == ("bad",)
    assert line.centre.mark(line.box.stream) == line.box.next_seq - 1


def _holds(send: HttpSend, device: str) -> bool:
    return any(device == getattr(getattr(i, "event").body, "device", None) for i in decode_batch(send.body).items)  # noqa: B009


def test_the_whole_poison_procedure_takes_seconds(line: Line) -> None:
    doors(line, 50)
    line.box.append([event(Bed("bad", occupied=True))], {})
    doors(line, 49)
    line.centre.poison = poison_device("bad")
    while line.box.unsent.total():
        assert line.ms < 5_000
        line.run(100)


def test_several_poisoned_rows_are_all_parked_and_the_rest_delivered(line: Line) -> None:
    for _ in range(5):
        doors(line, 30)
        line.box.append([event(Bed("bad", occupied=True))], {})
    line.centre.poison = poison_device("bad")
    line.run(30_000)
    assert line.box.parked_rows == 5
    assert line.box.unsent.total() == 0


def test_a_call_is_not_delayed_by_a_poisoned_backlog(line: Line) -> None:
    line.box.append([event(Bed("bad", occupied=True))], {})
    doors(line, 99)
    line.centre.poison = poison_device("bad")
    line.step()
    seq = call(line)
    line.step()
    assert (line.box.stream, seq) in line.centre.stored


def test_a_poisoned_call_is_singled_out_at_once_and_others_overtake_it(line: Line) -> None:
    call(line, "bad")
    good = [call(line) for _ in range(5)]
    line.centre.poison = poison_device("bad")
    line.step()
    assert line.sizes(URGENT) == [6]
    fresh = call(line)
    line.step()
    assert line.sizes(URGENT) == [6, 1], "what has not failed goes first"
    assert (line.box.stream, fresh) in line.centre.stored
    line.run(3_000)
    assert all((line.box.stream, seq) in line.centre.stored for seq in good)
    assert line.box.parked_rows == 1
    assert line.box.unsent.total() == 0
    (tomb,) = [body for body in line.centre.bodies() if isinstance(body, Tombstone)]
    assert tomb.lost_class == "A"


def test_a_call_waits_behind_no_failing_call(line: Line) -> None:
    call(line, "bad")
    line.centre.poison = poison_device("bad")
    line.box.append([event(Tombstone("f" * 32, 1, 1, "B", "x", 1, now().moment, now().moment))], {})
    line.step()
    assert line.box.unsent["A"] == 1
    seq = call(line)
    line.step()
    assert (line.box.stream, seq) in line.centre.stored


def test_a_parked_row_is_tried_again_slowly_and_its_fault_ends(line: Line) -> None:
    line.box.append([event(Bed("bad", occupied=True))], {})
    doors(line, 3)
    line.centre.poison = poison_device("bad")
    line.run(300_000)
    tries = len(line.batches())
    assert line.box.parked_rows == 1
    line.run(400_000)
    assert len(line.batches()) == tries + 1
    line.centre.poison = lambda _event: 0
    line.run(700_000)
    assert line.box.parked_rows == 0
    assert Bed("bad", occupied=True) in line.centre.bodies()


def test_a_centre_that_takes_nothing_is_not_given_up_row_by_row(line: Line) -> None:
    """A bug that answers 500 to everything: only a few rows are parked, the rest waits, and all arrives later."""
    doors(line, 200)
    for _ in range(20):
        call(line)
    line.interfere = lambda send: reply(send, 500)
    line.run(300_000)
    assert line.box.parked_rows <= 9
    assert "takes no events" in line.uplink.faults(line.now())["refusing"]
    line.interfere = lambda _send: None
    line.run(1_300_000)
    assert (line.box.parked_rows, line.box.unsent.total()) == (0, 0)


def test_a_refused_event_is_parked_with_the_reason_and_its_neighbours_are_not(line: Line) -> None:
    doors(line, 4)
    line.box.append([event(Bed("odd", occupied=True))], {})
    call(line, "odd")
    line.centre.refuse = lambda found: getattr(found.body, "device", "") == "odd"
    line.run(2_000)
    assert line.box.parked_rows == 2
    reasons = {body.reason for body in line.centre.bodies() if isinstance(body, Tombstone)}
    assert reasons == {"refused: not wanted"}
    assert line.box.unsent.total() == 0
