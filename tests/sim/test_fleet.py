"""A fleet of simulated gateways against a real centre process; and against a line that lies, which it must report."""

from __future__ import annotations

import http.client
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from nattevakt.edge.wire import ItemReply, Outcome, decode_batch_reply, encode_message
from nattevakt.sim.__main__ import main
from nattevakt.sim.fleet import quantile
from nattevakt.sim.fleet_seed import FleetError, homes, seed_text
from tests.support.processes import ROOT, answers, free_port, python
from tests.support.wait import until

pytestmark = pytest.mark.acceptance

GATEWAYS = 20
FAST = ["--speed", "60", "--heartbeat", "15", "--for", "2", "--patience", "20", "--connections", "20"]
"""A minute of the night every second, and four heartbeats a second from each gateway."""


class Town:
    """A centre with twenty homes. Three commands made it: as its help says."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.seed, self.keys, config = folder / "flaate.toml", folder / "flaate.keys", folder / "central.toml"
        config.write_text(
            f'[database]\nurl = "sqlite:///{folder / "central.sqlite"}"\n[http]\nport = {self.port}\n',
            encoding="utf-8",
        )
        assert main(["fleet", "--gateways", str(GATEWAYS), "--seed-file", str(self.seed)]) == 0
        words = [sys.executable, "-m", "nattevakt.central", "seed", "--config", str(config), str(self.seed)]
        said = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
        self.keys.write_text(said.stdout, encoding="utf-8")
        self.words = ("-m", "nattevakt.central", "run", "--config", str(config))
        self.folder = folder

    def play(self, port: int, *more: str) -> int:
        """The third command."""
        where = ["--seed-file", str(self.seed), "--keys", str(self.keys), "--centre", f"http://127.0.0.1:{port}"]
        return main(["fleet", "--gateways", str(GATEWAYS), *where, *FAST, *more])


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The centre runs for all tests of this file."""
    made = Town(tmp_path_factory.mktemp("fleet"))
    with python("central", made.folder, *made.words):
        until(lambda: answers(made.port), "the centre listens")
        yield made


def test_a_night_and_a_storm_lose_nothing(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    """Twenty homes, then the power returns to them with forty events each: all of it is acknowledged."""
    assert town.play(town.port, "--storm", "--backlog", "40", "--within", "2", "--progress") == 0
    said, shown = capsys.readouterr()
    assert f"merkene er like for alle {GATEWAYS} gatewayer. Tapt: 0." in said
    (late,) = [line.split() for line in said.splitlines() if line.startswith("  etterslep, andre")]
    (calls,) = [line.split() for line in said.splitlines() if line.startswith("  etterslep, anrop")] or [["0"] * 6]
    gathered = [int(number) for line in (late, calls) for number in line if number.isdigit()][:1]
    assert gathered[0] > 700
    assert "rolig natt" in said
    assert "storm" in said
    assert f"{GATEWAYS} av {GATEWAYS} oppe" in shown


class Liar(BaseHTTPRequestHandler):
    """Between fleet and centre: keeps the last event of every batch of several, and says that it was stored."""

    protocol_version = "HTTP/1.1"
    centre = 0
    kept = 0

    def do_POST(self) -> None:
        """Pass a request on, all but truthfully."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        lines = body.splitlines(keepends=True)
        lies = self.path.endswith("/batches") and len(lines) > 2
        status, answer = self._asked(b"".join(lines[:-1]) if lies else body)
        if lies and status == 200:
            type(self).kept += 1
            reply = decode_batch_reply(answer)
            answer = encode_message(replace(reply, outcomes=(*reply.outcomes, ItemReply(Outcome.STORED))))
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _asked(self, body: bytes) -> tuple[int, bytes]:
        names = ("Authorization", "Content-Type", "Nattevakt-Lane")
        connection = http.client.HTTPConnection("127.0.0.1", self.centre, timeout=10)
        try:
            connection.request("POST", self.path, body, {name: self.headers[name] for name in names})
            reply = connection.getresponse()
            return reply.status, reply.read()
        finally:
            connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own name
        """Say nothing."""


@contextmanager
def lying(centre: int) -> Iterator[int]:
    """A port behind which the centre is, and a lie."""
    Liar.centre, Liar.kept = centre, 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Liar) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join(5)


def test_what_is_acknowledged_and_not_kept_is_reported(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    with lying(town.port) as port:
        code = town.play(port, "--storm", "--backlog", "30", "--within", "1", "--patience", "4")
        assert Liar.kept > 0
    said = capsys.readouterr().out
    assert code == 1
    assert "TAP: " in said
    assert "var kvittert uten å være lagret" in said


def test_what_cannot_be_played_is_said(town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(*words: str) -> str:
        assert main(["fleet", "--seed-file", str(town.seed), *words]) == 2
        return capsys.readouterr().err

    keys = ["--keys", str(town.keys)]
    assert "--elsewhere" in refused("--centre", "https://sentral.example.no", *keys)
    assert "--keys mangler" in refused("--centre", "http://127.0.0.1:1")
    assert f"har {GATEWAYS} gatewayer" in refused("--centre", "http://127.0.0.1:1", "--gateways", "21", *keys)
    assert "ingen adresse" in refused("--centre", "127.0.0.1:8000", *keys)
    assert "--gateways" in refused("--gateways", "0")
    assert "--speed" in refused("--speed", "0")
    assert "--backlog" in refused("--backlog", "0")
    (tmp_path / "none").write_text("", encoding="utf-8")
    with pytest.raises(FleetError, match="ingen nøkkel for hus-0001"):
        homes(town.seed, tmp_path / "none", 1)


def test_a_seed_of_a_town_fits_in_one_file(tmp_path: Path) -> None:
    """Two thousand homes are one municipality; every fourth has a plan."""
    text = seed_text(2_000)
    assert text.count("[[gateway]]") == 2_000
    assert text.count("[[device]]") == 10_000
    assert text.count("[[plan]]") == 500


def test_quantiles() -> None:
    assert quantile([], 0.99) == 0
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile(list(range(1, 101)), 0.99) == 99
