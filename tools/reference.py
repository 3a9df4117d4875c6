"""Writes docs/reference/ from the code: events, rules, alarms, settings, commands, devices, API, metrics; and faults.

`python -m tools.reference` writes; tests/test_docs.py fails when a page is stale. What cannot be read from the code
stands in its docstrings, so that there is one place to keep right.
"""

from __future__ import annotations

import argparse
import inspect
import json
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast, get_args, get_type_hints

from fastapi.routing import APIRoute, APIRouter
from prometheus_client import REGISTRY

from nattevakt.central import cli as central_cli
from nattevakt.central import config as central_config
from nattevakt.central.admin import (
    chain_routes,
    channels_routes,
    duty_routes,
    night_list_routes,
    report_routes,
    resident_routes,
    rounds_routes,
    routing_routes,
    story_routes,
)
from nattevakt.central.admin import routes as admin_routes
from nattevakt.central.alarms import lifecycle, overdue
from nattevakt.central.alarms.kinds import KINDS as ALARM_KINDS
from nattevakt.central.app import create_app
from nattevakt.central.clock import ServiceClock
from nattevakt.central.places.pauses import SHIFT_MINUTES
from nattevakt.central.tablet import handover_routes, person_routes, push_routes, rounds_page, routes, tests_routes
from nattevakt.edge.drivers.driver import VALUES, Use
from nattevakt.edge.drivers.registry import MQTT_DIALECTS, PROFILES, SERIAL_DRIVERS
from nattevakt.edge.events import KINDS, Urgency
from nattevakt.gateway import cli as gateway_cli
from nattevakt.gateway import config as gateway_config
from nattevakt.sim import __main__ as sim_cli
from nattevakt.sim import commands as sim_commands
from nattevakt.sim import faults as sim_faults
from tools import life_drawing
from tools.rules_page import rules_pages
from tools.sensors_page import sensors_page, table

ROOT = Path(__file__).parents[1]
NOTE = "<!-- Written by tools/reference.py; change the code, then run `python -m tools.reference`. -->\n"


def doc(thing: object) -> str:
    """A docstring without its indentation."""
    return inspect.getdoc(thing) or ""


def type_name(hint: object) -> str:
    """A type as settings and messages speak of it."""
    names = {str: "text", int: "whole number", float: "number", bool: "true/false", Path: "path", type(None): "nothing"}
    if isinstance(hint, type) and hint in names:
        return names[hint]
    inner = [type_name(part) for part in get_args(hint) if part not in (type(None), Ellipsis)]
    if str(hint).startswith("tuple"):
        return f"list of {inner[0]}"
    if str(hint).startswith("collections.abc.Mapping"):
        return f"table of {inner[-1]}"
    if inner:
        return " or ".join(inner)
    return getattr(hint, "__name__", str(hint))


def events_page() -> str:
    """Every kind of event with its class, fields and meaning."""
    parts = [NOTE, "# Events\n", "What a gateway can say. The class decides order, shedding, and whether it rings.\n"]
    classes = ((urgency.value, meaning) for urgency, meaning in zip(Urgency, CLASS_MEANING, strict=True))
    parts.append(table(("class", "meaning"), classes))
    parts.append("A class-A row that repeats another within 2 s (`repeat_of`) is class C.\n")
    for kind, body in KINDS.items():
        hints = get_type_hints(body)
        rows = [
            (f"`{entry.name}`", type_name(hints[entry.name]), "yes" if entry.default is MISSING else "no")
            for entry in fields(body)  # type: ignore[arg-type]
        ]
        nature = "A" if kind in {"call", "fall", "leak"} else body.urgency.fget(object()).value  # type: ignore[attr-defined]
        parts.append(f"## {kind}\n\nClass {nature}. {doc(body)}\n")
        if rows:
            parts.append(table(("field", "type", "required"), rows))
    return "\n".join(parts)


CLASS_MEANING = (
    "call, fall, leak, and whatever a newer gateway marks so: never shed, always an alarm",
    "edges of bed, door, presence: shed after C when the outbox is full, and named",
    "health, measurements, repeats: shed first",
    "the gateway's own life: never shed",
)


def alarms_page() -> str:
    """Kinds, states and moves of alarms."""
    kinds = (
        (f"`{kind.key}`", kind.vkp_code, kind.priority.name.lower(), "yes" if kind.may_clear_itself else "no")
        for kind in ALARM_KINDS.values()
    )
    moves = (
        (
            f"`{state.value}`",
            ", ".join(f"{move.value} → {lifecycle.LEADS_TO[move].value}" for move in sorted(lifecycle.ALLOWED[state])),
            lifecycle.VKP_EVENT[state] or "none",
        )
        for state in lifecycle.State
    )
    shifts = ", ".join(f"{minute // 60:02}:00" for minute in SHIFT_MINUTES)
    return "\n".join(
        (
            NOTE,
            "# Alarms\n",
            "## Kinds\n",
            "VKP codes are the national alert codes for digital supervision; `internal` has none.\n",
            table(("kind", "VKP code", "priority", "may clear itself"), kinds),
            "## States and moves\n",
            "From `nattevakt/central/alarms/lifecycle.py`. Any other move is refused, on the tablet with a sentence. A",
            "call, fall or leak never clears itself. What is promised about it, and the limits of that:",
            "[alarm handling](../explanation/alarm-handling.md).\n",
            f"![{life_drawing.described()}](alarms/life.svg)\n",
            table(("state", "moves", "VKP composition event"), moves),
            "## Closing\n",
            f"Causes: {', '.join(f'`{cause}`' for cause in lifecycle.CAUSES)}.\n",
            f"Actions: {', '.join(f'`{action}`' for action in lifecycle.ACTIONS)}.\n",
            "## Time of whoever has it\n",
            "A taken alarm to which nobody has come rings again (`escalate`) when its time is over. The time is",
            f"{overdue.LIMIT_MS // 60_000} minutes, or what [the centre's settings](settings.md) say. For what is",
            "about the installation and not urgent it lasts to the next change of shift",
            f"({shifts}), and at least {overdue.TECHNICAL_LEAST_MS // 60_000} minutes. Whoever takes it may",
            f"promise to be there within 1 to {overdue.PROMISE_MOST_MIN} minutes instead (`promise_min` with `take`",
            "and `on-way`), also anew.\n",
        )
    )


def api_page() -> str:
    """The gateways' contract with its examples, the ward leads', and the routes of our own pages."""
    config = central_config.CentralConfig(central_config.DatabaseConfig("sqlite:///:memory:"))
    parts = [
        NOTE,
        "# API\n",
        "The centre serves its OpenAPI document at `/v1/openapi.json`. Times are Unix milliseconds, UTC.\n",
        "## For gateways\n",
    ]
    admin: list[str] = []
    answers: dict[str, str] = {}
    for path, methods in create_app(config, ServiceClock()).openapi()["paths"].items():
        for method, told in methods.items():
            found = {code: answer["description"] for code, answer in sorted(told["responses"].items())}
            if path.startswith(ADMIN):
                admin += _told(method, path, told)
                answers |= found
                continue
            parts += _told(method, path, told)
            parts.append(table(("status", "meaning"), found.items()))
    parts += [
        "## For ward leads\n",
        "With the cookies of an enrolled tablet and of a person on it who leads the resident's ward. Unknown keys are",
        "refused. Names are never answered without an entry in the access log. They all answer:\n",
        table(("status", "meaning"), sorted(answers.items())),
        *admin,
        "### The same for people\n",
        "The pages' own routes, with the same cookies.\n",
        _own(
            admin_routes.router,
            resident_routes.router,
            rounds_routes.router,
            story_routes.router,
            duty_routes.router,
            routing_routes.router,
            chain_routes.router,
            channels_routes.router,
            report_routes.router,
            night_list_routes.router,
        ),
        "## For tablets\n",
        "With the cookie of an enrolled tablet; made for the tablet's own page.\n",
        _own(
            routes.router,
            person_routes.router,
            handover_routes.router,
            rounds_page.router,
            push_routes.router,
            tests_routes.router,
        ),
    ]
    return "\n".join(parts)


ADMIN = "/v1/admin"


def _told(method: str, path: str, told: dict[str, Any]) -> list[str]:
    """One address: what it does, and an example of what it takes, if it takes anything."""
    parts = [f"### {method.upper()} {path}\n\n{told.get('description') or told['summary']}\n"]
    asked = [f"`{one['name']}`" for one in told.get("parameters", ()) if one["in"] == "query"]
    if asked:
        parts.append(f"Asked with: {', '.join(asked)}.\n")
    for media, content in told.get("requestBody", {"content": {}})["content"].items():
        example = content["example"]
        text = example if isinstance(example, str) else json.dumps(example, indent=1, ensure_ascii=False)
        parts.append(f"`{media}`\n\n```json\n{text.strip()}\n```\n")
    return parts


def _own(*routers: APIRouter) -> str:
    """Routes of our own pages, each with what it does. A router does not name those that it includes."""
    own = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    return table(
        ("route", "what it does"),
        ((f"`{'/'.join(sorted(route.methods or ()))} {route.path}`", doc(route.endpoint)) for route in own),
    )


def settings_of(section: str, kind: type[Any]) -> str:
    """One settings class as a table, then its nested sections."""
    hints = get_type_hints(kind)
    rows, nested = [], []
    for entry in fields(kind):
        hint = hints[entry.name]
        inner = next((part for part in (hint, *get_args(hint)) if is_dataclass(part)), None)
        if inner is not None:
            nested.append((entry.name, str(hint).startswith("tuple"), inner))
            continue
        value = entry.default if entry.default_factory is MISSING else entry.default_factory()
        default = "required" if value is MISSING else f"`{value!r}`"
        rows.append((f"`{entry.name}`", type_name(hint), default.replace("'", '"')))
    parts = [f"### {section}\n", doc(kind) + "\n"]
    if rows:
        parts.append(table(("key", "type", "default"), rows))
    for name, many, inner in nested:
        parts.append(settings_of(f"`[[{name}]]`" if many else f"`[{name}]`", cast("type[Any]", inner)))
    return "\n".join(parts)


def settings_page() -> str:
    """All settings of gateway and centre."""
    return "\n".join(
        (
            NOTE,
            "# Settings\n",
            "Both programs read one TOML file, once. An unknown key or an impossible value stops the start with one",
            "line that names the key; `check-config` says the same beforehand.\n",
            "## Gateway\n",
            settings_of("top of the file", gateway_config.GatewayConfig),
            "## Centre\n",
            settings_of("top of the file", central_config.CentralConfig),
        )
    )


def parser_text(parser: argparse.ArgumentParser, depth: int = 2) -> list[str]:
    """The help of a program and, below it, of each of its commands."""
    # A fixed width, whatever terminal the pages are written in.
    parser.formatter_class = lambda prog: argparse.HelpFormatter(prog, width=100)
    text = parser.format_help().strip()
    parts = [f"{'#' * depth} {parser.prog}\n", f"```text\n{text}\n```\n"]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                parts += parser_text(inner, min(depth + 1, 4))
    return parts


def commands_page() -> str:
    """The help texts of the three programs."""
    parts = [NOTE, "# Commands\n"]
    for program in (gateway_cli, central_cli, sim_cli):
        parts += parser_text(program.parser())
    return "\n".join(parts)


def devices_page() -> str:
    """Drivers, profiles, uses and the vocabulary of readings."""
    return "\n".join(
        (
            NOTE,
            "# Devices\n",
            f"Serial drivers: {', '.join(SERIAL_DRIVERS)}. MQTT dialects: {', '.join(MQTT_DIALECTS)}.\n",
            "## Profiles\n",
            "The profile always comes from the settings; the same bytes mean different things in different profiles.\n",
            table(("profile", "meaning"), sorted(PROFILES.items())),
            "## Uses\n",
            f"`use` says what a device is for: {', '.join(f'`{use.value}`' for use in Use)}. `invert = true` swaps the",
            "meaning of a plain input, for a normally-closed mat or a reed mounted the other way. `wet` is a moisture",
            "pad: a water sensor of any radio that also says dry, or an input or contact that closes when wet.\n",
            "## Zigbee2MQTT\n",
            "Devices describe themselves (`exposes`). Understood: contact, occupancy, presence, action (emergency,",
            'sos, panic; single presses of known call buttons or of devices with `use = "call"`), sos, water_leak,',
            "vibration, tamper, battery, battery_low, linkquality, last_seen, availability, `fall_status` (Heiman",
            "HS2FD), `status` (OWON FDS315), `fall_down_status` (MIR-HE200-TY), bed occupancy (Tuya TS0601).",
            "Set `qos: 1` and `last_seen: ISO_8601` in Zigbee2MQTT; its default is neither.\n",
            "## What a reading may say\n",
            table(("value", "type and meaning"), VALUES.items()),
        )
    )


def metrics_page() -> str:
    """Every metric that the centre exposes."""
    found = sorted((metric.name, metric.type, metric.documentation) for metric in REGISTRY.collect())
    rows = ((f"`{name}`", kind, words) for name, kind, words in found if name.startswith("nattevakt_"))
    return "\n".join(
        (
            NOTE,
            "# Metrics\n",
            "The centre serves them at `/metrics` in the Prometheus format, to this machine only unless a bearer token",
            "is set. The gateway's counters come with each heartbeat.\n",
            table(("name", "type", "meaning"), rows),
        )
    )


FAULTS_BEGIN, FAULTS_END = "<!-- faults: written by tools/reference.py -->\n", "<!-- end of faults -->\n"


def simulation_page() -> str:
    """The page about the simulation as it stands, with the table of faults as the code has them."""
    written = (ROOT / "docs/explanation/simulation.md").read_text(encoding="utf-8")
    before, _, rest = written.partition(FAULTS_BEGIN)
    _, _, after = rest.partition(FAULTS_END)
    rows = (
        (f"`{fault.name}`", fault.of, fault.says, sim_commands.consequence(fault))
        for fault in sim_faults.FAULTS.values()
    )
    faults = table(("fault", "devices", "what it does", "alarm"), rows)
    return f"{before}{FAULTS_BEGIN}\n{faults}\n{FAULTS_END}{after}"


@cache
def pages() -> dict[str, str]:
    """Path to text of every generated page."""
    return {
        "docs/reference/events.md": events_page(),
        "docs/reference/alarms.md": alarms_page(),
        "docs/reference/alarms/life.svg": life_drawing.drawing(),
        "docs/reference/api.md": api_page(),
        "docs/reference/settings.md": settings_page(),
        "docs/reference/commands.md": commands_page(),
        "docs/reference/devices.md": devices_page(),
        "docs/reference/sensors.md": sensors_page(NOTE),
        "docs/reference/metrics.md": metrics_page(),
        "docs/explanation/simulation.md": simulation_page(),
        **rules_pages(NOTE),
    }


if __name__ == "__main__":
    for path, text in pages().items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text, encoding="utf-8")
        print(path)
