"""The commands `night-list` and `report`. Serves the people who run a ward, no arrow.

Owns their words and where their files go. Must not know what stands on the list, or how a time is counted. A list is
written beside its place and then moved there: whoever prints it finds the one of before or the new one, never half.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import select

from nattevakt.central import response_rows, response_times, response_words
from nattevakt.central.admin import night_list, night_list_pages, night_list_routes
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database, Tenant, TenantSession
from nattevakt.central.tables import wards
from nattevakt.central.tablet.i18n import DEFAULT, LANGUAGES, words
from nattevakt.edge.errors import RejectError

Add = Callable[[str, str], argparse.ArgumentParser]
"""Makes a command of this name and help, for one tenant."""
DAYS = 28
FILE_MODE = 0o640
"""Of a list: it holds health data, and the group may print it."""


def add_to(add: Add) -> None:
    """The words of these commands."""
    paper = add("night-list", "skriv avdelingens nattliste til en fil som kan skrives ut; for en timer hver kveld")
    paper.add_argument("--ward", required=True, metavar="NØKKEL", help="avdeling")
    paper.add_argument("--out", required=True, type=Path, metavar="FIL", help="HTML-fil; den forrige blir byttet ut")
    paper.add_argument("--no-names", action="store_true", help="bare rom, ingen navn")
    paper.add_argument("--lang", choices=LANGUAGES, default=DEFAULT, help=f"språk, ellers {DEFAULT}")
    report = add(
        "report", "svartider: vist, tatt, hos bruker, avsluttet; og hver alarm som ble glemt eller kom for sent"
    )
    report.add_argument("--ward", default="", metavar="NØKKEL", help="bare denne avdelingen")
    report.add_argument("--from", dest="first", type=_day, metavar="DATO", help=f"fra og med, ellers {DAYS} dager")
    report.add_argument("--to", dest="last", type=_day, metavar="DATO", help="til og med, ellers i dag")
    report.add_argument("--csv", type=Path, metavar="FIL", help="skriv også tallene som CSV")
    report.add_argument(
        "--alarms-csv", type=Path, metavar="FIL", help="skriv også en CSV-fil med en rad for hver alarm"
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("må være en dato, for eksempel 2026-11-22") from None


def write_list(db: Database, tenant: Tenant, args: argparse.Namespace, now_ms: int) -> None:
    """Carry out `night-list`. Each copy is in the access log before there is one."""
    told, named = words(args.lang), not args.no_names
    with db.read(tenant.id) as s:
        ward_id = _ward(s, args.ward)
        made = night_list.of_ward(s, tenant, ward_id, told, now_ms, named=named)
    html = night_list_pages.sheet(told, made).html

    def note(s: TenantSession) -> None:
        night_list_routes.note(s, made.residents, now_ms, named=named)

    db.transact(tenant.id, note)
    _replace(args.out, html)
    print(f"{args.out}: {len(made.entries)} beboere. {made.night}. {made.printed}.")


def _replace(to: Path, text: str) -> None:
    """Put a file in its place in one step, with its bytes on disk first. Raises RejectError where that cannot be."""
    try:
        # A name of its own: two who write at once must not write into the same file, nor take it from each other.
        handle, name = tempfile.mkstemp(".new", f".{to.name}.", to.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                os.fchmod(handle, FILE_MODE)
                file.write(text)
                file.flush()
                os.fsync(handle)
            Path(name).replace(to)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise RejectError("--out", f"kan ikke skrives: {error.strerror}") from None


def tell_times(db: Database, tenant: Tenant, args: argparse.Namespace, now_ms: int) -> None:
    """Carry out `report`."""
    zone = ZoneInfo(tenant.time_zone)
    last = args.last or datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone).date()
    first = args.first or last - timedelta(days=DAYS - 1)
    from_ms, to_ms = response_rows.span_ms(first, last, zone.key)
    with db.read(tenant.id) as s:
        names = {int(row.id): str(row.name) for row in s.execute(_WARDS)}
        ward_ids = [_ward(s, args.ward)] if args.ward else sorted(names)
        lives = response_rows.lives(s, ward_ids, from_ms, to_ms)
    found = response_times.groups(lives, now_ms, zone.key)
    print(f"Svartider fra og med {first} til og med {last}")
    print("\n".join(response_words.lines(found, response_times.missed(lives, now_ms), names, zone)))
    if args.csv is not None:
        with args.csv.open("w", encoding="utf-8", newline="") as file:
            response_words.figures_csv(found, names, file)
    if args.alarms_csv is not None:
        with args.alarms_csv.open("w", encoding="utf-8", newline="") as file:
            response_words.alarms_csv(lives, names, zone, now_ms, file)


_WARDS = select(wards.c.id, wards.c.key, wards.c.name).where(wards.c.tenant_id == TENANT).order_by(wards.c.id)


def _ward(s: TenantSession, key: str) -> int:
    found = {row.key: int(row.id) for row in s.execute(_WARDS)}.get(key)
    if found is None:
        raise RejectError("--ward", f"ukjent avdeling: {key}")
    return found
