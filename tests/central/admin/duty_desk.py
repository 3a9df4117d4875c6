"""A duty and a routing as a lead sends them, and what is kept of them."""

from __future__ import annotations

from typing import Any

from nattevakt.central.people import duties
from nattevakt.central.people.duties import Duty
from tests.central.admin.desk import Desk
from tests.central.past_nights import HOUR, NOON_MS

EVENING, MORNING = NOON_MS + 10 * HOUR, NOON_MS + 19 * HOUR
DOCUMENT: dict[str, Any] = {
    "zones": [{"key": "nord", "name": "Nordfløyen", "wards": ["a"]}],
    "teams": [{"key": "falk", "name": "Falk", "staff": ["kari"]}],
    "chains": [
        {
            "key": "natt",
            "name": "Nattkjede",
            "steps": [
                {"to": ["tablets:zone"], "after_s": 0},
                {"to": ["duty:vakt", "team:falk"], "after_s": 60},
                {"to": ["tablets:all", "phone:+4790000000", "siren"], "after_s": 45},
            ],
            "repeat_s": 300,
        }
    ],
    "routes": [{"chain": "natt", "shifts": ["night"], "priorities": [1, 2]}],
}


def duty(desk: Desk, **changes: Any) -> Any:
    """Kari's coming night on ward a."""
    body = {"staff_id": desk.lived.kari, "role": "vakt", "from_ms": EVENING, "to_ms": MORNING, "ward_id": 1, **changes}
    return desk.post("/duties", body)


def kept(desk: Desk) -> list[Duty]:
    """All duties."""
    with desk.lived.db.read(desk.lived.tenant.id) as s:
        return duties.between(s, 0, 2**62)


def put(desk: Desk, routing: Any, version: int = 0, why: str = "Færre om natten") -> Any:
    """Write the routing."""
    return desk.post("/routing", {"expected_version": version, "why": why, "routing": routing}, "PUT")
