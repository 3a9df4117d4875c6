"""What befalls a gateway: its power, program, card, broker, lines, clock and key. Serves the explorer.

Owns how each is drawn and undone; all of it goes through the verbs of the world and its hosts.
"""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Any

from sqlalchemy import bindparam, update

from nattevakt.central import credentials
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.tables import gateways
from nattevakt.gateway.outbox import OutboxLimits
from nattevakt.sim.explore.befall import MINUTE_MS, SECOND_MS, Befall, Ending, again_and_again, all_of, once
from nattevakt.sim.explore.story import Mishap
from nattevakt.sim.storage import AFTER, BEFORE, TORN, Storage
from nattevakt.sim.ward import PORT, Sensor
from nattevakt.sim.world import World

BOOT_MS = 15_000
DAY_MS = 24 * 60 * MINUTE_MS
POINTS = ("interpreted", "committed", "acknowledged")
"""Between commits: where the core lets a probe look on."""
_KEY = update(gateways).where(gateways.c.tenant_id == TENANT, gateways.c.key == bindparam("p_key"))

# --- power and programs ----------------------------------------------------------------------------------------


def _without(world: World, gateway: str, ms: int, *, box: bool) -> None:
    """Off for so long, with or without the box."""
    world.gateway_off(gateway, box=box)
    world.later(ms, partial(world.gateway_on, gateway))


def _power(world: World, mishap: Mishap, _chance: Random) -> Ending:
    world.gateway_off(mishap.about)
    return partial(world.gateway_on, mishap.about)


def _agent(world: World, mishap: Mishap, chance: Random) -> None:
    _without(world, mishap.about, chance.randint(1_000, 8_000), box=False)


def _stuck(world: World, mishap: Mishap, _chance: Random) -> Ending:
    """The agent is gone and nobody starts it; box and broker stay up."""
    world.gateway_off(mishap.about, box=False)
    return partial(world.gateway_on, mishap.about)


def _crashes_on(world: World, mishap: Mishap, chance: Random) -> Ending:
    pace_ms = chance.choice((4, 15, 50)) * SECOND_MS
    crash = partial(_without, world, mishap.about, 1_500, box=False)
    return again_and_again(world, crash, lambda: 2_000 + round(pace_ms * chance.uniform(0.2, 1.8)))


def _blackout(world: World, _mishap: Mishap, chance: Random) -> Ending:
    """The power of the whole house: all gateways go at once and come back within a minute."""
    waits = {key: chance.randint(0, 40_000) for key in world.hosts}
    for key in world.hosts:
        world.gateway_off(key)

    def ending() -> None:
        for key, ms in waits.items():
            world.later(ms, partial(world.gateway_on, key))

    return ending


def _cut(world: World, mishap: Mishap, chance: Random, points: tuple[str, ...]) -> Ending:
    host = world.hosts[mishap.about]
    host.storage.chance = Random(chance.getrandbits(64))  # noqa: S311 - a simulation, not a secret
    most = chance.choice((2, 6, 30))
    charges = [host.fuse.set(chance.choice(points), chance.randint(1, most)) for _ in range(chance.choice((1, 1, 3)))]

    def ending() -> None:
        for charge in charges:
            host.fuse.remove(charge)

    return ending


def _at_commits(world: World, mishap: Mishap, chance: Random) -> Ending:
    return _cut(world, mishap, chance, (BEFORE, AFTER))


def _tears(world: World, mishap: Mishap, chance: Random) -> Ending:
    return _cut(world, mishap, chance, (TORN,))


def _between(world: World, mishap: Mishap, chance: Random) -> Ending:
    return _cut(world, mishap, chance, POINTS)


# --- the card --------------------------------------------------------------------------------------------------


def fills_up(storage: Storage, chance: Random) -> Ending:
    """The disk is full: so that files cannot grow, or so that not a byte more can be written."""
    storage.full(on=True)
    writes = chance.choice((_nothing, None))
    return all_of(partial(storage.full, on=False), writes or storage.failing(chance, 1.0, full=True))


def _full(world: World, mishap: Mishap, chance: Random) -> Ending:
    return fills_up(world.hosts[mishap.about].storage, chance)


def _read_only(world: World, mishap: Mishap, _chance: Random) -> Ending:
    storage = world.hosts[mishap.about].storage
    storage.read_only(on=True)
    return partial(storage.read_only, on=False)


def _failing(world: World, mishap: Mishap, chance: Random) -> Ending:
    return world.hosts[mishap.about].storage.failing(chance, chance.choice((0.1, 0.4, 0.8)))


def _replaced(world: World, mishap: Mishap, chance: Random) -> None:
    world.gateway_off(mishap.about)
    world.hosts[mishap.about].replace_card(None)
    world.later(chance.choice((20, 90, 300)) * SECOND_MS, partial(world.gateway_on, mishap.about))


def _restored(world: World, mishap: Mishap, _chance: Random) -> Ending:
    """A copy of the card is made when it begins, and put in when it ends."""
    host = world.hosts[mishap.about]
    copy = host.copy_card()

    def ending() -> None:
        world.gateway_off(mishap.about)
        host.replace_card(copy)
        world.later(BOOT_MS, partial(world.gateway_on, mishap.about))

    return ending


def _cloned(world: World, mishap: Mishap, chance: Random) -> Ending:
    def begins() -> None:
        world.clone(mishap.about, world.hosts[mishap.about].copy_card(), chance)

    def ends() -> None:
        world.clones.pop(mishap.about).kill()

    return once(world, "card_cloned", mishap.about, begins, ends)


def _small(world: World, mishap: Mishap, chance: Random) -> Ending:
    """Its settings give it room for few rows, until somebody sets that right; both need a restart of the program."""
    host = world.hosts[mishap.about]

    def sets(limits: OutboxLimits) -> None:
        host.limits = limits
        _without(world, mishap.about, 1_500, box=False)

    small = OutboxLimits(unsent_rows_max=chance.choice((8, 15, 30)))
    return once(world, "small_outbox", mishap.about, partial(sets, small), partial(sets, OutboxLimits()))


# --- broker and lines ------------------------------------------------------------------------------------------


def _broker(world: World, mishap: Mishap, _chance: Random, *, forgets: bool) -> Ending:
    host = world.hosts[mishap.about]

    def begins() -> None:
        host.session.disconnect("broker gone" if host.up else None)
        host.session.down = True

    def ends() -> None:
        host.session.down = False
        if host.up and not host.session.connected:
            host.session.connect()
        world.speaks_up(mishap.about)

    ending = once(world, "broker_down", mishap.about, begins, ends)
    if forgets:
        host.session.forget()
    return ending


def _bridge(world: World, mishap: Mishap, chance: Random) -> None:
    world.bridge_restarts(mishap.about, chance.choice((3, 20, 120)) * SECOND_MS)


def _unplugged(world: World, mishap: Mishap, _chance: Random) -> Ending:
    host = world.hosts[mishap.about]
    return once(world, "stick_unplugged", mishap.about, partial(host.plug, in_=False), partial(host.plug, in_=True))


def _on_own_line(sensor: Sensor) -> bool:
    return sensor.is_serial and sensor.port != PORT


def _line(world: World, mishap: Mishap, _chance: Random) -> Ending | None:
    sensor = world.ward.sensor(mishap.about)
    if sensor is None:
        return None
    plug = partial(world.hosts[sensor.gateway].plug, port=sensor.port)
    return once(world, "line_unplugged", mishap.about, partial(plug, in_=False), partial(plug, in_=True))


# --- the clock -------------------------------------------------------------------------------------------------


def _drifts(world: World, mishap: Mishap, chance: Random) -> Ending:
    clock, ppm = world.hosts[mishap.about].clock, chance.choice((-1, 1)) * chance.choice((20, 150, 500))
    clock.drifts(ppm)
    return partial(clock.drifts, -ppm)


def _steps(world: World, mishap: Mishap, chance: Random) -> Ending:
    """A time server that is wrong: the gateway believes it, until it is right again."""
    clock = world.hosts[mishap.about].clock
    ms = chance.choice((-1, 1)) * chance.choice((700, 15 * SECOND_MS, 4 * MINUTE_MS, 61 * MINUTE_MS, 3 * DAY_MS))
    clock.steps(ms)
    return partial(clock.steps, -ms)


def _unsynchronised(world: World, mishap: Mishap, _chance: Random) -> Ending:
    clock = world.hosts[mishap.about].clock
    clock.unsynchronised(world.line.now_ms + mishap.for_ms)
    return _nothing


def _nothing() -> None:
    """It ends by itself."""


def _boots_at(world: World, mishap: Mishap, shows_ms: int) -> Ending:
    """A box without a clock of its own starts, and is synchronised when it ends."""
    clock = world.hosts[mishap.about].clock
    _without(world, mishap.about, BOOT_MS, box=True)
    clock.unsynchronised(world.line.now_ms + max(mishap.for_ms, 2 * BOOT_MS), shows_ms)

    def ending() -> None:
        if not world.ills["boots_wrong", mishap.about]:
            clock.lost_ms = None

    return all_of(once(world, "boots_wrong", mishap.about, _nothing, _nothing), ending)


def _in_1970(world: World, mishap: Mishap, _chance: Random) -> Ending:
    return _boots_at(world, mishap, 0)


def _last_saved(world: World, mishap: Mishap, chance: Random) -> Ending:
    return _boots_at(world, mishap, world.line.now_ms - chance.choice((17, 3_600, 86_400)) * SECOND_MS)


def _next_year(world: World, mishap: Mishap, _chance: Random) -> Ending:
    return _boots_at(world, mishap, world.line.now_ms + 365 * DAY_MS)


# --- the key ---------------------------------------------------------------------------------------------------


def keys_agree(world: World, gateway: str) -> None:
    """The centre is told which key the gateway has, as soon as it can be, and takes it unless it is withdrawn now."""
    sha256 = credentials.digest(world.hosts[gateway].link.credential)

    def work(s: TenantSession, now_ms: int) -> None:
        revoked_ms = now_ms if world.ills["key_revoked", gateway] else None
        _set_key(s, gateway, credential_sha256=sha256, revoked_ms=revoked_ms)

    world.insist(f"nøkkelen til {gateway}", work)


def _set_key(s: TenantSession, gateway: str, **values: Any) -> None:
    s.execute(_KEY.values(**values), {"p_key": gateway})
    s.changed()


def _revoked(world: World, mishap: Mishap, _chance: Random) -> Ending:
    key = mishap.about

    def begins() -> None:
        world.insist(f"nøkkelen til {key} trekkes", lambda s, now_ms: _set_key(s, key, revoked_ms=now_ms))

    return once(world, "key_revoked", key, begins, partial(keys_agree, world, key))


def _renewed(world: World, mishap: Mishap, chance: Random) -> Ending:
    """The centre has a new key; the gateway is given it when it ends."""
    key, link = mishap.about, world.hosts[mishap.about].link
    stem = link.credential.rpartition(".")[0]
    secret = "".join(chance.choice("abcdefghijkmnpqrstuvwxyz23456789") for _ in range(43))
    sha256 = credentials.digest(f"{stem}.{secret}")
    world.insist(f"ny nøkkel for {key}", lambda s, _: _set_key(s, key, credential_sha256=sha256))

    def ending() -> None:
        link.credential = f"{stem}.{secret}"
        keys_agree(world, key)

    return ending


BOXES = (
    Befall("agent_killed", "programmet dør og startes igjen", "soft", "gateway", _agent, lasts=False,
           excuses=("unheard",)),
    Befall("gateway_power", "boksen er uten strøm", "soft", "gateway", _power, excuses=("unheard",)),
    Befall("bridge_restarts", "Zigbee2MQTT starter på nytt", "soft", "gateway", _bridge, lasts=False),
    Befall("broker_restarts", "megleren er borte, men husker", "soft", "gateway", partial(_broker, forgets=False),
           excuses=("unheard",)),
    Befall("stick_unplugged", "radiopinnen er trukket ut", "soft", "gateway", _unplugged, excuses=("unheard",)),
    Befall("clock_drifts", "klokka går feil", "soft", "gateway", _drifts),
    Befall("broker_forgets", "megleren dør og glemmer alt", "hard", "gateway", partial(_broker, forgets=True),
           excuses=("unheard",)),
    Befall("line_unplugged", "ledningen til radaren er trukket ut", "hard", "device", _line, of=_on_own_line,
           excuses=("unheard",)),
    Befall("agent_gone", "programmet er stoppet, og ingen starter det", "hard", "gateway", _stuck,
           excuses=("unheard",)),
    Befall("agent_crashes_on", "programmet dør igjen og igjen", "hard", "gateway", _crashes_on, excuses=("unheard",)),
    Befall("agent_cut_at_commit", "programmet dør like før eller etter en lagring", "hard", "gateway", _at_commits,
           excuses=("unheard",)),
    Befall("agent_cut_between", "programmet dør mellom to lagringer", "hard", "gateway", _between,
           excuses=("unheard",)),
    Befall("power_tears_commit", "strømmen går midt i en lagring", "hard", "gateway", _tears, excuses=("unheard",)),
    Befall("blackout", "strømmen går i hele huset", "hard", "centre", _blackout, excuses=("unheard",)),
    Befall("disk_full", "kortet er fullt", "hard", "gateway", _full, excuses=("unheard",)),
    Befall("disk_read_only", "kortet kan bare leses", "hard", "gateway", _read_only, excuses=("unheard",)),
    Befall("disk_failing", "kortet feiler av og til", "hard", "gateway", _failing, excuses=("unheard",)),
    Befall("small_outbox", "det er satt av plass til få usendte rader", "dense", "gateway", _small,
           excuses=("unheard", "rows_gone")),
    Befall("card_replaced", "kortet byttes mot et tomt", "hard", "gateway", _replaced, lasts=False,
           excuses=("unheard", "rows_gone")),
    Befall("card_restored", "kortet byttes mot en eldre kopi", "hard", "gateway", _restored,
           excuses=("unheard", "rows_gone")),
    Befall("card_cloned", "en kopi av kortet går i en annen boks", "hard", "gateway", _cloned),
    Befall("clock_steps", "klokka stilles feil, og tilbake", "hard", "gateway", _steps, excuses=("clock",)),
    Befall("clock_unsynced", "klokka er ikke synkronisert", "hard", "gateway", _unsynchronised, excuses=("clock",)),
    Befall("clock_1970", "boksen starter med klokka i 1970", "hard", "gateway", _in_1970, excuses=("unheard", "clock")),
    Befall("clock_last_saved", "boksen starter med klokka slik den sist ble lagret", "hard", "gateway", _last_saved,
           excuses=("unheard", "clock")),
    Befall("clock_next_year", "boksen starter med klokka et år fram", "hard", "gateway", _next_year,
           excuses=("unheard", "clock")),
    Befall("key_revoked", "nøkkelen er trukket tilbake", "hard", "gateway", _revoked),
    Befall("key_renewed", "sentralen har fått en ny nøkkel før gatewayen", "hard", "gateway", _renewed),
)  # fmt: skip
"""By what they befall."""
