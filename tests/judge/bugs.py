"""All planted bugs."""

from __future__ import annotations

from tests.judge.bugs_centre import CENTRE
from tests.judge.bugs_gateway import GATEWAY

MUTANTS = (*GATEWAY, *CENTRE)
