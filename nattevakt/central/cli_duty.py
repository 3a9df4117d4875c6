"""The commands `duty import`, `duty list` and `staff phone`. Serves the people who plan duties, no arrow.

Owns their words and exit. Must not know how a duty is checked or kept.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

from nattevakt.central import duty_words
from nattevakt.central.db import Database, Tenant, TenantSession
from nattevakt.central.notify import cover, routing_rows
from nattevakt.central.people import duties, rota, staff
from nattevakt.central.people.rota import Imported, RotaError
from nattevakt.central.tablet.i18n import DEFAULT, words
from nattevakt.edge.errors import RejectError

Add = Callable[[str, str], argparse.ArgumentParser]
"""Makes a command of this name and help, for one tenant."""
DAYS = 7
DAY_MS = 86_400_000


def add_to(add: Add) -> None:
    """The words of `duty`."""
    taken = add("import", "les en vaktplan fra en CSV-fil; feiler én linje, blir ingen vakter lagt inn")
    taken.add_argument("file", type=Path, metavar="FIL")
    shown = add("list", "hvem som er på vakt nå og de neste døgnene, i samme form som filen")
    shown.add_argument("--days", type=_days, default=DAYS, metavar="DØGN", help=f"1 til 62, ellers {DAYS}")


def add_phone(phone: argparse.ArgumentParser) -> None:
    """The words of `staff phone`."""
    phone.add_argument("--key", required=True)
    phone.add_argument("--phone", required=True, metavar="NUMMER", help="+4790000000; tomt tar det bort")


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 62:
        raise argparse.ArgumentTypeError("må være 1 til 62 døgn")
    return int(text)


def take_in(db: Database, tenant: Tenant, args: argparse.Namespace, now_ms: int) -> None:
    """Carry out `duty import`. Raises RejectError, with every bad line told before, where the file cannot be."""
    try:
        lines = rota.read_rota(args.file.read_bytes())
    except OSError as error:
        raise RejectError(str(args.file), f"kan ikke leses: {error.strerror}") from None
    zone = ZoneInfo(tenant.time_zone)

    def work(s: TenantSession) -> Imported:
        zones = [one.key for one in routing_rows.current(s).zones]
        found = rota.take_in(s, lines, zones=zones, zone=zone, made_by=None, now_ms=now_ms)
        cover.hurry(s, now_ms)
        return found

    try:
        found = db.transact(tenant.id, work)
    except RotaError as error:
        nb = words(DEFAULT)
        for line in error.lines:
            said = duty_words.said(nb, line.code, line.named)
            print(f"linje {line.number}, {line.field}: {said}", file=sys.stderr)
        raise RejectError(str(args.file), f"{len(error.lines)} linjer er feil; ingen vakter er lagt inn") from None
    print(f"{found.made} vakter lagt inn, {found.there} sto der fra før, {found.over} er over og ble ikke tatt med")


def show(db: Database, tenant: Tenant, args: argparse.Namespace, now_ms: int) -> None:
    """Carry out `duty list`."""
    zone = ZoneInfo(tenant.time_zone)
    with db.read(tenant.id) as s:
        found = list(rota.rows_of(s, duties.between(s, now_ms, now_ms + args.days * DAY_MS), zone))
    if not found:
        print("ingen er satt på vakt", file=sys.stderr)
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerows([rota.COLUMNS, *found])


def set_phone(db: Database, tenant: Tenant, args: argparse.Namespace) -> None:
    """Carry out `staff phone`."""
    db.transact(tenant.id, lambda s: staff.set_phone(s, args.key, args.phone))
    print(f"ansatt {args.key}: nummeret er " + ("lagret" if args.phone.strip() else "fjernet"))
