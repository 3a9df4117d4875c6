"""All planted bugs: each is hunted, and must be found."""

from __future__ import annotations

from tests.judge.bugs_centre import CENTRE
from tests.judge.bugs_gateway import GATEWAY

MUTANTS = (*GATEWAY, *CENTRE)
"""In the order of the table."""
