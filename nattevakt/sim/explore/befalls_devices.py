"""What befalls devices and those who live with them: every fault of sim/faults.py, a dead battery, another room, a new
guest, a pause, a consent that is taken back. Serves the explorer.

Owns how each is undone. What a fault does is in sim/devices/faulty.py. About is always a device's address; what is
about a resident, is about whoever lives where it hangs.
"""

from __future__ import annotations

from functools import partial
from random import Random

from sqlalchemy import select, update

from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.places import bases
from nattevakt.central.tables import devices, placements, rooms
from nattevakt.sim import changes
from nattevakt.sim.explore.befall import MINUTE_MS, Befall, Ending, once
from nattevakt.sim.explore.story import Mishap
from nattevakt.sim.faults import FAULTS, Fault
from nattevakt.sim.ward import Resident
from nattevakt.sim.world import World

LOUD = ("flood", "history_late", "inverted")
"""Hard although they neither lose nor ring."""


def _fault(fault: Fault) -> Befall:
    def plays(world: World, mishap: Mishap, chance: Random) -> Ending:
        begins = partial(world.fault, fault.name, mishap.about, chance)

        def ends() -> None:
            world.fault(fault.name, mishap.about, chance, on=False)
            if fault.freezes:
                world.again(mishap.about)

        return once(world, fault.name, mishap.about, begins, ends)

    hard = fault.loses or fault.rings or fault.name in LOUD
    excuses = ("unheard",) if fault.loses else ()
    return Befall(
        f"device_{fault.name}", fault.says, "hard" if hard else "soft", "device", plays, of=fault.fits, excuses=excuses
    )


def _dies(world: World, mishap: Mishap, _chance: Random) -> Ending:
    world.dies(mishap.about)
    return partial(world.lives, mishap.about)


def _owner(world: World, address: str) -> Resident:
    return next(one for one in world.ward.residents if any(s.address == address for s in one.sensors))


def _hang(address: str, room: str, s: TenantSession, now_ms: int) -> None:
    """From now on the device hangs in this room, and nowhere else."""
    device_id = s.execute(
        select(devices.c.id).where(devices.c.tenant_id == TENANT, devices.c.address == address)
    ).scalar_one()
    room_id = s.execute(select(rooms.c.id).where(rooms.c.tenant_id == TENANT, rooms.c.key == room)).scalar_one()
    there = (placements.c.tenant_id == TENANT, placements.c.device_id == device_id, placements.c.to_ms.is_(None))
    before = s.execute(select(placements.c.room_id, placements.c.spot).where(*there)).first()
    if before is not None and before.room_id == room_id:
        return
    s.execute(update(placements).where(*there).values(to_ms=now_ms))
    spot = before.spot if before is not None else ""
    s.insert(placements, device_id=device_id, room_id=room_id, spot=spot, from_ms=now_ms, to_ms=None)
    s.changed()


def _moved(world: World, mishap: Mishap, chance: Random) -> Ending:
    """Somebody writes down that it hangs in another room, and puts that right."""
    address, home = mishap.about, _owner(world, mishap.about).room
    other = chance.choice([r.room for r in world.ward.residents if r.room != home] or [home])

    def begins() -> None:
        world.insist(f"{address} flyttes til {other}", partial(_hang, address, other))

    def ends() -> None:
        world.insist(f"{address} flyttes tilbake til {home}", partial(_hang, address, home))

    return once(world, "device_moved", address, begins, ends)


def _guest(world: World, mishap: Mishap, chance: Random) -> None:
    room = _owner(world, mishap.about).room
    key = f"ny-{room}-{chance.getrandbits(24):06x}"
    work = partial(_moves_in, world, room, key)
    world.insist(f"noen andre flytter inn på {room}", work)


def _moves_in(world: World, room: str, key: str, s: TenantSession, now_ms: int) -> None:
    changes.guest(s, world.ward, room, key, f"Gjest {key[-6:]}", now_ms, renames=False)


def _paused(world: World, mishap: Mishap, _chance: Random) -> Ending:
    who, worker = _owner(world, mishap.about), world.ward.staff[0].key
    to_ms = world.centre.now_ms() + max(mishap.for_ms, MINUTE_MS)
    world.insist(f"planen til {who.key} settes på pause",
                 partial(changes.pause, worker, who.key, None, to_ms, "er oppe med oss"))  # fmt: skip
    return lambda: world.insist(f"pausen til {who.key} er over", partial(changes.resume, worker, who.key))


def _withdrawn(world: World, mishap: Mishap, _chance: Random) -> Ending:
    """A consent is taken back, and given again."""
    who, worker = _owner(world, mishap.about), world.ward.staff[0].key

    def begins() -> None:
        world.insist(f"samtykket fra {who.key} trekkes", partial(_takes_back, worker, who.key))

    def ends() -> None:
        review_ms = world.centre.now_ms() + 90 * 24 * 60 * MINUTE_MS
        world.insist(f"{who.key} samtykker igjen", partial(changes.basis, worker, who.key, review_ms))

    return once(world, "basis_withdrawn", who.key, begins, ends)


def _takes_back(worker: str, key: str, s: TenantSession, now_ms: int) -> None:
    bases.end(s, changes.resident_id(s, key), changes.staff_id(s, worker), now_ms)


DEVICES = (
    *(_fault(fault) for fault in FAULTS.values()),
    Befall("device_dies", "er død og kommer tilbake", "hard", "device", _dies, excuses=("unheard",)),
    Befall("device_moved", "er skrevet opp på feil rom", "hard", "device", _moved, excuses=("place",)),
    Befall("guest_moves_in", "noen andre flytter inn der den henger", "dense", "device", _guest, lasts=False,
           excuses=("moved_out",)),
    Befall("plan_paused", "planen til den som bor der, er satt på pause", "hard", "device", _paused,
           excuses=("unwatched",)),
    Befall("basis_withdrawn", "den som bor der, trekker samtykket og gir det igjen", "hard", "device", _withdrawn,
           excuses=("unwatched",)),
)  # fmt: skip
"""By what they befall."""
