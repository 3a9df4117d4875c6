"""LoRaWAN through the whole gateway: from the broker's message to the row on disk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from nattevakt.edge.drivers import chirpstack
from nattevakt.edge.drivers.driver import MqttMessage
from nattevakt.edge.events import Bed, Body, Call, Event, Fall, FallOver, Presence
from nattevakt.gateway.agent import guard
from nattevakt.gateway.core import Core
from nattevakt.gateway.health import Machine
from nattevakt.gateway.inputs import MqttReceived
from nattevakt.gateway.outbox import Outbox
from nattevakt.gateway.sources import Rooted, Sources
from tests.edge.test_chirpstack import BUTTON, DEVICES, RADAR, up
from tests.edge.test_milesight import OLD, alarm, kept
from tests.gateway.support import Streams, events, moment, outbox, run

WALL_MS = moment().wall_ms


def machine_of(path: Path, box: Outbox) -> Core:
    sources = Sources(DEVICES, {}, {"chirpstack": Rooted(chirpstack, "application")})
    return Core(sources, box, Machine(path, thermal=path / "none"), guard, lambda: 0.5)


def came(message: MqttMessage, mid: int, *, dup: bool = False) -> MqttReceived:
    return MqttReceived(message.topic, message.payload, qos=1, mid=mid, retained=message.retained, dup=dup)


def told(box: Outbox, *kinds: type[Body]) -> list[Event]:
    return [event for event in events(box) if isinstance(event.body, kinds)]


def test_one_press_that_two_gateways_heard_is_one_call_also_after_a_restart(tmp_path: Path) -> None:
    box = outbox(tmp_path)
    near, far = up("ff2e01", f_cnt=9, deduplicationId="a"), up("ff2e01", f_cnt=9, deduplicationId="b")
    machine = machine_of(tmp_path, box)
    run(machine, 0, came(near, 1))
    run(machine, 3_000, came(far, 2))
    assert [event.body for event in told(box, Call)] == [Call(f"lora:{BUTTON}", "short")]
    box.close()
    again = outbox(tmp_path, Streams(1))
    machine = machine_of(tmp_path, again)
    run(machine, 6_000, came(far, 3), came(near, 1, dup=True))
    assert len(told(again, Call)) == 1
    run(machine, 9_000, came(up("ff2e01", f_cnt=10), 4))
    assert len(told(again, Call)) == 2
    again.close()


def test_stored_history_is_a_fall_at_its_own_time_and_never_now(tmp_path: Path) -> None:
    box = outbox(tmp_path)
    machine = machine_of(tmp_path, box)
    run(machine, 0, came(up(OLD.format("0000"), RADAR, 1), 1), synced=True)
    at_s = WALL_MS // 1000 + 600
    history = up(kept(at_s, 0, 1) + OLD.format("0000"), RADAR, 2)
    run(machine, 3_600_000, came(history, 2), synced=True)
    (fall,) = told(box, Fall)
    assert (fall.at.wall_ms, fall.since) == (at_s * 1000, None)
    # Told a second time, because its first message was not confirmed, it is the same fall.
    run(machine, 3_700_000, came(up(kept(at_s, 0, 1) + OLD.format("0000"), RADAR, 3), 3), synced=True)
    assert len(told(box, Fall)) == 1
    # One that happens now rings as ever.
    run(machine, 3_800_000, came(up(alarm(0, 1), RADAR, 4), 4), synced=True)
    assert told(box, Fall)[1].at.wall_ms == WALL_MS + 3_800_000
    box.close()


def test_a_second_fall_rings_though_the_end_of_the_first_was_lost(tmp_path: Path) -> None:
    box = outbox(tmp_path)
    machine = machine_of(tmp_path, box)
    for minute, number in ((0, 5), (10, 5), (20, 6)):
        run(machine, minute * 60_000, came(up(alarm(0, 1, number), RADAR, minute), minute + 1))
    assert [type(event.body) for event in told(box, Fall, FallOver)] == [Fall, FallOver, Fall]
    box.close()


def test_what_one_message_says_twice_is_as_certain_as_what_it_says_once(tmp_path: Path) -> None:
    box = outbox(tmp_path)
    machine = machine_of(tmp_path, box)

    def heard(ms: int) -> list[dict[str, object]]:
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=WALL_MS + ms)
        return [{"rssi": -80, "nsTime": at.isoformat()}]

    run(machine, 0, came(up("ff2e01ff2e03", f_cnt=1, rxInfo=heard(0)), 1), synced=True)
    run(machine, 60_000, came(up(alarm(0, 1, 5), RADAR, 1, rxInfo=heard(60_000)), 2), synced=True)
    run(machine, 120_000, came(up(alarm(0, 1, 6), RADAR, 2, rxInfo=heard(120_000)), 3), synced=True)
    calls, falls = told(box, Call), told(box, Fall)
    assert [event.body.control for event in calls] == ["short", "double"]  # type: ignore[attr-defined]
    assert [event.since for event in (*calls, *falls)] == [None] * 4
    box.close()


def test_a_radar_without_a_bed_tells_of_no_bed(tmp_path: Path) -> None:
    box = outbox(tmp_path)
    machine = machine_of(tmp_path, box)
    for n, room in enumerate(("0000", "0100", "0000")):
        run(machine, n * 60_000, came(up(OLD.format(room), RADAR, n), n + 1))
    assert told(box, Bed) == []
    assert [event.body.present for event in told(box, Presence)] == [True, False, True]  # type: ignore[attr-defined]
    box.close()
