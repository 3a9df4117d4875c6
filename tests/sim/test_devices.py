"""Every simulated device, heard by a real gateway core: what happens in the room is exactly what the centre is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nattevakt.edge.drivers.driver import Device, Reading, Use, Value
from nattevakt.edge.events import (
    Bed,
    Body,
    Call,
    Chair,
    Contact,
    Fall,
    FallOver,
    Leak,
    LeakOver,
    Moment,
    Motion,
    Presence,
    Wet,
)
from nattevakt.edge.interpret import interpret
from nattevakt.edge.memory import DeviceMemory
from nattevakt.sim.acts import Act
from nattevakt.sim.devices.device import MEANS
from nattevakt.sim.devices.radars import mic_frame
from nattevakt.sim.says import MAKERS
from nattevakt.sim.ward import Sensor
from tests.sim.one_room import ACTS, HAPPENED, SENSORS, T0, OneRoom, name

CONTROL: dict[str, str] = {
    "F6-01-01": "press",
    "F6-02-01": "AI",
    "F6-02-02": "AI",
    "TS0215A_sos": "emergency",
    "HS1EB": "single",
    "PB206": "sos",
    "input_button": "single_push",
    "WS101": "short",
}
ROUND: dict[Use, Callable[[Sensor], list[Body]]] = {
    Use.CALL: lambda s: [Call(s.address, CONTROL[s.model or s.profile])],
    Use.FALL: lambda s: [Fall(s.address, "sure"), FallOver(s.address)],
    Use.LEAK: lambda s: [Leak(s.address), LeakOver(s.address)],
    Use.DOOR: lambda s: [Contact(s.address, open=True), Contact(s.address, open=False)],
    Use.BED: lambda s: [Bed(s.address, occupied=False), Bed(s.address, occupied=True)],
    Use.PRESENCE: lambda s: [Presence(s.address, present=False), Presence(s.address, present=True)],
    Use.CHAIR: lambda s: [Chair(s.address, seated=False), Chair(s.address, seated=True)],
    Use.WET: lambda s: [Wet(s.address, wet=True), Wet(s.address, wet=False)],
    Use.MOTION: lambda s: [Motion(s.address, "vibration" if s.profile == "A5-14-05" else "pir")],
    Use.AUTO: lambda _: [],
}
"""What one round of `OneRoom.acts` means, by the use of the device."""
NEVER_DRY = ("F6-05-01",)
"""Leak sensors whose every telegram says "wet"."""
SEES_MOVEMENT = ("HS2FD-EF1-3.0",)
"""Fall radars that see movement beside the fall."""
KNOWN_FINDINGS = {"HS1EB": "mister trykk når batteriet er lavt", "MR60FDA2": "har følsomhet 5"}
"""What an installer is told of a device that is as it should be."""


def means(sensor: Sensor) -> list[Body]:
    """The events of one round of acts, in order."""
    told = ROUND[sensor.use](sensor)
    if sensor.profile in NEVER_DRY:
        return told[:1]
    if sensor.model in SEES_MOVEMENT:
        return [told[0], Motion(sensor.address, "pir"), *told[1:]]
    return told


@pytest.mark.parametrize("sensor", SENSORS.values(), ids=name)
def test_what_happens_in_the_room_is_what_the_centre_is_told(sensor: Sensor, folder: Path) -> None:
    with OneRoom(sensor, folder) as room:
        began = len(room.bodies)
        assert room.rung == [], "a start rings nothing"
        if sensor.use in ACTS:
            room.acts()
            room.acts()
        told = room.bodies[began:]
        # The same press on a second topic is a repeat, which names the first and rings nothing.
        assert [body for body in told if getattr(body, "repeat_of", None) is None] == means(sensor) * 2
        known = KNOWN_FINDINGS.get(sensor.model or sensor.profile)
        assert all(known is not None and known in finding for finding in room.far.findings), room.far.findings
        assert (known is None) == (not room.far.findings)
        if not sensor.mute:
            assert sensor.address in room.far.heard, "a device that gives signs of life is heard"


def test_the_ward_has_every_radio_and_every_use() -> None:
    assert {sensor.radio for sensor in SENSORS.values()} == set(MAKERS)
    assert {sensor.use for sensor in SENSORS.values()} == set(Use)


@pytest.mark.parametrize("sensor", SENSORS.values(), ids=name)
def test_a_device_knows_nothing_of_what_befalls_another(sensor: Sensor, folder: Path) -> None:
    with OneRoom(sensor, folder) as room:
        for act, (use, _) in MEANS.items():
            assert use is sensor.use or room.voices.does(sensor.address, act) == ()


def test_a_fall_that_is_only_possible_is_told_as_such(folder: Path) -> None:
    with OneRoom(SENSORS["z2m:0xa4c1389607000407"], folder) as room:
        room.happens(Act.FALLS_PERHAPS)
        room.wait(5_000)
        assert room.rung == [Fall(room.sensor.address, "possible")]


def test_somebody_in_the_room_is_not_somebody_in_the_bed(folder: Path) -> None:
    """A bed radar that is asked tells of bed and room in two frames; the room's must not fill the bed."""
    with OneRoom(SENSORS["micradar:seng"], folder) as room:
        room.happens(Act.OUT_OF_BED)
        room.wait(5_000)
        assert room.bodies[-1] == Bed("micradar:seng", occupied=False)
        told = len(room.bodies)
        room.line_says(mic_frame(0x80, 0x01, b"\x01"))
        room.wait(200_000)
        assert room.bodies[told:] == [], "neither unasked nor as an answer"
        room.happens(Act.IN_BED)
        room.wait(5_000)
        room.device.state["present"] = False
        room.line_says(mic_frame(0x80, 0x01, b"\x00"))
        room.wait(100)
        assert room.bodies[told:] == [Bed("micradar:seng", occupied=True), Bed("micradar:seng", occupied=False)]


@pytest.mark.parametrize(
    ("use", "said", "told"),
    [
        # In the order in which a radar says it; what it says by name is believed, what it says beside it only implies.
        (Use.BED, [{"present": True}], [True]),
        (Use.BED, [{"occupied": False}, {"present": True}], [False]),
        (Use.BED, [{"occupied": True}, {"present": False}], [True, False]),
        (Use.BED, [{"occupied": True, "present": False}], [True]),
        (Use.PRESENCE, [{"occupied": False}], [False]),
        (Use.PRESENCE, [{"present": True}, {"occupied": False}], [True]),
        (Use.PRESENCE, [{"present": False}, {"occupied": True}], [False, True]),
        (Use.CHAIR, [{"seated": False}, {"present": True}], [False]),
    ],
)
def test_what_a_radar_says_beside_what_it_is_for(use: Use, said: list[dict[str, Value]], told: list[bool]) -> None:
    device, memory, found = Device("x:1", "", use), DeviceMemory(None), list[Body]()
    for number, values in enumerate(said):
        now = Moment("boot", 60_000 * (number + 1), T0 + 60_000 * number, synced=True)
        meant = interpret(
            Reading("x:1", values), device, {}, now, next_seq=1, last_heard=None, settled=True, known=memory
        )
        assert meant.memory is not None
        memory = meant.memory
        found += [event.body for event in meant.events if isinstance(event.body, HAPPENED)]
    kind: Callable[[str, bool], Body] = {Use.BED: Bed, Use.PRESENCE: Presence, Use.CHAIR: Chair}[use]
    assert found == [kind("x:1", on) for on in told]
