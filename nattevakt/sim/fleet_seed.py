"""The homes of a simulated fleet: written as a seed file for the centre, read back with the keys that it gave them.

Owns the form of both. Must not know the network. Serves `nattevakt-sim fleet`; the file is read with the centre's own
reader, and the keys are what `nattevakt-central seed` has printed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nattevakt.central.seed_file import load_seed
from nattevakt.edge.errors import NattevaktError

TENANT = "flaate"
OF_A_WARD = 100
SPOTS = ("call", "door", "bed", "presence", "motion")
PLAN_EVERY = 4
"""One resident in so many has a plan that watches bed and door at night."""
_KEY = re.compile(r"nv1\.[a-z0-9-]+\.([a-z0-9-]+)\.[\w-]+")


class FleetError(NattevaktError):
    """The fleet cannot set out; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class Home:
    """One home with its gateway. token: its key at the centre. devices: their addresses by what they are."""

    key: str
    token: str
    devices: Mapping[str, str]


def seed_text(gateways: int) -> str:
    """A municipality with so many homes: a gateway, a resident and five devices in each, a hundred homes a ward."""
    lines = [f'[tenant]\nkey = "{TENANT}"\nname = "Flåten"\n']
    for zone in range(1, (gateways - 1) // OF_A_WARD + 2):
        lines.append(f'[[ward]]\nkey = "sone-{zone}"\nname = "Sone {zone}"\n')
    for number in range(gateways):
        key, ward = f"hus-{number + 1:04}", f"sone-{number // OF_A_WARD + 1}"
        lines.append(f'[[gateway]]\nkey = "{key}"\nname = "Hus {number + 1}"\nward = "{ward}"\n')
        lines.append(f'[[room]]\nkey = "{key}"\nward = "{ward}"\nnumber = "{number + 1}"\n')
        lines.append(f'[[resident]]\nkey = "p-{key}"\nname = "Prøve {number + 1}"\nroom = "{key}"\n')
        for place, spot in enumerate(SPOTS):
            lines.append(
                f'[[device]]\naddress = "z2m:0x{number + 1:012x}{place:04x}"\nname = "{spot}"\n'
                f'gateway = "{key}"\nroom = "{key}"\nspot = "{spot}"\n'
            )
        if number % PLAN_EVERY == 0:
            lines.append(f'[[plan]]\nresident = "p-{key}"\ntemplate = "nattevandrer"\n')
            lines.append(f'[[basis]]\nresident = "p-{key}"\nkind = "samtykke"\nresponsible = "Flåten"\n')
    return "".join(lines)


def homes(seed_file: Path, keys_file: Path, wanted: int) -> list[Home]:
    """The first so many homes of a file that `seed_text` wrote, with their keys.

    Raises FleetError where there are too few of them, RejectError for a file that is no seed.
    """
    seed = load_seed(seed_file)
    try:
        text = keys_file.read_text(encoding="utf-8")
    except OSError as error:
        raise FleetError(f"{keys_file} kan ikke leses: {error.strerror}") from None
    tokens = {found[1]: found[0] for found in _KEY.finditer(text)}
    devices: dict[str, dict[str, str]] = {}
    for entry in seed.device:
        if entry.name in SPOTS:
            devices.setdefault(entry.gateway, {})[entry.name] = entry.address
    whole = [entry.key for entry in seed.gateway if len(devices.get(entry.key, ())) == len(SPOTS)]
    if len(whole) < wanted:
        raise FleetError(f"{seed_file} har {len(whole)} gatewayer med {len(SPOTS)} enheter hver, ikke {wanted}")
    missing = [key for key in whole[:wanted] if key not in tokens]
    if missing:
        raise FleetError(f"{keys_file} har ingen nøkkel for {missing[0]}, og {len(missing) - 1} til")
    return [Home(key, tokens[key], devices[key]) for key in whole[:wanted]]
