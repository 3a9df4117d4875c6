"""The command `chain-test`. Serves the people who run a ward, no arrow.

Owns its words. Must not know how a test goes, or when it counts. For a timer each shift: it asks, and whoever has the
shift answers on a tablet.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Mapping

from sqlalchemy import select

from nattevakt.central.chain import setup, steps
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database, Tenant, TenantSession
from nattevakt.central.tables import wards
from nattevakt.edge.errors import RejectError

Add = Callable[[str, str], argparse.ArgumentParser]
"""Makes a command of this name and help, for one tenant."""
REFUSED: Mapping[str, str] = {
    "no_sensor": "uten sensor i rommet",
    "too_many": "utsatt: mottakeren har mange prøver foran seg",
}
_WARDS = select(wards.c.id, wards.c.key).where(wards.c.tenant_id == TENANT)


def add_to(add: Add) -> None:
    """The words of this command."""
    command = add("chain-test", "be om en prøve av varslingskjeden for alle på en avdeling; for en timer på hver vakt")
    command.add_argument("--ward", required=True, metavar="NØKKEL", help="avdeling")


def ask(db: Database, tenant: Tenant, args: argparse.Namespace, now_ms: int) -> None:
    """Carry out `chain-test`."""

    def make(s: TenantSession) -> steps.Asked:
        ward_id = {row.key: int(row.id) for row in s.execute(_WARDS)}.get(args.ward)
        if ward_id is None:
            raise RejectError("--ward", f"ukjent avdeling: {args.ward}")
        return steps.ask(s, setup.of_wards(s, [ward_id], now_ms), now_ms, tenant.time_zone)

    asked = db.transact(tenant.id, make)
    print(f"bestilt: {_count(len(asked.ids), 'prøve')}; vises på avdelingens nettbrett når de er framme")
    for why, number in sorted(Counter(asked.refused.values()).items()):
        print(f"ikke bestilt: {_count(number, 'beboer', 'e')} {REFUSED[why]}")


def _count(number: int, what: str, many: str = "r") -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}{many}"
