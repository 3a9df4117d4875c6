"""The central service as production runs it, with a probe that kills or raises at a chosen point. Only tests start it.

Usage: run_central.py CONFIG [kill POINT TRIGGER | poison DEVICE]
"""

from __future__ import annotations

import sys
from pathlib import Path

from nattevakt.central.cli import serve
from tests.support.crash import killer, poison

if __name__ == "__main__":
    config, *words = sys.argv[1:]
    sys.exit(serve(Path(config), poison(words[1]) if words[:1] == ["poison"] else killer(words[1:])))
