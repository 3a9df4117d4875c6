"""`python -m nattevakt.gateway` and the console script. Serves arrows 1 to 5 by starting them; owns nothing itself."""

from __future__ import annotations

import sys

from nattevakt.gateway.cli import run_command


def main() -> int:
    """Run the command line and give the process's exit code."""
    return run_command(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
