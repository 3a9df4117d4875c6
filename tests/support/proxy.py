"""A small TCP proxy that can cut, swallow (half-open) and slow a line; it lives in the simulator."""

from __future__ import annotations

from nattevakt.sim.line import Proxy

__all__ = ["Proxy"]
