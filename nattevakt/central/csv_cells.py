"""What people have written, as a cell of a CSV file. Serves whoever opens one in a spreadsheet, no arrow.

Owns which texts a spreadsheet would take for something to run. Must not know what a file is about.
"""

from __future__ import annotations

_RUNS = ("=", "+", "-", "@", "\t", "\r")


def cell(text: str) -> str:
    """The text, with ' before it where a spreadsheet would run it as a formula: the name of a ward may begin with =."""
    return f"'{text}" if text.startswith(_RUNS) else text
