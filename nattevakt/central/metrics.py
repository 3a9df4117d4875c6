"""What the centre counts and measures for operators. Serves arrows 6 to 9.

Owns the metrics that belong to no single module, and who may read them. Must not know any resident.
"""

from __future__ import annotations

import ipaddress
import secrets

from prometheus_client import Counter, Histogram

BATCHES = Counter("nattevakt_batches_total", "Batches by answer", ["lane", "status"])
EVENTS = Counter("nattevakt_events_total", "Events by outcome", ["outcome"])
HEARTBEATS = Counter("nattevakt_heartbeats_total", "Heartbeats by answer", ["status"])
BATCH_SECONDS = Histogram(
    "nattevakt_batch_seconds",
    "From a batch's first byte to its answer",
    ["lane"],
    buckets=(0.002, 0.004, 0.008, 0.016, 0.03, 0.06, 0.125, 0.25, 0.5, 1, 2, 5),
)


def may_read(peer: str, authorization: str, token: str) -> bool:
    """Whether metrics are shown: to who knows the token, or without one to this machine alone."""
    if token:
        return secrets.compare_digest(authorization.encode(), f"Bearer {token}".encode())
    try:
        return ipaddress.ip_address(peer).is_loopback
    except ValueError:
        return False
