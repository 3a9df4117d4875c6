"""`nattevakt-gateway sensors`: list, watch, learn, record, replay. Serves the installer, no arrow of its own.

Owns what is asked of the running agent and how it is printed. Must not decide anything about events, and never opens
a port itself: the agent has them.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from nattevakt.edge.drivers.registry import BY_PREFIX, RADIOS
from nattevakt.edge.events import Moment
from nattevakt.gateway import recording
from nattevakt.gateway.config import GatewayConfig
from nattevakt.gateway.logs import clean
from nattevakt.gateway.sensor_list import listed, product_lines, products_json, status_of
from nattevakt.gateway.sensor_words import as_json as words_json
from nattevakt.gateway.sensor_words import line_words
from nattevakt.gateway.tap import LEARN_DEFAULT_S, LEARN_MAX_S, connect

LINE_MAX = 12_000_000
"""Most characters of one line from the agent."""
NOT_RUNNING = "Agenten kjører ikke her: uten den er det ingenting å se. Start den med «nattevakt-gateway run».\n"
REPLY_S = 10.0


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The words that `sensors` takes."""
    text = "se hva sensorene sier: liste, følge med, lære inn, ta opp og spille av"
    inner = commands.add_parser("sensors", help=text, description=text).add_subparsers(dest="sensors", required=True)
    for name, help_text in (
        ("list", "vis enhetene som er satt opp, hva de er, og når de sist ble hørt"),
        ("watch", "følg med på alt som kommer: råe data og hva det betyr"),
        ("learn", "åpne læring i agenten, og vis hva som blir lært med ferdige innstillinger"),
        ("record", "ta opp det som kommer i en fil, der alt som kan kjennes igjen er byttet ut"),
        ("replay", "spill av et opptak uten agent, og vis hva det betyr; avslutter med 1 hvis noe gikk galt"),
    ):
        command = inner.add_parser(name, help=help_text, description=help_text)
        if name != "replay":
            command.add_argument("--config", type=Path, required=True, metavar="FIL", help="innstillinger i TOML")
        if name in ("record", "replay"):
            command.add_argument("file", type=Path, metavar="OPPTAK", help="opptaket, linjer av JSON")
        if name == "list":
            command.add_argument("--all", action="store_true", help="vis alle produkter som Nattevakt kjenner")
        if name in ("list", "watch"):
            command.add_argument("--json", action="store_true", help="skriv alt som JSON")
        if name in ("watch", "record"):
            command.add_argument("--lines", type=int, default=0, metavar="N", help="avslutt etter N linjer")
        if name == "learn":
            most = LEARN_MAX_S // 60
            command.add_argument(
                "--minutes",
                type=int,
                default=LEARN_DEFAULT_S // 60,
                metavar="N",
                choices=range(1, most + 1),
                help=f"så lenge er læring åpen, høyst {most}",
            )


def run(args: argparse.Namespace, config: GatewayConfig, now: Moment) -> int:
    """Run any of the commands but replay; gives the exit code. now: of this start."""
    if args.sensors == "list":
        return _list(config, now, all_products=args.all, as_json=args.json)
    try:
        with connect(config.state_dir) as sock:
            if args.sensors == "watch":
                return _watch(sock, now, args.lines, as_json=args.json)
            if args.sensors == "learn":
                return learn(sock, now, args.minutes * 60, config.state_dir)
            return record(sock, config, args.file, args.lines)
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
        sys.stderr.write(NOT_RUNNING)
    except PermissionError as error:
        sys.stderr.write(f"Bare brukeren som agenten kjører som, slipper til ({error.strerror}). Prøv med sudo.\n")
    except FileExistsError:
        sys.stderr.write(f"{args.file} finnes fra før, og blir ikke skrevet over.\n")
    except OSError as error:
        sys.stderr.write(f"nattevakt-gateway: {type(error).__name__}: {error.strerror or error}\n")
    return 1


def _list(config: GatewayConfig, now: Moment, *, all_products: bool, as_json: bool) -> int:
    if all_products:
        sys.stdout.write(products_json() if as_json else "\n".join(product_lines()) + "\n")
        return 0
    try:
        status = json.loads(config.status_file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        status = {}
    sys.stdout.write(listed(config, status_of(status), now, as_json=as_json))
    return 0


# --- what the running agent tells ------------------------------------------------------------------------------


def ask(sock: socket.socket, what: Mapping[str, object]) -> None:
    """Say what is wanted, as one line."""
    sock.sendall(json.dumps(what).encode("ascii") + b"\n")


def lines(sock: socket.socket) -> Iterator[dict[str, object]]:
    """What the agent tells, line by line, until it leaves or the person has had enough. Nonsense is passed over."""
    rest = b""
    with suppress(KeyboardInterrupt):
        while data := sock.recv(65_536):
            *whole, rest = (rest + data).split(b"\n")
            for line in whole:
                found = _object(line)
                if found is not None:
                    yield found
            if len(rest) > LINE_MAX:
                rest = b""


def _object(line: bytes) -> dict[str, object] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _clock(now: Moment) -> Callable[[object], str]:
    """Boottime as the time of day here."""
    began = datetime.fromtimestamp((now.wall_ms - now.boottime_ms) / 1000).astimezone()

    def words(ms: object) -> str:
        if not isinstance(ms, int):
            return "--:--:--"
        try:
            return f"{began + timedelta(milliseconds=ms):%H:%M:%S.%f}"[:-3]
        except OverflowError:
            return "--:--:--"

    return words


def _watch(sock: socket.socket, now: Moment, most: int, *, as_json: bool) -> int:
    clock = _clock(now)
    ask(sock, {"ask": "watch"})
    shown = 0
    for line in lines(sock):
        if "hello" in line:
            sys.stderr.write(f"Følger med på agenten {clean(str(line.get('version')), 20)}; stopp med Ctrl-C.\n")
            continue
        words = [words_json(line)] if as_json else line_words(line, clock(line.get("ms")))
        sys.stdout.write("".join(f"{one}\n" for one in words))
        sys.stdout.flush()
        shown += 1
        if most and shown >= most:
            return 0
    return 0


def learn(sock: socket.socket, now: Moment, seconds: int, keys: Path) -> int:
    """Open the learn window and show what is learned; the agent closes it when this connection or its time ends.

    keys: the folder where a secured device's key is put, in a file that only this user may read.
    """
    clock = _clock(now)
    ask(sock, {"ask": "learn", "seconds": seconds})
    learned: set[str] = set()
    opened = ended = False
    for line in lines(sock):
        if "learning_until_ms" in line:
            ended = opened and line["learning_until_ms"] is None
            if ended:
                break
            opened = line["learning_until_ms"] is not None
            if opened:
                sys.stdout.write(f"Læring er åpen til {clock(line['learning_until_ms'])[:8]}. Stopp med Ctrl-C.\n")
        said = line.get("said")
        for one in said if isinstance(said, list) else []:
            if isinstance(one, dict) and "learned" in one:
                sys.stdout.write(snippet(one, _key_file(one, keys)) + "\n")
                learned.add(str(one["learned"]))
        sys.stdout.flush()
    sys.stdout.write(f"Læring er avsluttet; {len(learned)} lært.\n")
    return 0 if opened else 1


def _key_file(learned: Mapping[str, object], folder: Path) -> Path | None:
    """Where the key that a device sent was put, None where it sent none."""
    line = learned.get("key_line")
    if not isinstance(line, str) or not line:
        return None
    name = "".join(c for c in str(learned["learned"]).rpartition(":")[2] if c.isalnum())[:40]
    path = folder / f"key-{name}"
    with suppress(FileNotFoundError):
        path.unlink()
    path.touch(0o600, exist_ok=False)
    path.write_text(line + "\n", "utf-8")
    return path


def snippet(learned: Mapping[str, object], key_file: Path | None = None) -> str:
    """Settings ready to be put into the file, for one device that was learned."""
    address, profile = (clean(str(learned.get(name, "")), 200) for name in ("learned", "profile"))
    radio = BY_PREFIX.get(address.partition(":")[0] + ":")
    meaning = radio.PROFILES.get(profile, "") if radio is not None else ""
    maker = clean(str(learned.get("maker", "")), 80)
    about = ", ".join(word for word in (maker, meaning) if word)
    text = ["", f"# {about}"] if about else [""]
    text += ["[[device]]", f"address = {json.dumps(address, ensure_ascii=False)}"]
    known = any(profile in found.PROFILES for found in RADIOS.values())
    if profile:
        text.append(f"profile = {json.dumps(profile)}" + ("" if known else "  # støttes ikke ennå"))
    else:
        text.append('profile = ""  # enheten sier ikke hvilken; se docs/reference/sensors.md')
    if key_file is not None:
        text.append(f"key_file = {json.dumps(str(key_file), ensure_ascii=False)}")
    text.append('use = "auto"  # call, door, bed, presence, motion, fall, leak, chair, wet')
    return "\n".join(text)


def _dialects(config: GatewayConfig) -> dict[str, str]:
    return {name: one.root for name, one in config.mqtt.rooted().items()} if config.mqtt is not None else {}


def record(sock: socket.socket, config: GatewayConfig, path: Path, most: int) -> int:
    """Write what comes into a new file that is only this user's, with everything that says whose it is replaced."""
    ask(sock, {"ask": "watch"})
    with path.open("x", encoding="utf-8") as file:
        path.chmod(0o600)
        tape = recording.Tape(config, _dialects(config))
        file.write(tape.header() + "\n")
        sys.stderr.write(f"Tar opp i {path}; stopp med Ctrl-C.\n")
        written = 0
        for line in lines(sock):
            for text in tape.taken(line):
                file.write(text + "\n")
                written += 1
            file.flush()
            if most and written >= most:
                break
        for text in tape.rest():
            file.write(text + "\n")
    sys.stderr.write(f"{written} linjer tatt opp.\n")
    return 0
