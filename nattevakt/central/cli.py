"""The centre's command line. Serves the people who run the centre, no arrow of its own.

Owns what is printed and the exit codes: 0 done, 1 not possible now, 2 wrong settings or words. Text for people is
Norwegian. Must not decide anything about events or alarms.
"""

from __future__ import annotations

import argparse
import gc
import getpass
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
import uvicorn
from sqlalchemy import select, update
from sqlalchemy.engine import make_url
from starlette.types import ASGIApp

from nattevakt.central import (
    cli_chain,
    cli_duty,
    cli_nights,
    cli_paper,
    credentials,
    device_health,
    device_lists,
    finding_words,
    findings,
    logs,
    migrate,
    sweep,
)
from nattevakt.central.app import create_app
from nattevakt.central.clock import Clock, DemoClock, ServiceClock
from nattevakt.central.columns import TENANT
from nattevakt.central.config import CentralConfig, load_config
from nattevakt.central.db import Database, Tenant, TenantSession
from nattevakt.central.people import staff, tablets
from nattevakt.central.probe import Probe, silent
from nattevakt.central.seed import add_gateway, apply_seed
from nattevakt.central.seed_file import load_seed
from nattevakt.central.tables import alarms, gateways, wards
from nattevakt.edge.errors import NattevaktError, RejectError

_log = structlog.get_logger("nattevakt.central")
DEMO_SWEEP_S_MAX = 2.0
"""A sweep that is late is told after five real seconds in a demo."""
DEFAULT_CONFIG = Path("/etc/nattevakt/central.toml")


def parser() -> argparse.ArgumentParser:
    """The words that this program takes."""
    found = argparse.ArgumentParser(prog="nattevakt-central", description="Nattevakts sentral.")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--config", type=Path, default=DEFAULT_CONFIG, metavar="FIL", help="innstillinger i TOML")
    tenanted = argparse.ArgumentParser(add_help=False, parents=[shared])
    tenanted.add_argument("--tenant", default="", metavar="NØKKEL", help="kommunen; unødvendig når det bare er én")
    commands = found.add_subparsers(dest="command", required=True)

    def add(to: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str, parent: object) -> Parser:
        made: Parser = to.add_parser(name, help=text, description=text, parents=[parent])  # type: ignore[list-item]
        return made

    paced = argparse.ArgumentParser(add_help=False, parents=[shared])
    paced.add_argument("--demo", type=Path, metavar="FIL", help="demoens tidsfil; virker bare i en demomappe")
    add(commands, "run", "kjør sentralen til den blir stoppet", paced)
    add(commands, "migrate", "bring databasen til dette programmets skjema", shared)
    add(commands, "check-config", "les innstillingene og si om de holder; avslutter med 2 ved feil", shared)
    add(commands, "status", "vis kommuner, gatewayer, åpne alarmer, når overvåkingen sist gikk, og funn", paced)
    seed = add(commands, "seed", "legg inn avdeling, rom, beboere, enheter og ansatte fra en fil", shared)
    seed.add_argument("file", type=Path, metavar="FIL")
    gateway = commands.add_parser("gateway", help="gatewayer").add_subparsers(dest="action", required=True)
    made = add(gateway, "add", "ny gateway; nøkkelen vises bare nå", tenanted)
    for flag in ("--key", "--name", "--ward"):
        made.add_argument(flag, required=True)
    add(gateway, "list", "alle gatewayer", tenanted)
    add(gateway, "revoke", "trekk nøkkelen til en gateway tilbake", tenanted).add_argument("--key", required=True)
    tablet = commands.add_parser("tablet", help="nettbrett").add_subparsers(dest="action", required=True)
    code = add(tablet, "code", "engangskode for et nytt nettbrett, gyldig i 15 minutter", tenanted)
    code.add_argument("--ward", required=True)
    code.add_argument("--name", default="Nettbrett")
    device = commands.add_parser("device", help="enheter").add_subparsers(dest="action", required=True)
    add(device, "list", "alle enheter: sist hørt, batteri, signal, feil", tenanted).add_argument(
        "--json", action="store_true", help="skriv alt som JSON"
    )
    found_of = add(commands, "findings", "funn om sensorene: hva som bør ses på om dagen", tenanted)
    found_of.add_argument("--days", type=_days, default=findings.DAYS, metavar="DØGN", help="hvor langt tilbake")
    found_of.add_argument("--json", action="store_true", help="skriv alt som JSON")
    cli_nights.add_to(lambda name, text: add(commands, name, text, tenanted))
    cli_paper.add_to(lambda name, text: add(commands, name, text, tenanted))
    cli_chain.add_to(lambda name, text: add(commands, name, text, tenanted))
    duty = commands.add_parser("duty", help="vakter: hvem som er på vakt når").add_subparsers(
        dest="action", required=True
    )
    cli_duty.add_to(lambda name, text: add(duty, name, text, tenanted))
    person = commands.add_parser("staff", help="ansatte").add_subparsers(dest="action", required=True)
    cli_duty.add_phone(add(person, "phone", "sett nummeret som en ansatt får SMS på under vakt", tenanted))
    add(person, "pin", "sett PIN for en ansatt; leses fra tastaturet eller standard inn", tenanted).add_argument(
        "--key", required=True
    )
    return found


Parser = argparse.ArgumentParser


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 366:
        raise argparse.ArgumentTypeError("må være 1 til 366 døgn")
    return int(text)


def run_command(arguments: Sequence[str], clock: Clock | None = None) -> int:
    """Run one command; gives the exit code."""
    args = parser().parse_args(arguments)
    if args.command == "run":
        return serve(args.config, demo=args.demo)
    try:
        config = load_config(args.config)
        seed = load_seed(args.file) if args.command == "seed" else None
        now_ms = (clock or _clock(config, getattr(args, "demo", None))).now_ms()
    except RejectError as error:
        return _wrong(str(error), 2)
    try:
        if args.command == "check-config":
            print(f"innstillingene holder: {config.http.host}:{config.http.port}, {config.database_url.split(':')[0]}")
        elif args.command == "migrate":
            before, after = migrate.upgrade(config.database_url)
            print(f"skjema {after}" + (" (uendret)" if before == after else f" (var {before or 'tomt'})"))
        elif seed is not None:
            with _database(config) as db:
                print("\n".join(apply_seed(db, seed, now_ms) or ["ingenting å endre"]))
        else:
            with _database(config) as db:
                _COMMANDS[args.command, getattr(args, "action", "")](db, args, now_ms)
    except NattevaktError as error:
        return _wrong(str(error), 1)
    return 0


def serve(path: Path, probe: Probe = silent, demo: Path | None = None) -> int:
    """Run the service until it is told to stop; gives the exit code. demo: the file that says how fast time runs."""
    try:
        config = load_config(path)
        config.metrics_token  # noqa: B018 - read now, so that a missing file is told before anything starts
        clock = _clock(config, demo)
    except RejectError as error:
        return _wrong(str(error), 2)
    logs.set_up(config.log_level)
    try:
        # Asked before the server starts, so that the answer is one clear line.
        migrate.make_ready(config.database_url)
    except NattevaktError as error:
        return _wrong(str(error), 1)
    app = create_app(config, clock, probe)
    server = AnnouncingServer(server_settings(app, config))
    server.run()
    return 0 if server.started else 1


def _clock(config: CentralConfig, demo: Path | None) -> Clock:
    """The machine's clocks, or a demo's: only by the command line, and only for a database in the demo's folder."""
    if demo is None:
        return ServiceClock()
    if config.sweep.interval_s > DEMO_SWEEP_S_MAX:
        raise RejectError("config.sweep.interval_s", f"må være høyst {DEMO_SWEEP_S_MAX:g} i en demo")
    url = make_url(config.database_url)
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        raise RejectError("--demo", "databasen er ikke en fil i en demomappe")
    return DemoClock(demo, Path(url.database))


def server_settings(app: ASGIApp, config: CentralConfig) -> uvicorn.Config:
    """How the application is served."""
    return uvicorn.Config(
        app,
        host=config.http.host,
        port=config.http.port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=75,
    )


GC_THRESHOLDS = (20_000, 20, 20)
"""How many new things, and how many looks at them, come before the next look at the young and at the older ones."""


class AnnouncingServer(uvicorn.Server):
    """A server that says when it takes requests, for whoever waits for that line."""

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started and not self.should_exit:
            # What start-up has made stays for good: no collection walks through it while an alarm waits.
            gc.collect()
            gc.freeze()
            # A batch makes thousands of things that live as long as it does: to look at them each few hundred frees
            # none of them, and was a twentieth of the batch.
            gc.set_threshold(*GC_THRESHOLDS)
            _log.info("READY", host=self.config.host, port=self.config.port)


@contextmanager
def _database(config: CentralConfig) -> Iterator[Database]:
    migrate.make_ready(config.database_url)
    db = Database(config.database_url)
    try:
        yield db
    finally:
        db.close()


def _tenant(db: Database, key: str) -> Tenant:
    found = db.tenants()
    if not key and len(found) == 1:
        return found[0]
    tenant = db.tenant(key)
    if tenant is None:
        known = ", ".join(tenant.key for tenant in found) or "ingen"
        raise RejectError("--tenant", f"velg en av: {known}")
    return tenant


def _gateway_add(db: Database, args: argparse.Namespace, _now_ms: int) -> None:
    tenant = _tenant(db, args.tenant)
    if credentials.parse(f"Bearer {credentials.new_token(tenant.key, args.key)}") is None:
        raise RejectError("--key", "må være 1 til 40 av a-z, 0-9 og -")

    def work(s: TenantSession) -> str:
        ward_id = s.execute(select(wards.c.id).where(wards.c.tenant_id == TENANT, wards.c.key == args.ward)).scalar()
        if ward_id is None:
            raise RejectError("--ward", f"ukjent avdeling: {args.ward}")
        known = select(gateways.c.id).where(gateways.c.tenant_id == TENANT, gateways.c.key == args.key)
        if s.execute(known).first() is not None:
            raise RejectError("--key", f"finnes allerede: {args.key}")
        return add_gateway(s, tenant.key, args.key, args.name, ward_id)[1]

    token = db.transact(tenant.id, work)
    print(f"gateway {args.key}: ny, nøkkel (vises bare nå): {token}")


def _gateway_list(db: Database, args: argparse.Namespace, now_ms: int) -> None:
    with db.read(_tenant(db, args.tenant).id) as s:
        rows = s.execute(select(gateways).where(gateways.c.tenant_id == TENANT).order_by(gateways.c.key)).all()
    for row in rows:
        heard = "aldri hørt" if row.last_heartbeat_ms is None else f"hørt for {_ago(row.last_heartbeat_ms, now_ms)}"
        print(f"{row.key}\t{row.name}\t{heard}" + ("\ttrukket tilbake" if row.revoked_ms is not None else ""))


def _gateway_revoke(db: Database, args: argparse.Namespace, now_ms: int) -> None:
    of_key = (gateways.c.tenant_id == TENANT, gateways.c.key == args.key)
    with db.write(_tenant(db, args.tenant).id) as s:
        changed = s.execute(update(gateways).where(*of_key).values(revoked_ms=now_ms)).rowcount
    if not changed:
        raise RejectError("--key", f"ukjent gateway: {args.key}")
    print(f"gateway {args.key}: nøkkelen er trukket tilbake")


def _tablet_code(db: Database, args: argparse.Namespace, now_ms: int) -> None:
    code = db.transact(_tenant(db, args.tenant).id, lambda s: tablets.new_code(s, args.ward, args.name, now_ms))
    print(f"engangskode (gyldig i 15 minutter): {code}")


def _staff_pin(db: Database, args: argparse.Namespace, _now_ms: int) -> None:
    pin = getpass.getpass("PIN: ") if sys.stdin.isatty() else sys.stdin.readline().strip()
    db.transact(_tenant(db, args.tenant).id, lambda s: staff.set_pin(s, args.key, pin))
    print(f"ansatt {args.key}: PIN er satt")


def _device_list(db: Database, args: argparse.Namespace, now_ms: int) -> None:
    with db.read(_tenant(db, args.tenant).id) as s:
        found = device_health.of_tenant(s, now_ms)
    if args.json:
        print(json.dumps([device.as_json(now_ms) for device in found], ensure_ascii=False, indent=1))
    else:
        print("\n".join(device_health.line(device, now_ms) for device in found) or "ingen enheter")


def _findings(db: Database, args: argparse.Namespace, now_ms: int) -> None:
    tenant = _tenant(db, args.tenant)
    with db.read(tenant.id) as s:
        found = findings.recent(s, now_ms, args.days, tenant.time_zone)
    if args.json:
        print(json.dumps([one.as_json() for one in found], ensure_ascii=False, indent=1))
    else:
        zone = ZoneInfo(tenant.time_zone)
        print("\n".join(finding_words.line(one, zone) for one in found) or f"ingen funn de siste {args.days} døgn")


def _status(db: Database, _args: argparse.Namespace, now_ms: int) -> None:
    for tenant in db.tenants():
        with db.read(tenant.id) as s:
            swept_ms = sweep.last_run_ms(s)
            rows = s.execute(select(gateways).where(gateways.c.tenant_id == TENANT).order_by(gateways.c.key)).all()
            still = select(alarms.c.id).where(alarms.c.tenant_id == TENANT, alarms.c.closed_ms.is_(None))
            waiting = len(s.execute(still).all())
            lists = device_lists.of_tenant(s, now_ms)
        swept = "aldri" if swept_ms is None else f"for {_ago(swept_ms, now_ms)} siden"
        print(f"{tenant.key}: {waiting} åpne alarmer, overvåkingen gikk {swept}")
        for row in rows:
            heard = "aldri" if row.last_heartbeat_ms is None else f"for {_ago(row.last_heartbeat_ms, now_ms)} siden"
            print(f"  gateway {row.key}: hørt {heard}")
            for finding in device_lists.sentences(lists.get(row.key)):
                print(f"    funn: {finding}")


def _backtest(db: Database, args: argparse.Namespace, now_ms: int) -> None:
    cli_nights.try_plan(db, _tenant(db, args.tenant), args, now_ms)


def _alarm_health(db: Database, args: argparse.Namespace, now_ms: int) -> None:
    cli_nights.tell_health(db, _tenant(db, args.tenant), args, now_ms)


def _night_list(db: Database, args: argparse.Namespace, now_ms: int) -> None:
    cli_paper.write_list(db, _tenant(db, args.tenant), args, now_ms)


def _chain_test(db: Database, args: argparse.Namespace, now_ms: int) -> None:
    cli_chain.ask(db, _tenant(db, args.tenant), args, now_ms)


def _report(db: Database, args: argparse.Namespace, now_ms: int) -> None:
    cli_paper.tell_times(db, _tenant(db, args.tenant), args, now_ms)


def _duty_import(db: Database, args: argparse.Namespace, now_ms: int) -> None:
    cli_duty.take_in(db, _tenant(db, args.tenant), args, now_ms)


def _duty_list(db: Database, args: argparse.Namespace, now_ms: int) -> None:
    cli_duty.show(db, _tenant(db, args.tenant), args, now_ms)


def _staff_phone(db: Database, args: argparse.Namespace, _now_ms: int) -> None:
    cli_duty.set_phone(db, _tenant(db, args.tenant), args)


_COMMANDS: dict[tuple[str, str], Callable[[Database, argparse.Namespace, int], None]] = {
    ("gateway", "add"): _gateway_add,
    ("gateway", "list"): _gateway_list,
    ("gateway", "revoke"): _gateway_revoke,
    ("device", "list"): _device_list,
    ("findings", ""): _findings,
    ("backtest", ""): _backtest,
    ("alarm-health", ""): _alarm_health,
    ("night-list", ""): _night_list,
    ("report", ""): _report,
    ("chain-test", ""): _chain_test,
    ("tablet", "code"): _tablet_code,
    ("staff", "pin"): _staff_pin,
    ("staff", "phone"): _staff_phone,
    ("duty", "import"): _duty_import,
    ("duty", "list"): _duty_list,
    ("status", ""): _status,
}


def _ago(then_ms: int, now_ms: int) -> str:
    seconds = max(0, now_ms - then_ms) // 1000
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"


def _wrong(what: str, code: int) -> int:
    print(f"nattevakt-central: {what}", file=sys.stderr)
    return code
