"""The demo's broker: a real mosquitto where one is installed, else amqtt in a process of its own.

Owns only the start of a broker. amqtt speaks MQTT 3.1.1 and forgets offline messages, so tests and production never
use it. `python -m nattevakt.sim.broker PORT` is the embedded one.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from pathlib import Path

from amqtt.broker import Broker


def command(port: int, folder: Path) -> tuple[str, list[str]]:
    """The name of the broker that this machine has and the command that starts it on 127.0.0.1:port."""
    program = shutil.which("mosquitto")
    if program is None:
        return "embedded (amqtt)", [sys.executable, "-m", "nattevakt.sim.broker", str(port)]
    config = folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n", encoding="utf-8")
    return "mosquitto", [program, "-c", str(config)]


async def _serve(port: int) -> None:
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await broker.start()
    await ended.wait()
    await broker.shutdown()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
