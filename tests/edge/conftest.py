"""Hypothesis for this folder: the same examples every time, and no stopwatch on a busy machine."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("edge", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("edge")
