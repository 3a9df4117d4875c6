"""The gateway stays small: what it imports, and what it weighs."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ["pydantic", "sqlalchemy", "httpx", "fastapi", "starlette", "jinja2", "alembic", "asyncio", "structlog"]


def test_the_agent_imports_none_of_the_centre_s_libraries() -> None:
    program = "import sys, nattevakt.gateway.__main__; print(' '.join(sorted(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    loaded = {name.partition(".")[0] for name in found.stdout.split()}
    assert loaded & set(HEAVY) == set()
    assert {"paho", "serial", "sqlite3"} <= loaded


def test_the_imported_agent_fits_a_small_machine() -> None:
    program = (
        "import nattevakt.gateway.__main__, pathlib;"
        "print([l for l in pathlib.Path('/proc/self/status').read_text().splitlines() if l.startswith('VmRSS')][0])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert int(found.stdout.split()[1]) < 36_000
