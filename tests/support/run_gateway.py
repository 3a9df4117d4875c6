"""The gateway as production runs it, with a probe that kills it at a chosen point. Only tests start it.

Usage: run_gateway.py CONFIG [POINT TRIGGER]: SIGKILL itself when POINT is passed while the file TRIGGER exists.
"""

from __future__ import annotations

import sys
from pathlib import Path

from nattevakt.gateway.cli import serve
from tests.support.crash import killer

if __name__ == "__main__":
    sys.exit(serve(Path(sys.argv[1]), killer(sys.argv[2:])))
