"""The core when the disk is full, away, damaged or full of old rows: nothing acknowledged, nothing silently lost."""

from __future__ import annotations

from pathlib import Path

from nattevakt.edge.events import (
    Call,
    SourceBack,
    SourceLost,
    Started,
    Urgency,
)
from nattevakt.gateway import core as core_module
from nattevakt.gateway.inputs import (
    AckMqtt,
    HttpSend,
    MqttUp,
    Output,
    PortUp,
    ReconnectMqtt,
    SerialBytes,
)
from nattevakt.gateway.outbox import Outbox
from tests.gateway.support import (
    BUTTON,
    DOOR,
    acks,
    bodies,
    calls,
    core,
    events,
    message,
    moment,
    now,
    outbox,
    press,
    run,
    said,
)


def test_a_full_disk_acknowledges_nothing_says_so_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    box = outbox(tmp_path, pages_max=45)
    machine, _ = core(tmp_path, box)
    run(machine, 0, PortUp("r0"), MqttUp(1, session_present=False))
    ms = 10
    while "store" not in machine.faults(now(ms)):
        ms += 3_000
        assert ms < 10_000_000
        last = run(machine, ms, message("hall", ms % 60_000 + 1, closed=bool(ms % 2)), press(ms % 60_000 + 2))
    assert acks(last) == []
    assert machine.faults(now(ms))["store"] == "store: disk full"
    complete = machine.describe(now(ms)).complete_to
    assert complete is not None
    assert complete.at.boottime_ms < moment(ms).boottime_ms
    stored = len(bodies(box))
    assert box._con is not None
    box._con.execute("PRAGMA max_page_count=100000")
    outputs = run(machine, ms + 10_000)
    assert len(acks(outputs)) == 2
    assert len(bodies(box)) > stored
    assert "store" not in machine.faults(now(ms + 10_000))
    box.close()


def test_a_full_disk_gives_up_acknowledged_rows_first(tmp_path: Path) -> None:
    box = outbox(tmp_path, pages_max=60)
    machine, _ = core(tmp_path, box)
    run(machine, 0, PortUp("r0"))
    for number in range(4_000):
        run(machine, number * 40_000 + 10, SerialBytes("r0", said(DOOR, closed=bool(number % 2))))
        box.settle(range(1, box.next_seq), {})
        if box.next_seq > 1_200:
            break
    assert box.next_seq > 1_200, "the file holds fewer rows than were stored"
    assert len(bodies(box)) < 1_200
    box.close()


def test_the_outbox_cannot_be_opened_nothing_is_lost_and_nothing_is_sent(tmp_path: Path) -> None:
    (tmp_path / "below").write_text("a file")
    box = outbox(tmp_path / "below")
    machine, _ = core(tmp_path, box)
    outputs = run(machine, 0, PortUp("r0"), press(9), SerialBytes("r0", said(BUTTON, pressed=True)))
    assert not any(isinstance(found, AckMqtt | HttpSend) for found in outputs)
    assert "store" in machine.faults(now(0))
    (tmp_path / "below").unlink()
    outputs = run(machine, 6_000)
    assert acks(outputs) == [9]
    assert sum(isinstance(body, Call) for body in bodies(box)) == 2
    assert [found.at for found in events(box) if isinstance(found.body, Call)] == [moment(0)] * 2
    box.close()


def break_file(box: Outbox, path: Path) -> None:
    """Overwrite the open file behind the outbox's back."""
    box.append([], {f"filler{n}": "x" * 3_000 for n in range(50)})
    assert box._con is not None
    box._con.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw = bytearray(path.read_bytes())
    raw[4096:] = b"\xff" * (len(raw) - 4096)
    path.write_bytes(raw)
    box._con.execute("PRAGMA shrink_memory")


def test_a_press_is_no_repeat_of_one_that_broke_with_its_file(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    run(machine, 0, PortUp("r0"), SerialBytes("r0", said(BUTTON, pressed=True)))
    break_file(box, tmp_path / "outbox.sqlite")
    run(machine, 1_000, SerialBytes("r0", said(BUTTON, pressed=True)))
    run(machine, 7_000)
    assert [(found.urgency, found.at) for found in calls(box)] == [(Urgency.A, moment(1_000))]
    box.close()


def test_a_file_that_breaks_is_replaced_and_what_waited_is_stored_in_the_new_one(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    run(machine, 0, PortUp("r0"))
    break_file(box, tmp_path / "outbox.sqlite")
    outputs: list[Output] = []
    for round_ in range(4):
        outputs += run(machine, 1_000 + round_ * 6_000, *([press(3)] if round_ == 0 else []))
    assert acks(outputs) == [3]
    assert isinstance(bodies(box)[0], Started)
    assert any(isinstance(body, Call) for body in bodies(box))
    assert "damaged" in machine.faults(now(30_000))
    box.close()


def test_too_much_waiting_is_a_named_gap_or_a_redelivery(tmp_path: Path) -> None:
    (tmp_path / "below").write_text("a file")
    box = outbox(tmp_path / "below")
    machine, _ = core(tmp_path, box)
    presses = [SerialBytes("r0", said(BUTTON, pressed=True))] * core_module.WAITING_MAX
    run(machine, 0, *presses)
    run(machine, 1_000, *presses[:3], press(5))
    (tmp_path / "below").unlink()
    outputs = run(machine, 10_000)
    outputs += run(machine, 10_100)
    assert acks(outputs) == []
    assert ReconnectMqtt() in outputs
    found = [body for body in bodies(box) if isinstance(body, SourceBack | SourceLost)]
    assert found[0] == SourceLost("serial:r0", "readings lost while the disk was away", (BUTTON, DOOR))
    assert found[1] == SourceBack("serial:r0", moment(1_000), (BUTTON, DOOR))
    box.close()


def test_acknowledged_rows_go_after_so_many_hours_of_running(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    for hour in range(80):
        run(machine, hour * 3_600_000 + 20_000, PortUp("r0"), SerialBytes("r0", said(DOOR, closed=bool(hour % 2))))
        box.settle(range(1, box.next_seq), {})
    rows = [row for row in box.after(0, 1_000) if row.kind == "contact"]
    assert 70 <= len(rows) <= 75
    box.close()
