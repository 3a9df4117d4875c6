"""The explorer's lives through the rules alone: no gateway, no centre, no mishap. Serves whoever changes a rule.

Owns how a life becomes facts that are all heard at once, and what must hold of them: every call, fall and leak belongs
to exactly one alarm. Must not know what else goes wrong. What bounds its speed is telling the story and folding the
facts; there is no database in it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TextIO

from nattevakt.central.alarms.desk import Desk
from nattevakt.central.places.plan_lines import entries_of
from nattevakt.edge.drivers.driver import Use
from nattevakt.edge.events import Bed, Body, Call, Chair, Contact, Fall, FallOver, Leak, Motion, Presence, Wet
from nattevakt.edge.rules.catalogue import RULES
from nattevakt.edge.rules.replay import Driver
from nattevakt.edge.rules.rule import Armed, Entry, Fact, Key, Occurred, Rule
from nattevakt.sim.acts import Act
from nattevakt.sim.devices.device import MEANS
from nattevakt.sim.explore.story import Story
from nattevakt.sim.explore.telling import nights_of, tell
from nattevakt.sim.explore.wards import plan_of, ward_of
from nattevakt.sim.explore.wording import clock
from nattevakt.sim.people import Happening
from nattevakt.sim.ward import Resident
from nattevakt.sim.world import chance_of
from nattevakt.sim.year_plan import Staff

URGENT = (Act.PRESSES, Act.FALLS, Act.FALLS_PERHAPS, Act.FLOODS)
"""What must be heard, whatever the plan."""
SAYS: Mapping[Act, Callable[[str], Body]] = {
    Act.IN_BED: lambda address: Bed(address, occupied=True),
    Act.OUT_OF_BED: lambda address: Bed(address, occupied=False),
    Act.SITS: lambda address: Chair(address, seated=True),
    Act.RISES: lambda address: Chair(address, seated=False),
    Act.ENTERS: lambda address: Presence(address, present=True),
    Act.LEAVES: lambda address: Presence(address, present=False),
    Act.MOVES: Motion,
    Act.OPENS: lambda address: Contact(address, open=True),
    Act.CLOSES: lambda address: Contact(address, open=False),
    Act.PRESSES: lambda address: Call(address, "press"),
    Act.FALLS: Fall,
    Act.FALLS_PERHAPS: lambda address: Fall(address, "possible"),
    Act.GETS_UP_FROM_FLOOR: FallOver,
    Act.FLOODS: Leak,
    Act.WETS: lambda address: Wet(address, wet=True),
    Act.CHANGED: lambda address: Wet(address, wet=False),
}


@dataclass(slots=True)
class Lived:
    """What became of one resident's nights. broken: sentences about what did not hold."""

    facts: int
    alarms: int
    broken: list[str]


def live(story: Story) -> list[Lived]:
    """Everybody's nights through the rules."""
    ward = ward_of(story.seed, story.homes)
    mine: dict[str, list[Happening]] = {resident.key: [] for resident in ward.residents}
    for happening in story.happenings:
        mine[happening.resident].append(happening)
    return [_one(story, resident, mine[resident.key]) for resident in ward.residents]


def _one(story: Story, resident: Resident, life: list[Happening]) -> Lived:
    desk = Desk(Staff(chance_of(story.seed, f"answers {resident.key}")))
    driver = Driver(_armed(story.seed, resident), desk.ear(resident.key), answered=desk.asked(resident.key))
    urgent: dict[Key, Happening] = {}
    for number, happening in enumerate(life, 1):
        sensor = resident.sensor(MEANS[happening.act][0], happening.spot)
        if sensor is None:
            continue
        key, at_ms = (1, 1, number, 0), happening.at_ms
        driver.feed(Fact(SAYS[happening.act](sensor.address), Occurred(at_ms, at_ms), at_ms, sensor.spot, key))
        if happening.act in URGENT:
            urgent[key] = happening
    driver.until(story.ends_ms)
    desk.until(story.ends_ms)
    holders = Counter(key for alarm in desk.alarms for key in alarm.holds if key in urgent)
    broken = [
        f"{clock(happening.at_ms)} {resident.first_name}: {happening.act.value} er i {holders[key]} alarmer, ikke én"
        for key, happening in urgent.items()
        if holders[key] != 1
    ]
    return Lived(len(life), len(desk.alarms), broken)


def _armed(seed: int, resident: Resident) -> list[tuple[Rule, Armed]]:
    entries = entries_of(plan_of(seed, resident))
    devices = {sensor.address: sensor.spot for sensor in resident.sensors if sensor.use is not Use.AUTO}
    found = []
    for rule in RULES:
        if rule.planned:
            mine = entries.get(rule.name, ())
            if mine:
                found.append((rule, Armed(mine, devices=devices)))
        else:
            values = {setting.name: setting.default for setting in rule.settings}
            found.append((rule, Armed((Entry((), values),), devices=devices)))
    return found


def show(seeds: tuple[int, ...], nights: int, out: TextIO) -> int:
    """Play all seeds here, and print what came of it and how fast; the exit code."""
    facts = alarms = 0
    gateway_nights = 0.0
    broken: list[str] = []
    began_s, told_s = time.process_time(), 0.0
    for seed in seeds:
        before_s = time.process_time()
        story = tell(seed, nights, "none", {})
        told_s += time.process_time() - before_s
        gateway_nights += 2 * nights_of(story)
        for lived in live(story):
            facts, alarms = facts + lived.facts, alarms + lived.alarms
            broken += [f"frø {seed}: {sentence}" for sentence in lived.broken]
    took_s = max(time.process_time() - began_s, 1e-9)
    for sentence in broken:
        out.write(f"BRUDD {sentence}\n")
    out.write(
        f"{len(seeds)} frø × {nights} netter gjennom reglene alene: {facts} hendelser, {alarms} alarmer, "
        f"{len(broken)} brudd; {gateway_nights / (took_s / 60):.0f} gatewaynetter per kjerneminutt, hvorav "
        f"{told_s / took_s:.0%} av tiden gikk til å fortelle livene og resten til reglene\n"
    )
    return 1 if broken else 0
