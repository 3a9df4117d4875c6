"""The installer's list: what is set up, what it may be, and how it is. Serves the person at the gateway, no arrow.

Owns how settings, status.json and the registry's products are put side by side. Must not know sockets or the outbox.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from nattevakt.edge.drivers.driver import Device, Product
from nattevakt.edge.drivers.registry import BY_PREFIX, RADIOS
from nattevakt.edge.events import Moment
from nattevakt.gateway import sensor_words as words
from nattevakt.gateway.config import GatewayConfig
from nattevakt.gateway.logs import clean
from nattevakt.gateway.sensor_words import POWER_WORDS, SPOT_WORDS, VALUE_NAMES, interval_words, value_words

CANDIDATES_SHOWN = 6


@dataclass(frozen=True)
class Status:
    """The part of status.json that speaks of sensors, whatever the file held."""

    sent_ms: int = 0
    boot: str = ""
    running: bool = False
    heard_age_ms: Mapping[str, int] = field(default_factory=dict)
    own: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    links: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    sources: Mapping[str, object] = field(default_factory=dict)
    counters: Mapping[str, object] = field(default_factory=dict)
    findings: tuple[str, ...] = ()


def _map(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def status_of(value: object) -> Status:
    """What a status file holds; anything that makes no sense is as if it were not there."""
    found, sent = _map(value), _map(_map(value).get("sent"))
    health, sensors = _map(found.get("health")), _map(found.get("sensors"))
    sent_ms = sent.get("boottime_ms")
    ages = _map(found.get("heard_age_ms"))
    findings = health.get("findings")
    return Status(
        sent_ms if isinstance(sent_ms, int) else 0,
        str(sent.get("boot", "")),
        found.get("running") is True,
        {name: age for name, age in ages.items() if isinstance(age, int)},
        {name: _map(own) for name, own in _map(sensors.get("devices")).items()},
        {name: _map(link) for name, link in _map(sensors.get("links")).items()},
        _map(health.get("sources")),
        _map(health.get("counters")),
        tuple(str(one) for one in findings) if isinstance(findings, list) else (),
    )


def candidates(device: Device) -> tuple[Product, ...]:
    """The products that a configured device may be, by its radio and profile."""
    radio = BY_PREFIX.get(device.address.partition(":")[0] + ":")
    if radio is None:
        return ()
    return tuple(product for product in radio.PRODUCTS if product.profile == device.profile and device.profile)


def age_words(ms: int) -> str:
    """How long ago, for people."""
    seconds = ms // 1000
    for limit, unit, word in ((120, 1, "s"), (7_200, 60, "min"), (172_800, 3_600, "timer")):
        if seconds < limit:
            return f"for {seconds // unit} {word} siden"
    return f"for {seconds // 86_400} døgn siden"


def listed(config: GatewayConfig, status: Status, now: Moment, *, as_json: bool) -> str:
    """Every configured device, then the lines they come on."""
    # How old the file is counts too: what was heard 2 s before it was written an hour ago is an hour old.
    older_ms = max(0, now.boottime_ms - status.sent_ms) if status.boot == now.boot else 0
    devices = [_device(device, status, older_ms) for device in config.device]
    links = {name: {**link, "state": status.sources.get(name)} for name, link in status.links.items()}
    unknown = sorted(set(status.heard_age_ms) - {device.address for device in config.device})
    if as_json:
        whole = {
            "running": status.running,
            "devices": devices,
            "links": links,
            "counters": status.counters,
            "heard_not_set_up": unknown,
        }
        return words.as_json(whole, 1) + "\n"
    lines = [] if status.running else ["Agenten kjører ikke; det som står her er det den sist skrev.", ""]
    for device in devices:
        lines += _device_lines(device)
    for name, link in links.items():
        lines.append(f"linje {name}: {clean(str(link['state']), 100)}; {words.link_words(link)}")
    lines += [f"teller {clean(name, 80)}: {number}" for name, number in status.counters.items()]
    lines += [f"hørt, men ikke satt opp: {clean(address, 200)}" for address in unknown]
    return "\n".join(lines) + "\n"


def _device(device: Device, status: Status, older_ms: int) -> dict[str, object]:
    own = dict(status.own.get(device.address, {}))
    own.pop("heard_ms", None)
    age = status.heard_age_ms.get(device.address)
    return {
        "address": device.address,
        "use": device.use.value,
        "profile": device.profile,
        "invert": device.invert,
        "candidates": [asdict(product) for product in candidates(device)],
        "heard_age_ms": None if age is None else age + older_ms,
        "own": own,
        "findings": [one for one in status.findings if one.startswith(f"{device.address}: ")],
    }


def _device_lines(device: Mapping[str, object]) -> Iterator[str]:
    address, age = str(device["address"]), device["heard_age_ms"]
    profile = f", profil {device['profile']}" if device["profile"] else ""
    heard = age_words(age) if isinstance(age, int) else "ALDRI"
    yield f"{address}: {device['use']}{profile}{', snudd' if device['invert'] else ''}; sist hørt {heard}"
    products = _list(device["candidates"])
    if products:
        names = [f"{one['maker']} {one['model']}" for one in products[:CANDIDATES_SHOWN]]
        more = f" og {len(products) - CANDIDATES_SHOWN} til" if len(products) > CANDIDATES_SHOWN else ""
        yield f"    kan være {', '.join(names)}{more}"
        reports = dict.fromkeys(VALUE_NAMES[name] for one in products for name in one["reports"])
        power = dict.fromkeys(POWER_WORDS[one["power"]] for one in products)
        interval = dict.fromkeys(interval_words(one["interval_s"], mute=one["mute"]) for one in products)
        yield f"    melder {', '.join(reports)}; {' eller '.join(power)}; livstegn {' eller '.join(interval)}"
    own = _map(device["own"])
    if own:
        told = [value_words(name, value) for name, value in own.items() if name in VALUE_NAMES]
        told.append(f"{own.get('messages', 0)} meldinger siden start")
        told += [f"{own.get('errors')} uten mening"] if own.get("errors") else []
        told += ["FLOMMER"] if own.get("flood") else []
        yield f"    {', '.join(told)}"
    for finding in _list(device["findings"]):
        yield f"    funn: {clean(str(finding).removeprefix(f'{address}: '), 300)}"


def product_lines() -> Iterator[str]:
    """Every product that the registry knows."""
    for name, radio in RADIOS.items():
        yield f"{name} ({radio.PREFIX}…)"
        for one in sorted(radio.PRODUCTS, key=lambda product: (product.maker, product.model, product.profile)):
            profile = f" [{one.profile}]" if one.profile else ""
            reports = ", ".join(dict.fromkeys(VALUE_NAMES[value] for value in one.reports))
            yield (
                f"  {one.maker} {one.model}{profile}: {reports}; {POWER_WORDS[one.power]}; "
                f"{interval_words(one.interval_s, mute=one.mute)}; plass: {SPOT_WORDS[one.spot]}"
            )
            yield from (f"    kjent feil: {fault}" for fault in one.faults)


def products_json() -> str:
    """The same as JSON."""
    whole = {name: [asdict(one) for one in radio.PRODUCTS] for name, radio in RADIOS.items()}
    return words.as_json(whole, 1) + "\n"
