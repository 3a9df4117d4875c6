"""The tablet's static files, read once and named by their content. Serves arrow 9.

Owns which files there are, their types and their build id. Must not know what they are for. The build id is a part
of the path, so that modules that import each other stay of one build, and a browser may keep them for good.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

STATIC = Path(__file__).resolve().parent / "static"
BUILD_CHARS = 16
TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
    ".LICENSE": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is served."""

    body: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Assets:
    """All files of one build, by their path below static/."""

    build: str
    files: Mapping[str, Asset]

    def url(self, path: str) -> str:
        """The address of a file; raises KeyError for one that there is not."""
        return f"/static/{self.build}/{path}" if self.files[path] else ""


@cache
def load() -> Assets:
    """Read all files below static/."""
    files: dict[str, Asset] = {}
    digest = hashlib.sha256()
    for path in sorted(STATIC.rglob("*")):
        if path.is_file() and path.suffix in TYPES:
            name, body = path.relative_to(STATIC).as_posix(), path.read_bytes()
            files[name] = Asset(body, TYPES[path.suffix])
            digest.update(name.encode() + b"\0" + body + b"\0")
    return Assets(digest.hexdigest()[:BUILD_CHARS], MappingProxyType(files))
