"""`python -m tests.fuzz.run [libFuzzer's options] FOLDER …`: atheris over the harness. Not for CI; see make fuzz."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["nattevakt"]):
    from tests.fuzz.harness import play


def one_input(data: bytes) -> None:
    """What libFuzzer calls."""
    play(data)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
