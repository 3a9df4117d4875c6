"""The gateway's command line: run, status, tail, check-config, sensors, siren. Serves the person at the gateway.

Owns what is printed and the exit codes. Must not decide anything about events. Text for installers is Norwegian.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from nattevakt.edge.errors import RejectError
from nattevakt.edge.events import Moment
from nattevakt.gateway import config as settings
from nattevakt.gateway import health, logs, recording, sensors, siren_command
from nattevakt.gateway.agent import Agent, guard
from nattevakt.gateway.clock import DemoClock, GatewayClock
from nattevakt.gateway.config import GatewayConfig
from nattevakt.gateway.inputs import Probe, no_probe

STALE_MS = 30_000
TAIL_EVERY_S = 0.5
STATES = ("usendt", "kvittert", "satt til side")
_TAIL = (
    "SELECT rows.seq, streams.stream, rows.class, rows.kind, rows.device, rows.state, rows.body"
    " FROM rows JOIN streams ON streams.id = rows.stream WHERE rows.seq > ? ORDER BY rows.seq LIMIT 500"
)


def parser() -> argparse.ArgumentParser:
    """The words that this program takes."""
    found = argparse.ArgumentParser(prog="nattevakt-gateway", description="Nattevakts gateway ved sensorene.")
    commands = found.add_subparsers(dest="command", required=True)
    for name, text in (
        ("run", "kjør gatewayen til den blir stoppet"),
        ("status", "vis hvordan gatewayen har det; avslutter med 1 ved feil"),
        ("tail", "vis nye rader i utboksen etter hvert som de kommer"),
        ("check-config", "les innstillingene og vis hva som ble forstått; avslutter med 2 ved feil"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--config", type=Path, required=True, metavar="FIL", help="innstillinger i TOML")
        if name in ("run", "status"):
            command.add_argument("--demo", type=Path, metavar="FIL", help="demoens tidsfil; virker bare i en demomappe")
        if name == "status":
            command.add_argument("--json", action="store_true", help="skriv alt som JSON")
        if name == "tail":
            command.add_argument("--lines", type=int, default=0, metavar="N", help="avslutt etter N rader")
            command.add_argument("--from-start", action="store_true", help="begynn med de eldste radene")
    sensors.add_parser(commands)
    siren_command.add_parser(commands)
    return found


def run_command(arguments: Sequence[str]) -> int:
    """Run one command; gives the exit code."""
    args = parser().parse_args(arguments)
    if args.command == "run":
        return serve(args.config, demo=args.demo)
    if args.command == "sensors" and args.sensors == "replay":
        return recording.replay(args.file, sys.stdout.write, guard)
    try:
        config = settings.load(args.config)
        who = settings.credential(config)
        clock = _clock(config, getattr(args, "demo", None))
    except RejectError as error:
        sys.stderr.write(f"nattevakt-gateway: {error}\n")
        return 2
    if args.command == "status":
        return status(config, clock.now(), as_json=args.json, pace=clock.pace())
    if args.command == "tail":
        return _tail(config, args.lines, from_start=args.from_start)
    if args.command == "sensors":
        return sensors.run(args, config, clock.now())
    if args.command == "siren":
        return siren_command.run(config, args.seconds)
    return _check(config, f"{who.tenant}/{who.gateway}")


def serve(path: Path, probe: Probe = no_probe, demo: Path | None = None) -> int:
    """Read the settings and run the gateway until it is stopped; gives the exit code.

    demo: the file that says how fast time runs.
    """
    try:
        config = settings.load(path)
        agent = Agent(config, _clock(config, demo), probe=probe)
    except RejectError as error:
        sys.stderr.write(f"nattevakt-gateway: {error}\n")
        return 2
    logs.setup()
    agent.run()
    return 0


def _clock(config: GatewayConfig, demo: Path | None) -> GatewayClock:
    """The machine's clocks, or a demo's: only by the command line, and only for an outbox in the demo's folder.

    Raises RejectError where a demo would speak to a centre or a broker that is not on this machine.
    """
    if demo is None:
        return GatewayClock()
    hosts = {"centre.url": urlsplit(config.centre.url).hostname or ""}
    if config.mqtt is not None:
        hosts["mqtt.host"] = config.mqtt.host
    for field, host in hosts.items():
        if host not in ("127.0.0.1", "::1", "localhost"):
            raise RejectError(field, "en demo snakker bare med denne maskinen (127.0.0.1)")
    return DemoClock(demo, config.state_dir)


def status(config: GatewayConfig, now: Moment, *, as_json: bool, pace: float = 1.0) -> int:
    """Show the status file; 1 when something is wrong or the agent does not run.

    pace: how fast service time runs. The file is written by real time and dated by service time.
    """
    try:
        found = json.loads(config.status_file.read_text("utf-8"))
        sent = Moment(**found["sent"])
        shown = found["health"]
        faults = health.status_faults(found)
        stale = health.age_ms(sent, now) > STALE_MS * max(pace, 1.0) or not found.get("running", False)
    except (OSError, ValueError, KeyError, TypeError):
        sys.stdout.write("{}\n" if as_json else "Gatewayen har ikke skrevet noen status.\n")
        return 1
    if stale:
        faults.append("agent: not running")
    if as_json:
        sys.stdout.write(json.dumps({**found, "all_faults": faults}, ensure_ascii=False, indent=1) + "\n")
        return 1 if faults else 0
    lines = [
        f"versjon {shown['version']}, {'kjører ikke' if stale else 'kjører'}, oppe i {shown['uptime_s']} s",
        f"usendt {shown['backlog_rows']} rader, eldste {shown['oldest_unsent_s']} s",
        f"satt til side {shown['parked_rows']} rader, kastet {shown['shed_rows']}",
        f"klokke {'synkronisert' if shown['clock_synced'] else 'IKKE synkronisert'}",
        f"ledig disk {shown['disk_free_mb']} MB",
        *(f"kilde {name}: {state}" for name, state in shown.get("sources", {}).items()),
        *(f"sist hørt {address}: for {age // 1000} s siden" for address, age in found.get("heard_age_ms", {}).items()),
        *siren_command.told(found),
        *(f"funn: {finding}" for finding in shown.get("findings", [])),
        *(f"FEIL: {fault}" for fault in faults),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if faults else 0


def _tail(config: GatewayConfig, lines: int, *, from_start: bool) -> int:
    wait = threading.Event()
    written = 0
    try:
        con = sqlite3.connect(f"file:{config.outbox_file}?mode=ro", uri=True, timeout=2)
    except sqlite3.Error as error:
        sys.stderr.write(f"nattevakt-gateway: {config.outbox_file}: {error}\n")
        return 1
    try:
        last = 0
        if not from_start:
            last = con.execute("SELECT COALESCE(MAX(seq), 0) FROM rows").fetchone()[0]
        while True:
            for seq, stream, urgency, kind, device, state, body in con.execute(_TAIL, (last,)).fetchall():
                event = json.loads(body)
                shown = logs.kv(
                    kind,
                    seq=seq,
                    stream=stream[:8],
                    urgency=urgency,
                    device=device or "-",
                    state=STATES[state],
                    wall_ms=event["at"]["wall_ms"],
                    data=json.dumps(event["data"], ensure_ascii=False),
                )
                sys.stdout.write(shown + "\n")
                last = seq
                written += 1
                if lines and written >= lines:
                    return 0
            sys.stdout.flush()
            wait.wait(TAIL_EVERY_S)
    except sqlite3.Error as error:
        sys.stderr.write(f"nattevakt-gateway: {config.outbox_file}: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        con.close()


def _check(config: GatewayConfig, who: str) -> int:
    lines = [
        f"sentral {config.centre.url} som {who}, hjerteslag hvert {config.centre.heartbeat_s:g}. s",
        f"tilstand i {config.state_dir}",
        *(f"radio {port.name}: {port.driver} på {port.port}, {port.speed} baud" for port in config.serial),
    ]
    if config.mqtt is not None:
        spoken = (f"{name} på {one.root or 'enhetenes egne emner'}" for name, one in config.mqtt.rooted().items())
        lines.append(f"mqtt {config.mqtt.host}:{config.mqtt.port}, {', '.join(spoken)}")
    for device in config.device:
        profile = f", profil {device.profile}" if device.profile else ""
        lines.append(f"enhet {device.address}: {device.use.value}{profile}{', snudd' if device.invert else ''}")
    for siren in config.siren:
        report = f"bekrefter med {siren.property}" if siren.property else "bekrefter aldri"
        lines.append(f"sirene {siren.address}: {siren.command}, {report}")
    limits = config.outbox
    lines.append(
        f"utboks: {limits.unsent_rows_max} usendte, {limits.acked_rows_max} kvitterte, {limits.acked_keep_h} timer"
    )
    if config.local_alarm is not None:
        lines.append(f"lokal alarm: {' '.join(config.local_alarm.command)}")
    sys.stdout.write("\n".join(lines) + "\nInnstillingene er gyldige.\n")
    return 0
