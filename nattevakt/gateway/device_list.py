"""The gateway's own list of devices, and what the centre makes of it. Serves arrow 5 beside the heartbeats.

Owns what is on the list, when it is sent, and the findings about devices that only one end knows. Must not know HTTP,
events or alarms: a device on one list only is something for an installer, never for the night.

A device is on the list when it is set up, or when it describes itself and was heard: nobody has to set that one up.
Each heartbeat carries the list's digest; the list itself goes with one heartbeat when the centre has asked for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from nattevakt.edge.drivers.driver import Device
from nattevakt.edge.drivers.registry import BY_PREFIX
from nattevakt.edge.strict import TEXT_MAX
from nattevakt.edge.wire import DeviceLists, Heartbeat, HeartbeatReply, list_digest
from nattevakt.edge.wire_heartbeat import LISTED_MAX
from nattevakt.gateway.logs import clean

HEARD_ONLY = ""
HEARD_BYTES_MAX = 100_000
"""How much of a list may be devices that are only heard: with it the heartbeat must not grow beyond what the centre
takes in, whatever is called what on the broker."""
ONLY_GATEWAY = "står i gatewayens innstillinger, men ikke i sentralens liste: alarmene får ukjent plassering"
ONLY_CENTRE = "står i sentralens liste, men ikke i gatewayens innstillinger: den høres kanskje ikke"
MORE = "enheter til står på bare én av listene"


def list_of(configured: Mapping[str, Device], heard: Iterable[str]) -> dict[str, str]:
    """Addresses with their use; those that are only heard come after all that are set up."""
    found = {address: device.use.value for address, device in configured.items()}
    room = HEARD_BYTES_MAX
    for address in sorted(heard):
        prefix, colon, _ = address.partition(":")
        radio = BY_PREFIX.get(prefix + colon)
        if radio is None or radio.PROFILES or len(address) > TEXT_MAX or not address.isprintable():
            continue
        if address not in found:
            room -= len(address.encode())
            if room < 0:
                break
            found[address] = HEARD_ONLY
    return dict(list(found.items())[:LISTED_MAX])


class DeviceList:
    """The list, and the centre's last word about it."""

    def __init__(self, configured: Mapping[str, Device]) -> None:
        self._configured = configured
        self._wanted = False
        self._lists: DeviceLists | None = None
        self._heard: tuple[str, ...] | None = None
        self._list: dict[str, str] = {}
        self._digest = ""

    def added_to(self, heartbeat: Heartbeat, heard: Iterable[str]) -> Heartbeat:
        """The heartbeat with the list's digest, and with the list if the centre has asked. Asked for once, it is sent
        once: should that very message not be understood, the next one is without it."""
        known = tuple(heard)
        if known != self._heard:
            self._heard, self._list = known, list_of(self._configured, known)
            self._digest = list_digest(self._list)
        wanted, self._wanted = self._wanted, False
        return replace(heartbeat, list_digest=self._digest, devices=self._list if wanted else None)

    def answered(self, reply: HeartbeatReply) -> None:
        """What the centre says. One that asks for the list has nothing to say of it yet; one that neither asks nor
        says anything does not compare."""
        self._wanted = reply.list_wanted is True
        if not self._wanted:
            self._lists = reply.lists

    def findings(self) -> dict[str, str]:
        """By address, what is known at one end only."""
        if self._lists is None:
            return {}
        found = dict.fromkeys(map(clean, self._lists.only_centre), ONLY_CENTRE)
        found |= dict.fromkeys(map(clean, self._lists.only_gateway), ONLY_GATEWAY)
        return {**found, "…": f"{self._lists.more} {MORE}"} if self._lists.more else found
