"""The demo's side page: what the time is, what comes next, and buttons to make something happen. Serves the demo.

Owns one small HTTP server on 127.0.0.1 and its page. Must not know devices or time: it shows what it is told and
hands on what is pressed. A press counts only from this page itself: it carries a token that no other site can read.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

BODY_BYTES_MAX = 1_000

_STYLE = """
body{margin:0 auto;max-width:60rem;padding:16px 20px;background:#0b0e12;color:#e6ebf0;
font:18px/1.45 system-ui,sans-serif}
h1{font-size:1.3rem;margin:0 0 4px}h2{font-size:1.05rem;margin:22px 0 6px}
p{margin:0 0 6px}#now{font-size:1.6rem;font-weight:700;font-variant-numeric:tabular-nums}
.muted{color:#9fb0bf}a{color:#8fb4ff}ol{margin:0;padding-left:1.2em}
table{border-collapse:collapse;width:100%}td{padding:5px 10px 5px 0;border-top:1px solid #252e38;vertical-align:middle}
button{font:inherit;min-height:44px;padding:0 14px;margin:2px;border:1px solid #5d6c7b;border-radius:10px;
background:#1a2129;color:inherit;cursor:pointer}button:focus-visible{outline:3px solid #fff}
"""
_SCRIPT = """
const token = document.querySelector("meta[name=token]").content;
const put = (id, text) => { document.getElementById(id).textContent = text; };
async function look() {
  try {
    const told = await (await fetch("/status", { cache: "no-store" })).json();
    put("now", told.now);
    put("speed", told.speed);
    const next = document.getElementById("next");
    const item = (line) => Object.assign(document.createElement("li"), { textContent: line });
    next.replaceChildren(...told.next.map(item));
    for (const [key, label] of Object.entries(told.lines)) {
      const button = document.querySelector(`[data-key="${key}"][data-act="linje"]`);
      if (button) button.textContent = label;
    }
  } catch { put("speed", "Demoen svarer ikke."); }
  setTimeout(look, 500);
}
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  button.disabled = true;
  const body = JSON.stringify({ key: button.dataset.key, act: button.dataset.act });
  try {
    const answer = await fetch("/act", { method: "POST", headers: { "X-Token": token }, body });
    put("said", answer.ok ? (await answer.json()).said : "Det gikk ikke.");
  } catch { put("said", "Demoen svarer ikke."); }
  button.disabled = false;
});
look();
"""


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


CSP = (
    f"default-src 'none'; style-src {_hash(_STYLE)}; script-src {_hash(_SCRIPT)}; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
Row = tuple[str, str, Sequence[tuple[str, str]]]
"""One line of the table: key, words, and buttons (act, words)."""


class SidePage:
    """The server, from `start` to `stop`."""

    def __init__(
        self,
        port: int,
        rows: Sequence[Row],
        board_url: str,
        status: Callable[[], Mapping[str, object]],
        act: Callable[[str, str], str | None],
    ) -> None:
        """status: now, speed, next and lines as the script shows them. act: (key, act) → what it says, None where
        there is no such thing. Both are called from threads of this server."""
        self.token = secrets.token_urlsafe(24)
        page = _page(rows, board_url, self.token).encode()
        token = self.token

        class Handler(_Handler):
            known: ClassVar[dict[str, Any]] = {"page": page, "token": token, "status": status, "act": act}

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = Handler.known["port"] = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.2,), name="side", daemon=True)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """End the server."""
        if self._thread.ident is not None:
            self._server.shutdown()
            self._thread.join(5)
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    known: ClassVar[dict[str, Any]] = {}
    timeout = 10

    def _get(self) -> None:
        """The page, or what it shows."""
        if not self._is_ours():
            self._answer(403, b"", "text/plain")
        elif self.path == "/":
            self._answer(200, self.known["page"], "text/html; charset=utf-8")
        elif self.path == "/status":
            self._answer(200, _json(self.known["status"]()), "application/json")
        else:
            self._answer(404, b"", "text/plain")

    def _post(self) -> None:
        """A button."""
        given = self.headers.get("X-Token", "")
        length = self.headers.get("Content-Length", "")
        if not self._is_ours() or not secrets.compare_digest(given.encode(), self.known["token"].encode()):
            self._answer(403, b"", "text/plain")
            return
        if self.path != "/act" or not length.isdecimal() or int(length) > BODY_BYTES_MAX:
            self._answer(400, b"", "text/plain")
            return
        try:
            wish = json.loads(self.rfile.read(int(length)))
            said = self.known["act"](str(wish["key"]), str(wish["act"]))
        except (ValueError, KeyError, TypeError):
            said = None
        if said is None:
            self._answer(400, b"", "text/plain")
        else:
            self._answer(200, _json({"said": said}), "application/json")

    do_GET, do_POST = _get, _post  # noqa: N815 - the names that the library calls them by

    def _is_ours(self) -> bool:
        """Asked for by the name that we gave out: no other name that somebody has let point to 127.0.0.1."""
        port = self.known["port"]
        return self.headers.get("Host", "") in (f"127.0.0.1:{port}", f"localhost:{port}")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        for name, value in (
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Content-Security-Policy", CSP),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the library calls it by
        """Nothing: the terminal tells the story."""


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _page(rows: Sequence[Row], board_url: str, token: str) -> str:
    def button(key: str, act: str, words: str) -> str:
        return f'<button type="button" data-key="{escape(key)}" data-act="{escape(act)}">{escape(words)}</button>'

    table = "".join(
        f"<tr><td>{escape(words)}</td><td>{''.join(button(key, act, label) for act, label in buttons)}</td></tr>"
        for key, words, buttons in rows
    )
    return (
        '<!doctype html><html lang="nb"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="token" content="{token}"><title>Nattevakt: bak kulissene</title><style>{_STYLE}</style></head>'
        '<body><h1>Bak kulissene i demoen</h1><p id="now"></p><p id="speed"></p>'
        f'<p class="muted">Tavla er på <a href="{escape(board_url)}">{escape(board_url)}</a>. '
        "Her bestemmer du hva som skjer; der ser du hva nattevakta ser.</p>"
        '<h2>Dette skjer snart</h2><ol id="next"></ol>'
        f'<h2>La noe skje nå</h2><table>{table}</table><p id="said" role="status"></p>'
        f"<script>{_SCRIPT}</script></body></html>"
    )
