"""From a seed to a small ward: who lives there, with which sensors, plans, rounds and staff. Serves the explorer.

Owns the invented wards: two gateways, five to eight residents, over the seeds every use and every radio. Small, because
many nights must be played; uneven, because even wards hide faults: a sensor that hangs nearer to the other gateway, a
couple in one room, a room whose guests change, a resident on no legal ground. Must not know what happens there. Every
choice comes from the seed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from nattevakt.central.places.bases import Ground
from nattevakt.central.places.plan_lines import Line
from nattevakt.central.places.templates import TEMPLATES, fitted
from nattevakt.edge.drivers.driver import Use
from nattevakt.edge.rules import door_at_night, not_back_in_bed
from nattevakt.edge.rules.windows import Window, inside
from nattevakt.sim.ward import Gateway, Resident, Sensor, Ward, Worker, radio, zigbee
from nattevakt.sim.world import chance_of

GATEWAYS = (Gateway("gw-a", "Vaktrommet", "zigbee2mqtt"), Gateway("gw-b", "Lageret", "zigbee2mqtt-b"))
STAFF = (Worker("kari", "Kari N.", "KN"), Worker("per", "Per A.", "PA"), Worker("siri", "Siri L.", "SL"))
NAMES = ("Astrid", "Bjarne", "Dagny", "Einar", "Frida", "Gerd", "Harald", "Ingrid")
FAMILIES = ("Solbakken", "Lunde", "Moen", "Haugen", "Aasen", "Nygård", "Vik", "Dahl")
FEWEST, MOST = 5, 8
BEDS = (("22:00", "07:00"), ("22:00", "07:00"), ("20:00", "08:00"), ("23:00", "07:00"), ("01:00", "09:00"))
DOORS = (("23:00", "07:00"), ("22:00", "07:00"), ("21:00", "06:00"))
SWIFT, SWIFT_S = 0.2, 200
"""So many of the devices that give signs of life give one this often: what is set to that is missed within a quarter of
an hour."""
ASIDE = "3etg"
"""The key of another ward of the same house, to which an alarm can be given; nobody of the story works there."""
PHONES = ("+4790000001", "+4790000002", "+4790000003")
GUEST_ROOM = "e1"
"""The number of the room whose guests change, where there is one."""
Maker = Callable[[int, str], Sensor]
"""(a number of its own, its gateway's key) -> the sensor."""


def _eep(profile: str, use: Use, spot: str) -> Maker:
    return lambda number, gateway: radio(f"0188{number:04X}", profile, use, spot, gateway)


def _zigbee(model: str, use: Use, spot: str) -> Maker:
    name = f"{use.value}-{{}}"
    return lambda n, gateway: zigbee(f"0xa4c138990600{n:04x}", name.format(n), model, use, spot, gateway)


def _node(form: str, profile: str, use: Use, spot: str, interval_s: int | None = 1_800) -> Maker:
    every_s = None if use is Use.CALL else interval_s
    return lambda number, gateway: Sensor(form.format(n=number), use, spot, gateway, every_s, profile=profile)


def _radar(form: str, profile: str, use: Use, spot: str) -> Maker:
    return _node(form, profile, use, spot, 600)


MAKERS: Mapping[Use, tuple[Maker, ...]] = {
    Use.BED: (
        _eep("A5-30-01", Use.BED, "seng"),
        _eep("A5-30-01", Use.BED, "seng"),
        _zigbee("TS0601_bed_presence_sensor", Use.BED, "seng"),
        _node("esphome:seng{n}/bed_occupied", "bed", Use.BED, "seng"),
    ),
    Use.CALL: (
        _eep("F6-02-01", Use.CALL, "seng"),
        _eep("F6-01-01", Use.CALL, "bad"),
        _zigbee("TS0215A_sos", Use.CALL, "seng"),
        _zigbee("HS1EB", Use.CALL, "seng"),
        _zigbee("PB206", Use.CALL, "seng"),
        _node("shelly:shellyplus1-a80{n:03x}/input:0", "input_button", Use.CALL, "seng"),
        _node("lora:24e124535d{n:06x}", "WS101", Use.CALL, "seng"),
    ),
    Use.MOTION: (
        _eep("A5-07-01", Use.MOTION, "bad"),
        _eep("A5-07-02", Use.MOTION, "bad"),
        _eep("A5-08-01", Use.MOTION, "stue"),
        _zigbee("SNZB-03", Use.MOTION, "bad"),
    ),
    Use.DOOR: (
        _eep("D5-00-01", Use.DOOR, "inngangsdør"),
        _eep("D5-00-01", Use.DOOR, "inngangsdør"),
        _eep("D2-14-41", Use.DOOR, "inngangsdør"),
        _zigbee("E2013", Use.DOOR, "inngangsdør"),
        _node("shelly:shellyblugw-b0b{n:03x}/bthomesensor:200", "window", Use.DOOR, "inngangsdør"),
        _node("lora:24e124535e{n:06x}", "WS301", Use.DOOR, "inngangsdør", 64_800),
    ),
    Use.FALL: (
        _zigbee("HS2FD-EF1-3.0", Use.FALL, "stue"),
        _zigbee("FDS315", Use.FALL, "stue"),
        _zigbee("MIR-HE200-TY", Use.FALL, "stue"),
        _node("lora:24e124535f{n:06x}", "VS373", Use.FALL, "bad", 600),
    ),
    Use.LEAK: (_eep("F6-05-01", Use.LEAK, "kjøkken"), _zigbee("SJCGQ11LM", Use.LEAK, "bad")),
    Use.PRESENCE: (_zigbee("FP1E", Use.PRESENCE, "stue"), _eep("F6-04-01", Use.PRESENCE, "kort")),
    Use.CHAIR: (_zigbee("ZG-210Z", Use.CHAIR, "stol"), _zigbee("SPM915", Use.CHAIR, "stol")),
    Use.WET: (_zigbee("SJCGQ11LM", Use.WET, "seng"),),
    Use.AUTO: (_eep("A5-04-01", Use.AUTO, "stue"), _eep("A5-04-02", Use.AUTO, "stue")),
}
"""Which sensors there may be for each use; one that stands twice is twice as common."""
RADARS: Mapping[Use, Maker] = {
    Use.FALL: _radar("tinyframe:stue{n}", "MR60FDA2", Use.FALL, "stue"),
    Use.BED: _radar("micradar:seng{n}", "R60ABD1", Use.BED, "seng"),
    Use.PRESENCE: _radar("ld2410:gang{n}", "LD2410", Use.PRESENCE, "gang"),
}
"""On a line of their own; at most one in a ward, because one says more in a night than all the others."""
HAS: Mapping[Use, float] = {
    Use.BED: 0.9,
    Use.CALL: 0.85,
    Use.MOTION: 0.85,
    Use.DOOR: 0.5,
    Use.FALL: 0.35,
    Use.LEAK: 0.25,
    Use.PRESENCE: 0.12,
    Use.CHAIR: 0.12,
    Use.WET: 0.12,
    Use.AUTO: 0.1,
}
"""How many residents have a sensor for this use (ours)."""


def ward_of(seed: int, homes: tuple[str, ...] | None = None) -> Ward:
    """The ward of a seed; homes: only these residents live there, None for all. Who lives there changes nothing for
    the others."""
    residents = _residents(seed)
    kept = tuple(r for r in residents if homes is None or r.key in homes)
    chance = chance_of(seed, "staff")
    staff = STAFF[: chance.choice((2, 2, 3))]
    if _have_phones(seed):
        staff = tuple(replace(worker, phone=phone) for worker, phone in zip(staff, PHONES, strict=False))
    more = "".join(_plan(seed, resident) for resident in kept)
    more += f'[[ward]]\nkey = "{ASIDE}"\nname = "Furutun, 3. etasje"\n'
    more += "".join(_duty(duty) for duty in duties_of(seed))
    more += _rounds(chance_of(seed, "rounds")) if kept else ""
    return Ward("2etg", "Furutun, 2. etasje", "demo", kept, GATEWAYS, staff, more=more)


@dataclass(frozen=True, slots=True)
class Duty:
    """Who is on duty each day between two times of the local clock ("22:00")."""

    worker: str
    from_at: str
    to_at: str


def duties_of(seed: int) -> tuple[Duty, ...]:
    """The duty plan of a seed's ward, every day the same: none where it keeps none, and not always a whole one."""
    chance = chance_of(seed, "duty")
    sort = chance.random()
    if sort < 0.45:
        return ()
    if sort < 0.8:
        return (Duty("kari", "07:00", "19:00"), Duty("per", "19:00", "07:00"))
    gap = chance.choice(("03:30", "05:00"))
    return (Duty("kari", "07:00", "22:00"), Duty("per", "22:00", gap))


def duties_in(ward: Ward) -> tuple[Duty, ...]:
    """The duty plan that a ward's seed file has."""
    return tuple(Duty(one["staff"], one["from"], one["to"]) for one in tomllib.loads(ward.more).get("duty", ()))


def on_duty(duties: Sequence[Duty], at_ms: int, time_zone: str) -> tuple[str, ...]:
    """Who is on duty at a moment of the centre's time, by key."""
    return tuple(one.worker for one in duties if inside(_window((one.from_at, one.to_at)), at_ms, time_zone))


def _have_phones(seed: int) -> bool:
    return bool(duties_of(seed)) and chance_of(seed, "phones").random() < 0.6


def _duty(duty: Duty) -> str:
    return f'[[duty]]\nstaff = "{duty.worker}"\nward = "2etg"\nfrom = "{duty.from_at}"\nto = "{duty.to_at}"\n'


def guests(ward: Ward) -> Resident | None:
    """Who lives in the room whose guests change, None where there is no such room."""
    return next((resident for resident in ward.residents if resident.room == GUEST_ROOM), None)


def _residents(seed: int) -> tuple[Resident, ...]:
    chance = chance_of(seed, "ward")
    many = chance.randint(FEWEST, MOST)
    rooms = [str(201 + number) for number in range(many)]
    if chance.random() < 0.2:
        rooms[1] = rooms[0]
    if chance.random() < 0.25:
        rooms[-1] = GUEST_ROOM
    radar = chance.choice(tuple(RADARS)) if chance.random() < 0.15 else None
    found = []
    for number, room in enumerate(rooms):
        own = chance_of(seed, f"home {number}")
        resident = _resident(number, room, own, radar if number == 2 else None)
        found.append(_swift(resident, chance_of(seed, f"pace {number}")))
    return tuple(found)


def _swift(resident: Resident, chance: Random) -> Resident:
    """The same with some devices that somebody has set to give signs of life often."""
    sensors = []
    for sensor in resident.sensors:
        often = chance.random() < SWIFT and sensor.interval_s is not None
        sensors.append(replace(sensor, interval_s=SWIFT_S) if often else sensor)
    return replace(resident, sensors=tuple(sensors))


def _resident(number: int, room: str, chance: Random, radar: Use | None) -> Resident:
    home = GATEWAYS[number % 2].key
    sensors: list[Sensor] = []
    for place, use in enumerate(MAKERS):
        wanted = chance.random() < HAS[use]
        maker = chance.choice(MAKERS[use])
        strayed = chance.random() < 0.08
        if use is radar:
            wanted, maker = True, RADARS[use]
        if wanted or (use is Use.CALL and not sensors):
            # A door may hang nearer to the other gateway: what is known of this room needs both.
            gateway = GATEWAYS[(number + 1) % 2].key if strayed and use in (Use.DOOR, Use.MOTION) else home
            sensors.append(maker(number * 16 + place + 1, gateway))
    uses = {sensor.use for sensor in sensors}
    bed, door = chance.choice(BEDS), chance.choice(DOORS)
    return Resident(
        f"r{number + 1}",
        f"{NAMES[number]} {FAMILIES[number]}",
        room,
        tuple(sensors),
        bed_window=bed if Use.BED in uses else None,
        door_window=door if Use.DOOR in uses and chance.random() < 0.8 else None,
        limit_min=chance.choice((10, 15, 15, 20, 30)),
    )


def plan_of(seed: int, resident: Resident) -> tuple[Line, ...]:
    """All lines of a resident's plan: those of the windows, and what else somebody has set up."""
    doors = (Line(door_at_night.RULE, (_window(resident.door_window),)),) if resident.door_window else ()
    limit = {"limit_min": resident.limit_min}
    beds = (Line(not_back_in_bed.RULE, (_window(resident.bed_window),), limit),) if resident.bed_window else ()
    return (*_more_lines(resident, chance_of(seed, f"plan {resident.key}")), *doors, *beds)


def _more_lines(resident: Resident, chance: Random) -> tuple[Line, ...]:
    """Four of ten have the lines of a template that their sensors can carry."""
    template = chance.choice(tuple(TEMPLATES))
    if chance.random() >= 0.4:
        return ()
    uses = frozenset(sensor.use.value for sensor in resident.sensors)
    windows = (door_at_night.RULE, not_back_in_bed.RULE)
    return tuple(line for line in fitted(template, uses)[0] if line.rule not in windows)


def _plan(seed: int, resident: Resident) -> str:
    """More lines of a plan than the windows give, and on which ground."""
    lines, said = _more_lines(resident, chance_of(seed, f"plan {resident.key}")), ""
    if lines:
        said += f'[[plan]]\nresident = "{resident.key}"\nhandling = "Følg rolig tilbake."\n'
    for line in lines:
        spans = (f'{{ from = "{_clock(w.from_minute)}", to = "{_clock(w.to_minute)}" }}' for w in line.windows)
        said += f'[[plan.lines]]\nrule = "{line.rule}"\nwindows = [{", ".join(spans)}]\n'
    chance = chance_of(seed, f"basis {resident.key}")
    if chance.random() < 0.85:
        ground = chance.choice((Ground.CONSENT, Ground.DECISION)).value
        said += f'[[basis]]\nresident = "{resident.key}"\nkind = "{ground}"\nresponsible = "Avdelingsleder"\n'
    return said


def _rounds(chance: Random) -> str:
    """When somebody looks in: twice or thrice a night on most wards."""
    hours = chance.choice(((), ("23:00", "05:00"), ("00:00", "03:00", "06:00")))
    return "".join(f'[[round]]\nward = "2etg"\nat = "{at}"\n' for at in hours)


def _window(told: tuple[str, str]) -> Window:
    return Window(*(int(at[:2]) * 60 + int(at[3:]) for at in told))


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
