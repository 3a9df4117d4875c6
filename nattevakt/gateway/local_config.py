"""The settings of a gateway's life without the centre. Serves arrow 7 at the gateway.

Owns their names and limits. Must not know what is done with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nattevakt.edge.errors import RejectError
from nattevakt.edge.strict import record
from nattevakt.gateway import setting


@dataclass(frozen=True, slots=True)
class LocalConfig:
    """[local]: what the gateway does by itself while the centre is away.

    after_s: so long without a good answer from the centre, 30 to 600. page: where the gateway's own page is served, as
    "0.0.0.0:8088"; unset for no page. page_code_file: a file with the code that readers of the page must give.
    """

    after_s: float = 60.0
    page: str = ""
    page_code_file: Path | None = None

    @property
    def listens(self) -> tuple[str, int] | None:
        """The page's address and port, None for no page."""
        host, colon, port = self.page.rpartition(":")
        return (host, int(port)) if colon else None


def _listen(value: object, where: str) -> str:
    found = setting.filled(value, where)
    host, _, port = found.rpartition(":")
    if not host or ":" in host or not port.isascii() or not port.isdigit() or not 0 <= int(port) <= 65_535:
        raise RejectError(where, 'must be an address and a port, as "0.0.0.0:8088"')
    return found


read = record(
    LocalConfig,
    {"after_s": setting.between(30, 600), "page": _listen, "page_code_file": setting.path},
    closed=True,
)
"""The section as it stands in the file."""
