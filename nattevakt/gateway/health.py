"""What the gateway says of itself, in heartbeats and in status.json. Serves arrow 5.

Owns the reading of the machine (disk, temperature) and the bounded, clean form of what is told. Must not decide
anything about events.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nattevakt.edge.events import Moment
from nattevakt.edge.wire import Heartbeat, encode_message
from nattevakt.gateway.logs import clean

VERSION = "0.1.0"
LISTED_MAX = 50
COUNTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class Machine:
    """Where to look for the state of the machine; other places in tests."""

    state_dir: Path
    thermal: Path = Path("/sys/class/thermal/thermal_zone0/temp")

    def disk_free_mb(self) -> int:
        """Free space where the outbox is; 0 when even that cannot be read."""
        try:
            return shutil.disk_usage(self.state_dir).free // 1_000_000
        except OSError:
            return 0

    def temperature_c(self) -> float | None:
        """The processor's temperature, None on machines that do not tell."""
        try:
            return int(self.thermal.read_text("ascii")) / 1000
        except (OSError, ValueError):
            return None


def age_ms(then: Moment, now: Moment) -> int:
    """How long ago a moment was, as well as this machine can tell, never negative."""
    same_boot = then.boot == now.boot
    return max(0, now.boottime_ms - then.boottime_ms if same_boot else now.wall_ms - then.wall_ms)


def listed(texts: Iterable[str]) -> tuple[str, ...]:
    """Sentences fit for a heartbeat: clean, bounded, and a last one that says how many more there are."""
    found = [clean(text) for text in texts]
    if len(found) <= LISTED_MAX:
        return tuple(found)
    return (*found[: LISTED_MAX - 1], f"and {len(found) - LISTED_MAX + 1} more")


def counted(counters: Mapping[str, int]) -> dict[str, int]:
    """Counters fit for a heartbeat."""
    return {clean(name, 100): counters[name] for name in sorted(counters)[:COUNTERS_MAX]}


def write_status(path: Path, heartbeat: Heartbeat, extra: Mapping[str, object]) -> None:
    """Write status.json so that a reader sees the old one or the new one, never half. Raises OSError."""
    status = {**json.loads(encode_message(heartbeat)), **extra}
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(status, ensure_ascii=False, indent=1), "utf-8")
    fresh.replace(path)


def status_faults(status: Mapping[str, object]) -> list[str]:
    """The faults that a status names."""
    health = status.get("health")
    faults = health.get("faults") if isinstance(health, dict) else None
    return [str(fault) for fault in faults] if isinstance(faults, list) else []
