"""Every named fault on every device that can have it: what happens rings, nothing else does, the last state is true.

One gateway core for each pair, in virtual time: something happens before the fault, while it lasts, and after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from nattevakt.edge.drivers.driver import Use
from nattevakt.edge.events import Bed, Body, Chair, Contact, Fall, FallOver, Motion
from nattevakt.sim import scenario
from nattevakt.sim.centre import Stock
from nattevakt.sim.devices.faulty import FLOOD
from nattevakt.sim.faults import FAULTS, SURROUND, Fault
from nattevakt.sim.mishaps import fault_ends, has_fault
from nattevakt.sim.play import play
from nattevakt.sim.scenario import Night, ScenarioError
from nattevakt.sim.script import presses
from nattevakt.sim.ward import Sensor
from tests.sim.one_room import ACTS, RINGS, SENSORS, OneRoom, name
from tests.sim.test_devices import means

PAIRS = [(fault, sensor) for fault in FAULTS.values() for sensor in SENSORS.values() if fault.fits(sensor)]
FOUND: Mapping[str, str] = {
    "secured": "er ingen nøkkel",
    "flood": "sender unormalt mye",
    "low_battery_press": "mister trykk når batteriet er lavt",
}
"""What an installer is told of a fault, by words of its sentence. Of the others that lose nobody can know."""
DROPS = 24
"""So often a bed that flickers lets go and takes hold again."""


def named(one: object) -> str:
    """A pair's part as a test's id."""
    return one.name if isinstance(one, Fault) else name(one) if isinstance(one, Sensor) else str(one)


def lives_through(room: OneRoom, fault: Fault) -> list[list[Body]]:
    """Something happens before, during and after; gives what was told then, and at the fault's beginning and end:
    before, begins, during, ends, after. Without repeats, which name a first row and ring nothing."""
    acts = room.acts if room.sensor.use in ACTS else room.reports
    switch = partial(room.fault, fault.name)
    marks = []
    for step in (acts, partial(switch, on=True), acts, partial(switch, on=False), acts):
        marks.append(len(room.bodies))
        step()
    bodies = room.bodies
    parts = (bodies[begins:ends] for begins, ends in pairwise([*marks, len(bodies)]))
    return [[body for body in part if getattr(body, "repeat_of", None) is None] for part in parts]


def rung(bodies: list[Body]) -> list[Body]:
    """What rings of these."""
    return [body for body in bodies if isinstance(body, RINGS)]


def opposite(body: Body) -> Body:
    """The same of a state that is told the wrong way round."""
    if isinstance(body, Contact):
        return replace(body, open=not body.open)
    if isinstance(body, Bed):
        return replace(body, occupied=not body.occupied)
    assert isinstance(body, Chair)
    return replace(body, seated=not body.seated)


def begins_with(fault: Fault, sensor: Sensor) -> list[Body]:
    """What the fault alone makes the centre believe."""
    said = means(sensor)
    if fault.name == "flicker":
        return said * DROPS
    if fault.name == "light_repeats":
        # It is the sensor that says so again and again; at most one row in half a minute, and never an alarm.
        return said * 12
    if fault.name == "false_fall":
        return [Fall(sensor.address, "sure"), FallOver(sensor.address)]
    if fault.name == "history_late":
        return [Fall(sensor.address, "sure")]
    return said if fault.rings else []


def happens_with(fault: Fault, sensor: Sensor) -> list[Body]:
    """What the centre is told of what happens while the device has the fault."""
    said = means(sensor)
    if fault.loses:
        return []
    if fault.name == "phantom_open" and sensor.use is Use.FALL and Motion(sensor.address, "pir") in said:
        # The old state of a fall radar says once more that somebody moved.
        return [*said[:-1], Motion(sensor.address, "pir"), said[-1]]
    return said


@pytest.mark.parametrize(("fault", "sensor"), PAIRS, ids=named)
def test_each_fault_on_each_device(fault: Fault, sensor: Sensor, folder: Path) -> None:
    with OneRoom(sensor, folder) as room:
        before, begins, during, ends, after = lives_through(room, fault)
        said = means(sensor)
        assert before == said, "it was well before"
        if not fault.inverts:
            # A radar that is mounted the wrong way may be asked how things are at any time.
            assert begins == begins_with(fault, sensor)
        assert bool(rung(begins)) == fault.rings, "only what looks exactly like the real thing rings by itself"
        if fault.inverts:
            told = [*before, *begins, *during]
            assert told[-1] == opposite(said[1]), "what a contact tells is believed, be it the wrong way round"
            assert rung(during) == rung(ends) == []
        else:
            if fault.name == "flood":
                assert during[-1] == said[-1], "in a flood not every change is a row, but the last one is"
            else:
                assert during == happens_with(fault, sensor)
            assert ends == []
            assert after == said or fault.name == "flood"
        assert rung(after) == rung(said), "what happens afterwards rings as before"
        assert after[-1:] == said[-1:], "the last state is how things are"
        assert any(FOUND.get(fault.name, "") in finding for finding in room.far.findings) or fault.name not in FOUND


def test_every_fault_befalls_some_device_and_every_device_may_have_some() -> None:
    assert {fault.name for fault, _ in PAIRS} == set(FAULTS)
    assert {sensor.address for _, sensor in PAIRS} == set(SENSORS)
    # A fault either hides something or invents something; one that did both could not be told from chance.
    assert not [fault.name for fault in FAULTS.values() if fault.loses and fault.rings]


def test_every_fault_is_on_at_some_hour_of_the_night_of_every_sensor() -> None:
    """Many at once, on all devices: what one of them alone leaves whole, two together need not."""
    said = [entry.deed.says for entry in scenario.load(scenario.find("every_sensor")).entries]
    begun = [sentence for sentence in said if "har ikke lenger:" not in sentence]
    assert [fault.name for fault in FAULTS.values() if not any(one.endswith(fault.says) for one in begun)] == []


@pytest.mark.parametrize("sensor", [s for s in SENSORS.values() if s.is_serial], ids=name)
def test_all_that_can_befall_a_line_at_once_loses_nothing(sensor: Sensor, folder: Path) -> None:
    with OneRoom(sensor, folder) as room:
        for fault in SURROUND:
            if FAULTS[fault].fits(sensor):
                room.fault(fault, on=True)
        began = len(room.bodies)
        if sensor.use in ACTS:
            room.acts()
            room.acts()
        assert room.bodies[began:] == means(sensor) * 2


@pytest.mark.parametrize("sensor", [s for s in SENSORS.values() if FAULTS["inverted"].fits(s)], ids=name)
def test_a_device_mounted_the_wrong_way_is_right_once_it_is_set_up_so(sensor: Sensor, folder: Path) -> None:
    turned = replace(sensor, invert=True)
    with OneRoom(turned, folder, fault="inverted") as room:
        began = len(room.bodies)
        room.acts()
        room.acts()
        assert room.bodies[began:] == means(turned) * 2


def test_a_flood_is_told_as_one_and_fills_no_disk(folder: Path) -> None:
    (sensor,) = (s for s in SENSORS.values() if s.model == "SNZB-04")
    with OneRoom(sensor, folder) as room:
        began = len(room.far.centre.stored)
        room.fault("flood", on=True)
        assert len(room.far.centre.stored) - began < FLOOD // 1000
        assert any("sender unormalt mye" in finding for finding in room.far.findings)


# --- in stories ----------------------------------------------------------------------------------------------


def night(**more: object) -> Night:
    return Night("prøve", "en feil", begins="12:00", ends="12:10", **more)  # type: ignore[arg-type]


def test_a_story_names_a_fault_that_exists_and_a_device_that_can_have_it() -> None:
    for deed, said in (
        (has_fault("Einar", "borte", Use.CALL), "ukjent feil «borte»; kjente er availability_lost"),
        (has_fault("Einar", "flicker", Use.CALL), "enocean:0029E204 kan ikke ha feilen «flicker»: den er for senger"),
        (fault_ends("Einar", "empty_action", Use.CALL), "kan ikke ha feilen «empty_action»"),
        (has_fault("Einari", "dead", Use.CALL), "ukjent beboer «Einari»"),
        (has_fault("Harald", "dead", Use.BED), "Harald har ingen bed-sensor"),
    ):
        with pytest.raises(ScenarioError, match=said):
            night().at("12:01", deed)


def test_a_fault_lasts_until_it_ends(folder: Path, stock: Stock) -> None:
    """What is lost while the button is dead does not ring; what comes after it does."""
    story = night()
    story.at("12:02", has_fault("Einar", "dead", Use.CALL))
    story.at("12:03", presses("Einar", "bad"))
    story.at("12:05", fault_ends("Einar", "dead", Use.CALL))
    story.at("12:07", presses("Einar", "bad"))
    story.expect_alarm("call", room="204", after="12:07", by="12:07:02")
    told: list[str] = []
    played = play(story, 1, folder, stock, trace=lambda _, sentence: told.append(sentence))
    assert played.verdict.passed, played.verdict.failures
    assert has_fault("Einar", "dead", Use.CALL).says == "call-sensoren hos Einar sier ingenting mer"
    assert fault_ends("Einar", "dead", Use.CALL, "bad").says.endswith("har ikke lenger: sier ingenting mer")
