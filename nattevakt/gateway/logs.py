"""Log lines as key=value on stderr. Serves arrows 1 to 5 by telling what they did.

Owns the shape of a line. Must not know residents: only device addresses, sequence numbers and states are logged.
"""

from __future__ import annotations

import logging
import sys


def kv(event: str, **fields: object) -> str:
    """One line of key=value pairs; a value with spaces is quoted, control characters become spaces."""
    parts = [f"event={event}"]
    for key, value in fields.items():
        shown = clean(str(value), 300)
        parts.append(f'{key}="{shown}"' if " " in shown or '"' in shown or not shown else f"{key}={shown}")
    return " ".join(parts)


def clean(text: str, length_max: int = 200) -> str:
    """Text that is safe in a log line and in a health message: one line, printable, bounded."""
    cut = text[:length_max]
    # Nearly all of it is; a heartbeat says some dozens of these four times a minute.
    return cut if cut.isprintable() else "".join(c if c.isprintable() else " " for c in cut)


def setup(level: int = logging.INFO) -> None:
    """Send all log lines of this process to stderr, where journald adds the time."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("level=%(levelname)s logger=%(name)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
