"""The commands about past nights: `backtest` and `alarm-health`. Serves the people who plan supervision, no arrow.

Owns their words and where their tables go. Must not know how a night is tried or an alarm is counted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo

from sqlalchemy import select

from nattevakt.central import alarm_health, backtest, nights_words
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database, Tenant, TenantSession
from nattevakt.central.past import NIGHTS_MAX
from nattevakt.central.places import plans
from nattevakt.central.places.plan_lines import Line
from nattevakt.central.seed_file import load_lines
from nattevakt.central.tables import residents, stays, wards
from nattevakt.edge.errors import RejectError

CURRENT = "current"
NIGHTS = 14
BAR = 30

Add = Callable[[str, str], argparse.ArgumentParser]
"""Makes a command of this name and help, for one tenant."""


def add_to(add: Add) -> None:
    """The words of these commands."""
    tried = add("backtest", "hva en tilsynsplan ville varslet de siste nettene, ved siden av det som skjedde")
    tried.add_argument("--resident", required=True, metavar="NØKKEL", help="beboer")
    tried.add_argument("--nights", type=int, default=NIGHTS, metavar="N", help=f"1 til {NIGHTS_MAX}, ellers {NIGHTS}")
    tried.add_argument(
        "--plan", default=CURRENT, metavar="FIL", help=f"planens linjer i TOML, eller «{CURRENT}»: den som gjelder nå"
    )
    tried.add_argument("--csv", type=Path, metavar="FIL", help="skriv også en CSV-fil med en rad for hver alarm")
    health = add("alarm-health", "alarmer, nytte, gjentakelser og forstyrrede netter, uke for uke")
    health.add_argument("--weeks", type=int, default=4, metavar="N", help=f"1 til {alarm_health.WEEKS_MAX}, ellers 4")
    health.add_argument("--ward", default="", metavar="NØKKEL", help="bare denne avdelingen")
    health.add_argument("--resident", default="", metavar="NØKKEL", help="bare denne beboeren, med forslag")
    health.add_argument("--suggest", action="store_true", help="prøv andre grenser for hver beboer; tar tid")
    health.add_argument("--csv", type=Path, metavar="FIL", help="skriv også en CSV-fil")


def try_plan(db: Database, tenant: Tenant, args: argparse.Namespace, now_ms: int) -> None:
    """Carry out `backtest`."""
    bar = Bar(sys.stderr)
    with db.read(tenant.id) as s:
        resident_id = _id(s, args.resident)
        lines = load_lines(Path(args.plan)) if args.plan != CURRENT else _current(s, resident_id)
        found = backtest.run(s, resident_id, lines, args.nights, now_ms, bar)
    bar.end()
    zone = ZoneInfo(tenant.time_zone)
    print("\n".join(nights_words.backtest_lines(args.resident, lines, found, zone)))
    if args.csv is not None:
        with args.csv.open("w", encoding="utf-8", newline="") as file:
            nights_words.backtest_csv(found, zone, file)


def tell_health(db: Database, tenant: Tenant, args: argparse.Namespace, now_ms: int) -> None:
    """Carry out `alarm-health`."""
    with db.read(tenant.id) as s:
        ward_of = {int(row.id): str(row.name) for row in s.execute(_WARDS)}
        keys = {row.key: int(row.id) for row in s.execute(_WARDS)}
        if args.ward and args.ward not in keys:
            raise RejectError("--ward", f"ukjent avdeling: {args.ward}")
        person_of = {int(row.id): str(row.key) for row in s.execute(_RESIDENTS)}
        resident_id = _id(s, args.resident) if args.resident else None
        ward_id = keys[args.ward] if args.ward else None
        found = alarm_health.week(s, now_ms, args.weeks, resident_id=resident_id, ward_id=ward_id)
    print("\n".join(nights_words.health_lines(found, ward_of, person_of)))
    if args.csv is not None:
        with args.csv.open("w", encoding="utf-8", newline="") as file:
            nights_words.health_csv(found, ward_of, person_of, file)
    asked = [resident_id] if resident_id is not None else []
    if args.suggest and resident_id is None:
        with db.read(tenant.id) as s:
            asked = sorted({int(number) for number in s.execute(_STAYING).scalars()})
    for number in asked:
        with db.read(tenant.id) as s:
            made = alarm_health.suggestion(s, number, now_ms)
        print(nights_words.suggestion_line(person_of[number], made))


class Bar:
    """A progress bar on a terminal; nothing where it is none."""

    def __init__(self, to: TextIO) -> None:
        self._to = to
        self._shown = to.isatty()

    def __call__(self, done: int, of: int) -> None:
        """So many of so many."""
        if self._shown and of:
            full = BAR * done // of
            self._to.write(f"\r{'█' * full}{'·' * (BAR - full)} {done} av {of} hendelser")
            self._to.flush()

    def end(self) -> None:
        """Done; the table follows."""
        if self._shown:
            self._to.write("\n")


_WARDS = select(wards.c.id, wards.c.key, wards.c.name).where(wards.c.tenant_id == TENANT)
_RESIDENTS = select(residents.c.id, residents.c.key).where(residents.c.tenant_id == TENANT)
_STAYING = select(stays.c.resident_id).where(stays.c.tenant_id == TENANT, stays.c.to_ms.is_(None))


def _id(s: TenantSession, key: str) -> int:
    found = {row.key: int(row.id) for row in s.execute(_RESIDENTS)}.get(key)
    if found is None:
        raise RejectError("--resident", f"ukjent beboer: {key}")
    return found


def _current(s: TenantSession, resident_id: int) -> tuple[Line, ...]:
    plan = plans.current(s, resident_id)
    if plan is None:
        raise RejectError("--plan", "beboeren har ingen tilsynsplan: gi en fil med --plan")
    return plan.lines
