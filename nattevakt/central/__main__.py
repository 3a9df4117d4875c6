"""Entry of `python -m nattevakt.central` and of `nattevakt-central`. Owns nothing but the exit."""

from __future__ import annotations

import sys

from nattevakt.central.cli import run_command


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(run_command(sys.argv[1:]))


if __name__ == "__main__":
    main()
