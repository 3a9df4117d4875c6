"""`nattevakt-gateway siren test`: the sirens sound for some seconds, and each is seen to say so. Serves the installer.

Owns what is asked of the running agent and how its sirens are told of. Must not command a siren itself: the agent has
the broker. When the person leaves, or the seconds are over, the sirens are silent again unless somebody else asks.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from nattevakt.gateway.config import GatewayConfig
from nattevakt.gateway.sensors import NOT_RUNNING, REPLY_S, ask, lines
from nattevakt.gateway.tap import SIREN_MAX_S, connect

SECONDS, LEAST_S = 20, 10
LOOK_S = 0.5
LATE_S = 6
"""The status is written each five seconds."""
_ON = "on"
WORDS: Mapping[str, str] = {
    _ON: "uler, og sier det selv",
    "off": "er stille",
    "unreachable": "kan ikke nås",
    "silent": "skal ule, men har ikke bekreftet at den gjør det",
    "unknown": "har ikke sagt noe om seg selv ennå",
}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The words that `siren` takes."""
    text = "prøv sirenene som er satt opp"
    inner = commands.add_parser("siren", help=text, description=text).add_subparsers(dest="siren", required=True)
    help_text = "la alle sirenene ule noen sekunder, og se om hver av dem bekrefter det; avslutter med 1 hvis ikke"
    command = inner.add_parser("test", help=help_text, description=help_text)
    command.add_argument("--config", type=Path, required=True, metavar="FIL", help="innstillinger i TOML")
    command.add_argument(
        "--seconds",
        type=int,
        default=SECONDS,
        metavar="N",
        choices=range(LEAST_S, SIREN_MAX_S + 1),
        help=f"så lenge uler de, {LEAST_S} til {SIREN_MAX_S}; {SECONDS} hvis det ikke står noe",
    )


def run(config: GatewayConfig, seconds: int) -> int:
    """Let them sound, and say of each whether it confirmed that; gives the exit code."""
    if not config.siren:
        sys.stdout.write("Det er ikke satt opp noen sirene her.\n")
        return 1
    best = {siren.address: "unknown" for siren in config.siren}
    try:
        with connect(config.state_dir) as sock:
            sock.settimeout(REPLY_S)
            ask(sock, {"ask": "siren", "seconds": seconds})
            asked_ms = next(lines(sock), {}).get("now_ms")
            for states in _states(config.status_file, seconds + LATE_S, asked_ms if isinstance(asked_ms, int) else 0):
                best |= {address: states.get(address, best[address]) for address in best if best[address] != _ON}
                if set(best.values()) == {_ON}:
                    break
    except PermissionError as error:
        sys.stderr.write(f"Bare brukeren som agenten kjører som, slipper til ({error.strerror}). Prøv med sudo.\n")
        return 1
    except OSError:
        sys.stderr.write(NOT_RUNNING)
        return 1
    sys.stdout.write("".join(f"sirene {address}: {WORDS.get(word, word)}\n" for address, word in best.items()))
    return 0 if set(best.values()) == {_ON} else 1


def _states(status_file: Path, seconds: float, asked_ms: int) -> Iterator[dict[str, str]]:
    """How the sirens that are told to sound stand, again and again for so long; ended early by the person.

    asked_ms: what was written before then, by the agent's clock, says nothing of it.
    """
    wait = threading.Event()
    try:
        for _ in range(round(seconds / LOOK_S)):
            wait.wait(LOOK_S)
            try:
                status = json.loads(status_file.read_text("utf-8"))
                is_news = status["sent"]["boottime_ms"] > asked_ms
            except (OSError, ValueError, KeyError, TypeError):
                continue
            if is_news:
                yield {address: _word(one) for address, one in _sirens(status).items() if one.get("told") is True}
    except KeyboardInterrupt:
        return


def told(status: Mapping[str, object]) -> list[str]:
    """A line for each siren in a status."""
    return [f"sirene {address}: {WORDS.get(_word(one), _word(one))}" for address, one in _sirens(status).items()]


def _sirens(status: Mapping[str, object]) -> dict[str, dict[str, object]]:
    found = status.get("sirens")
    return {str(key): one for key, one in found.items() if isinstance(one, dict)} if isinstance(found, dict) else {}


def _word(one: Mapping[str, object]) -> str:
    return str(one.get("state", "unknown"))
