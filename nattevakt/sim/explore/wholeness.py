"""What is still wrong with an installation when everything should be well again. Serves the explorer.

Owns the questions; asks the simulated parts themselves, never the product: what it thinks of itself is for the judge.
"""

from __future__ import annotations

from collections.abc import Iterator

from nattevakt.sim.host import GatewayHost
from nattevakt.sim.world import World


def ails(world: World) -> tuple[str, ...]:
    """All that is not as it should be, a few words each; empty where the installation is whole."""
    found = [f"{name} {about}".strip() for (name, about), many in sorted(world.ills.items()) if many]
    for host in world.hosts.values():
        found += [f"{host.key}: {what}" for what in _of_host(host)]
    centre = world.centre
    for wrong, what in (
        (not centre.up, "off"),
        (not centre.storage.well, "disk"),
        (bool(centre.locked), "locked"),
        (bool(centre.slow_ms), "slow"),
        (bool(centre.clock.offset_ms), "clock"),
        (centre.fuse.armed, "fuse"),
    ):
        if wrong:
            found.append(f"centre: {what}")
    found += [f"clone of {key}" for key in world.clones]
    found += [f"{address}: silent" for address in world.silent]
    found += [f"{address}: {name}" for address, name in world.voices.faults.lasting]
    return tuple(found)


def _of_host(host: GatewayHost) -> Iterator[str]:
    clock, link = host.clock, host.link
    for wrong, what in (
        (not host.up, "off"),
        (not link.clean, f"link {link.road.value}"),
        (not host.storage.well, "disk"),
        (host.session.down, "broker"),
        (any(not host.listens(port) for port in host.ports), "line"),
        (not clock.synced or clock.lost_ms is not None, "not synchronised"),
        (bool(clock.offset_ms or clock.drift_ppm), "clock"),
        (host.fuse.armed, "fuse"),
    ):
        if wrong:
            yield what
