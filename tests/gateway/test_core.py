"""The core as production runs it, one round at a time: order, duplicates, sources, broken parts, full disks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from nattevakt.edge.events import (
    Call,
    ClockSynchronised,
    Contact,
    Foreign,
    SourceBack,
    SourceLost,
    Started,
    Urgency,
)
from nattevakt.edge.wire import decode_heartbeat
from nattevakt.gateway.inputs import (
    HttpSend,
    MqttDown,
    MqttReceived,
    MqttUp,
    PortDown,
    PortUp,
    SerialBytes,
    SerialSend,
)
from tests.gateway.support import (
    BUTTON,
    DOOR,
    Streams,
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


def test_the_first_round_opens_the_outbox_and_names_the_start(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    outputs = run(machine, 0)
    assert bodies(box) == [Started("0.1.0")]
    assert {found.path for found in outputs if isinstance(found, HttpSend)} == {"/v1/heartbeats", "/v1/batches"}
    box.close()


def test_a_press_is_on_disk_before_the_round_ends_and_on_its_way(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    run(machine, 0, PortUp("r0"))
    outputs = run(machine, 10, SerialBytes("r0", said(BUTTON, pressed=True)))
    assert calls(box)
    assert calls(box)[-1].at == moment(10)
    assert box.unsent["A"] == 1
    assert all(isinstance(found, HttpSend) for found in outputs)
    box.close()


def test_the_broker_is_acknowledged_only_after_the_disk(tmp_path: Path) -> None:
    order: list[str] = []
    machine, box = core(tmp_path, probe=lambda point, _data: order.append(point))
    run(machine, 0, MqttUp(1, session_present=False))
    order.clear()
    outputs = run(machine, 10, press(7))
    assert order == ["interpreted", "committed"]
    assert acks(outputs) == [7]
    assert calls(box)
    box.close()


def test_messages_without_news_and_of_qos_0(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    run(machine, 0, MqttUp(1, session_present=False), message("hall", 2, unknown=1))
    before = box.next_seq
    assert acks(run(machine, 10, message("hall", 3, unknown=1), message("hall", 0, unknown=1))) == [3]
    assert box.next_seq == before
    box.close()


def test_a_group_sees_its_own_memory_and_is_one_transaction(tmp_path: Path) -> None:
    commits: list[Mapping[str, object]] = []
    machine, box = core(tmp_path, probe=lambda point, data: commits.append(data) if point == "committed" else None)
    run(machine, 0, PortUp("r0"))
    commits.clear()
    twice = said(DOOR, closed=False) + said(DOOR, closed=False) + said(DOOR, closed=True)
    run(machine, 10, SerialBytes("r0", twice), SerialBytes("r0", said(BUTTON, pressed=True)))
    assert [body for body in bodies(box) if isinstance(body, Contact)] == [
        Contact(DOOR, open=True),
        Contact(DOOR, open=False),
    ]
    assert len(commits) == 1
    box.close()


def test_a_repeat_names_the_sequence_number_of_the_first(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    run(machine, 0, PortUp("r0"))
    run(machine, 10, SerialBytes("r0", said(DOOR, closed=False) + said(BUTTON, pressed=True)))
    (first,) = [row.seq for row in box.after(0, 100) if row.kind == "call"]
    run(machine, 500, SerialBytes("r0", said(BUTTON, pressed=True)))
    assert [body.repeat_of for body in bodies(box) if isinstance(body, Call)] == [None, first]
    box.close()


def test_what_was_delivered_and_stored_before_is_only_acknowledged(tmp_path: Path) -> None:
    mint = Streams()
    machine, box = core(tmp_path, outbox(tmp_path, mint))
    run(machine, 0, MqttUp(1, session_present=False), press(7))
    box.close()
    again, box = core(tmp_path, outbox(tmp_path, mint))
    outputs = run(again, 5_000, MqttUp(1, session_present=True), press(7, dup=True))
    assert acks(outputs) == [7]
    assert sum(isinstance(body, Call) for body in bodies(box)) == 1
    box.close()


def test_a_redelivery_of_something_else_or_not_stored_is_taken(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    run(machine, 0, MqttUp(1, session_present=False), press(7))
    run(machine, 5_000, press(8, dup=True))
    run(machine, 10_000, message("sos", 7, dup=True, action="sos"))
    run(machine, 15_000, press(7))
    assert sum(isinstance(body, Call) for body in bodies(box)) == 4
    box.close()


def test_a_new_session_begins_its_ids_anew(tmp_path: Path) -> None:
    """A broker that forgot us may use id 7 again for a second press that looks the same."""
    machine, box = core(tmp_path)
    run(machine, 0, MqttUp(1, session_present=False), press(7))
    run(machine, 5_000, MqttDown("gone"))
    run(machine, 9_000, MqttUp(2, session_present=False))
    run(machine, 10_000, press(7, dup=True))
    assert sum(isinstance(body, Call) for body in bodies(box)) == 2
    box.close()


def test_remembered_ids_are_bounded(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    run(machine, 0, MqttUp(1, session_present=False))
    for first in range(1, 2_401, 100):
        run(machine, first * 3_000, *[message("hall", first + n, contact=1, closed=bool(n % 2)) for n in range(100)])
    kept = [key for key in box.memory if key.startswith("core.mqtt:")]
    assert 990 <= len(kept) <= 1_000
    assert "core.mqtt:2400" in kept
    box.close()


def test_sources_lost_and_back_with_their_devices_and_the_lost_moment(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    run(machine, 0, PortUp("r0"), MqttUp(1, session_present=False))
    assert not any(isinstance(body, SourceBack | SourceLost) for body in bodies(box))
    run(machine, 20_000, PortDown("r0", "OSError 5"))
    run(machine, 21_000, PortDown("r0", "OSError 2"))
    run(machine, 30_000, PortUp("r0"))
    run(machine, 40_000, MqttDown("lost"))
    run(machine, 50_000, MqttUp(2, session_present=True))
    found = [body for body in bodies(box) if isinstance(body, SourceBack | SourceLost)]
    assert found == [
        SourceLost("serial:r0", "OSError 5", (BUTTON, DOOR)),
        SourceBack("serial:r0", moment(20_000), (BUTTON, DOOR)),
        SourceLost("mqtt", "lost", ("z2m:sos", "z2m:hall")),
        SourceBack("mqtt", moment(25_000), ("z2m:sos", "z2m:hall")),
    ]
    assert machine.describe(now(50_000)).health.sources == {"serial:r0": "up", "mqtt": "up"}
    box.close()


def test_the_bridge_s_own_word_and_a_loss_that_outlives_the_agent(tmp_path: Path) -> None:
    mint = Streams()
    machine, box = core(tmp_path, outbox(tmp_path, mint))
    run(machine, 0, MqttUp(1, session_present=False), MqttReceived("home/bridge", b"up"))
    run(machine, 10, MqttReceived("home/bridge", b"down"))
    box.close()
    again, box = core(tmp_path, outbox(tmp_path, mint))
    run(again, 60_000, MqttUp(1, session_present=False), MqttReceived("home/bridge", b"up", retained=True))
    lost, back = [body for body in bodies(box) if isinstance(body, SourceBack | SourceLost)]
    assert lost == SourceLost("z2m", "offline", ("z2m:sos", "z2m:hall"))
    assert back == SourceBack("z2m", moment(10), ("z2m:sos", "z2m:hall"))
    box.close()


def test_a_source_that_stays_down_is_a_fault(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    run(machine, 0, PortDown("r0", "no such file"))
    assert machine.faults(now(1_000)) == {}
    assert machine.faults(now(31_000)) == {"source serial:r0": "source: serial:r0 is down: no such file"}
    run(machine, 32_000, PortUp("r0"))
    assert machine.faults(now(90_000)).keys() <= {"unreachable"}
    box.close()


def test_after_a_break_a_changed_state_has_an_uncertain_time_and_an_equal_one_is_no_news(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    run(machine, 0, PortUp("r0"))
    run(machine, 1_000, SerialBytes("r0", said(DOOR, closed=True)))
    run(machine, 2_000, PortDown("r0", "gone"))
    run(machine, 60_000, PortUp("r0"))
    run(machine, 61_000, SerialBytes("r0", said(DOOR, closed=False)))
    run(machine, 62_000, SerialBytes("r0", said(DOOR, closed=True)))
    contacts = [found for found in events(box) if isinstance(found.body, Contact)]
    assert [found.since for found in contacts] == [None, moment(1_000), None]
    run(machine, 70_000, PortDown("r0", "gone"))
    run(machine, 80_000, PortUp("r0"), SerialBytes("r0", said(DOOR, closed=True)))
    assert sum(isinstance(body, Contact) for body in bodies(box)) == 3
    box.close()


def test_what_a_broker_kept_for_us_has_uncertain_times(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    run(machine, 0, MqttUp(1, session_present=False), message("hall", 1, closed=True))
    run(machine, 1_000, MqttDown("gone"))
    run(machine, 600_000, MqttUp(2, session_present=True))
    run(machine, 600_500, message("hall", 2, closed=False), message("hall", 3, closed=True))
    run(machine, 603_000, message("hall", 4, closed=False))
    run(machine, 604_000, message("hall", 5, closed=True))
    found = [e.since for e in events(box) if isinstance(e.body, Contact)]
    assert found == [None, moment(0), moment(0), moment(0), None]
    box.close()


def test_last_heard_survives_the_agent(tmp_path: Path) -> None:
    mint = Streams()
    machine, box = core(tmp_path, outbox(tmp_path, mint))
    run(machine, 0, PortUp("r0"), SerialBytes("r0", said(DOOR, closed=True)))
    run(machine, 16_000)
    machine._beat(now(16_000))
    box.close()
    again, box = core(tmp_path, outbox(tmp_path, mint))
    run(again, 60_000, PortUp("r0"), SerialBytes("r0", said(DOOR, closed=False)))
    assert events(box)[-1].since == moment(0)
    assert again.describe(now(61_000)).heard_age_ms[DOOR] == 1_000
    box.close()


def test_clock_synchronised_once_a_boot(tmp_path: Path) -> None:
    mint = Streams()
    machine, box = core(tmp_path, outbox(tmp_path, mint))
    run(machine, 0)
    assert ClockSynchronised() not in bodies(box)
    run(machine, 10, synced=True)
    run(machine, 20, synced=True)
    box.close()
    again, box = core(tmp_path, outbox(tmp_path, mint))
    run(again, 30, synced=True)
    assert bodies(box).count(ClockSynchronised()) == 1
    again.handle([], now(40, boot="boot-2", synced=True))
    assert bodies(box).count(ClockSynchronised()) == 2
    box.close()


def test_the_driver_is_started_afresh_probed_and_woken(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    assert SerialSend("r0", b"probe") in run(machine, 0, PortUp("r0"))
    assert SerialSend("r0", b"probe") not in run(machine, 59_000)
    assert machine.wake_at_s(now(59_500)) <= 100.0 + 60.5
    assert SerialSend("r0", b"probe") in run(machine, 60_000)
    run(machine, 61_000, PortDown("r0", "gone"))
    assert SerialSend("r0", b"probe") not in run(machine, 200_000)
    box.close()


def test_findings_and_counters_reach_the_heartbeat(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    line = json.dumps({"address": "tiny:new", "finding": "ingen profil"}).encode()
    outputs = run(machine, 0, PortUp("r0"), SerialBytes("r0", line))
    (send,) = [found for found in outputs if isinstance(found, HttpSend) and found.path == "/v1/heartbeats"]
    beat = decode_heartbeat(send.body)
    assert beat.health.findings == ("tiny:new: ingen profil",)
    assert beat.health.counters["serial:r0.frames"] == 1
    assert beat.complete_to is not None
    assert beat.complete_to.at == moment(0)
    assert beat.complete_to.marks == {box.stream: box.next_seq - 1}
    box.close()


def test_a_bug_becomes_an_urgent_event_is_acknowledged_and_stops_nothing(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    run(machine, 0, PortUp("r0"), MqttUp(1, session_present=False))
    outputs = run(
        machine,
        10,
        MqttReceived("home/sos", b"!", qos=1, mid=4, epoch=1),
        SerialBytes("r0", b"!"),
        SerialBytes("r0", said(BUTTON, pressed=True)),
        SerialBytes("r0", b"!"),
    )
    assert acks(outputs) == [4]
    foreign = [body for body in bodies(box) if isinstance(body, Foreign)]
    assert [(body.kind, body.urgency) for body in foreign] == [("unhandled_input", Urgency.A)] * 2
    assert "ZeroDivisionError" in foreign[0].data_json
    assert calls(box)
    assert machine.describe(now(10)).health.counters["unhandled"] == 3
    run(machine, 700_000, SerialBytes("r0", b"!"))
    assert sum(isinstance(body, Foreign) for body in bodies(box)) == 3
    box.close()


def test_a_reading_that_the_interpreter_cannot_take_names_its_device(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    unreadable = {f"device:{BUTTON}": '{"rows":[]}'}
    run(machine, 0, PortUp("r0"))
    box.append([], unreadable)
    run(machine, 10, SerialBytes("r0", said(BUTTON, pressed=True)))
    assert calls(box), "damaged memory is no reason to miss a call"
    box.close()


def test_frames_are_timed_by_when_they_were_read(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    run(machine, 0, PortUp("r0"))
    run(machine, 5_000, SerialBytes("r0", b"?", read_ms=3_210), SerialBytes("r0", b"?"))
    assert machine.describe(now(5_000)).health.findings == ("tiny:time: 6000",)
    run(machine, 6_000, SerialBytes("r0", b"?", read_ms=3_210))
    assert machine.describe(now(6_000)).health.findings == ("tiny:time: 3210",)
    box.close()


def test_a_heartbeat_does_not_say_that_it_cannot_arrive_and_the_status_does(tmp_path: Path) -> None:
    machine, box = core(tmp_path)
    run(machine, 0, PortUp("r0"), SerialBytes("r0", said(BUTTON, pressed=True)))
    at = now(90_000)
    assert set(machine.faults(at)) == {"unreachable", "undelivered"}
    assert len(machine.describe(at).health.faults) == 2
    assert machine._beat(at).health.faults == ()
    box.close()
