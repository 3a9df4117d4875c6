"""Copies the few foreign files of the tablet pages out of node_modules, with hashes and licences. Serves arrow 9.

Owns `nattevakt/central/tablet/static/vendor/`: everything there is written by this program and listed in its
manifest, so that neither installing nor running ever needs npm. Must not know how the pages use the files.

Use: `npm ci --ignore-scripts && python tools/vendor_assets.py`. `--check` changes nothing and says what differs.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
VENDOR = ROOT / "nattevakt" / "central" / "tablet" / "static" / "vendor"
MANIFEST = "manifest.json"

DESIGN = "@digdir/designsystemet-css"
FONT = "@fontsource-variable/atkinson-hyperlegible-next"
LUCIDE = "lucide-static"

COPIES = {
    "designsystemet.css": (DESIGN, "dist/src/index.css"),
    "designsystemet-theme.css": (DESIGN, "dist/theme/designsystemet.css"),
    "designsystemet.LICENSE": (DESIGN, "LICENSE"),
    "atkinson-hyperlegible-next-latin.woff2": (FONT, "files/atkinson-hyperlegible-next-latin-wght-normal.woff2"),
    "atkinson-hyperlegible-next.LICENSE": (FONT, "LICENSE"),
    "lucide.LICENSE": (LUCIDE, "LICENSE"),
}
SPRITE = "lucide.svg"
ICONS = (
    "activity",
    "bed",
    "bell-ring",
    "check",
    "circle-question-mark",
    "delete",
    "door-closed",
    "door-open",
    "droplets",
    "eye-off",
    "footprints",
    "house",
    "log-out",
    "moon",
    "person-standing",
    "radio-tower",
    "siren",
    "sun",
    "triangle-alert",
    "unplug",
    "user-round",
    "volume-2",
    "volume-x",
    "wifi",
    "wifi-off",
    "wrench",
    "x",
)
_SHAPES = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)
_STROKE = 'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'


def symbol(name: str, source: str) -> str:
    """One icon file as a <symbol> of the sprite; raises ValueError where the file is not one <svg>."""
    found = _SHAPES.search(source)
    if found is None:
        raise ValueError(f"{name}: not an SVG")
    shapes = " ".join(found.group(1).split())
    return f'<symbol id="{name}" viewBox="0 0 24 24" {_STROKE}>{shapes}</symbol>'


def collect(modules: Path) -> tuple[dict[str, bytes], dict[str, str]]:
    """All vendored files by name, and the package each came from as "name@version"."""
    files: dict[str, bytes] = {}
    origins: dict[str, str] = {}
    for name, (package, path) in COPIES.items():
        files[name] = (modules / package / path).read_bytes()
        origins[name] = f"{package}@{_version(modules, package)}"
    icons = [symbol(n, (modules / LUCIDE / "icons" / f"{n}.svg").read_text("utf-8")) for n in ICONS]
    sprite = '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(icons) + "\n</svg>\n"
    files[SPRITE] = sprite.encode()
    origins[SPRITE] = f"{LUCIDE}@{_version(modules, LUCIDE)}"
    return files, origins


def _version(modules: Path, package: str) -> str:
    return str(json.loads((modules / package / "package.json").read_text("utf-8"))["version"])


def manifest(files: dict[str, bytes], origins: dict[str, str]) -> bytes:
    """The list of vendored files with origin, size and SHA-256, as it is committed."""
    rows = {
        name: {"from": origins[name], "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        for name, body in sorted(files.items())
    }
    return (json.dumps(rows, indent=1) + "\n").encode()


def main(arguments: list[str]) -> int:
    """Write the vendored files, or with --check compare them; returns the exit code."""
    files, origins = collect(MODULES)
    files[MANIFEST] = manifest(files, origins)
    if "--check" in arguments:
        here = {path.name: path.read_bytes() for path in VENDOR.iterdir()}
        wrong = sorted(name for name in here.keys() | files.keys() if here.get(name) != files.get(name))
        print("vendored files differ: " + ", ".join(wrong) if wrong else "vendored files are as packaged")
        return 1 if wrong else 0
    VENDOR.mkdir(parents=True, exist_ok=True)
    for stale in VENDOR.iterdir():
        stale.unlink()
    for name, body in files.items():
        (VENDOR / name).write_bytes(body)
    print(f"{len(files)} files in {VENDOR.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
