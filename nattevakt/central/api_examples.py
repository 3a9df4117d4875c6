"""The documentation of the gateways' routes: real requests and answers for OpenAPI. Serves arrow 6.

Owns words and examples, each of which a test sends or reads. Must not know what a route does.
"""

from __future__ import annotations

import json
from typing import Any

from nattevakt.edge.wire import CONTENT_TYPE, list_digest

STREAM = "5f0c2b7ad1e94c3f8a6b1d2e3f405162"
MOMENT = {
    "boot": "0f9a1c9e-6a55-4c0f-9d2c-3f6a0f1b2c3d",
    "boottime_ms": 864000123,
    "wall_ms": 1795212606000,
    "synced": True,
}


def dumps(value: object) -> bytes:
    """Compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


_LINES = (
    {"v": 1, "sent": {**MOMENT, "boottime_ms": 864000323}, "firsts": {STREAM: 1}},
    {
        "stream": STREAM,
        "seq": 2,
        "kind": "call",
        "class": "A",
        "at": MOMENT,
        "data": {"device": "enocean:0181192D", "control": "press"},
    },
)
BATCH_EXAMPLE = "".join(dumps(line).decode() + "\n" for line in _LINES)
BATCH_REPLY_EXAMPLE = {"v": 1, "outcomes": [{"outcome": "stored", "reason": ""}], "marks": {STREAM: 2}}
_DEVICES = {"enocean:0181192D": "call"}
HEARTBEAT_EXAMPLE: dict[str, Any] = {
    "v": 1,
    "sent": MOMENT,
    "stream": STREAM,
    "streams": [{"stream": STREAM, "first": 1, "last": 2, "acked": 2}],
    "complete_to": {"at": MOMENT, "marks": {STREAM: 2}},
    "health": {
        "version": "0.1.0",
        "uptime_s": 864000,
        "backlog_rows": 0,
        "oldest_unsent_s": 0,
        "parked_rows": 0,
        "shed_rows": 0,
        "disk_free_mb": 12000,
        "clock_synced": True,
        "sources": {"serial:enocean0": "up"},
        "counters": {"frames": 120},
        "faults": [],
        "findings": [],
    },
    "heard_age_ms": {"enocean:0181192D": 200},
    "list_digest": list_digest(_DEVICES),
    "devices": _DEVICES,
}
HEARTBEAT_REPLY_EXAMPLE = {
    "v": 1,
    "marks": {STREAM: 2},
    "now_ms": 1795212606250,
    "list_wanted": False,
    "lists": {"only_gateway": [], "only_centre": ["lora:24e124535d387374"], "more": 0},
}

_PROBLEM = {"type": "object", "properties": {name: {"type": "string"} for name in ("error", "field", "reason")}}


def _problem(description: str, error: str, field: str, reason: str) -> dict[str, Any]:
    example = {"error": error, "field": field, "reason": reason}
    return {"description": description, "content": {"application/json": {"schema": _PROBLEM, "example": example}}}


_RETRY_AFTER = {"Retry-After": {"description": "Seconds", "schema": {"type": "string"}}}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: _problem("Wrong credential: keep everything", "credential", "Authorization", "no readable credential"),
    403: _problem("Key withdrawn: keep everything", "revoked", "Authorization", "the key has been withdrawn"),
    413: _problem("Too large: send less at once", "too_large", "", "more than 1000000 bytes"),
    415: _problem("Wrong media type", "media_type", "Content-Type", "must be application/x-ndjson"),
    422: _problem("Unreadable as a whole; names the field", "unreadable", "header.sent.boot", "is missing"),
    429: {
        **_problem("Come again after Retry-After", "busy", "", "another backlog is being read"),
        "headers": _RETRY_AFTER,
    },
    503: _problem("No database: come again", "try_again", "", "the database is away or busy: OperationalError"),
}
_LANE = {
    "name": "Nattevakt-Lane",
    "in": "header",
    "required": False,
    "description": "urgent: holds a class-A event, never waits; backlog: everything else",
    "schema": {"type": "string", "enum": ["urgent", "backlog"]},
}
_SECURITY: list[dict[str, list[str]]] = [{"gateway": []}]


def _object(*required: str) -> dict[str, Any]:
    return {"type": "object", "required": list(required)}


BATCHES: dict[str, Any] = {
    "summary": "Take one batch of events",
    "responses": {
        **_PROBLEMS,
        200: {
            "description": "One outcome an event in order (stored, duplicate, conflict, refused), and the marks",
            "content": {
                "application/json": {"schema": _object("v", "outcomes", "marks"), "example": BATCH_REPLY_EXAMPLE}
            },
        },
    },
    "openapi_extra": {
        "parameters": [_LANE],
        "security": _SECURITY,
        "requestBody": {
            "required": True,
            "description": "Lines of JSON: a header, then one event a line",
            "content": {CONTENT_TYPE: {"schema": {"type": "string"}, "example": BATCH_EXAMPLE}},
        },
    },
}
HEARTBEATS: dict[str, Any] = {
    "summary": "Take one sign of life",
    "responses": {
        **{status: problem for status, problem in _PROBLEMS.items() if status != 429},
        429: _problem("Too many wrong credentials", "too_many_failures", "Authorization", "too many wrong credentials"),
        200: {
            "description": "The centre's mark of each stream, its time, and which devices only one end knows",
            "content": {
                "application/json": {"schema": _object("v", "marks", "now_ms"), "example": HEARTBEAT_REPLY_EXAMPLE}
            },
        },
    },
    "openapi_extra": {
        "security": _SECURITY,
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": _object("v", "sent", "stream", "streams", "health"),
                    "example": HEARTBEAT_EXAMPLE,
                }
            },
        },
    },
}
SECURITY_SCHEMES = {
    "gateway": {
        "type": "http",
        "scheme": "bearer",
        "description": "nv1.<tenant key>.<gateway key>.<secret>",
    },
    "tablet": {"type": "apiKey", "in": "cookie", "name": "__Host-tablet", "description": "An enrolled tablet"},
    "person": {"type": "apiKey", "in": "cookie", "name": "__Host-person", "description": "Who is logged in on it"},
}
