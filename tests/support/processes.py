"""Real processes: started, watched, stopped by the id we started, killed on purpose."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from tests.support.wait import until

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """A TCP port on 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Whether something listens on this port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Running:
    """One child process with its log in a file; a context manager that leaves nothing behind."""

    def __init__(self, name: str, command: list[str], folder: Path, env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})}
            )

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def text(self) -> str:
        """What it has logged so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to exactly this process."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL and reap."""
        if self.alive:
            self.process.kill()
        self.process.wait(30)

    def died(self, limit_s: float = 30) -> int:
        """Wait until it ended by itself and return its exit status."""
        return self.process.wait(limit_s)

    def stop(self) -> int:
        """SIGCONT, SIGTERM, and after 15 s SIGKILL."""
        if self.alive:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(15)
        return int(self.process.returncode)


def python(name: str, folder: Path, *words: str, env: Mapping[str, str] | None = None) -> Running:
    """A child running this interpreter with the project on its path."""
    paths = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    return Running(name, [sys.executable, *words], folder, {**paths, **(env or {})})


def mosquitto(folder: Path, port: int, more: str = "") -> Running:
    """A real mosquitto with durable sessions in `folder`, on 127.0.0.1 only. more: further lines of its settings."""
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    assert program, "mosquitto is missing: make test installs it"
    config = folder / "mosquitto.conf"
    store = folder / "mosquitto-data"
    store.mkdir(exist_ok=True)
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
        f"persistence_location {store}/\nautosave_on_changes true\nautosave_interval 1\n"
        + ("user root\n" if os.getuid() == 0 else "")
        + more,
        encoding="utf-8",
    )
    running = Running("mosquitto", [program, "-c", str(config)], folder)
    until(lambda: answers(port), "mosquitto listens")
    return running
